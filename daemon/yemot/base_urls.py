"""Where the API is, by the platform's documentation: `<address><method>`."""

BASE_URL = "https://www.call2all.co.il/ym/api/"
FALLBACK_URL = "https://private.call2all.co.il/ym/api/"
"""The twin of `BASE_URL`: equivalent, so reads may fail over to it."""
