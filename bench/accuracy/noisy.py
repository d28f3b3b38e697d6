"""Orders in noise: how many become the right call with and without the search in the sound, and what others become.

Recogniser, grammar, search and rule are the server's own, one after the other in this process; whole clips, without the
endpointer. Noise is mixed in as by Picovoice's benchmark of speech to intent: scaled by the loudest 2,048 samples of
both. The sentences that are no orders, many of them nearly one, are all searched, however sure their words are; each
call that the rule would make of them counts, and one makes the run fail.

    sayso bench noisy                                 spoken by Piper, pink noise, 24 to 6 dB
    sayso bench noisy --corpus DIR --noise FILE       recorded orders (as of the part "orders"), noise of a WAV file
    sayso bench noisy --count 0 --rounds 3 --levels 12,6       only what is no order, in three places of the noise
"""

import argparse
import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from backends.commands.grammar import HassilGrammar
from backends.jobs import Clip, ClipTranscript, SearchSentences, TranscribeClips
from backends.speech.whisper import WhisperWorker
from backends.speech.whisper_params import whisper_params
from bench.accuracy.noise import NOISES
from bench.accuracy.orders import BAR, Order, corpus_of, labelled
from bench.accuracy.talk import TALK
from bench.load.clips import at_16_khz, said
from bench.load.options import SEED
from bench.part import Flag, Part, Report
from bench.report import table
from cli.sound import Sound, read_wav
from config.load import load
from protocol.messages.hearing import INTERNAL_RATE_HZ
from protocol.turns.found_sentences import MOST_CONFIDENT, SearchDecision, decide_found

Samples = npt.NDArray[np.float64]
TAIL_S: Final = 0.4  # of silence behind a clip, as the endpointer leaves it
LOUD_SAMPLES: Final = 2_048
NOISE_S: Final = 60.0
ORDERS: Final = (
    "Can I have a small latte with soy milk?",
    "I would like a large cappuccino.",
    "Give me a double shot espresso.",
    "Make me an iced mocha with a little bit of sugar.",
    "I want a medium roast drip coffee with cream.",
    "Could you please make me a twelve ounce americano?",
    "Get me a house coffee with some brown sugar and milk.",
    "Brew me a dark roast coffee.",
)
NEARLY: Final = (
    "Can I have a glass of water with some ice?",
    "I want a large coke and fries.",
    "I like coffee with my breakfast.",
    "Give me a minute to think about it.",
    "Make me a sandwich with cheese and ham.",
    "Could you please bring me the bill?",
    "I would like to book a table for two.",
    "The coffee machine is broken again.",
    "Do you have any oat milk today?",
    "She ordered a latte and he had nothing.",
    "How much is a cappuccino here?",
    "Let me have a look at the menu.",
    "I need a double room for three nights.",
    "Can you get me a taxi to the station?",
    "My brother never drinks espresso in the evening.",
    "There is too much sugar in this cake.",
    "What time is the next train to London?",
    "Set the table for ten people.",
    "The meeting lasted for twenty minutes.",
    "Please turn the music down a little.",
    "Cancel my subscription to the newspaper.",
    "What is the name of that song?",
    "He took a note of the number plate.",
    "Add it to the pile on the left.",
    "My alarm did not ring this morning.",
    "Tell me what the doctor said.",
    "The timer on the oven never works.",
    "Is it warm enough to swim today?",
    "I would like a large piece of cake.",
    "May I have a word with the manager?",
)


NOTHING: Final = SearchDecision("nothing")


@attrs.define
class NoiseRow:
    """The counts of one level of noise."""

    clips: int = 0
    right_before: int = 0
    right_after: int = 0
    wrong_before: int = 0
    wrong_after: int = 0
    """Without a question before the call."""
    asked: int = 0
    """Calls that the user is asked about first, because the search is not sure."""
    searched: int = 0
    outcomes: Counter[str] = attrs.field(factory=Counter)
    transcribing_ms: list[float] = attrs.field(factory=list)
    searching_ms: list[float] = attrs.field(factory=list)


class NoisyRecogniser:
    """Transcribes, understands and searches one clip at a time."""

    def __init__(self, model: str) -> None:
        """Load the model and the orders' commands."""
        settings = load(None, {}, {"transcription.model": model}).settings
        self.grammar = HassilGrammar([BAR])
        self._vocabulary = self.grammar.vocabulary("en")
        self._worker = WhisperWorker(whisper_params(settings.transcription, settings.supervisor.models_dir))
        self._has_grammar = False

    def hear(self, pcm: bytes, row: NoiseRow, *, is_searched: bool = False) -> SearchDecision:
        """Return what 16 kHz mono s16le becomes, and count what it cost; searched at any confidence if so wanted."""
        started_s = time.process_time()
        job = TranscribeClips((Clip(len(pcm), "en", self._vocabulary),))
        [heard] = self._worker.transcribe(job, pcm).clips
        row.transcribing_ms.append(1000 * (time.process_time() - started_s))
        match = None if heard.no_speech else self.grammar.match((heard.text, *heard.alternatives), "en")
        if match is not None:
            return SearchDecision("nothing", match)
        is_unsure = heard.no_speech == "low_confidence" or (not heard.no_speech and heard.confidence <= MOST_CONFIDENT)
        return self._search(pcm, heard, row) if heard.first_tokens and (is_unsure or is_searched) else NOTHING

    def _search(self, pcm: bytes, heard: ClipTranscript, row: NoiseRow) -> SearchDecision:
        automaton = self.grammar.automaton("en")
        if automaton is None:
            raise AssertionError("the grammar of the bar is English")
        started_s = time.process_time()
        sent = None if self._has_grammar else automaton
        job = SearchSentences(automaton.version, math.inf, sent, self._vocabulary, heard.first_tokens)
        found = self._worker.search(job, pcm).found
        row.searching_ms.append(1000 * (time.process_time() - started_s))
        row.searched += 1
        self._has_grammar = True
        if found is None:
            raise AssertionError("a search without a limit has ended without a result")
        search = decide_found(found, "en", is_doubted=heard.no_speech is not None)
        try:
            text = next(search)
            while True:
                text = search.send(self.grammar.match_exactly(text, "en"))
        except StopIteration as end:
            decision: SearchDecision = end.value
        row.outcomes[decision.outcome] += 1
        return decision


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Hear the orders at each level, then what is none."""
    recogniser = NoisyRecogniser(options.model)
    orders = corpus_of(options.corpus) if options.corpus else _spoken_orders(recogniser.grammar)
    if options.count is not None:
        orders = random.Random(options.seed).sample(orders, min(options.count, len(orders)))
    noise = _samples(read_wav(options.noise)) if options.noise else NOISES["pink"](_generator(options), NOISE_S)
    mixer = _Mixer(np.asarray(noise, dtype=float), random.Random(options.seed))
    rows = {f"{level:g} dB": _heard(recogniser, orders, mixer, level) for level in options.levels if orders}
    _print("orders", rows)
    yield {"orders": _shown(rows)}
    others = [_samples(sound) for sound in said((*TALK, *NEARLY))] if options.rounds else []
    calls: list[str] = []
    found: dict[str, NoiseRow] = {}
    for level in options.levels if others else ():
        row = found[f"{level:g} dB"] = NoiseRow()
        for text, clip in zip((*TALK, *NEARLY) * options.rounds, others * options.rounds, strict=True):
            decision = recogniser.hear(mixer.mixed(clip, level), row, is_searched=True)
            row.clips += 1
            if decision.match is not None:
                row.wrong_before += decision.outcome != "accepted"
                row.wrong_after += 1
                calls.append(f"{level:g} dB: {text} -> {decision.match.tool} {dict(decision.match.arguments)}")
    _print("no orders", found)
    print("\n".join(calls))
    yield {"orders": _shown(rows), "no_orders": _shown(found), "calls": calls, "missed": calls}


def _heard(recogniser: NoisyRecogniser, orders: Sequence[Order], mixer: "_Mixer", level_db: float) -> NoiseRow:
    row = NoiseRow()
    for order in orders:
        decision = recogniser.hear(mixer.mixed(_samples(order.sound), level_db), row)
        row.clips += 1
        if decision.match is None:
            continue
        is_right = dict(decision.match.arguments) == dict(order.wanted)
        is_found = decision.outcome == "accepted"
        row.right_after += is_right
        row.right_before += is_right and not is_found
        row.wrong_before += not is_right and not is_found
        row.wrong_after += not is_right and decision.is_sure
        row.asked += not decision.is_sure
    return row


@attrs.define
class _Mixer:
    """Mixes a noise into clips, from another place each time."""

    noise: Samples
    rng: random.Random

    def mixed(self, clip: Samples, level_db: float) -> bytes:
        """Return 16 kHz mono s16le at half of full scale, with silence behind it."""
        at = self.rng.randrange(0, max(1, len(self.noise) - len(clip)))
        noise = np.resize(self.noise[at : at + len(clip)], len(clip))
        made = clip + math.sqrt(_loudest(clip) / (_loudest(noise) * 10 ** (level_db / 10))) * noise
        made /= 2 * np.abs(made).max()
        tail = np.zeros(round(TAIL_S * INTERNAL_RATE_HZ))
        return (np.concatenate((made, tail)) * 32_767).astype("<i2").tobytes()


def _loudest(samples: Samples) -> float:
    count = max(1, len(samples) // LOUD_SAMPLES)
    frames = np.resize(samples, count * LOUD_SAMPLES).reshape(count, LOUD_SAMPLES)
    return float(np.square(frames).sum(axis=1).max())


def _samples(sound: Sound) -> Samples:
    return at_16_khz(sound).astype(float) / 32_768


def _spoken_orders(grammar: HassilGrammar) -> list[Order]:
    orders = []
    for text, sound in zip(ORDERS, said(ORDERS), strict=True):
        match = grammar.match_exactly(text, "en")
        if match is None:
            raise AssertionError(f"{text} must be an order")
        orders.append(Order(text, sound, dict(match.arguments)))
    return orders


def _generator(options: argparse.Namespace) -> np.random.Generator:
    return np.random.default_rng(options.seed)


def _shown(rows: Mapping[str, NoiseRow]) -> Mapping[str, Any]:
    return {
        name: {
            **attrs.asdict(row, filter=lambda field, _: not field.name.endswith("_ms")),
            "transcribing_ms": _mean(row.transcribing_ms),
            "searching_ms": _mean(row.searching_ms),
            "searching_most_ms": round(max(row.searching_ms, default=0.0)),
        }
        for name, row in rows.items()
    }


def _mean(figures: Sequence[float]) -> int:
    return round(sum(figures) / max(1, len(figures)))


def _print(title: str, rows: Mapping[str, NoiseRow]) -> None:
    names = ("clips", "right_before", "right_after", "wrong_before", "wrong_after", "asked", "searched")
    more = ("transcribing_ms", "searching_ms", "searching_most_ms")
    shown = _shown(rows)
    table(title, (*names, *more), [[name, *(row[key] for key in (*names, *more))] for name, row in shown.items()])
    for name, row in shown.items():
        print(f"{name}: {dict(row['outcomes'])}")


def _levels(text: str) -> list[float]:
    try:
        return [float(level) for level in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be decibels such as 12,6, not {text}") from None


PART: Final = Part(
    "noisy",
    measure,
    (
        SEED,
        Flag("--corpus", None, "folder with clips/*.wav and labels.json", labelled),
        Flag("--noise", None, "a WAV file; pink noise without it", Path),
        Flag("--model", "tiny.en"),
        Flag("--levels", [24.0, 18.0, 12.0, 6.0], "signal to noise, in dB", _levels),
        Flag("--count", None, "orders; all without it", int),
        Flag("--rounds", 1, "how often each sentence that is no order is heard at each level", int),
    ),
    ("faster-whisper", "ctranslate2", "numpy"),
)
