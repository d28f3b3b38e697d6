"""Where the sessions of a server find each other's connections."""

import sys

import attrs

from protocol.admission.handshakes import Handshakes
from protocol.admission.population import Population
from protocol.dialects.attach import ConnectionMessage
from protocol.messages.socket import Socket
from runtime import Registry


@attrs.frozen
class SessionDirectory:
    """The sessions' connections, for each other."""

    resumable: Registry[ConnectionMessage] = attrs.field(factory=Registry)
    """By the keys of the tokens that their client may come back with."""
    awaited: Registry[ConnectionMessage] = attrs.field(factory=Registry)
    """By the session's id: those whose client was cut off."""
    handshakes: Handshakes[Socket] = attrs.field(factory=Handshakes)
    """Which sockets have not sent their ``connection_request`` yet."""
    population: Population = attrs.field(factory=lambda: Population(sys.maxsize))
    """All that have made their handshake, and how many there may be."""
