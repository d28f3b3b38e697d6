import pytest

from runtime.policies.balancing import Address, AddressStatistics, Balancer
from runtime.policies.breaker import BreakerPolicy


def asked(balancer: Balancer, now_s: float = 0.0, tried: tuple[Address, ...] = ()) -> Address:
    """Return the address for a request, of which there must be one."""
    address = balancer.choose(now_s, tried)
    assert address is not None
    return address


def test_the_least_busy_address_is_asked_and_of_equals_the_one_that_was_asked_longest_ago() -> None:
    balancer = Balancer(["a", "b", "c"])
    taken = [asked(balancer) for _ in range(4)]
    assert [address.url for address in taken] == ["a", "b", "c", "a"]
    balancer.finish(taken[1], "answered", 1.0)
    assert asked(balancer).url == "b", "it has nothing to do"


def test_an_address_that_was_tried_is_not_asked_again() -> None:
    balancer = Balancer(["a", "b"])
    first = asked(balancer)
    second = asked(balancer, tried=(first,))
    assert (first.url, second.url) == ("a", "b")
    assert balancer.choose(0.0, (first, second)) is None


def test_beyond_its_limit_an_address_gets_more_only_where_it_may_be_crowded() -> None:
    balancer = Balancer(["a"], at_once=2)
    asked(balancer)
    asked(balancer)
    assert balancer.choose(0.0) is None
    assert balancer.choose(0.0, is_last=True) is not None


def test_where_nothing_is_behind_them_an_address_that_is_left_alone_is_better_than_none() -> None:
    balancer = Balancer(["a", "b"], policy=BreakerPolicy(failures=1))
    for _ in range(2):
        balancer.finish(asked(balancer), "failed", 0.0)
    assert (balancer.working, balancer.choose(0.0)) == (0, None)
    last = balancer.choose(0.0, is_last=True)
    assert last is balancer.addresses[0], "the one that was asked longest ago"
    assert balancer.choose(0.0, (last,), is_last=True) is balancer.addresses[1]
    assert balancer.choose(0.0, balancer.addresses, is_last=True) is None
    balancer.finish(last, "answered", 0.1)
    assert balancer.working == 1


@pytest.mark.parametrize("outcome", ["failed", "overtaken"])
def test_an_address_that_fails_or_is_overtaken_several_times_is_left_alone_and_tried_again(outcome: str) -> None:
    balancer = Balancer(["a", "b"], policy=BreakerPolicy(failures=2, pause_s=1.0))
    broken = balancer.addresses[0]
    for _ in range(2):
        assert asked(balancer, tried=(balancer.addresses[1],)) is broken
        balancer.finish(broken, "failed" if outcome == "failed" else "overtaken", 0.0)
    assert balancer.working == 1
    assert {asked(balancer, 0.9).url for _ in range(3)} == {"b"}
    assert asked(balancer, 1.0) is broken, "one request tries it"
    assert asked(balancer, 1.0).url == "b", "and no second one"
    balancer.finish(broken, "answered", 1.2)
    assert balancer.working == 2


def test_a_request_without_interest_in_its_answer_says_nothing_about_the_address() -> None:
    balancer = Balancer(["a"], policy=BreakerPolicy(failures=1))
    for _ in range(5):
        balancer.finish(asked(balancer), "abandoned", 0.0)
    [shown] = balancer.shown()
    assert shown == AddressStatistics(url="a", breaker="closed", in_work=0, answers=0, failures=0, overtaken=0)


def test_each_address_shows_what_it_has_done() -> None:
    balancer = Balancer(["a", "b"])
    balancer.finish(asked(balancer), "answered", 0.1)
    balancer.finish(asked(balancer), "failed", 0.1)
    balancer.finish(asked(balancer), "overtaken", 0.1)
    asked(balancer)
    first, second = balancer.shown()
    assert (first.answers, first.overtaken, first.in_work) == (1, 1, 0)
    assert (second.failures, second.in_work) == (1, 1)


def test_a_balancer_without_addresses_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one address"):
        Balancer([])
