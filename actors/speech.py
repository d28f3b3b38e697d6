"""Text to speech: a pool of worker processes and a small memory of short phrases.

Sentences come one by one from each dialogue; a session has at most one in work, so a long answer of one cannot
starve another. A phrase that was spoken lately is not made again.
"""

from collections.abc import Mapping

from backends.protocols import JobPool
from config.settings import SpeechSettings
from protocol.messages.inboxes import MetricsMessage, SpeechMessage
from protocol.messages.records import Count, Gauge
from protocol.messages.speaking import SpokenAudio, Synthesise
from protocol.turns.phrase_cache import PhraseCache
from runtime import Actor, DomainError, Ref
from runtime.workers.pool import WorkerError


class SpeechUnavailable(DomainError):
    """No speech can be made now; the text of the answer still reaches the client."""


class Speech(Actor[SpeechMessage]):
    """Makes speech of sentences."""

    def __init__(self, settings: SpeechSettings, pool: JobPool | None, metrics: Ref[MetricsMessage]) -> None:
        self._settings = settings
        self._pool = pool
        self._metrics = metrics
        self._cache = PhraseCache(settings.cache_mb << 20)

    async def on_start(self) -> None:
        """Be ready when one worker has made its warm-up sentence."""
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

    def statistics(self) -> Mapping[str, object]:
        """Show the pool and the cache."""
        cache = {
            "cached_phrases": len(self._cache),
            "cache_bytes": self._cache.size_bytes,
            "cache_hits": self._cache.hits,
        }
        return cache | ({"pool": self._pool.statistics()} if self._pool is not None else {})

    async def _synthesise(self, pool: JobPool, message: Synthesise) -> SpokenAudio:
        params = {"text": message.text, "voice": message.voice, "speed": message.speed}
        try:
            result, pcm = await pool.call("speak", params, b"", timeout_s=self._settings.job_timeout_s)
        except WorkerError as error:
            raise SpeechUnavailable(str(error)) from error
        audio = SpokenAudio(pcm, result["sample_rate"])
        self._cache.keep((message.voice, message.text, message.speed), audio)
        self._metrics.tell_nowait(Gauge("speech_cache_bytes", (), self._cache.size_bytes))
        return audio
