"""Language models: which provider answers, how many requests at once, and the fallback when one fails.

Rules kept here:

* ``provider = auto`` means Ollama if it answers and has the model, else the embedded model; asked again in the
  background, so that starting Ollama later needs no restart.
* No model is asked for what it cannot do: the embedded model only talks, and an action needs a model with tools. If
  none is left the answer is ``NoModel``.
* A provider that fails before its first word is replaced by the next one; after the first word the failure is reported,
  because nothing may be spoken twice.
* Limits and circuit breakers are each provider's own (``backends/llm/guarded.py``).
* The conversation is cut to the model's context here, because only here is it known.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Literal, Protocol

import attrs
import trio

from backends.jobs import LocateModel
from backends.protocols import GuardStatistics, LanguageModel, ProviderError
from config.settings import InferenceSettings
from protocol.messages.ask import PartSink
from protocol.messages.inboxes import InferenceMessage, MetricsMessage
from protocol.messages.records import Count, Observe
from protocol.messages.understanding import CompletionRequest, Generate, Generation, NoModel
from protocol.turns.context import CHARS_PER_TOKEN, fit
from protocol.turns.tasks import model_for
from runtime import Actor, DomainError, Ref
from runtime.workers.pool import Pool, StartFailure, WorkerError
from runtime.workers.pool_statistics import PoolOwnerStatistics

log = logging.getLogger("sayso.inference")
BROWNOUT_SHARE = 2  # under load an answer may be half as long


class ModelUnavailable(DomainError):
    """No language model could answer; the message names those tried."""


class EmbeddedModel(Protocol):
    """The model that runs in a worker process of ours, reached over its own HTTP server."""

    @property
    def pool(self) -> Pool:
        """The process, or its successor."""

    @property
    def connect(self) -> Callable[[str], LanguageModel]:
        """Makes the client for the server at a URL."""


class Guarded(LanguageModel, Protocol):
    """A provider with a breaker and a limit; ``backends/llm/guarded.py`` in production."""

    def statistics(self) -> GuardStatistics:
        """Return a snapshot."""


class AnswerCache(Protocol):
    """A cache of answers; ``backends/llm/response_cache.py`` in production."""

    def __len__(self) -> int:
        """Return how many are kept."""

    async def answer(
        self, message: Generate, make: Callable[[], Awaitable[Generation]]
    ) -> tuple[Generation, Literal["hit", "joined", "miss"]]:
        """Return a kept answer or that of ``make``, and which it was."""


@attrs.frozen(kw_only=True)
class InferenceStatistics(PoolOwnerStatistics):
    """A moment's view of the language models.

    * ``providers``: the names of those that answer
    * ``in_flight``: how many questions are being answered
    * ``guards``: breaker and limit of each configured provider
    * ``cached_answers``: how many answers are kept; ``None`` without a cache
    * ``trouble``: that no model answers any more, in words; ``None`` if one does, or none ever did
    """

    providers: Sequence[str]
    in_flight: int
    guards: Sequence[GuardStatistics]
    cached_answers: int | None = None
    trouble: str | None = None


class Inference(Actor[InferenceMessage]):
    """Answers ``Generate`` with ``Generation``, streaming the text on the way."""

    def __init__(
        self,
        settings: InferenceSettings,
        providers: Sequence[Guarded],
        embedded: EmbeddedModel | None,
        cache: AnswerCache | None,
        metrics: Ref[MetricsMessage],
        *,
        load_level: Callable[[], int] = int,
    ) -> None:
        self._settings = settings
        self._providers = tuple(providers)
        self._embedded = embedded
        self._metrics = metrics
        self._cache = cache
        self._load_level = load_level
        self._in_flight = 0
        self._available: tuple[LanguageModel, ...] = ()
        self._is_embedded_started = False
        self._connected: tuple[str, LanguageModel] | None = None
        self._trouble: str | None = None

    async def on_start(self) -> None:
        """Find the providers that answer; start the embedded model if there are none."""
        await self._check()
        self.context.nursery.start_soon(self._check_again)

    async def on_stop(self) -> None:
        """Close the connections."""
        await self._disconnect()
        for model in self._providers:
            await model.aclose()

    async def handle(self, message: InferenceMessage) -> None:
        """Answer ``Generate``; raises ``ModelUnavailable`` to the asker."""
        if not isinstance(message, Generate):
            self.unhandled(message)
        self.context.reply_in_task(self._generate, message)

    def statistics(self) -> InferenceStatistics:
        """Return the providers that answer and the questions in flight."""
        embedded = self._embedded if self._is_embedded_started else None
        return InferenceStatistics(
            providers=[model.name for model in self._available],
            in_flight=self._in_flight,
            guards=[model.statistics() for model in self._providers],
            cached_answers=None if self._cache is None else len(self._cache),
            pool=None if embedded is None else embedded.pool.statistics(),
            trouble=self._trouble,
        )

    # --- the providers ---------------------------------------------------------------------------

    async def _check_again(self) -> None:
        while True:
            await trio.sleep(self._settings.recheck_s)
            await self._check_or_do_without()

    async def _check_or_do_without(self) -> None:
        """Check the providers; an embedded model that fails to start is tried again later."""
        try:
            await self._check()
        except* StartFailure as failed:
            log.warning("the embedded model does not start: %s", failed.exceptions[0])
            self._is_embedded_started = False

    async def _check(self) -> None:
        found = [model for model in self._providers if await model.is_available()]
        names = [model.name for model in found]
        if names != [model.name for model in self._available]:
            log.info("language models now: %s", names or ["embedded" if self._embedded else "none"])
        if self._available and not found and self._embedded is None:
            self._trouble = f"no language model answers: {', '.join(model.name for model in self._providers)}"
        elif found:
            self._trouble = None
        self._available = tuple(found)
        if self._embedded is not None and not found and not self._is_embedded_started:
            self._is_embedded_started = True
            await self.context.nursery.start(self._embedded.pool.run)

    async def _candidates(self, message: Generate) -> list[LanguageModel]:
        found = list(self._available) if self._may_others(message) else []
        if self._embedded is not None and self._may_embedded(message):
            if not self._is_embedded_started:
                if found:
                    return found
                await self._check_or_do_without()
            if self._is_embedded_started:
                found.append(_Embedded(partial(self._connect_embedded, self._embedded)))
        return found

    async def _connect_embedded(self, embedded: EmbeddedModel) -> LanguageModel:
        try:
            address, _ = await embedded.pool.call(LocateModel(), timeout_s=self._settings.request_timeout_s)
        except WorkerError as error:
            raise ProviderError(f"the embedded model is not ready: {error}") from error
        if self._connected is None or self._connected[0] != address.url:  # a new process has a new address
            await self._disconnect()
            self._connected = (address.url, embedded.connect(address.url))
        return self._connected[1]

    async def _disconnect(self) -> None:
        if self._connected is not None:
            (_, model), self._connected = self._connected, None
            await model.aclose()

    # --- one completion --------------------------------------------------------------------------

    async def _generate(self, message: Generate) -> Generation | NoModel:
        if not self._has_model_for(message):
            return NoModel()
        self._in_flight += 1
        try:
            if self._cache is None:
                return await self._complete(message)
            generation, found = await self._cache.answer(message, partial(self._complete, message))
        finally:
            self._in_flight -= 1
        self._metrics.tell_nowait(Count("cache_requests_total", (found,)))
        return generation

    def _has_model_for(self, message: Generate) -> bool:
        """Return whether a model may answer; one that is configured and down may, and its failure is reported."""
        is_chosen = self._settings.provider != "auto" and bool(self._providers)
        return self._may_embedded(message) or (self._may_others(message) and (is_chosen or bool(self._available)))

    def _may_embedded(self, message: Generate) -> bool:
        return self._embedded is not None and message.asked_for == "talk"

    @staticmethod
    def _may_others(message: Generate) -> bool:
        return message.asked_for != "action" or bool(message.tools)

    async def _complete(self, message: Generate) -> Generation:
        failures: list[str] = []
        for model in await self._candidates(message):
            attempt = _Attempt(message.text_sink)
            try:
                generation = await self._ask(model, message, attempt)
            except ProviderError as error:
                log.warning("%s failed: %s", model.name, error)
                failures.append(f"{model.name}: {error}")
                if attempt.has_spoken:
                    break
            else:
                self._measure(generation)
                return generation
        raise ModelUnavailable("; ".join(failures) or "no language model is available")

    async def _ask(self, model: LanguageModel, message: Generate, attempt: "_Attempt") -> Generation:
        settings = self._settings
        allowed = settings.max_tokens // (BROWNOUT_SHARE if self._load_level() else 1)
        max_tokens = min(message.max_tokens or allowed, allowed)
        offered = sum(len(str(tool.input_schema)) + len(tool.description) for tool in message.tools)
        budget_tokens = settings.context_size - max_tokens - round(offered / CHARS_PER_TOKEN)
        return await model.generate(
            CompletionRequest(
                fit(message.messages, budget_tokens),
                attempt,
                max_tokens,
                message.tools,
                self._model_for(message),
                message.must_call,
            )
        )

    def _model_for(self, message: Generate) -> str | None:
        if not self._settings.route_by_task:
            return None
        question = next((item.content for item in reversed(message.messages) if item.role == "user"), "")
        return model_for(message.task, question, self._settings.task_models)

    def _measure(self, generation: Generation) -> None:
        labels = (generation.provider, generation.model)
        for kind, tokens in (("prompt", generation.prompt_tokens), ("completion", generation.completion_tokens)):
            if tokens is not None:
                self._metrics.tell_nowait(Count("llm_tokens_total", (*labels, kind), tokens))
        if generation.first_token_s is not None:
            self._metrics.tell_nowait(Observe("llm_first_token_seconds", (), generation.first_token_s))


@attrs.define
class _Attempt:
    """One try at one provider: passes its text on and remembers that there was some."""

    _text_sink: PartSink[str]
    has_spoken: bool = False

    async def send(self, text: str, /) -> None:
        self.has_spoken = True
        await self._text_sink.send(text)


@attrs.define
class _Embedded:
    """The embedded model as a provider: its address is asked for only when it is used."""

    _connect: Callable[[], Awaitable[LanguageModel]]
    name: str = "embedded"

    async def is_available(self) -> bool:
        return True

    async def generate(self, request: CompletionRequest) -> Generation:
        embedded = await self._connect()
        return await embedded.generate(attrs.evolve(request, model=None))  # there is one here, whatever the task

    async def aclose(self) -> None:
        """Do nothing: the actor owns the connection."""
