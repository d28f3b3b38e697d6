import trio
from trio.testing import MockClock

from actors.admission.rate_check import RateCheck
from actors.admission.shared_rates import SharedRates
from backends.protocols import Refusal, Request
from protocol.admission.sender_rates import SenderRates, guide_limits
from protocol.messages.identity import Identity

SENDER = Identity("192.0.2.1:5000", "192.0.2.1")
ASKED = Request("GET", "/api/status", {}, {}, SENDER.peer)


async def test_a_sender_that_asks_too_often_is_told_when_to_come_back(autojump_clock: MockClock) -> None:
    check = RateCheck(SharedRates(SenderRates(guide_limits(100, 1_000, 2))))
    assert [await check.check(SENDER, ASKED) for _ in range(2)] == [SENDER, SENDER]
    refused = await check.check(SENDER, ASKED)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.cause) == (429, "rate")
    assert refused.retry_after_s is not None
    await trio.sleep(refused.retry_after_s + 0.001)
    assert await check.check(SENDER, ASKED) == SENDER
