"""Admission's question how often a sender has asked, of one replica or of all."""

from actors.admission.shared_rates import SharedRates
from backends.protocols import Refusal, Request
from protocol.admission.checks import CheckKind
from protocol.admission.sender_rates import rate_message
from protocol.messages.identity import Identity

TOO_MANY_REQUESTS = 429


class RateCheck:
    """Counts each request of each sender."""

    kind = CheckKind.RATE

    def __init__(self, rates: SharedRates) -> None:
        self._rates = rates

    async def check(self, identity: Identity, request: Request) -> Identity | Refusal:  # noqa: ARG002 - all count alike
        """Return the sender, or when it may ask again."""
        wait_s = await self._rates.take(identity)
        if wait_s == 0:
            return identity
        return Refusal(TOO_MANY_REQUESTS, rate_message(wait_s), wait_s, "rate")
