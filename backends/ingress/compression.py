"""Compression of answers: Zstandard and gzip, as the client asks; pure.

Rules kept here:

* The client's weights decide, and between equal ones Zstandard: it takes a fifth of gzip's time for as small a result.
* What is short or dense already stays as it is.
"""

import gzip
import re
import sys
from collections.abc import Callable, Mapping
from typing import Final

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIN_BYTES: Final = 1_000
"""Smallest body to compress: a smaller one fits one packet anyway; the performance guide's."""
GZIP_LEVEL: Final = 1  # JSON and metrics shrink about as much as with 6, in a third of the time; the loop waits for it
ZSTD_LEVEL: Final = 3  # its own default; 0.1 ms for 190 kB of text
COMPRESSIBLE: Final = (
    "text/",
    "application/json",
    "application/manifest+json",
    "application/openmetrics-text",
    "application/javascript",
    "image/svg",
)
WEIGHT: Final = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
NOTHING: Final = "identity"


def _zstd(body: bytes) -> bytes:
    return zstd.compress(body, ZSTD_LEVEL)


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


CODINGS: Final[Mapping[str, Callable[[bytes], bytes]]] = {"zstd": _zstd, "gzip": _gzip}
"""By their names (RFC 8878, section 7.2, and RFC 9110, section 8.4.1), the better ones first."""


def chosen_coding(accept_encoding: str) -> str | None:
    """Return the coding that an ``Accept-Encoding`` header likes best, ``None`` for none (RFC 9110, section 12.5.3)."""
    weights = dict(map(_coding, accept_encoding.lower().split(",")))
    others = weights.get("*", 0.0)
    weight, best = 0.0, None
    for name in CODINGS:
        if weights.get(name, others) > weight:
            weight, best = weights.get(name, others), name
    return None if weights.get(NOTHING, 0.0) > weight else best


def _coding(item: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in item.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            return name, _weight(value.strip())
    return name, 1.0


def _weight(text: str) -> float:
    return float(text) if WEIGHT.fullmatch(text) else 0.0  # a weight that cannot be read asks for nothing


def is_compressible(content_type: str, body: bytes) -> bool:
    """Return whether the body may be compressed: such answers need ``Vary: Accept-Encoding``."""
    return len(body) > MIN_BYTES and content_type.startswith(COMPRESSIBLE)


def compressed(body: bytes, content_type: str, accept_encoding: str) -> tuple[str, bytes] | None:
    """Return a coding and ``body`` in it, if the client accepts one and the body is large enough, else ``None``."""
    coding = chosen_coding(accept_encoding) if is_compressible(content_type, body) else None
    return None if coding is None else (coding, CODINGS[coding](body))
