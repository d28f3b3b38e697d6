"""Speech to text: the loaded models, and the choice of an utterance's model.

Rules kept here:

* The default model is loaded at the start and stays. Others are loaded on demand, one at a time, and unloaded
  when they were not used for a while or another one needs the memory (``protocol/admission/loaded_models.py``).
* An unloaded model's processes end, so its memory really is free.
* A client cannot make the server load any model: it names one of the offered ones.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import attrs
import trio

from actors.stt.recogniser_queue import RecogniserQueue, RecogniserQueueStatistics, TranscriptionUnavailable
from actors.stt.report import TranscriptionReport, speech_models
from actors.stt.sentence_search import search
from backends.protocols import JobPool
from config.settings import TranscriptionSettings
from protocol.admission.loaded_models import Held, ModelPolicy, expected_bytes, expired, to_unload
from protocol.language.speech_models import SpeechModels
from protocol.messages.hearing import NoWords, Recognition, Transcribe
from protocol.messages.inboxes import MetricsMessage, TranscriptionMessage
from protocol.messages.models import ListModels, LoadModel, ModelShown, UnloadModel
from protocol.messages.searching import FindSentences, FoundSentences, NoSearch
from runtime import Actor, Ref
from runtime.messaging.exits import leaves
from runtime.messaging.published import Published
from runtime.workers.pool import StartFailure

log = logging.getLogger("sayso.transcription")
SWEEP_S = 5.0  # seconds between checks for models to unload


class UnknownModel(TranscriptionUnavailable):
    """There is no such model, or it is not loaded."""


class LanguageNotHeard(TranscriptionUnavailable):
    """No offered model has the language."""


@attrs.frozen(kw_only=True)
class TranscriptionStatistics(RecogniserQueueStatistics):
    """A moment's view of the recognisers; what is inherited is the usual model's.

    * ``queue_min_delay_s``: of the model where it is longest
    * ``models``: the other models that are loaded, by name; ``None`` if there are none
    """

    models: Mapping[str, RecogniserQueueStatistics] | None = None


class Transcription(Actor[TranscriptionMessage]):
    """Answers ``Transcribe`` with ``Recognition`` or ``NoWords``."""

    def __init__(
        self,
        settings: TranscriptionSettings,
        pool: JobPool,
        metrics: Ref[MetricsMessage],
        *,
        make_pool: Callable[[str], JobPool] | None = None,
        load_level: Callable[[], int] = int,
        reports: Published[TranscriptionReport],
    ) -> None:
        self._settings = settings
        self._make_pool = make_pool
        self._reports = reports
        self._publish_report: Callable[[TranscriptionReport], None]
        queue = partial(RecogniserQueue, settings, metrics=metrics, load_level=load_level, on_change=self._publish)
        self._make_queue = queue
        self._queues: dict[str, RecogniserQueue] = {settings.model: queue(pool=pool, workers=settings.at_once)}
        self._troubles: dict[str, str] = {}
        self._loading = trio.Lock()
        self._policy = ModelPolicy(unload_after_s=settings.unload_after_s, budget_bytes=settings.models_memory_mb << 20)

    async def on_start(self) -> None:
        """Load the default model; ready when one worker has decoded its warm-up utterance."""
        self._publish_report = await self.context.nursery.start(self._reports.lend)
        self._publish()
        await self.context.nursery.start(self._queues[self._settings.model].run)
        for name in self._settings.preload:
            self._queue_of(name)
        self.context.nursery.start_soon(self._sweep)

    async def handle(self, message: TranscriptionMessage) -> ModelShown | None:
        """Take one utterance, or an operator's request; raises ``TranscriptionUnavailable`` to the asker."""
        match message:
            case Transcribe():
                self.context.reply_in_task(self._transcribe, message)
            case FindSentences():
                self.context.reply_in_task(self._find, message)
            case ListModels():
                self.context.reply_in_task(self._list)
            case LoadModel(name):
                self.context.reply_in_task(self._load, name)
            case UnloadModel(name):
                return self._unload(name)
            case _:
                self.unhandled(message)
        return None

    def statistics(self) -> TranscriptionStatistics:
        """Return the statistics of the default model's queue and pool, and of the other loaded models."""
        others = {name: queue.statistics() for name, queue in self._queues.items() if name != self._settings.model}
        usual = self._queues[self._settings.model].statistics()
        return TranscriptionStatistics(
            queued=usual.queued,
            queued_background=usual.queued_background,
            queue_min_delay_s=self._report().delay_s(trio.current_time()),
            pool=usual.pool,
            models=others or None,
        )

    def _publish(self) -> None:
        self._publish_report(self._report())

    def _report(self) -> TranscriptionReport:
        """Return the report for readers outside of this actor."""
        usual = self._queues[self._settings.model]
        others = tuple(queue.report for queue in self._queues.values() if queue is not usual)
        return TranscriptionReport(self._models(), usual.report, others)

    def _models(self) -> SpeechModels:
        """Return which models a client may name now."""
        return speech_models(self._settings, self._queues, can_load=self._make_pool is not None)

    # --- utterances ------------------------------------------------------------------------------

    async def _transcribe(self, message: Transcribe) -> Recognition | NoWords:
        models = self._models()
        if message.model is not None and message.model not in models.offered:
            raise UnknownModel(f"stt model must be one of {', '.join(models.offered)}, not {message.model[:80]!r}")
        problem = models.hearing_problem(message.language, message.model)
        if problem is not None:
            raise LanguageNotHeard(problem)
        queue = await self._ready_queue(models.model_for(message.language, message.model))
        return await queue.answer(message)

    async def _find(self, message: FindSentences) -> FoundSentences | NoSearch:
        """Look for sentences with the model that has transcribed the utterance; none is loaded for it."""
        queue = self._queues.get(self._models().model_for(message.language, message.model))
        if queue is None or not queue.is_ready.is_set():
            return NoSearch("busy")
        return await search(queue, message, self._settings)

    # --- loaded models -----------------------------------------------------------------------------

    async def _ready_queue(self, name: str) -> RecogniserQueue:
        queue = self._queue_of(name)
        queue.use.last_s = trio.current_time()
        await queue.is_ready.wait()
        if self._queues.get(name) is not queue:
            raise TranscriptionUnavailable(self._troubles.get(name, f"model {name} has just been unloaded"))
        return queue

    def _queue_of(self, name: str) -> RecogniserQueue:
        """Return the model's queue, which may have yet to be loaded."""
        queue = self._queues.get(name)
        if queue is None:
            if self._make_pool is None:
                raise UnknownModel(f"only {self._settings.model} is loaded here")
            queue = self._queues[name] = self._make_queue(
                pool=self._make_pool(name), workers=self._settings.model_workers
            )
            self._troubles.pop(name, None)
            self._publish()
            self.context.nursery.start_soon(self._keep, name, queue)
        return queue

    async def _keep(self, name: str, queue: RecogniserQueue) -> None:
        """Load one model and keep it until it is unloaded; if that fails, those that wait get the reason."""
        try:
            async with trio.open_nursery() as nursery:
                async with self._loading:
                    self._make_room(name)
                    await nursery.start(queue.run)
                log.info("model %s is loaded", name)
        except* (StartFailure, TranscriptionUnavailable) as failures:
            self._troubles[name] = str(next(leaves(failures)))
            log.warning("model %s cannot be loaded: %s", name, self._troubles[name])
        finally:
            if self._queues.get(name) is queue:
                del self._queues[name]
                self._publish()
            queue.is_ready.set()

    def _make_room(self, name: str) -> None:
        needed_bytes = expected_bytes(name, self._settings.model_workers)
        going = to_unload(self._held(), self._policy, needed_bytes)
        if going is None:
            raise TranscriptionUnavailable(
                f"model {name} needs about {needed_bytes >> 20} MB, and those in use leave less of "
                f"{self._settings.models_memory_mb} MB (transcription.models_memory_mb)"
            )
        for other in going:
            self._remove_queue(other, "its memory is needed")

    async def _sweep(self) -> None:
        while True:
            await trio.sleep(SWEEP_S)
            for name in expired(self._held(), self._policy, trio.current_time()):
                self._remove_queue(name, f"not used for {self._settings.unload_after_s:g} s")
            for name in to_unload(self._held(), self._policy) or ():
                self._remove_queue(name, "more memory is used than was expected")

    def _held(self) -> Sequence[Held]:
        return [
            Held(
                name=name,
                last_used_s=queue.use.last_s,
                memory_bytes=queue.memory_bytes,
                is_busy=bool(queue.use.in_work) or not queue.is_ready.is_set(),
                is_pinned=name == self._settings.model,
            )
            for name, queue in self._queues.items()
        ]

    def _remove_queue(self, name: str, why: str) -> None:
        log.info("model %s is unloaded: %s", name, why)
        self._queues.pop(name).stop()
        self._publish()

    # --- operators -------------------------------------------------------------------------------

    async def _list(self) -> tuple[ModelShown, ...]:
        shown = [await self._show(name, queue) for name, queue in list(self._queues.items())]
        unloaded = (ModelShown(name, "available") for name in self._models().offered if name not in self._queues)
        return (*shown, *unloaded)

    async def _load(self, name: str) -> ModelShown:
        return await self._show(name, await self._ready_queue(name))

    def _unload(self, name: str) -> ModelShown:
        queue = self._queues.get(name)
        if queue is None:
            raise UnknownModel(f"model {name} is not loaded; loaded are {', '.join(self._queues)}")
        if name == self._settings.model:
            raise TranscriptionUnavailable(f"{name} is the usual model (transcription.model), which stays loaded")
        if queue.use.in_work or not queue.is_ready.is_set():
            raise TranscriptionUnavailable(f"model {name} is in use just now")
        self._remove_queue(name, "an operator's request")
        return ModelShown(name, "available")

    async def _show(self, name: str, queue: RecogniserQueue) -> ModelShown:
        is_ready = queue.is_ready.is_set()
        description = await queue.describe() if is_ready else None
        return ModelShown(
            name,
            "loaded" if is_ready else "loading",
            is_usual=name == self._settings.model,
            device=None if description is None else description.device,
            compute_type=None if description is None else description.compute_type,
            is_multilingual=None if description is None else description.is_multilingual,
            memory_bytes=queue.memory_bytes,
            idle_s=round(trio.current_time() - queue.use.last_s, 1),
            in_work=queue.use.in_work,
        )
