import math
from typing import ClassVar

import attrs
import pytest

from runtime.messaging.envelope import MAX_ATTEMPTS, Envelope, PendingAsk
from tests.runtime.probes import Refused


@attrs.frozen
class Again:
    idempotent: ClassVar[bool] = True


async def test_81_a_slot_takes_one_answer() -> None:
    ask = PendingAsk(10.0)
    assert ask.reply(1)
    assert not ask.reply(2)
    assert not ask.fail(Refused("late"))
    assert await ask.wait() == 1


async def test_a_failure_is_an_answer_too() -> None:
    ask = PendingAsk(10.0)
    assert ask.fail(Refused("no"))
    assert not ask.reply(1)
    with pytest.raises(Refused):
        await ask.wait()


def test_a_message_that_was_told_never_expires() -> None:
    told = Envelope("x", 0.0)
    assert told.deadline_s == math.inf
    assert not told.is_expired(1e9)


@pytest.mark.parametrize(("now_s", "is_over", "expired"), [(9.9, False, False), (10.0, False, True), (1.0, True, True)])
def test_82_an_ask_expires_at_its_deadline_or_when_its_asker_goes(now_s: float, is_over: bool, expired: bool) -> None:
    ask = PendingAsk(10.0, is_over=is_over)
    assert Envelope("x", 0.0, ask).is_expired(now_s) is expired


def test_only_idempotent_messages_are_tried_again_and_not_for_ever() -> None:
    assert not Envelope("x", 0.0).may_be_tried_again
    assert Envelope(Again(), 0.0, attempt=MAX_ATTEMPTS - 1).may_be_tried_again
    assert not Envelope(Again(), 0.0, attempt=MAX_ATTEMPTS).may_be_tried_again


def test_ids_are_unique() -> None:
    assert len({Envelope("x", 0.0).id for _ in range(100)}) == 100
