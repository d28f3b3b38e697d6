"""Compression on a WebSocket (permessage-deflate, RFC 7692), for clients that offer it.

Rules kept here:

* No context is kept between messages, so an idle socket holds no compressor (which would be 300 KiB a client), and no
  message can be guessed by how well another one compresses.
* Long texts are compressed, and audio never: it would not become smaller.
* A client may compress what it likes, browsers compress everything. What comes out is bounded for each message, however
  many fragments it has: beyond it the socket closes with 1009. 256 KiB are inflated in 0.8 ms.
"""

from collections.abc import Sequence
from typing import Final

from websockets.exceptions import PayloadTooBig
from websockets.extensions.base import Extension, ServerExtensionFactory
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.typing import ExtensionName, ExtensionParameter

MIN_BYTES: Final = 1_000  # of a text: what an answer over HTTP must have, too
INFLATED_MAX_BYTES: Final = 1 << 18
"""Of one compressed message: a text of 65,536 characters has no more in UTF-8, and it is 8 s of 16 kHz audio."""
WINDOW_BITS: Final = 12  # 4 KiB: the longest event is a few times that
MEMORY_LEVEL: Final = 5
LEVEL: Final = 1


class TextDeflate(PerMessageDeflate):
    """The extension of one socket."""

    _inflated_bytes = 0
    """Of the message that is arriving."""

    def encode(self, frame: Frame) -> Frame:
        """Return the frame to send: a long text compressed, everything else as it is. We send no fragments."""
        return super().encode(frame) if frame.opcode is Opcode.TEXT and len(frame.data) > MIN_BYTES else frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Return the frame that was received, inflated; raises ``PayloadTooBig`` before it has become too large."""
        if frame.opcode in {Opcode.TEXT, Opcode.BINARY}:
            self._inflated_bytes = 0
        is_compressed = frame.rsv1 or (frame.opcode is Opcode.CONT and self.decode_cont_data)
        if not is_compressed:
            return super().decode(frame, max_size=max_size)
        left = INFLATED_MAX_BYTES - self._inflated_bytes
        bound = left if max_size is None else min(left, max_size)
        if bound <= 0:  # 0 is no bound for zlib
            if len(frame.data) == 0:
                return super().decode(frame, max_size=1)
            raise PayloadTooBig(None, bound)
        inflated = super().decode(frame, max_size=bound)
        self._inflated_bytes += len(inflated.data)
        return inflated


class DeflateOffer(ServerExtensionFactory):
    """Agrees to permessage-deflate with a client that offers it."""

    name = ExtensionName("permessage-deflate")

    def __init__(self) -> None:
        self._terms = ServerPerMessageDeflateFactory(
            server_no_context_takeover=True,
            client_no_context_takeover=True,
            server_max_window_bits=WINDOW_BITS,
            client_max_window_bits=WINDOW_BITS,
            compress_settings={"level": LEVEL, "memLevel": MEMORY_LEVEL},
        )

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], TextDeflate]:
        """Return what is agreed, and the extension; raises ``NegotiationError`` for terms that cannot be met."""
        agreed, made = self._terms.process_request_params(params, accepted_extensions)
        return agreed, TextDeflate(
            made.remote_no_context_takeover,
            made.local_no_context_takeover,
            made.remote_max_window_bits,
            made.local_max_window_bits,
            made.compress_settings,
        )
