"""Which dialect is spoken where."""

from collections.abc import Mapping
from typing import Final

from protocol.dialects.dialect import MakeDialect
from protocol.dialects.native import NativeDialect

DIALECTS: Final[Mapping[str, MakeDialect]] = {
    "/ws": lambda _request: NativeDialect(),
}
"""By the path of a WebSocket."""
