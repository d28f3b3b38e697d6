"""Where the sessions of a server find each other's connections."""

import sys

import attrs

from actors.admission.shared_rates import SharedRates
from protocol.admission.handshakes import Handshakes
from protocol.admission.population import Population
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
    owned: Registry[ConnectionMessage] = attrs.field(factory=Registry)
    """By the owner that the shared store has of each session."""
    handshakes: Handshakes[Socket] = attrs.field(factory=Handshakes)
    """The sockets that have not sent their ``connection_request`` yet."""
    rates: SharedRates = attrs.field(factory=SharedRates)
    """How often each sender has asked."""
    population: Population = attrs.field(factory=lambda: Population(sys.maxsize))
    """All sessions after their handshake, and their limit."""
