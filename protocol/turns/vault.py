"""What a session remembers while its actors come and go.

Rules kept here:

* No logic that can fail: whatever is asked of it, it answers.
* Everything is bounded, so a session that lives for days does not grow.
* Positions are in samples at 16 kHz unless the name says otherwise.
"""

from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

import attrs

from protocol.admission.tenants import tenant_of
from protocol.audio.pcm_buffer import PcmBuffer
from protocol.messages.events import ConnectionRequest

MAX_EVENTS = 256  # what a client can catch up on after a lost connection
KEPT_S = 120.0  # as long as that takes at most: a loss is noticed within 50 s, and waited for another 30 s
MAX_TURNS = 32  # more than any context window of a small model takes
MAX_CALLS = 1_024  # ids are random: this is hours of tool calls


@attrs.define
class Diary:
    """What was sent, said and done, the oldest forgotten first, and whose client was there last."""

    tenant: str = ""
    last_seq: int = 0
    events: deque[tuple[int, str, float]] = attrs.field(factory=lambda: deque(maxlen=MAX_EVENTS))
    """Number, text and time of the frames sent last."""
    former_token: str | None = None
    """The token before the newest, until the newest is used."""
    turns: deque[tuple[str, str]] = attrs.field(factory=lambda: deque(maxlen=MAX_TURNS))
    """What the user said, and what the user heard in answer."""
    calls: dict[str, str | None] = attrs.field(factory=dict)
    """Ids of tool calls begun, and the turn that each belongs to."""


@attrs.frozen(kw_only=True)
class SessionMemoryStatistics:
    """A moment's view of what is kept of a session.

    * ``session_id``: the session
    * ``audio_start_sample``: position of the first sample that is kept, at 16 kHz
    * ``audio_end_sample``: position behind the last
    * ``audio_capacity_samples``: how many can be kept
    * ``audio_held_bytes``: memory that they take
    * ``speech_start``: position where the open utterance begins, or the next one may begin at the earliest
    * ``events``: how many events are kept for a client that comes back
    * ``last_seq``: number of the last event
    * ``turns``: how many turns are remembered
    * ``calls``: how many tool calls are remembered
    * ``open_turns``: how many turns have not ended
    """

    session_id: str
    audio_start_sample: int
    audio_end_sample: int
    audio_capacity_samples: int
    audio_held_bytes: int
    speech_start: int
    events: int
    last_seq: int
    turns: int
    calls: int
    open_turns: int


@attrs.define(kw_only=True)
class SessionMemory:
    """One session; outlives crashes of connection, audio and dialogue."""

    session_id: str
    resume_token: str
    audio: PcmBuffer
    """The last seconds heard, 16 kHz s16le mono."""
    options: ConnectionRequest | None = None
    """What the client asked for, with later changes; ``None`` before the handshake."""
    voice_and_task: tuple[str | None, str | None] = attrs.field(default=(None, None), init=False)
    """Whose voice the client wants to hear and what it is about, if it has said so."""
    socket: Any = attrs.field(default=None, init=False)
    """The client's; only its connection and its supervisor look into it."""
    is_lost: bool = attrs.field(default=False, init=False)
    """Whether the socket is gone, and its client may come back with another."""
    arrived_samples: int = 0
    """Read from the socket and given to audio, at the client's own rate: a client that comes back goes on here."""
    speech_start: int = 0
    """Where the open utterance begins; between utterances, where the next may begin at the earliest."""
    is_pressed: bool = attrs.field(default=False, init=False)
    """Push-to-talk: whether the button is down."""
    open_turns: set[str] = attrs.field(factory=set)
    """Turns that the client knows of and that have not been completed."""
    waiting: Any = None
    """What the dialogue will do next; only the dialogue looks into it."""
    running: Any = None
    """What the dialogue is doing; has a ``turn_id``."""
    answered: str | None = attrs.field(default=None, init=False)
    """The turn of which the client has seen a part of the answer last: it is not run again."""
    _diary: Diary = attrs.field(factory=Diary, init=False)

    # --- the client ------------------------------------------------------------------------------

    def attach(self, socket: Any) -> None:
        """Note that the client is at this socket."""
        self.socket = socket
        self._diary.tenant = tenant_of(socket.peer)
        self.is_lost = False

    def detach(self) -> None:
        """Note that the socket is lost, but not yet the client."""
        self.socket = None
        self.is_lost = True

    @property
    def tenant(self) -> str:
        """Whose client it is, at the socket that it has or had last."""
        return self._diary.tenant

    @property
    def valid_tokens(self) -> tuple[str, ...]:
        """The tokens that the client may come back with, the newest first: it may not have got that one."""
        former = self._diary.former_token
        return (self.resume_token,) if former is None else (self.resume_token, former)

    def use_token(self, used: str, new_token: Callable[[], str]) -> None:
        """Note that the client came back with one of its valid tokens.

        With the newest it has shown that it has that one: the one before becomes invalid, and a new one is made. With
        the one before nothing changes: it has not got the newest, and is told it again.
        """
        if used == self.resume_token:
            self._diary.former_token = used
            self.resume_token = new_token()

    # --- events ----------------------------------------------------------------------------------

    def next_seq(self) -> int:
        """Return the number of the next event: 1, 2, ... and never one twice."""
        self._diary.last_seq += 1
        return self._diary.last_seq

    def remember_event(self, seq: int, text: str, now_s: float) -> None:
        """Keep a frame for a client that comes back, and forget those that one who is there cannot miss any more."""
        events = self._diary.events
        while events and not self.is_lost and now_s - events[0][2] > KEPT_S:
            events.popleft()
        events.append((seq, text, now_s))

    def events_after(self, seq: int) -> tuple[str, ...]:
        """Return the frames after number ``seq`` that are still kept, oldest first."""
        return tuple(text for number, text, _ in self._diary.events if number > seq)

    # --- audio -----------------------------------------------------------------------------------

    def commit(self, end_sample: int) -> None:
        """Note that audio before ``end_sample`` has been dealt with and is never looked at again."""
        self.speech_start = max(self.speech_start, end_sample)

    def replay_from(self) -> int:
        """Return the first sample that still has to be dealt with and is still kept."""
        return min(max(self.speech_start, self.audio.start), self.audio.end)

    # --- turns -----------------------------------------------------------------------------------

    def remember_turn(self, user: str, assistant: str) -> None:
        """Keep what was said and what was heard in answer."""
        self._diary.turns.append((user, assistant))

    def recent_turns(self, limit: int) -> tuple[tuple[str, str], ...]:
        """Return at most ``limit`` last turns, oldest first."""
        turns = self._diary.turns
        return tuple(islice(turns, max(0, len(turns) - max(0, limit)), None))

    def begin_call(self, call_id: str) -> bool:
        """Note that the running turn sends the call; return ``False`` if that id was sent before."""
        calls = self._diary.calls
        if call_id in calls:
            return False
        if len(calls) >= MAX_CALLS:
            del calls[next(iter(calls))]
        calls[call_id] = getattr(self.running, "turn_id", None)
        return True

    def has_acted(self, turn_id: str) -> bool:
        """Whether a tool call of that turn was begun: such a turn is not run again."""
        return turn_id in self._diary.calls.values()

    def statistics(self) -> SessionMemoryStatistics:
        """Show how much is kept."""
        return SessionMemoryStatistics(
            session_id=self.session_id,
            audio_start_sample=self.audio.start,
            audio_end_sample=self.audio.end,
            audio_capacity_samples=self.audio.capacity,
            audio_held_bytes=self.audio.held_bytes,
            speech_start=self.speech_start,
            events=len(self._diary.events),
            last_seq=self._diary.last_seq,
            turns=len(self._diary.turns),
            calls=len(self._diary.calls),
            open_turns=len(self.open_turns),
        )
