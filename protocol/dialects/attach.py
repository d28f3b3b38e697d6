"""How one session's connection hands a client over to another's."""

import attrs

from protocol.dialects.dialect import ClientLink
from protocol.messages.ask import Ask
from protocol.messages.events import ConnectionRequest
from protocol.messages.inboxes import ClientMessage


@attrs.frozen
class Attach(Ask[bool]):
    """One session's connection to another's: take over this client, which has come back.

    Answered when the client has all that it missed, by whether its token was still valid.
    """

    link: ClientLink
    request: ConnectionRequest


ConnectionMessage = ClientMessage | Attach
"""The messages of a connection."""
