"""Checks of a recogniser's output: token budgets, loops, phantom phrases, silence, tidy text.

Rules kept here:

* Everything is a function of its arguments; no model, no clock.
* Doubt costs a second decode, never a wrong command: see ``next_attempt``.
* An utterance becomes ``no_speech`` only by ``no_speech_reason``, so that all reasons stand in one table.

The thresholds marked "Whisper" are those of OpenAI's reference decoder (Radford et al. 2022, section 4.5).
"""

import math
import re
import unicodedata
import zlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Final

import attrs

from protocol.messages.events import NoSpeechReason

FULL_WINDOW_S: Final = 30  # what Whisper was trained on
WINDOW_BUCKETS_S: Final = (10, 12, 16, 20, FULL_WINDOW_S)  # few sizes, so that utterances meet in a batch
# From 10 s on: in 8 s 15 of 141 prompted commands looped and were decoded again, in 10 s 6, at 3 ms more each.
WINDOW_MARGIN_S: Final = 5.0  # silence after the speech; with 3 to 4 s many clips end in loops
# Measured (tiny.en, greedy, 141 short commands): word errors 5.0 % against 4.5 % with 30 s, at a sixth of the CPU.
DICTATION_S: Final = 5.0  # from here on a quiet room behind the speech gains words, where no vocabulary is given
SECOND_WINDOW_S: Final = 16  # of 141 prompted commands 15 looped in 8 s, none in 16 s, at a third of the cost of 30 s

BUDGET_BASE_TOKENS: Final = 16  # "Yes." needs a few tokens however short it is
BUDGET_TOKENS_PER_S: Final = 12  # Whisper's own limit is 224 tokens in 30 s, 7.5 a second
BUDGET_MAX_TOKENS: Final = 224  # Whisper: half of the decoder's 448 positions

LOOP_WORDS: Final = 3  # a pattern this long is doubtful the second time, a shorter one the third time
LOOP_TOKENS: Final = 6  # the same in tokens, for scripts without spaces
LOOP_REPEATS: Final = 3
CHANTS: Final = ((LOOP_WORDS, 4), (8, 3))  # so many words, so often in a row, were not said, however long it took
COMPRESSION_RATIO_MAX: Final = 2.4  # Whisper
SPOKEN_TOKENS_PER_S: Final = 8.0  # fast English is 6; a run that needs more was not spoken

LOGPROB_MIN: Final = -1.0  # Whisper
LOGPROB_BIASED_MIN: Final = -0.6  # under a prompt ordinary speech scores better than it should
LOGPROB_HOPELESS: Final = -1.8
LOGPROB_AGAIN_MIN: Final = -0.6
"""Of a text whose first decode was doubted. Measured (tiny.en): of 181 clips of speech 6 were decoded again and came to
-0.4 or better; of 24 utterances of babble 23 were, and 21 of them came to less."""
NO_SPEECH_PROB_MAX: Final = 0.6  # Whisper

OPEN_ENDS: Final = ("...", "\u2026", ",", ";", ":", "-", "\u2013", "\u2014")  # how Whisper writes what breaks off
SPOKEN_LETTERS_PER_S: Final = 11.0
"""A text with fewer letters for each second of voice has left words out, if it also breaks off. Measured (tiny.en): of
151 orders 21 broke off, 20 of them with 11.5 letters a second or more; one had 9.8 and lacked "with sugar and milk"."""

VOICED_MIN_S: Final = 0.1  # the shortest words ("up", "off") have 150 ms of voice
VOICED_WEAK_S: Final = 0.25
LEVEL_LOW_DBFS: Final = -45.0  # breath and room noise on a phone; quiet speech is 10 dB louder
UTTERANCE_MIN_S: Final = 0.1

PHANTOM_PHRASES: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({
        "you", "thank you", "thank you so much", "thank you very much", "thanks", "thanks for watching",
        "thank you for watching", "thanks for listening", "thank you for listening", "please subscribe",
        "like and subscribe", "please like and subscribe", "dont forget to subscribe", "subscribe to my channel",
        "see you next time", "see you in the next video", "ill see you in the next video", "bye", "bye bye",
        "the end", "so", "oh", "okay", "i", "uh", "um", "hmm", "mm", "subtitles by the amaraorg community",
        "transcription by castingwords", "music", "applause",
    }),
    "de": frozenset({
        "vielen dank", "danke", "danke schön", "vielen dank fürs zuschauen", "vielen dank für ihre aufmerksamkeit",
        "danke fürs zuschauen", "bis zum nächsten mal", "tschüss", "das wars", "untertitel der amaraorg community",
        "untertitel im auftrag des zdf für funk 2017", "untertitelung des zdf 2020", "untertitel von stephanie geiges",
        "copyright wdr 2021", "swr 2021",
    }),
    "fr": frozenset({
        "merci", "merci beaucoup", "merci davoir regardé", "merci davoir regardé cette vidéo", "au revoir",
        "sous titres réalisés para la communauté damaraorg", "sous titres réalisés par la communauté damaraorg",
        "sous titrage société radio canada", "abonnez vous",
    }),
    "es": frozenset({
        "gracias", "muchas gracias", "gracias por ver", "gracias por ver el video", "suscríbete",
        "subtítulos realizados por la comunidad de amaraorg", "hasta la próxima", "adiós",
    }),
    "it": frozenset({
        "grazie", "grazie a tutti", "grazie per la visione", "sottotitoli creati dalla comunità amaraorg",
        "sottotitoli e revisione a cura di qtss", "ciao",
    }),
    "pt": frozenset({"obrigado", "obrigada", "obrigado por assistir", "legendas pela comunidade amaraorg", "tchau"}),
    "nl": frozenset({
        "dank u wel", "bedankt", "bedankt voor het kijken", "ondertitels ingediend door de amaraorg gemeenschap",
    }),
    "ru": frozenset({"продолжение следует", "спасибо", "спасибо за просмотр", "субтитры сделал dimatorzok"}),
    "ja": frozenset({"ご視聴ありがとうございました", "ありがとうございました", "チャンネル登録お願いします"}),
    "zh": frozenset({"谢谢", "謝謝", "谢谢观看", "謝謝觀看", "字幕由amaraorg社区提供"}),
}  # fmt: skip
"""Phrases that Whisper writes for silence (learnt from subtitles), by language, normalised by ``words_of``."""


HUMS: Final = frozenset({"mm", "mmm", "hm", "hmm", "mhm", "mmhm", "mmhmm", "uh", "huh", "um", "ah", "oh", "äh", "ähm"})
"""Sounds of listeners; "yes" and "okay" are none, because they may be answers."""


@attrs.frozen(kw_only=True)
class Evidence:
    """The evidence about one utterance after decoding it."""

    text: str
    language: str
    duration_s: float
    voiced_s: float
    """Seconds of it that Silero calls speech."""
    level_dbfs: float
    """Level of its louder parts; 0 is a full-scale square wave."""
    avg_logprob: float
    """Mean log-probability per token, the end token included."""
    no_speech_prob: float | None
    """Whisper's own opinion; None if it was decoded under a prompt, which spoils it."""
    is_loop: bool = False
    is_second: bool = False
    """Whether it is the text of another decode, because the first was doubted."""


@attrs.frozen
class Attempt:
    """One way of decoding an utterance."""

    window_s: int
    is_biased: bool


@attrs.frozen(kw_only=True)
class Outcome:
    """The result of an attempt, by which it is accepted or not."""

    is_suspicious: bool
    avg_logprob: float
    voiced_s: float


def ends_in_room(duration_s: float, *, is_biased: bool) -> bool:
    """Return whether the window is filled up with a quiet room; else with digital silence.

    Behind a short sentence, or under a prompt, a room is taken for more speech, or hides some: docs/decisions/0008.
    """
    return duration_s >= DICTATION_S and not is_biased


def window_for(duration_s: float) -> int:
    """Return the seconds of audio and padding to encode: 5 s more than the speech, rounded up to a bucket."""
    wanted_s = duration_s + WINDOW_MARGIN_S
    return next((bucket_s for bucket_s in WINDOW_BUCKETS_S if bucket_s >= wanted_s), FULL_WINDOW_S)


def token_budget(duration_s: float) -> int:
    """Return how many tokens an utterance may become at most, the end token included."""
    return min(BUDGET_MAX_TOKENS, BUDGET_BASE_TOKENS + int(BUDGET_TOKENS_PER_S * duration_s))


def repeats_itself(items: Sequence[Hashable], *, long_pattern: int) -> bool:
    """Return whether some pattern follows on itself: twice if it is long or all there is, else three times."""
    for size in range(1, len(items) // 2 + 1):
        is_everything = len(items) == 2 * size
        times = 2 if size >= long_pattern or is_everything else LOOP_REPEATS
        if _comes_in_a_row(items, size, times):
            return True
    return False


def is_chant(words: Sequence[str]) -> bool:
    """Return whether some words repeat as no person speaks: a slow loop."""
    return any(
        _comes_in_a_row(words, size, times) for least, times in CHANTS for size in range(least, len(words) // times + 1)
    )


def _comes_in_a_row(items: Sequence[Hashable], size: int, times: int) -> bool:
    """Return whether some ``size`` items come ``times`` in a row."""
    run = 0
    for item, earlier in zip(items[size:], items, strict=False):
        run = run + 1 if item == earlier else 0
        if run >= size * (times - 1):
            return True
    return False


def compression_ratio(text: str) -> float:
    """Return how many times smaller zlib makes ``text``; ordinary sentences stay below 2."""
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded)) if encoded else 0.0


def is_suspicious(tokens: Sequence[int], text: str, duration_s: float) -> bool:
    """Return whether the decode looks like a repetition loop and deserves another one; wrong alarms only cost time."""
    return (
        len(tokens) >= token_budget(duration_s) - 1  # ran into the budget: the end token never came
        or repeats_itself(tokens, long_pattern=LOOP_TOKENS)
        or repeats_itself(words_of(text).split(), long_pattern=LOOP_WORDS)
        or compression_ratio(text) > COMPRESSION_RATIO_MAX
    )


def is_loop(tokens: Sequence[int], text: str, duration_s: float, voiced_s: float) -> bool:
    """Return whether the text cannot have been said: suspicious, and more tokens than fit the voiced time, or a chant.

    "Where are my keys? Where are my keys?" in two seconds is suspicious but no loop.
    """
    too_fast = len(tokens) > BUDGET_BASE_TOKENS / 2 + SPOKEN_TOKENS_PER_S * voiced_s
    return is_suspicious(tokens, text, duration_s) and (too_fast or is_chant(words_of(text).split()))


def next_attempt(attempt: Attempt, outcome: Outcome) -> Attempt | None:
    """Return how to decode once more, or None if the attempt is accepted or nothing is left to try.

    A loop under a prompt loses the prompt first: the encoding is there, so that costs a tenth of a longer window. So
    does a result that is improbable, or that rests on hardly any voice: so a prompt adds no words of its own.
    What still loops goes to longer windows.
    """
    if attempt.is_biased:
        is_doubtful = outcome.avg_logprob < LOGPROB_BIASED_MIN or outcome.voiced_s < VOICED_WEAK_S
        return Attempt(attempt.window_s, is_biased=False) if outcome.is_suspicious or is_doubtful else None
    if outcome.is_suspicious and attempt.window_s < FULL_WINDOW_S:
        return Attempt(SECOND_WINDOW_S if attempt.window_s < SECOND_WINDOW_S else FULL_WINDOW_S, is_biased=False)
    return None


def silence_reason(duration_s: float, voiced_s: float) -> NoSpeechReason | None:
    """Return why audio needs no decoding at all, or None."""
    if duration_s < UTTERANCE_MIN_S:
        return "too_short"
    if voiced_s < VOICED_MIN_S:
        return "noise"
    return None


def no_speech_reason(evidence: Evidence) -> NoSpeechReason | None:
    """Return why the decoded text is rejected, or None if it is accepted."""
    before = silence_reason(evidence.duration_s, evidence.voiced_s)
    if before is not None:
        return before
    doubts_speech = evidence.no_speech_prob is not None and evidence.no_speech_prob > NO_SPEECH_PROB_MAX
    is_faint = evidence.level_dbfs < LEVEL_LOW_DBFS or evidence.voiced_s < VOICED_WEAK_S
    if not words_of(evidence.text) or (doubts_speech and evidence.avg_logprob < LOGPROB_MIN):
        return "noise"
    if evidence.is_loop:
        return "hallucination"
    if is_phantom(evidence.text, evidence.language) and (doubts_speech or is_faint):
        return "hallucination"
    # a short word has little to go by, and its second decode says little
    is_doubted_twice = evidence.is_second and evidence.voiced_s >= VOICED_WEAK_S
    if evidence.avg_logprob < (LOGPROB_AGAIN_MIN if is_doubted_twice else LOGPROB_HOPELESS):
        return "low_confidence"
    return None


def confidence(avg_logprob: float) -> float:
    """Return 0..1: the geometric mean of the tokens' probabilities."""
    return min(1.0, math.exp(avg_logprob))


def is_phantom(text: str, language: str) -> bool:
    """Return whether ``text`` is a phrase that Whisper writes into silence, in ``language`` or in English."""
    words = words_of(text)
    return words in PHANTOM_PHRASES["en"] or words in PHANTOM_PHRASES.get(language, frozenset())


def is_backchannel(text: str) -> bool:
    """Return whether ``text`` is only a backchannel such as "mhm", by which a listener says: go on."""
    return bool(words_of(text)) and set(words_of(text).split()) <= HUMS


def words_of(text: str) -> str:
    """Return the bare words, folded: no case, no punctuation, hyphens as spaces, single spaces."""
    spaced = re.sub(r"[-\u2010-\u2015/\s]+", " ", unicodedata.normalize("NFKC", text).casefold())
    kept = (char for char in spaced if char == " " or unicodedata.category(char)[0] in "LNM")
    return " ".join("".join(kept).split())


def tidy(text: str) -> str:
    """Return text fit to be shown: single spaces, no leading dashes or dots, a capital first letter.

    A prompt of lower-case words makes Whisper drop capitals and full stops; the first letter is given back,
    full stops are not invented.
    """
    clean = "".join(char if char.isprintable() else " " for char in text)
    clean = " ".join(clean.replace("\ufffd", "").split()).lstrip("-\u2013\u2014.,;:!?> ")
    return clean[:1].upper() + clean[1:]


def whole_of(texts: Sequence[str], voiced_s: float) -> int:
    """Return which of the hypotheses, best first, to take: another than 0 where the best breaks off too early.

    Under a prompt with commas the decoder may end at one, though there is voice behind it.

    >>> whole_of([" A latte,", " A lot.", " A latte, with milk."], voiced_s=2.0)
    2
    """
    first = texts[0].strip() if texts else ""
    is_cut = first.endswith(OPEN_ENDS) and len(first) < SPOKEN_LETTERS_PER_S * voiced_s
    begun = f"{words_of(first)} "
    return next((at for at, text in enumerate(texts) if is_cut and words_of(text).startswith(begun)), 0)


def distinct(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the tidy forms of hypotheses that differ in their words, in their order; empty ones are left out."""
    kept: dict[str, str] = {}
    for text in texts:
        words = words_of(text)
        if words:
            kept.setdefault(words, tidy(text))
    return tuple(kept.values())
