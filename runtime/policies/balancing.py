"""The choice among several addresses of one service: the least busy first, with a breaker each. Pure.

Rules kept here:

* Among the addresses that may be asked, the one with the fewest requests in work is asked; of equals the one that was
  asked longest ago. So a slow address, which stays busy, gets less.
* An address that another one has overtaken counts as failed: one that is frozen never answers and never refuses, and
  would look idle when its requests have been cancelled.
* An address that keeps failing is left alone and tried again now and then (``runtime/policies/breaker.py``).
"""

from collections.abc import Collection, Sequence
from typing import Literal

import attrs
from attrs.validators import ge

from runtime.policies.breaker import Breaker, BreakerPolicy, BreakerState

Outcome = Literal["answered", "failed", "overtaken", "abandoned"]
"""How a request ended: with an answer, without one, after that of an address that was asked later, or without interest
in its answer any more."""


@attrs.frozen(kw_only=True)
class AddressStatistics:
    """A snapshot of one address.

    * ``url``: the address, without a name or password
    * ``breaker``: ``closed``, ``open`` (it is left alone) or ``probing`` (one request tries it)
    * ``in_work``: how many requests it has not answered yet
    * ``answers``: how many it has answered
    * ``failures``: how many it has refused, broken off or not answered in time
    * ``overtaken``: how many another address has answered earlier, although it was asked later
    """

    url: str
    breaker: str
    in_work: int
    answers: int
    failures: int
    overtaken: int


@attrs.define(eq=False)
class Address:
    """One address and what is known of it."""

    url: str
    breaker: Breaker
    in_work: int = 0
    answers: int = 0
    failures: int = 0
    overtaken: int = 0
    asked_at: int = 0
    """The number of the request that it was given last, of all addresses."""


@attrs.define(eq=False)
class Balancer:
    """Chooses addresses; times are seconds of any monotonic clock.

    >>> balancer = Balancer(["http://a", "http://b"])
    >>> first = balancer.choose(0.0)
    >>> second = balancer.choose(0.0)
    >>> first.url, second.url
    ('http://a', 'http://b')
    >>> balancer.finish(second, "answered", 0.3)
    >>> balancer.choose(0.4).url
    'http://b'
    """

    urls: Sequence[str]
    at_once: int = attrs.field(default=8, validator=ge(1))
    """Requests that one address should have in work at once."""
    policy: BreakerPolicy = attrs.field(factory=BreakerPolicy)
    addresses: Sequence[Address] = attrs.field(init=False)
    _asked: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        if not self.urls:
            raise ValueError("a balancer needs at least one address")
        self.addresses = tuple(Address(url, Breaker(self.policy)) for url in self.urls)

    def choose(self, now_s: float, tried: Collection[Address] = (), *, is_last: bool = False) -> Address | None:
        """Return the address for a request, which then counts as in work; ``None`` if none may be asked.

        None of ``tried`` is returned. With ``is_last`` there is nothing behind the addresses: then one may have more
        than ``at_once`` requests, and one that is left alone is asked all the same where no other is to be had. Each
        address that was returned must be given to ``finish``.
        """
        untried = [address for address in self.addresses if address not in tried]
        for address in sorted(untried, key=lambda one: (one.in_work, one.asked_at)):
            is_full = address.in_work >= self.at_once and not is_last
            if not is_full and address.breaker.retry_after_s(now_s) is None:
                return self._taken(address)
        return self._taken(min(untried, key=lambda one: one.asked_at)) if is_last and untried else None

    def _taken(self, address: Address) -> Address:
        self._asked += 1
        address.asked_at = self._asked
        address.in_work += 1
        return address

    def finish(self, address: Address, outcome: Outcome, now_s: float) -> None:
        """Note how a request ended."""
        address.in_work -= 1
        match outcome:
            case "answered":
                address.answers += 1
                address.breaker.succeed()
            case "abandoned":
                address.breaker.abandon(now_s)
            case "failed":
                address.failures += 1
                address.breaker.fail(now_s)
            case "overtaken":
                address.overtaken += 1
                address.breaker.fail(now_s)

    @property
    def working(self) -> int:
        """How many addresses are not left alone."""
        return sum(address.breaker.state is BreakerState.CLOSED for address in self.addresses)

    def shown(self) -> tuple[AddressStatistics, ...]:
        """Return a snapshot of each address, in the order in which they were given."""
        return tuple(
            AddressStatistics(
                url=address.url,
                breaker=address.breaker.state.value,
                in_work=address.in_work,
                answers=address.answers,
                failures=address.failures,
                overtaken=address.overtaken,
            )
            for address in self.addresses
        )
