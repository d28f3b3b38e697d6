"""A Whisper worker's search for the sentences of a grammar that fit an utterance best.

Rules kept here:

* Nothing of an utterance is kept: it is encoded again. Its first text comes with the question, because that was decoded
  under the same prompt.
* The decoder's weights are loaded at the first search; a model that they cannot be read of answers so from then on.
* A grammar is sent once and kept under its version.
* A search ends at its own time limit, so that its worker is free for the next utterance.
"""

import json
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs
import ctranslate2
import numpy as np
import tokenizers

from backends.commands.automaton import arcs_of
from backends.jobs import SearchSentences, SentenceSearchReply
from backends.speech.model_file import ModelFileError
from backends.speech.numpy_decoder import NumpyDecoder, TokenScorer
from backends.speech.recogniser import Recogniser
from backends.speech.sentence_beam import WrittenSentence, find_sentences
from backends.speech.sentence_trie import SentenceTrie
from backends.speech.whisper_engine import Encoding, Floats, to_floats
from protocol.audio import transcripts
from protocol.messages.hearing import INTERNAL_RATE_HZ
from protocol.messages.searching import FoundSentence, FoundSentences, SentenceAutomaton
from protocol.turns.found_sentences import FLOOR

log = logging.getLogger("sayso.whisper")
KEPT_GRAMMARS: Final = 4  # of several languages, and the one before a change of the files
MAX_FOUND: Final = 8  # sentences that differ in their words
END: Final = "<|endoftext|>"
LANGUAGE: Final = "en"


@attrs.frozen(eq=False)
class LoadedDecoder:
    """What a search needs of a model's folder."""

    decoder: NumpyDecoder
    tokenizer: tokenizers.Tokenizer
    suppressed: tuple[int, ...]
    """Tokens that are no speech, as the model's authors list them."""
    suppressed_first: tuple[int, ...]

    @classmethod
    def of(cls, folder: Path) -> "LoadedDecoder":
        """Load it; raises ``ModelFileError`` or ``OSError``."""
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            suppressed, first = tuple(config.get("suppress_ids", ())), tuple(config.get("suppress_ids_begin", ()))
        except (ValueError, AttributeError, TypeError) as error:
            raise ModelFileError(f"{folder / 'config.json'} must be a model's settings: {error}") from error
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        return cls(NumpyDecoder(folder), tokenizer, suppressed, first)

    @property
    def end(self) -> int:
        """The token of the end of a text."""
        token = self.tokenizer.token_to_id(END)
        if token is None:
            raise ModelFileError(f"a tokeniser must have the token {END}")
        return token

    def encode(self, text: str) -> Sequence[int]:
        """Return the tokens of a text."""
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens."""
        return str(self.tokenizer.decode(list(tokens)))

    def text_of(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens that came from elsewhere; raises ``ValueError`` for those that are none."""
        most = self.decoder.max_tokens // 2
        if len(tokens) > most or not all(0 <= token < self.decoder.vocabulary for token in tokens):
            raise ValueError(f"a text must have at most {most} tokens of the model's")
        return self.decode(tokens)


class SentenceSearcher:
    """Does ``SearchSentences`` with one model."""

    def __init__(
        self,
        folder: Path,
        engine: Recogniser,
        *,
        load: Callable[[Path], LoadedDecoder] = LoadedDecoder.of,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Take the model's folder and its engine; loads nothing."""
        self._folder = folder
        self._engine = engine
        self._load = load
        self._clock = clock
        self._loaded: LoadedDecoder | None = None
        self._trouble: str | None = None
        self._tries: OrderedDict[str, SentenceTrie] = OrderedDict()

    def search(self, job: SearchSentences, pcm: bytes | memoryview) -> SentenceSearchReply:
        """Return the sentences that fit 16 kHz mono s16le samples; raises ``ValueError`` for what cannot be searched.

        That is a wrong length, tokens that the model has not, or a damaged grammar.
        """
        started_s = self._clock()
        samples = to_floats(pcm)
        duration_s = len(samples) / INTERNAL_RATE_HZ
        if not 0 < duration_s <= transcripts.FULL_WINDOW_S:
            raise ValueError(f"an utterance must have at most {transcripts.FULL_WINDOW_S} s, not {duration_s:.1f}")
        loaded = self._ready()
        if loaded is None:
            return SentenceSearchReply(problem="unsupported")
        trie = self._trie(job, loaded)
        if trie is None:
            return SentenceSearchReply(problem="unknown_grammar")
        free_text = loaded.text_of(job.first_tokens)
        if transcripts.is_suspicious(job.first_tokens, free_text, duration_s):
            return SentenceSearchReply(FoundSentences((), free_text, 0.0, len(job.first_tokens), True, 0.0))
        scorer = self._scorer(job, samples, loaded)
        free_logprob = scorer.score(job.first_tokens, loaded.end)
        found = find_sentences(
            scorer,
            trie,
            loaded.end,
            floor=free_logprob + FLOOR,
            is_late=lambda: self._clock() - started_s > job.within_s,
        )
        if found is None:
            return SentenceSearchReply(problem="late")
        return SentenceSearchReply(
            FoundSentences(
                sentences=merged(found, loaded.decode),
                free_text=transcripts.tidy(free_text),
                free_logprob=free_logprob,
                free_tokens=len(job.first_tokens),
                is_loop=False,
                compute_s=self._clock() - started_s,
            )
        )

    def _scorer(self, job: SearchSentences, samples: Floats, loaded: LoadedDecoder) -> TokenScorer:
        """Return what scores texts for the samples, encoded as they were when their first text was decoded."""
        duration_s = len(samples) / INTERNAL_RATE_HZ
        in_room = transcripts.ends_in_room(duration_s, is_biased=bool(job.vocabulary))
        features = self._engine.features(samples, transcripts.window_for(duration_s), in_room=in_room)
        [encoding] = self._engine.encode([features])
        return TokenScorer(
            loaded.decoder,
            on_cpu(encoding),
            self._engine.prompt(LANGUAGE, job.vocabulary),
            suppressed=loaded.suppressed,
            suppressed_first=loaded.suppressed_first,
        )

    def _ready(self) -> LoadedDecoder | None:
        if self._loaded is None and self._trouble is None:
            try:
                self._loaded = self._load(self._folder)
            except (ModelFileError, OSError) as error:
                self._trouble = str(error)
                log.warning("commands cannot be looked for in noise with this model: %s", error)
        return self._loaded

    def _trie(self, job: SearchSentences, loaded: LoadedDecoder) -> SentenceTrie | None:
        if job.automaton is not None:
            self._tries[job.version] = new_trie(job.automaton, loaded.encode)
            while len(self._tries) > KEPT_GRAMMARS:
                self._tries.popitem(last=False)
        if job.version in self._tries:
            self._tries.move_to_end(job.version)
        return self._tries.get(job.version)


def new_trie(automaton: SentenceAutomaton, encode: Callable[[str], Sequence[int]]) -> SentenceTrie:
    """Return the sentences of an automaton in tokens; raises ``ValueError`` for a damaged one."""
    return SentenceTrie(automaton.labels, list(arcs_of(automaton)), encode)


def merged(found: Sequence[WrittenSentence], decode: Callable[[Sequence[int]], str]) -> tuple[FoundSentence, ...]:
    """Return the sentences that differ in their words, best first; the probabilities of the same words are added up."""
    kept: dict[str, FoundSentence] = {}
    for one in found:
        text = decode(one.tokens)
        words = transcripts.words_of(text)
        before = kept.get(words)
        if before is None:
            kept[words] = FoundSentence(transcripts.tidy(text), one.logprob, len(one.tokens))
        else:
            total = before.logprob + math.log1p(math.exp(one.logprob - before.logprob))
            kept[words] = attrs.evolve(before, logprob=total)
    return tuple(sorted(kept.values(), key=lambda one: -one.logprob)[:MAX_FOUND])


def on_cpu(encoding: Encoding) -> Floats:
    """Return an utterance's encoding as float32 ``(frames, width)``."""
    view = encoding.batch.to_device(ctranslate2.Device.cpu).to(ctranslate2.DataType.float32)
    return np.asarray(np.array(view)[encoding.number], dtype=np.float32)
