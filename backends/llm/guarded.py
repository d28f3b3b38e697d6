"""A language model with a circuit breaker and a limit on concurrent requests.

Rules kept here:

* A request waits for a place within its caller's deadline; cancelling it gives the place back.
* A model that failed several times in a row is skipped at once, so that the next one in the list answers instead;
  now and then a request tries whether it works again.
* Only the model's own failures count: a cancelled request (a barge-in) does not.
"""

import logging

import trio

from backends.protocols import GuardStatistics, LanguageModel, ProviderError
from protocol.messages.understanding import CompletionRequest, Generation
from runtime.policies.adaptive_limit import AdaptiveLimit
from runtime.policies.breaker import Breaker, BreakerState

log = logging.getLogger("sayso.inference")
FLOOR = 2  # with fewer at once a single slow answer would hold up all others


class GuardedModel:
    """Wraps a ``LanguageModel`` and is one; ``max_at_once`` is the operator's limit."""

    def __init__(self, model: LanguageModel, *, max_at_once: int, timeout_s: float) -> None:
        self.name = model.name
        self._model = model
        self._timeout_s = timeout_s
        self._breaker = Breaker()
        self._limit = AdaptiveLimit(max_at_once, floor=FLOOR)
        self._places = trio.CapacityLimiter(max_at_once)

    async def is_available(self) -> bool:
        """Ask the model itself: the breaker counts failed answers, not absence."""
        return await self._model.is_available()

    async def generate(self, request: CompletionRequest) -> Generation:
        """Stream one completion; raises ``ProviderError``, at once while the breaker is open."""
        async with self._places:
            retry_after_s = self._breaker.retry_after_s(trio.current_time())
            if retry_after_s is not None:
                raise ProviderError(f"{self.name} kept failing and is asked again in {retry_after_s:.1f} s")
            try:
                with trio.fail_after(self._timeout_s):
                    generation = await self._model.generate(request)
            except trio.TooSlowError:
                self._failed()
                raise ProviderError(f"no answer within {self._timeout_s:g} s") from None
            except ProviderError:
                self._failed()
                raise
            except BaseException:
                self._breaker.abandon(trio.current_time())
                raise
            self._breaker.succeed()
            self._limit.succeed(self._places.borrowed_tokens)
            self._places.total_tokens = self._limit.limit
            return generation

    async def aclose(self) -> None:
        """Close the model's connections."""
        await self._model.aclose()

    def statistics(self) -> GuardStatistics:
        """Show how it is treated."""
        return GuardStatistics(
            name=self.name,
            breaker=self._breaker.state.value,
            limit=self._limit.limit,
            in_flight=self._places.borrowed_tokens,
            waiting=self._places.statistics().tasks_waiting,
        )

    def _failed(self) -> None:
        was_closed = self._breaker.state is BreakerState.CLOSED
        self._breaker.fail(trio.current_time())
        if was_closed and self._breaker.state is BreakerState.OPEN:
            log.warning("%s keeps failing and is left alone for a while", self.name)
        self._limit.fail()
        self._places.total_tokens = self._limit.limit
