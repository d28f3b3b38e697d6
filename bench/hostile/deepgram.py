"""Deepgram's live transcription, from a connection's parameters to the frames behind them."""

from typing import Final
from urllib.parse import parse_qsl

from protocol.dialects.deepgram.dialect import DeepgramDialect
from protocol.dialects.dialect import HandshakeRefused, OpeningRequest
from protocol.messages.events import NothingCommitted, Ping, Pong

MARK: Final = b"\n"
"""Stands between the parameters and each frame."""
LIVE: Final = (
    b"encoding=linear16&sample_rate=16000&channels=2&interim_results=true&utterance_end_ms=1000&language=en-US"
)
SAMPLES: Final = (
    LIVE + b"&keyterm=Zoe&keywords=lamp:2\n" + bytes(64) + b'\n{"type": "KeepAlive"}\n{"type": "CloseStream"}',
    b'encoding=mulaw&sample_rate=8000&endpointing=false\n\xff\x80\n{"type": "Finalize"}',
    b"encoding=opus\n\x7d\x01\x02",
    b'model=nova-3&redact=false\n{"type": "Configure", "keyterms": ["Zoe \\ud83d\\ude00"], "features": {}}',
    (
        b"\nRIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0"
        b"data\xff\xff\xff\xff\x01\x02"
    ),
)


def deepgram(data: bytes) -> int:
    """Read parameters and frames as a connection does; return how many frames there were."""
    query, *frames = data.split(MARK)
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        values.setdefault(name, []).append(value)
    try:
        dialect = DeepgramDialect(OpeningRequest("/v1/listen", repeated=values), lambda: "1", lambda: 1.0)
        dialect.open()
    except HandshakeRefused as refused:
        if any(not value.isascii() or not value.isprintable() for _, value in refused.headers):
            raise ValueError("a header that cannot be sent") from refused
        raise
    for frame in frames:
        is_text = frame.startswith((b"{", b"["))
        for said in dialect.decode(frame.decode(errors="replace") if is_text else frame):
            if isinstance(said, Ping):
                dialect.encode(Pong(said.t), 1)
    dialect.encode(NothingCommitted(0), 1)
    return len(frames)
