import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import ctranslate2
import numpy as np
import pytest
import tokenizers

from backends.commands.automaton import automaton_of
from backends.jobs import SearchSentences
from backends.speech.model_file import ModelFileError
from backends.speech.numpy_decoder import NumpyDecoder
from backends.speech.sentence_beam import WrittenSentence
from backends.speech.sentence_search import KEPT_GRAMMARS, LoadedDecoder, SentenceSearcher, merged, on_cpu
from backends.speech.whisper_engine import Encoding, Floats
from protocol.messages.searching import SentenceAutomaton
from runtime.workers.jobs import decode_reply, encode
from tests.backends.commands.small_grammars import intents_of
from tests.backends.speech.model_files import WIDTH, write_model

WORDS = ("stop", "go", "Stop", "Go", ",", ".", "?", "!", "<|endoftext|>")
SECOND = bytes(32_000)


@attrs.define
class Engine:
    """A recogniser's engine whose encodings are always the same."""

    asked: list[tuple[str, tuple[str, ...]]] = attrs.field(factory=list)
    windows: list[int] = attrs.field(factory=list)
    device: str = "cpu"
    compute_type: str = "int8"
    is_multilingual: bool = False

    def features(self, samples: Floats, window_s: int, *, in_room: bool = False) -> Floats:
        self.windows.append(window_s)
        return np.zeros((2, 4), dtype=np.float32)

    def encode(self, features: Sequence[Floats]) -> list[Encoding]:
        rng = np.random.default_rng(3)
        array = rng.standard_normal((1, 6, WIDTH)).astype(np.float32)
        return [Encoding(ctranslate2.StorageView.from_array(array)) for _ in features]

    def prompt(self, language: str, vocabulary: Sequence[str] = (), *, translate: bool = False) -> tuple[int, ...]:
        self.asked.append((language, tuple(vocabulary)))
        return (20, 21)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a search must not ask for {name}")


def grammar(*sentences: str) -> SentenceAutomaton:
    made = automaton_of("en", [(intents_of(*sentences), {})])
    assert made is not None
    return made


def tokenizer() -> tokenizers.Tokenizer:
    """Return a tokeniser of whole words."""
    words = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: at for at, word in enumerate(WORDS, start=10)}, unk_token="stop")
    )
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return words


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_model(tmp_path)


def loaded_from(folder: Path) -> LoadedDecoder:
    return LoadedDecoder(NumpyDecoder(folder), tokenizer(), (1,), (2,))


def searcher(folder: Path, engine: Engine | None = None, **options: Any) -> SentenceSearcher:
    return SentenceSearcher(folder, engine or Engine(), load=options.pop("load", loaded_from), **options)


def job(grammar: SentenceAutomaton, *, sends: bool = True, **changes: Any) -> SearchSentences:
    given = {"version": grammar.version, "within_s": 60.0, "automaton": grammar if sends else None}
    return SearchSentences(**{**given, "first_tokens": (10,), "vocabulary": ("stop",), **changes})


def test_the_sentences_are_found_with_what_they_are_compared_with(folder: Path) -> None:
    engine = Engine()
    reply = searcher(folder, engine).search(job(grammar("stop", "go")), SECOND)
    assert reply.problem is None
    assert reply.found is not None
    assert {found.text for found in reply.found.sentences} <= {"Stop", "Stop.", "Go", "Stop ?", "Stop !", "Go."}
    assert reply.found.free_text == "Stop"
    assert reply.found.free_tokens == 1
    assert reply.found.free_logprob < 0
    assert engine.asked == [("en", ("stop",))]
    assert engine.windows == [10]


def test_a_reply_travels(folder: Path) -> None:
    wanted = job(grammar("stop"))
    reply = searcher(folder).search(wanted, SECOND)
    assert decode_reply(wanted, encode(reply)) == reply


def test_a_grammar_is_sent_once(folder: Path) -> None:
    one, other = grammar("stop"), grammar("go")
    searching = searcher(folder)
    assert searching.search(job(one, sends=False), SECOND).problem == "unknown_grammar"
    assert searching.search(job(one), SECOND).problem is None
    assert searching.search(job(one, sends=False), SECOND).problem is None
    assert searching.search(job(other, sends=False), SECOND).problem == "unknown_grammar"


def test_the_grammar_that_was_not_used_longest_is_forgotten(folder: Path) -> None:
    grammars = [grammar("stop", "go " * number + "stop") for number in range(1, KEPT_GRAMMARS + 2)]
    searching = searcher(folder)
    for each in grammars[:-1]:
        searching.search(job(each), SECOND)
    searching.search(job(grammars[0], sends=False), SECOND)
    searching.search(job(grammars[-1]), SECOND)
    problems = [searching.search(job(each, sends=False), SECOND).problem for each in grammars[:2]]
    assert problems == [None, "unknown_grammar"]


def test_a_search_past_its_time_limit_says_so(folder: Path) -> None:
    times = iter(range(100))
    late = searcher(folder, clock=lambda: float(next(times)))
    assert late.search(job(grammar("stop"), within_s=0.5), SECOND).problem == "late"


def test_a_text_that_repeats_itself_is_not_searched(folder: Path) -> None:
    engine = Engine()
    reply = searcher(folder, engine).search(job(grammar("stop"), first_tokens=(10, 11) * 10), SECOND)
    assert reply.found is not None
    assert reply.found.is_loop
    assert engine.windows == []


@pytest.mark.parametrize("error", [ModelFileError("it is of another kind"), OSError("it is not there")])
def test_a_model_that_cannot_be_read_is_tried_once(
    folder: Path, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Path) -> LoadedDecoder:
        raise error

    searching = searcher(folder, load=fail)
    problems = [searching.search(job(grammar("stop")), SECOND).problem for _ in range(2)]
    assert problems == ["unsupported", "unsupported"]
    assert [str(error) in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize(
    ("changes", "pcm", "problem"),
    [
        ({}, b"", "at most 30 s, not 0.0"),
        ({}, bytes(32_000 * 31), "at most 30 s, not 31.0"),
        ({"first_tokens": (99,)}, SECOND, "at most 32 tokens of the model's"),
        ({"first_tokens": (-1,)}, SECOND, "at most 32 tokens of the model's"),
        ({"first_tokens": (10,) * 33}, SECOND, "at most 32 tokens of the model's"),
        ({"automaton": SentenceAutomaton("v", ("", " "), b"123")}, SECOND, "three 32-bit numbers"),
    ],
)
def test_what_cannot_be_searched_is_refused(folder: Path, changes: dict[str, Any], pcm: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        searcher(folder).search(job(grammar("stop"), **changes), pcm)


def test_the_ways_of_writing_the_same_words_count_together() -> None:
    texts = {1: " Make tea", 2: " Make, tea.", 3: " Make me"}
    decode: Callable[[Sequence[int]], str] = lambda tokens: texts[tokens[0]]  # noqa: E731
    written = [WrittenSentence((token,), logprob) for token, logprob in ((3, -0.9), (1, -1.0), (2, -1.0))]
    found = [(one.text, round(one.logprob, 3), one.tokens) for one in merged(written, decode)]
    assert found == [("Make tea", -0.307, 1), ("Make me", -0.9, 1)]


def test_one_encoding_of_a_batch_is_taken() -> None:
    array = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    taken = on_cpu(Encoding(ctranslate2.StorageView.from_array(array), number=1))
    assert taken.tolist() == array[1].tolist()


def test_a_folder_is_loaded_with_what_its_authors_suppress(folder: Path) -> None:
    tokenizer().save(str(folder / "tokenizer.json"))
    loaded = LoadedDecoder.of(folder)
    assert (loaded.suppressed, loaded.suppressed_first, loaded.end) == ((1,), (2,), 18)
    assert loaded.decode(loaded.encode("stop , go")) == "stop , go"


@pytest.mark.parametrize("config", ["{", "[]", json.dumps({"suppress_ids": 3})])
def test_damaged_settings_of_a_model_are_told(folder: Path, config: str) -> None:
    (folder / "config.json").write_text(config, encoding="utf-8")
    with pytest.raises(ModelFileError, match=r"config\.json must be a model's settings"):
        LoadedDecoder.of(folder)


def test_a_tokeniser_without_an_end_is_no_recognisers(folder: Path) -> None:
    empty = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, unk_token="a"))
    with pytest.raises(ModelFileError, match="endoftext"):
        assert LoadedDecoder(NumpyDecoder(folder), empty, (), ()).end
