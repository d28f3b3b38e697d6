"""Text to speech: a pool of worker processes and a small cache of short phrases.

Sentences come one by one from each dialogue; a session has at most one in work, so a long answer of one cannot
starve another. A phrase that was spoken recently is taken from the cache.
"""

import attrs

from backends.jobs import SpeakText
from backends.protocols import JobPool
from config.settings import SpeechSettings
from protocol.messages.inboxes import MetricsMessage, SpeechMessage
from protocol.messages.records import Count, Gauge
from protocol.messages.speaking import SpokenAudio, Synthesise
from protocol.turns.phrase_cache import PhraseCache
from runtime import Actor, DomainError, Ref
from runtime.workers.pool import WorkerError
from runtime.workers.pool_statistics import PoolOwnerStatistics


class SpeechUnavailable(DomainError):
    """No speech can be made now; the text of the answer still reaches the client."""


@attrs.frozen(kw_only=True)
class SpeechStatistics(PoolOwnerStatistics):
    """A moment's view of the synthesiser and its cache of phrases.

    * ``cached_phrases``: how many phrases are kept
    * ``cache_bytes``: memory that they take
    * ``cache_hits``: how often a kept phrase was used
    """

    cached_phrases: int
    cache_bytes: int
    cache_hits: int


class Speech(Actor[SpeechMessage]):
    """Turns sentences into speech."""

    def __init__(self, settings: SpeechSettings, pool: JobPool | None, metrics: Ref[MetricsMessage]) -> None:
        self._settings = settings
        self._pool = pool
        self._metrics = metrics
        self._cache = PhraseCache(settings.cache_mb << 20)

    async def on_start(self) -> None:
        """Start the pool; ready when one worker has made its warm-up sentence."""
        if self._pool is not None:
            await self.context.nursery.start(self._pool.run)

    async def handle(self, message: SpeechMessage) -> SpokenAudio | None:
        """Answer ``Synthesise`` with ``SpokenAudio``; raises ``SpeechUnavailable`` to the asker."""
        if not isinstance(message, Synthesise):
            self.unhandled(message)
        if self._pool is None:
            raise SpeechUnavailable("speech.provider is none")
        cached = self._cache.find((message.voice, message.text, message.speed))
        result = "miss" if cached is None else "hit"
        self._metrics.tell_nowait(Count("speech_cache_requests_total", (result,)))
        if cached is not None:
            return cached
        self.context.reply_in_task(self._synthesise, self._pool, message)
        return None

    def statistics(self) -> SpeechStatistics:
        """Return the statistics of the pool and the cache."""
        return SpeechStatistics(
            cached_phrases=len(self._cache),
            cache_bytes=self._cache.size_bytes,
            cache_hits=self._cache.hits,
            pool=None if self._pool is None else self._pool.statistics(),
        )

    async def _synthesise(self, pool: JobPool, message: Synthesise) -> SpokenAudio:
        job = SpeakText(message.text, message.voice, message.speed)
        try:
            spoken, pcm = await pool.call(job, timeout_s=self._settings.job_timeout_s)
        except WorkerError as error:
            raise SpeechUnavailable(str(error)) from error
        audio = SpokenAudio(pcm, spoken.sample_rate_hz)
        self._cache.keep((message.voice, message.text, message.speed), audio)
        self._metrics.tell_nowait(Gauge("speech_cache_bytes", (), self._cache.size_bytes))
        return audio
