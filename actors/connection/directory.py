"""Where the sessions of a server find each other's connections."""

import sys

import attrs

from protocol.admission.handshakes import Handshakes
from protocol.admission.population import Population
from protocol.admission.sender_rates import SenderRates
from protocol.dialects.attach import ConnectionMessage
from protocol.messages.socket import Socket
from runtime import Registry


@attrs.frozen
class SessionDirectory:
    """The connections of all sessions."""

    resumable: Registry[ConnectionMessage] = attrs.field(factory=Registry)
    """By the keys of the valid resume tokens."""
    awaited: Registry[ConnectionMessage] = attrs.field(factory=Registry)
    """By the session's id: sessions that lost their client's socket."""
    handshakes: Handshakes[Socket] = attrs.field(factory=Handshakes)
    """The sockets that have not sent their ``connection_request`` yet."""
    rates: SenderRates = attrs.field(factory=SenderRates)
    """How often each sender has asked."""
    population: Population = attrs.field(factory=lambda: Population(sys.maxsize))
    """All sessions after their handshake, and their limit."""
