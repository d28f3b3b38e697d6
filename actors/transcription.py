"""Speech to text: which models are loaded, and whose desk an utterance goes to.

Rules kept here:

* The usual model is loaded at the start and stays. Others are loaded when somebody wants them, one at a time, and put
  away when nobody has used them for a while or another one needs the memory (``protocol/admission/model_shelf.py``).
* A model that is put away takes its processes with it, so its memory really is free.
* A client cannot make the server load what it likes: it names one of the models that are offered.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import trio

from actors.stt.desk import Desk, TranscriptionUnavailable
from backends.protocols import JobPool
from config.settings import TranscriptionSettings
from protocol.admission.capacity import Demand
from protocol.admission.model_shelf import (
    Held,
    ListModels,
    LoadModel,
    ModelShown,
    ShelfPolicy,
    UnloadModel,
    expected_bytes,
    expired,
    in_the_way,
)
from protocol.language.languages import hearing_problem, model_for
from protocol.messages.hearing import NoWords, Transcribe, Transcript
from runtime import Actor, Ref
from runtime.workers.pool import StartFailure

log = logging.getLogger("sayso.transcription")
SWEEP_S = 5.0  # between looks at who may be put away


class UnknownModel(TranscriptionUnavailable):
    """There is no such model, or it is not loaded."""


class LanguageNotHeard(TranscriptionUnavailable):
    """No model that is offered knows the language."""


class Transcription(Actor):
    """Answers ``Transcribe`` with ``Transcript`` or ``NoWords``."""

    def __init__(
        self,
        settings: TranscriptionSettings,
        pool: JobPool,
        metrics: Ref,
        *,
        make_pool: Callable[[str], JobPool] | None = None,
        load_level: Callable[[], int] = int,
    ) -> None:
        self._settings = settings
        self._make_pool = make_pool
        # whether another model may be chosen for a language: a server elsewhere knows them all
        self._has_choice = settings.provider == "embedded" and make_pool is not None
        desk = partial(Desk, settings, metrics=metrics, load_level=load_level)
        self._desk = desk
        self._shelf: dict[str, Desk] = {settings.model: desk(pool=pool, workers=settings.workers)}
        self._troubles: dict[str, str] = {}
        self._loading = trio.Lock()
        self._policy = ShelfPolicy(unload_after_s=settings.unload_after_s, budget_bytes=settings.models_memory_mb << 20)

    async def on_start(self) -> None:
        """Be ready when one worker of the usual model has decoded its warm-up utterance."""
        await self.context.nursery.start(self._shelf[self._settings.model].run)
        for name in self._settings.preload:
            self._desk_of(name)
        self.context.nursery.start_soon(self._sweep)

    async def handle(self, message: object) -> ModelShown | None:
        """Take one utterance, or an operator's wish; raises ``TranscriptionUnavailable`` to the asker."""
        match message:
            case Transcribe():
                self.context.reply_in_task(self._transcribe, message)
            case ListModels():
                self.context.reply_in_task(self._list)
            case LoadModel(name):
                self.context.reply_in_task(self._load, name)
            case UnloadModel(name):
                return self._unload(name)
            case _:
                raise TypeError(f"transcription takes Transcribe, not {type(message).__name__}")
        return None

    def statistics(self) -> Mapping[str, object]:
        """Show the usual model's queue and pool, and what else is loaded."""
        others = {name: desk.statistics() for name, desk in self._shelf.items() if name != self._settings.model}
        usual = dict(self._shelf[self._settings.model].statistics())
        return usual | {"queue_min_delay_s": self.queue_delay_s()} | ({"models": others} if others else {})

    def queue_delay_s(self) -> float:
        """Return how long the queue stands: the shortest wait of late, of the desk where it is longest."""
        return max(desk.queue_delay_s() for desk in self._shelf.values())

    def demand(self, speaking: Iterable[str]) -> Demand | None:
        """Return what those who speak, each by its tenant, and those who wait want; ``None`` of a model elsewhere."""
        return self._shelf[self._settings.model].demand(speaking)

    def workers_missing(self) -> float | None:
        """Return the share of the usual model's workers that are not ready; ``None`` as of a desk."""
        return self._shelf[self._settings.model].workers_missing()

    def offered(self) -> tuple[str, ...]:
        """Return the names that a client may use."""
        settings = self._settings
        return tuple(dict.fromkeys((settings.model, *settings.models, *settings.preload, *self._shelf)))

    def hearing_problem(self, language: str | None, wanted: str | None) -> str | None:
        """Return why a language cannot be heard, with a model if one is wanted; ``None`` if it can."""
        if not self._has_choice and wanted is None:
            return None
        return hearing_problem(language or self._settings.language, wanted, self.offered())

    # --- utterances ------------------------------------------------------------------------------

    async def _transcribe(self, message: Transcribe) -> Transcript | NoWords:
        offered = self.offered()
        if message.model is not None and message.model not in offered:
            raise UnknownModel(f"stt model must be one of {', '.join(offered)}, not {message.model[:80]!r}")
        problem = self.hearing_problem(message.language, message.model)
        if problem is not None:
            raise LanguageNotHeard(problem)
        name = message.model or self._settings.model
        if self._has_choice:
            name = model_for(message.language or self._settings.language, message.model, offered) or name
        desk = await self._ready_desk(name)
        return await desk.answer(message)

    # --- the shelf -------------------------------------------------------------------------------

    async def _ready_desk(self, name: str) -> Desk:
        desk = self._desk_of(name)
        desk.use.last_s = trio.current_time()
        await desk.is_ready.wait()
        if self._shelf.get(name) is not desk:
            raise TranscriptionUnavailable(self._troubles.get(name, f"model {name} has just been unloaded"))
        return desk

    def _desk_of(self, name: str) -> Desk:
        """Return the model's desk, which may have yet to be loaded."""
        desk = self._shelf.get(name)
        if desk is None:
            if self._make_pool is None:
                raise UnknownModel(f"only {self._settings.model} is loaded here")
            desk = self._shelf[name] = self._desk(pool=self._make_pool(name), workers=self._settings.model_workers)
            self._troubles.pop(name, None)
            self.context.nursery.start_soon(self._keep, name, desk)
        return desk

    async def _keep(self, name: str, desk: Desk) -> None:
        """Load one model and keep it until it is put away; whoever waits for it is told why if that fails."""
        try:
            async with trio.open_nursery() as nursery:
                async with self._loading:
                    self._make_room(name)
                    await nursery.start(desk.run)
                log.info("model %s is loaded", name)
        except* (StartFailure, TranscriptionUnavailable) as failures:
            self._troubles[name] = str(first_of(failures))
            log.warning("model %s cannot be loaded: %s", name, self._troubles[name])
        finally:
            if self._shelf.get(name) is desk:
                del self._shelf[name]
            desk.is_ready.set()

    def _make_room(self, name: str) -> None:
        needed_bytes = expected_bytes(name, self._settings.model_workers)
        going = in_the_way(self._held(), self._policy, needed_bytes)
        if going is None:
            raise TranscriptionUnavailable(
                f"model {name} needs about {needed_bytes >> 20} MB, and those in use leave less of "
                f"{self._settings.models_memory_mb} MB (transcription.models_memory_mb)"
            )
        for other in going:
            self._put_away(other, "its memory is needed")

    async def _sweep(self) -> None:
        while True:
            await trio.sleep(SWEEP_S)
            for name in expired(self._held(), self._policy, trio.current_time()):
                self._put_away(name, f"not used for {self._settings.unload_after_s:g} s")
            for name in in_the_way(self._held(), self._policy) or ():
                self._put_away(name, "more memory is used than was expected")

    def _held(self) -> Sequence[Held]:
        return [
            Held(
                name=name,
                last_used_s=desk.use.last_s,
                memory_bytes=desk.memory_bytes,
                is_busy=bool(desk.use.in_work) or not desk.is_ready.is_set(),
                is_pinned=name == self._settings.model,
            )
            for name, desk in self._shelf.items()
        ]

    def _put_away(self, name: str, why: str) -> None:
        log.info("model %s is unloaded: %s", name, why)
        self._shelf.pop(name).stop()

    # --- operators -------------------------------------------------------------------------------

    async def _list(self) -> tuple[ModelShown, ...]:
        shown = [await self._show(name, desk) for name, desk in list(self._shelf.items())]
        unloaded = (ModelShown(name, "available") for name in self.offered() if name not in self._shelf)
        return (*shown, *unloaded)

    async def _load(self, name: str) -> ModelShown:
        return await self._show(name, await self._ready_desk(name))

    def _unload(self, name: str) -> ModelShown:
        desk = self._shelf.get(name)
        if desk is None:
            raise UnknownModel(f"model {name} is not loaded; loaded are {', '.join(self._shelf)}")
        if name == self._settings.model:
            raise TranscriptionUnavailable(f"{name} is the usual model (transcription.model), which stays loaded")
        if desk.use.in_work or not desk.is_ready.is_set():
            raise TranscriptionUnavailable(f"model {name} is in use just now")
        self._put_away(name, "an operator's wish")
        return ModelShown(name, "available")

    async def _show(self, name: str, desk: Desk) -> ModelShown:
        is_ready = desk.is_ready.is_set()
        info = await desk.info() if is_ready else {}
        return ModelShown(
            name,
            "loaded" if is_ready else "loading",
            is_usual=name == self._settings.model,
            device=info.get("device"),
            compute_type=info.get("compute_type"),
            is_multilingual=info.get("multilingual"),
            memory_bytes=desk.memory_bytes,
            idle_s=round(trio.current_time() - desk.use.last_s, 1),
            in_work=desk.use.in_work,
        )


def first_of(group: BaseExceptionGroup[Exception]) -> BaseException:
    """Return the first exception in nested groups."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
