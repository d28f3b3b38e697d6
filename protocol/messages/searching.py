"""Looking for a command in the sound of an utterance: the messages between ``dialogue`` and ``transcription``."""

from typing import Literal

import attrs

from protocol.messages.ask import Ask
from protocol.messages.hearing import Utterance

SearchProblem = Literal["busy", "late", "failed", "unsupported"]
"""Why there was no search: work that comes first, its time limit, a worker that failed, or a recogniser that cannot."""


@attrs.frozen
class SentenceAutomaton:
    """The sentences of a grammar as a non-deterministic automaton; state 0 is the start, state 1 the end."""

    version: str
    """SHA-256 of the rest, in hex."""
    labels: tuple[str, ...]
    """What arcs read, in lower case and with numbers in digits: a word or a part of one.

    Label 0 is empty and reads nothing, label 1 is a space and parts two words.
    """
    arcs: bytes = attrs.field(repr=False)
    """Little-endian 32-bit numbers, three for each arc: from state, label, to state."""


@attrs.frozen
class FoundSentence:
    """One sentence of a grammar, and how well it fits an utterance."""

    text: str
    """As the recogniser would write it."""
    logprob: float
    """Natural logarithm of its probability with its end, all ways of writing it together."""
    tokens: int
    """Of the best way of writing it, without the end."""


@attrs.frozen
class FoundSentences:
    """The result of a search."""

    sentences: tuple[FoundSentence, ...]
    """The likeliest first, each once."""
    free_text: str
    """The recogniser's first text, under no grammar."""
    free_logprob: float
    """Of that text with its end, by the same decoder and prompt."""
    free_tokens: int
    is_loop: bool
    """Whether that text repeats itself: its probability says nothing then, and nothing was looked for."""
    compute_s: float


@attrs.frozen
class NoSearch:
    """There was no search."""

    problem: SearchProblem


@attrs.frozen
class FindSentences(Ask["FoundSentences | NoSearch"]):
    """Dialogue to transcription: say which sentences of a grammar fit an utterance best."""

    session_id: str
    utterance: Utterance
    language: str
    automaton: SentenceAutomaton
    within_s: float
    """Seconds that the search may take; later than that there is none."""
    first_tokens: tuple[int, ...]
    """Of its ``Recognition``: what sentences are compared with."""
    vocabulary: tuple[str, ...] = ()
    """Words worth expecting, as in ``Transcribe``."""
    model: str | None = None
    """Name of the model; ``None`` is the usual one."""
