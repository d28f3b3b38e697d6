"""The decoder in numpy and the search with it, on the packaged tiny.en and recorded speech."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backends.commands.grammar import HassilGrammar
from backends.jobs import Clip, SearchSentences, SentenceSearchReply, TranscribeClips
from backends.speech.models import ModelError, resolve_whisper
from backends.speech.numpy_decoder import TokenScorer
from backends.speech.sentence_search import LoadedDecoder, on_cpu
from backends.speech.whisper import WhisperWorker
from backends.speech.whisper_engine import DecodeJob, Engine, Precision, to_floats
from protocol.messages.understanding import CommandMatch
from protocol.turns.found_sentences import SearchDecision, decide_found
from tests.system.model_fixtures import models_dir

pytestmark = pytest.mark.system

GRAMMAR = HassilGrammar()
VOCABULARY = GRAMMAR.vocabulary("en")


@pytest.fixture(scope="module")
def folder() -> Path:
    try:
        return resolve_whisper("tiny.en", models_dir())
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def worker(folder: Path) -> WhisperWorker:
    params = {"model": str(folder), "models_dir": str(models_dir()), "device": "cpu", "compute_type": "int8"}
    more = {"cpu_threads": 1, "beam_size": 5, "hypotheses": 5, "language": "en"}
    return WhisperWorker({**params, **more, "flash_attention": False, "spare_vram": False})


def test_the_decoder_in_numpy_gives_a_token_the_probability_that_ctranslate2_does(
    folder: Path, spoken: Callable[[str], bytes]
) -> None:
    engine = Engine(folder, device="cpu", precision=Precision("int8"), cpu_threads=1)
    loaded = LoadedDecoder.of(folder)
    [encoding] = engine.encode([engine.features(to_floats(spoken("Where are my keys?")), 10)])
    for vocabulary in ((), VOCABULARY):
        prompt = engine.prompt("en", vocabulary)
        [found] = engine.generate([DecodeJob(encoding, prompt, 60)], beam_size=1, hypotheses=1)
        tokens = found.tokens[0]
        scorer = TokenScorer(
            loaded.decoder,
            on_cpu(encoding),
            prompt,
            suppressed=loaded.suppressed,
            suppressed_first=loaded.suppressed_first,
        )
        ours = scorer.score(tokens, loaded.end) / (len(tokens) + 1)
        assert ours == pytest.approx(found.avg_logprob, abs=0.03)


def search(worker: WhisperWorker, pcm: bytes) -> SearchDecision:
    """Return what is done about an utterance, whatever words it has."""
    [heard] = worker.transcribe(TranscribeClips((Clip(len(pcm), vocabulary=VOCABULARY),)), pcm).clips
    automaton = GRAMMAR.automaton("en")
    assert automaton is not None
    job = SearchSentences(automaton.version, 60.0, automaton, VOCABULARY, heard.first_tokens)
    reply, _ = worker.handle(job, pcm)
    assert isinstance(reply, SentenceSearchReply)
    assert reply.found is not None
    deciding = decide_found(reply.found, "en")
    try:
        text = next(deciding)
        while True:
            text = deciding.send(GRAMMAR.match_exactly(text, "en"))
    except StopIteration as end:
        decision: SearchDecision = end.value
        return decision


def test_a_spoken_command_is_found_in_its_sound(worker: WhisperWorker, spoken: Callable[[str], bytes]) -> None:
    found = search(worker, spoken("What time is it?"))
    assert isinstance(found.match, CommandMatch)
    assert found.match.tool == "get_time"


def test_no_command_is_found_in_another_sentence(worker: WhisperWorker, spoken: Callable[[str], bytes]) -> None:
    assert search(worker, spoken("Close the window in the bedroom, please.")).match is None
