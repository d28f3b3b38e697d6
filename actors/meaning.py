"""What sentences mean that are none of the grammar's: one worker process, and the user's own commands by example.

Rules kept here:

* Without its worker nothing is lost but this: a sentence then has no meaning, at once, and the turn goes on. A model
  that is missing or damaged is told once, and not tried again before the next start.
* The examples of the user's commands are embedded a few at a time, so that a turn waits for no more than those.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import attrs
import trio

from backends.jobs import ReadSentences
from backends.protocols import JobPool
from config.settings import UnderstandingSettings
from protocol.language.languages import primary
from protocol.messages.inboxes import MeaningMessage, MetricsMessage
from protocol.messages.meaning import Meaning, OwnSentence, ReadMeaning
from protocol.messages.records import Observe
from protocol.turns.meaning import Thresholds, meaning_of
from runtime import Actor, Ref
from runtime.workers.pool import StartFailure, WorkerError
from runtime.workers.pool_statistics import PoolOwnerStatistics

log = logging.getLogger("sayso.meaning")
LANGUAGE: Final = "en"  # the embedding's and the head's
AT_ONCE: Final = 4  # examples that are embedded by one job: a turn waits 40 ms for them at most
MAX_CHARS: Final = 300  # of a sentence; a longer one is dictation


class Examples(Protocol):
    """The nearest examples of the user's own commands; ``backends/understanding/examples.py``."""

    def __len__(self) -> int:
        """Return how many there are."""

    def replace(self, examples: Sequence[OwnSentence], embeddings: bytes) -> None:
        """Take other examples with their embeddings."""

    def nearness(self, embedding: bytes) -> Mapping[str, float]:
        """Return the cosine of the nearest example of each intent."""


@attrs.frozen(kw_only=True)
class MeaningStatistics(PoolOwnerStatistics):
    """A moment's view of the worker and the examples.

    * ``examples``: how many sentences of the user's own commands are known by their meaning
    * ``problem``: why there is no meaning; ``None`` if there is
    """

    examples: int
    problem: str | None


class MeaningReader(Actor[MeaningMessage]):
    """Answers ``ReadMeaning``."""

    def __init__(
        self,
        settings: UnderstandingSettings,
        pool: JobPool | None,
        examples: Examples,
        own: Callable[[], Sequence[OwnSentence]],
        metrics: Ref[MetricsMessage],
    ) -> None:
        """``own()`` returns the examples of the user's commands; the same object until they change."""
        self._settings = settings
        self._thresholds = Thresholds(settings.sure, settings.likely, settings.own)
        self._pool = pool
        self._examples = examples
        self._own = own
        self._metrics = metrics
        self._learnt: Sequence[OwnSentence] | None = None
        self._problem: str | None = "understanding.meaning is off" if pool is None else "its worker is starting"

    async def on_start(self) -> None:
        """Start the worker; others need not wait for it."""
        if self._pool is not None:
            self.context.nursery.start_soon(self._serve, self._pool)

    async def handle(self, message: MeaningMessage) -> None:
        """Answer with a ``Meaning``, or with ``None``."""
        if not isinstance(message, ReadMeaning):
            self.unhandled(message)
        self.context.reply_in_task(self._read, message)

    def statistics(self) -> MeaningStatistics:
        """Return the statistics of the worker, and why there is no meaning, if so."""
        return MeaningStatistics(
            examples=len(self._examples),
            problem=self._problem,
            pool=None if self._pool is None or self._problem is not None else self._pool.statistics(),
        )

    async def _serve(self, pool: JobPool) -> None:
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(pool.run)
                self._problem = None
                await self._learn(pool)
        except* StartFailure as failed:
            self._problem = str(failed.exceptions[0])
            log.warning("sentences are understood by the grammar only: %s", self._problem)

    async def _read(self, message: ReadMeaning) -> Meaning | None:
        text = message.text.strip()
        pool = self._pool
        if pool is None or self._problem is not None or primary(message.language) != LANGUAGE:
            return None
        if not 0 < len(text) <= MAX_CHARS:
            return None
        started_s = trio.current_time()
        try:
            with trio.fail_after(self._settings.timeout_s):
                readings, embedding = await pool.call(ReadSentences((text,)), timeout_s=self._settings.timeout_s)
        except (WorkerError, trio.TooSlowError) as error:
            log.warning("no meaning: %r", error)
            return None
        self._metrics.tell_nowait(Observe("meaning_seconds", (), trio.current_time() - started_s))
        if self._own() is not self._learnt:
            self.context.nursery.start_soon(self._learn, pool)
        return meaning_of(readings.sentences[0].classes, self._examples.nearness(embedding), self._thresholds)

    async def _learn(self, pool: JobPool) -> None:
        """Embed the examples, and take them all at once; a failure is tried again at the next sentence."""
        own = self._learnt = self._own()
        embeddings = bytearray()
        try:
            for at in range(0, len(own), AT_ONCE):
                texts = tuple(sentence.text for sentence in own[at : at + AT_ONCE])
                _, made = await pool.call(ReadSentences(texts), timeout_s=AT_ONCE * self._settings.timeout_s)
                embeddings += made
        except WorkerError as error:
            log.warning("the commands' examples are not learnt: %s", error)
            self._learnt = None
            return
        if self._learnt is own:
            self._examples.replace(own, bytes(embeddings))
