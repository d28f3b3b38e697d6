"""A session behind chat completions: a text in, the parts of its answer out; sans-IO.

Rules kept here:

* A frame of the client is a whole text. A frame to it is an ``AnswerPart`` as JSON; the last of a text's says so.
* A question (whether a call may be made, or what a command lacks) is an answer, too. The session may be kept for the
  text that answers it: then that text and the turn that has asked both end.
"""

from collections.abc import Sequence
from typing import Final

import attrs
import msgspec

from protocol.dialects.dialect import Frame
from protocol.messages import events
from protocol.messages.errors import RemoteProtocolError

CLIENT_ID: Final = "chat"
ANSWERS: Final[tuple[events.Capability, ...]] = ("llm", "tools")
UNAVAILABLE, TOO_MANY_REQUESTS = 503, 429
STATUSES: Final = {"rate_limited": TOO_MANY_REQUESTS}
NO_ANSWER: Final = "the turn ended without an answer"


class AnswerError(msgspec.Struct, frozen=True):
    """Why there is no answer; ``status`` is HTTP's."""

    status: int
    message: str
    retry_after_s: float | None = None


class AnswerPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of an answer."""

    text: str = ""
    is_last: bool = False
    open_for_s: float = 0.0
    """Of the last one: for how long the user may still answer a question; 0 if none was asked."""
    error: AnswerError | None = None


_encoder: Final = msgspec.json.Encoder()
read_part: Final = msgspec.json.Decoder(AnswerPart).decode
"""Returns the ``AnswerPart`` of a frame."""


@attrs.define
class ChatDialect:
    """One conversation."""

    subprotocol = None
    may_resume = False
    max_frame_bytes = None

    instructions: str | None = None
    _open_turns: int = attrs.field(default=0, init=False)
    """How many turns must end before the text at hand is answered; 0 if there is none."""
    _asking: str | None = attrs.field(default=None, init=False)
    """The turn that waits for a yes or no."""
    _shown: str = attrs.field(default="", init=False)
    """What was told of the answer at hand."""
    _open_for_s: float = attrs.field(default=0.0, init=False)
    _error: AnswerError | None = attrs.field(default=None, init=False)

    def open(self) -> events.ConnectionRequest:
        """Return what each conversation asks for: texts and their answers."""
        return events.ConnectionRequest(
            CLIENT_ID, ANSWERS, wake="", instructions=self.instructions, announcements=False
        )

    def decode(self, frame: Frame) -> Sequence[events.ClientEvent | bytes]:
        """Return the text; raises ``RemoteProtocolError`` for anything else."""
        if isinstance(frame, bytes):
            raise RemoteProtocolError("bad_audio", "a chat has no audio")
        self._open_turns = 1 if self._asking is None else 2  # the answer is a turn, and the one that asked goes on
        self._shown, self._open_for_s, self._error = "", 0.0, None
        return (events.Text(frame),)

    def encode(self, event: events.ServerEvent, _seq: int) -> Sequence[Frame]:
        """Return the parts of the answer that an event tells; most events tell none."""
        match event:
            case events.ConnectionRefused(reason, retry_after_ms):
                return self._end(AnswerError(UNAVAILABLE, reason, retry_after_ms / 1000))
            case events.Error(code=code, message=message, retry_after_ms=wait_ms):
                wait_s = None if wait_ms is None else wait_ms / 1000
                self._error = AnswerError(STATUSES.get(code, UNAVAILABLE), message, wait_s)
                return self._end(self._error) if event.turn_id is None else ()
            case events.TurnCompleted(turn_id):
                return self._completed(turn_id)
        return self._tell(event) if self._open_turns else ()

    def _tell(self, event: events.ServerEvent) -> Sequence[Frame]:
        """Return what an event adds to the answer at hand."""
        match event:
            case events.ReplyDelta(text=text):
                self._shown += text
                return (_frame(AnswerPart(text)),)
            case events.Reply(text=text):
                return self._whole(text)
            case events.Question(open_for_s=open_for_s):
                self._open_for_s = open_for_s
            case events.ConfirmRequest(turn_id, say=say, expires_in_s=expires_in_s):
                self._asking, self._open_for_s = turn_id, expires_in_s
                return (*self._whole(say), *self._end())
        return ()

    def speech(self, _audio: bytes) -> Sequence[Frame]:
        """Return nothing: a chat does not speak."""
        return ()

    def _whole(self, text: str) -> Sequence[Frame]:
        """Tell what was not told of a text that is complete; ``_shown`` may have begun with it, or with another one."""
        told, whole = self._shown.strip(), text.strip()
        if told.endswith(whole):
            return ()
        if not whole.startswith(told):
            rest = f"\n{whole}"
        else:
            rest = whole.removeprefix(told)
            rest = rest if self._shown.endswith(told) else rest.lstrip()  # the space before it was told
        self._shown += rest
        return (_frame(AnswerPart(rest)),)

    def _completed(self, turn_id: str) -> Sequence[Frame]:
        if turn_id == self._asking:
            self._asking = None
        if not self._open_turns:
            return ()  # it had its question answered by nobody
        self._open_turns -= 1
        if self._open_turns:
            return ()
        return self._end(None if self._shown else self._error or AnswerError(UNAVAILABLE, NO_ANSWER))

    def _end(self, error: AnswerError | None = None) -> Sequence[Frame]:
        self._open_turns = 0
        return (_frame(AnswerPart(is_last=True, open_for_s=self._open_for_s, error=error)),)


def _frame(part: AnswerPart) -> str:
    return _encoder.encode(part).decode()
