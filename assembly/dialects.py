"""Which dialect is spoken where."""

import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Final

from backends.speech.resampling import RateConverter
from protocol.dialects.deepgram.dialect import DeepgramDialect
from protocol.dialects.dialect import MakeDialect, OpeningRequest
from protocol.dialects.native import NativeDialect
from protocol.dialects.realtime.beta import BetaDialect, asks_for_beta
from protocol.dialects.realtime.dialect import RealtimeDialect

ID_BYTES: Final = 9  # 12 characters: no two of one server's are alike


def realtime(request: OpeningRequest) -> RealtimeDialect | BetaDialect:
    """Return the dialect of a client of OpenAI's Realtime API, by the names that it asks for."""
    dialect = RealtimeDialect(request, lambda: secrets.token_urlsafe(ID_BYTES), RateConverter)
    return BetaDialect(dialect) if asks_for_beta(request) else dialect


def deepgram(request: OpeningRequest) -> DeepgramDialect:
    """Return the dialect of a client of Deepgram's live transcription; raises ``HandshakeRefused``."""
    return DeepgramDialect(request, lambda: str(uuid.uuid4()), time.time)


DIALECTS: Final[Mapping[str, MakeDialect]] = {
    "/ws": lambda _request: NativeDialect(),
    "/v1/realtime": realtime,
    "/v1/listen": deepgram,
}
"""By the path of a WebSocket."""
