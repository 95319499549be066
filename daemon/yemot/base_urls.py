"""Where the API is, by the platform's documentation: `<address><method>`."""

BASE_URL = "https://www.call2all.co.il/ym/api/"
GATEWAY_URL = "https://rest.yemot.co.il/api/v1/switch/"
"""The newer gateway, which takes a key as bearer and a `switch-id`."""
FALLBACK_URL = "https://private.call2all.co.il/ym/api/"
"""The twin of `BASE_URL`: equivalent, so reads may fail over to it."""
