"""A session's state of its client; written by its connection alone, read by the session's other actors.

Rules kept here:

* No logic that can fail: it outlives a crash of its actor.
* Everything is bounded, so a session that lives for days does not grow.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

import attrs

from protocol.dialects.dialect import ClientLink
from protocol.messages.events import ConnectionRequest, ServerEvent, TurnCompleted
from protocol.messages.identity import LOCAL_USER, Identity
from protocol.messages.socket import Socket

MAX_EVENTS = 256  # what a client can catch up on after a lost connection
KEPT_S = 120.0  # as long as that takes at most: a loss is noticed within 50 s, and waited for another 30 s


class ClientView(Protocol):
    """The client, as audio, dialogue and the session's supervisor may read it."""

    @property
    def session_id(self) -> str:
        """The session's name."""

    @property
    def socket(self) -> Socket | None:
        """The client's socket, only for closing; ``None`` while the client is lost."""

    @property
    def is_lost(self) -> bool:
        """Whether the socket is gone, and its client may come back with another."""

    @property
    def tenant(self) -> str:
        """The client's tenant, by its current or last socket."""

    @property
    def user(self) -> str:
        """The user that the client speaks for, by its current or last socket."""

    @property
    def identity(self) -> Identity | None:
        """The client as it was admitted, by its current or last socket; ``None`` before the first."""

    @property
    def reconnects(self) -> int:
        """How often the client has come back with another socket."""

    @property
    def resume_token(self) -> str:
        """The token with which the client resumes."""

    @property
    def options(self) -> ConnectionRequest | None:
        """The client's options, with later changes; ``None`` before the handshake."""

    @property
    def voice(self) -> str | None:
        """The voice that the client has named, if any."""

    @property
    def task(self) -> str | None:
        """The task that the client has named, if any."""


@attrs.define
class SentEvents:
    """The events that were sent last, numbered; the oldest are forgotten first."""

    last_seq: int = attrs.field(default=0, init=False)
    shown_turns: set[str] = attrs.field(factory=set, init=False)
    """Turns that the client was told of, and not of their end."""
    _kept: deque[tuple[int, ServerEvent, float]] = attrs.field(factory=lambda: deque(maxlen=MAX_EVENTS), init=False)
    """Number, event and time of each."""

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)

    def next_seq(self) -> int:
        """Return the number of the next event: 1, 2, ... and never one twice."""
        self.last_seq += 1
        return self.last_seq

    def keep(self, seq: int, event: ServerEvent, now_s: float) -> None:
        """Keep an event for a client that comes back."""
        self._kept.append((seq, event, now_s))

    def note_turn(self, event: ServerEvent) -> bool:
        """Note that a turn is shown, or its end; return whether that is news."""
        turn_id = getattr(event, "turn_id", None)
        if turn_id is None:
            return False
        if isinstance(event, TurnCompleted):
            self.shown_turns.discard(turn_id)
            return True
        is_new = turn_id not in self.shown_turns
        self.shown_turns.add(turn_id)
        return is_new

    def kept(self) -> tuple[tuple[int, ServerEvent, float], ...]:
        """Return all that are kept, each with its number and its time, oldest first."""
        return tuple(self._kept)

    def forget_old(self, now_s: float) -> None:
        """Forget what a client that is connected cannot have missed."""
        while self._kept and now_s - self._kept[0][2] > KEPT_S:
            self._kept.popleft()

    def after(self, seq: int) -> tuple[tuple[int, ServerEvent], ...]:
        """Return the events after number ``seq`` that are still kept, each with its number, oldest first."""
        return tuple((number, event) for number, event, _ in self._kept if number > seq)


@attrs.frozen(kw_only=True, slots=False)
class ClientMemoryStatistics:
    """A moment's view of what is kept of a session's client.

    * ``session_id``: the session
    * ``events``: how many events are kept for a client that comes back
    * ``last_seq``: number of the last event
    """

    session_id: str
    events: int
    last_seq: int


@attrs.define
class ClientMemory:
    """One session's client: its socket, its options, and the events sent to it."""

    session_id: str
    resume_token: str
    former_token: str | None = attrs.field(default=None, init=False)
    """The token before the newest, until the newest is used."""
    link: ClientLink | None = attrs.field(default=None, init=False)
    """``None`` while the client is lost."""
    may_resume: bool = attrs.field(default=False, init=False)
    """Whether its dialect lets it come back once it is lost."""
    is_lost: bool = attrs.field(default=False, init=False)
    tenant: str = attrs.field(default="", init=False)
    user: str = attrs.field(default=LOCAL_USER, init=False)
    """The owner of what the session keeps: history, notes, timers, lists."""
    identity: Identity | None = attrs.field(default=None, init=False)
    """The client as it was admitted, by its current or last socket."""
    reconnects: int = attrs.field(default=0, init=False)
    options: ConnectionRequest | None = attrs.field(default=None, init=False)
    voice: str | None = attrs.field(default=None, init=False)
    task: str | None = attrs.field(default=None, init=False)
    arrived_samples: int = attrs.field(default=0, init=False)
    """Received and handed to audio, at the client's own rate: a client that comes back goes on here."""
    sent: SentEvents = attrs.field(factory=SentEvents, init=False)

    @property
    def socket(self) -> Socket | None:
        """The client's socket; ``None`` while it is lost."""
        return None if self.link is None else self.link.socket

    def attach(self, link: ClientLink) -> None:
        """Note the client's socket and its dialect."""
        self.reconnects += self.identity is not None
        self.link = link
        self.may_resume = link.dialect.may_resume
        self.identity = link.socket.identity
        self.tenant, self.user = self.identity.tenant, self.identity.user
        self.is_lost = False

    def detach(self) -> None:
        """Note that the socket is lost, but not yet the client."""
        self.link = None
        self.is_lost = True

    @property
    def valid_tokens(self) -> tuple[str, ...]:
        """The tokens that the client may come back with, the newest first: it may not have got that one."""
        return (self.resume_token,) if self.former_token is None else (self.resume_token, self.former_token)

    def use_token(self, used: str, new_token: Callable[[], str]) -> None:
        """Note that the client came back with one of its valid tokens.

        With the newest it has shown that it has that one: the one before becomes invalid, and a new one is made. With
        the one before nothing changes: it has not got the newest, and is told it again.
        """
        if used == self.resume_token:
            self.former_token = used
            self.resume_token = new_token()

    def keep_event(self, seq: int, event: ServerEvent, now_s: float) -> None:
        """Keep an event for a client that may come back."""
        if not self.is_lost:
            self.sent.forget_old(now_s)
        if self.may_resume:
            self.sent.keep(seq, event, now_s)

    def statistics(self) -> ClientMemoryStatistics:
        """Return the figures of the kept events."""
        return ClientMemoryStatistics(session_id=self.session_id, events=len(self.sent), last_seq=self.sent.last_seq)
