"""Which dialect is spoken where."""

import secrets
from collections.abc import Mapping
from typing import Final

from protocol.dialects.dialect import MakeDialect, OpeningRequest
from protocol.dialects.native import NativeDialect
from protocol.dialects.realtime.dialect import RealtimeDialect

ID_BYTES: Final = 9  # 12 characters: no two of one server's are alike


def realtime(request: OpeningRequest) -> RealtimeDialect:
    """Return the dialect of a client of OpenAI's Realtime API."""
    return RealtimeDialect(request, lambda: secrets.token_urlsafe(ID_BYTES))


DIALECTS: Final[Mapping[str, MakeDialect]] = {
    "/ws": lambda _request: NativeDialect(),
    "/v1/realtime": realtime,
}
"""By the path of a WebSocket."""
