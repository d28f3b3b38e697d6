"""The dialect that docs/dialects.md shows, for the tests of the seam."""

from collections.abc import Sequence

from protocol.dialects.dialect import Frame, OpeningRequest
from protocol.messages import events
from protocol.messages.errors import RemoteProtocolError


class LineDialect:
    """``SAY hello`` is a typed command, ``ANSWER good morning`` its answer; audio comes as binary frames."""

    subprotocol = "lines"
    may_resume = False
    max_frame_bytes = 65_536

    def __init__(self, request: OpeningRequest) -> None:
        self._name = request.query.get("name", "guest")

    def open(self) -> events.ConnectionRequest:
        return events.ConnectionRequest(self._name, ("stt", "llm", "tools"))

    def decode(self, frame: Frame) -> Sequence[events.ClientEvent | bytes]:
        if isinstance(frame, bytes):
            return (frame,)
        match frame.partition(" "):
            case "SAY", _, text:
                return (events.Text(text),)
            case "STOP", _, _:
                return (events.Interrupt(),)
            case "BYE", _, _:
                return (events.Bye(),)
            case word, _, _:
                raise RemoteProtocolError("unknown_type", f"a line begins with SAY, STOP or BYE, not {word[:20]!r}")

    def encode(self, event: events.ServerEvent, seq: int) -> Sequence[Frame]:
        match event:
            case events.Reply(text=text):
                return (f"ANSWER {text}",)
            case events.Error(message=reason) | events.ConnectionRefused(reason=reason):
                return (f"NO {reason}",)
            case _:
                return ()  # this client does not want to know

    def speech(self, audio: bytes) -> Sequence[Frame]:
        return (audio,)
