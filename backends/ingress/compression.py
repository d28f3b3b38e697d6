"""Gzip for answers; pure."""

import gzip
from typing import Final

MIN_BYTES: Final = 1_000
"""Smallest body to compress: a smaller one fits one packet anyway."""
LEVEL: Final = 1  # JSON and metrics shrink about as much as with 6, in a third of the time; the loop waits for it
COMPRESSIBLE: Final = (
    "text/",
    "application/json",
    "application/openmetrics-text",
    "application/javascript",
    "image/svg",
)


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an ``Accept-Encoding`` header asks for gzip (RFC 9110, section 12.5.3)."""
    weights = dict(map(_coding, accept_encoding.lower().split(",")))
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _coding(item: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in item.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            return name, _weight(value.strip())
    return name, 1.0


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0  # a weight that cannot be read asks for nothing


def is_compressible(content_type: str, body: bytes) -> bool:
    """Return whether the body may be compressed: such answers need ``Vary: Accept-Encoding``."""
    return len(body) > MIN_BYTES and content_type.startswith(COMPRESSIBLE)


def compressed(body: bytes, content_type: str, accept_encoding: str) -> bytes | None:
    """Return ``body`` in gzip if the client accepts that and the body is large enough, else ``None``."""
    if is_compressible(content_type, body) and accepts_gzip(accept_encoding):
        return gzip.compress(body, LEVEL, mtime=0)
    return None
