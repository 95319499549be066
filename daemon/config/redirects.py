"""`accept_redirect` of a webhook: below what a redirect says that a message was taken."""

from typing import Annotated

from pydantic import AfterValidator

from daemon.config.values import Seen, split_url
from daemon.core.webhooks.redirects import prefix


def _accept_redirect(value: str) -> str:
    split_url(value)
    prefix(value)
    return value


AcceptRedirect = Annotated[Seen, AfterValidator(_accept_redirect)]
