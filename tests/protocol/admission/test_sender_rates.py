import pytest

from protocol.admission.sender_rates import (
    SENDERS_MAX,
    SenderRates,
    guide_limits,
    is_loopback_address,
    rate_message,
)
from protocol.messages.identity import Grant, Identity, Scope

LIMITS = guide_limits(100, 1_000, 10)


def sender(address: str = "192.0.2.1", key: str | None = None, port: int = 5_000) -> Identity:
    grant = None if key is None else Grant(key, frozenset({Scope.TALK}))
    return Identity(f"{address}:{port}", address, grant=grant)


def taken(rates: SenderRates, identity: Identity, tries: int = 200, now_s: float = 0.0) -> int:
    return sum(rates.take(identity, now_s) == 0 for _ in range(tries))


def test_the_guides_burst_passes_and_another_address_is_not_touched() -> None:
    rates = SenderRates(LIMITS)
    assert taken(rates, sender()) == 10
    assert rates.take(sender(port=6_000), 0.0) == pytest.approx(0.6), "the port makes no other sender"
    assert taken(rates, sender("192.0.2.2")) == 10


def test_two_hundred_in_a_minute_leave_a_hundred_and_the_burst() -> None:
    rates = SenderRates(LIMITS)
    assert sum(rates.take(sender(), number * 0.3) == 0 for number in range(200)) in {109, 110}


def test_a_network_of_ipv6_is_one_sender() -> None:
    rates = SenderRates(LIMITS)
    assert taken(rates, Identity("2001:db8::1:5000", "")) == 10
    assert taken(rates, Identity("2001:db8::2:5000", "")) == 0


def test_a_key_is_limited_wherever_it_is_used_and_a_refusal_takes_nothing_of_the_address() -> None:
    rates = SenderRates(LIMITS)
    assert taken(rates, sender(key="k1")) == 10
    assert taken(rates, sender("192.0.2.2", key="k1")) == 0
    assert taken(rates, sender("192.0.2.2", key="k2")) == 10


def test_programs_on_this_machine_are_free_unless_the_settings_say_otherwise() -> None:
    for address in ("127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1"):
        assert taken(SenderRates(LIMITS), sender(address)) == 200
        assert taken(SenderRates(LIMITS, counts_loopback=True), sender(address)) == 10


def test_without_limits_everyone_may_ask() -> None:
    rates = SenderRates()
    assert taken(rates, sender()) == 200
    rates.give_back(sender())
    assert len(rates) == 0


def test_what_is_given_back_may_be_taken_again() -> None:
    rates = SenderRates(LIMITS)
    taken(rates, sender(key="k"))
    rates.give_back(sender(key="k"))
    assert taken(rates, sender(key="k")) == 1


def test_many_addresses_take_bounded_memory() -> None:
    rates = SenderRates(LIMITS)
    for number in range(SENDERS_MAX + 100):
        rates.take(sender(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"), 0.0)
    assert len(rates) == SENDERS_MAX


@pytest.mark.parametrize("address", ["localhost", "", "192.0.2.1", "::ffff:192.0.2.1", "fe80::1%lo", "x"])
def test_what_is_no_address_of_this_machine_is_not_taken_for_one(address: str) -> None:
    assert not is_loopback_address(address)


def test_the_refusal_says_when() -> None:
    assert rate_message(0.6) == "too many requests: try again in 0.6 s"


def test_what_another_has_admitted_is_noted_and_the_shared_limits_are_these() -> None:
    rates = SenderRates(guide_limits(100, 1_000, 2))
    sender = Identity("192.0.2.1:5000", "192.0.2.1")
    for _ in range(2):
        rates.note(sender, 0.0)
    assert rates.take(sender, 0.0) > 0
    assert {limit.sender for limit in rates.shared_limits(sender)} == {"address 192.0.2.1"}
    assert [(limit.count, limit.window_s, limit.burst) for limit in rates.shared_limits(sender)] == [
        (100, 60.0, 2),
        (1_000, 3_600.0, 1_000),
    ]
    assert SenderRates().shared_limits(sender) == ()
