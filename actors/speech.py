"""Text to speech: a pool of worker processes and a small memory of short phrases.

Sentences come one by one from each dialogue; a session has at most one in work, so a long answer of one cannot
starve another. A phrase that was spoken lately is not made again.
"""

from collections import OrderedDict
from collections.abc import Mapping

from backends.protocols import JobPool
from config.settings import SpeechSettings
from protocol.messages import SpokenAudio, Synthesise
from runtime import Actor, DomainError
from runtime.pool import WorkerError

CACHED_PHRASES = 64
CACHED_TEXT_MAX_CHARS = 80  # "Timer set for ten seconds." comes again, a paragraph does not
Phrase = tuple[str | None, str, float]
"""Voice, text and speed."""


class SpeechUnavailable(DomainError):
    """No speech can be made now; the text of the answer still reaches the client."""


class Speech(Actor):
    """Makes speech of sentences."""

    def __init__(self, settings: SpeechSettings, pool: JobPool | None) -> None:
        self._settings = settings
        self._pool = pool
        self._cache: OrderedDict[Phrase, SpokenAudio] = OrderedDict()
        self._cache_hits = 0

    async def on_start(self) -> None:
        """Be ready when one worker has made its warm-up sentence."""
        if self._pool is not None:
            await self.context.nursery.start(self._pool.run)

    async def handle(self, message: object) -> SpokenAudio | None:
        """Answer ``Synthesise`` with ``SpokenAudio``; raises ``SpeechUnavailable`` to the asker."""
        if not isinstance(message, Synthesise):
            raise TypeError(f"speech takes Synthesise, not {type(message).__name__}")
        if self._pool is None:
            raise SpeechUnavailable("speech.provider is none")
        key = (message.voice, message.text, message.speed)
        cached = self._cache.get(key)
        if cached is not None:
            self._cache_hits += 1
            self._cache.move_to_end(key)
            return cached
        self.context.reply_in_task(self._synthesise, self._pool, message)
        return None

    def statistics(self) -> Mapping[str, object]:
        """Show the pool and the cache."""
        cache = {"cached_phrases": len(self._cache), "cache_hits": self._cache_hits}
        return cache | ({"pool": self._pool.statistics()} if self._pool is not None else {})

    async def _synthesise(self, pool: JobPool, message: Synthesise) -> SpokenAudio:
        params = {"text": message.text, "voice": message.voice or self._settings.voice, "speed": message.speed}
        try:
            result, pcm = await pool.call("speak", params, b"", timeout_s=self._settings.job_timeout_s)
        except WorkerError as error:
            raise SpeechUnavailable(str(error)) from error
        audio = SpokenAudio(pcm, result["sample_rate"])
        self._remember((message.voice, message.text, message.speed), audio)
        return audio

    def _remember(self, key: Phrase, audio: SpokenAudio) -> None:
        if len(key[1]) > CACHED_TEXT_MAX_CHARS:
            return
        self._cache[key] = audio
        if len(self._cache) > CACHED_PHRASES:
            self._cache.popitem(last=False)
