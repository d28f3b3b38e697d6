"""Messages about one session and its client: options, presence, output, the end."""

import attrs

from protocol.messages.ask import Ask
from protocol.messages.events import ConnectionRequest, ServerEvent
from protocol.messages.understanding import AnnouncementTold


@attrs.frozen
class StopAdmitting:
    """To the gateway: refuse new clients from now on, for this reason."""

    reason: str
    retry_after_s: float


@attrs.frozen
class Leave:
    """To a dialogue: finish what is going on, within the deadline, and then close."""

    reason: str
    deadline_s: float
    """From now on."""
    retry_after_s: float
    """When the client may come back; each gets another time, so that they do not come together."""


@attrs.frozen
class Configured(Ask[None]):
    """Connection to audio and dialogue: the options of the session, at the handshake and after each change."""

    options: ConnectionRequest
    voice: str | None = None
    task: str | None = None


@attrs.frozen
class Presence:
    """Connection to dialogue: whether the client is connected."""

    is_there: bool


@attrs.frozen
class Send:
    """Any actor of the session to connection: an event for the client."""

    event: ServerEvent


@attrs.frozen
class SendAudio:
    """Dialogue to connection: samples for the client, in the format announced before."""

    samples: bytes


@attrs.frozen
class DropAudio:
    """Dialogue to connection (control lane): drop audio that has not reached the socket."""


@attrs.frozen
class Hang:
    """To connection (control lane): close the socket."""

    code: int
    reason: str


@attrs.frozen
class GiveUp:
    """To connection (control lane): stop waiting for a lost client; a new session needs the place."""


@attrs.frozen
class LetGo:
    """To connection (control lane): the session goes on at another replica; end this half of it."""


@attrs.frozen
class WriteAgain:
    """To connection: the shared store is back; write the session if that has failed."""


@attrs.frozen
class Announce:
    """Tools to a session's dialogue: say this when there is a pause (a timer fired)."""

    text: str
    told: AnnouncementTold | None = None
    """What is sent to tools when it was said."""
