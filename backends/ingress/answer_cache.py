"""Which answers to GET a client may keep, and for how long; pure.

Rules kept here:

* Every route that is not in the table is not kept (``no-store``): it says how the server is now, or what people said.
* What is the same for everyone may be kept by shared caches; the rest by the client alone, and for the same key.
* What a request changes is asked about each time: a client that has loaded a model sees it.
* Each answer that may be kept has an ``ETag``, and who has it already gets 304 instead of the body.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

import attrs

NOT_MODIFIED: Final = 304
ETAG_CHARS: Final = 32  # 128 bits of the digest
NOT_KEPT: Final = "no-store"


@attrs.frozen
class CacheRule:
    """How the answers of one route are kept."""

    is_shared: bool = False
    """Whether they are the same for everyone."""
    is_asked_again: bool = False
    """Whether they may be used only after the server was asked again."""

    def headers(self, lasts_s: float) -> tuple[tuple[str, str], ...]:
        """Return the headers besides ``ETag``, for a time of ``lasts_s``."""
        whose = "public" if self.is_shared else "private"
        how_long = "no-cache" if self.is_asked_again or lasts_s < 1 else f"max-age={int(lasts_s)}"
        control = ("Cache-Control", f"{whose}, {how_long}")
        return (control,) if self.is_shared else (control, ("Vary", "Authorization, Cookie"))


RULES: Final[Mapping[str, CacheRule]] = {
    "/openapi.json": CacheRule(is_shared=True),
    "/asyncapi.json": CacheRule(is_shared=True),
    "/api/commands": CacheRule(),
    "/v1/audio/voices": CacheRule(),
    "/v1/models": CacheRule(),
    "/v1/models/<path:name>": CacheRule(),
    "/api/models": CacheRule(is_asked_again=True),
    "/api/tools": CacheRule(is_asked_again=True),
}
"""By the template of the route."""


def etag_of(body: bytes) -> str:
    """Return the ``ETag`` of an answer: weak, because the body may go out compressed."""
    return f'W/"{hashlib.sha256(body).hexdigest()[:ETAG_CHARS]}"'


def has_etag(if_none_match: str, etag: str) -> bool:
    """Return whether an ``If-None-Match`` header names ``etag``, by weak comparison (RFC 9110, section 13.1.2)."""
    named = [item.strip().removeprefix("W/") for item in if_none_match.split(",")]
    return "*" in named or etag.removeprefix("W/") in named
