"""A cache of short spoken phrases, bounded in bytes; pure."""

from collections import OrderedDict
from typing import Final

import attrs

from protocol.messages.speaking import SpokenAudio

CACHED_TEXT_MAX_CHARS: Final = 80  # "Timer set for ten seconds." comes again, a paragraph does not
Phrase = tuple[str | None, str, float]
"""Voice, text and speed."""


@attrs.define
class PhraseCache:
    """Least recently used phrases are dropped first."""

    max_bytes: int
    size_bytes: int = 0
    hits: int = 0
    _phrases: OrderedDict[Phrase, SpokenAudio] = attrs.field(factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._phrases)

    def find(self, phrase: Phrase) -> SpokenAudio | None:
        """Return the phrase's audio if it is kept."""
        found = self._phrases.get(phrase)
        if found is not None:
            self.hits += 1
            self._phrases.move_to_end(phrase)
        return found

    def keep(self, phrase: Phrase, audio: SpokenAudio) -> None:
        """Keep it, if it is short enough."""
        if len(phrase[1]) > CACHED_TEXT_MAX_CHARS or len(audio.pcm) > self.max_bytes:
            return
        before = self._phrases.pop(phrase, None)
        self.size_bytes += len(audio.pcm) - (0 if before is None else len(before.pcm))
        self._phrases[phrase] = audio
        while self.size_bytes > self.max_bytes:
            _, gone = self._phrases.popitem(last=False)
            self.size_bytes -= len(gone.pcm)
