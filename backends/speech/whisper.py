"""The speech-to-text worker: utterances in, accepted transcripts or reasons for rejecting them out.

Rules kept here:

* Silero runs before anything is decoded: audio without speech never becomes text.
* A doubtful decode is made again as ``protocol.audio.transcripts.next_attempt`` says, at most three times; results that
  stay doubtful become a reason, not text.
* Utterances of a batch do not influence each other: each has the window that it would have alone.
"""

import logging
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from backends.jobs import (
    Clip,
    ClipTranscript,
    ClipTranscripts,
    DescribeModel,
    ModelDescription,
    SearchSentences,
    SentenceSearchReply,
    TranscribeClips,
)
from backends.speech.frugal_engine import FrugalEngine
from backends.speech.models import ModelError, resolve_whisper
from backends.speech.recogniser import Recogniser
from backends.speech.sentence_search import SentenceSearcher
from backends.speech.whisper_engine import (
    DecodeJob,
    Encoding,
    Engine,
    Floats,
    Hypotheses,
    Precision,
    device_for,
    level_dbfs,
    to_floats,
    voiced_seconds,
)
from protocol.audio import transcripts
from protocol.audio.transcripts import Attempt, Evidence, Outcome
from protocol.messages.events import NoSpeechReason
from protocol.messages.hearing import INTERNAL_RATE_HZ, SpokenWord

log = logging.getLogger("sayso.whisper")
HYPOTHESES_MAX: Final = 5  # more never held the right command in the measured clips
MISSING_LIBRARY: Final = "cannot be loaded"  # CTranslate2, of cuBLAS: the driver alone is not enough
FILES_FIX: Final = "install it again if its files are damaged, or set another transcription.embedded.device"
CUDA_FIX: Final = "install cuBLAS (pip install nvidia-cublas-cu12) and name its folder in LD_LIBRARY_PATH"
LISTENING_THREADS: Final = 4  # beside a GPU, for Silero and features of a batch: 5 ms each, longer than the card takes
WARM_UP_S: Final = 1
WARM_UP_WINDOW_S: Final = 8


Given = TypeVar("Given")
Made = TypeVar("Made")


@attrs.frozen(kw_only=True)
class Search:
    """The search for words: beam sizes and bounds."""

    beam_size: int = 1
    hypotheses: int = 1
    language: str | None = None
    """Language of utterances that bring none; None lets a multilingual model detect it."""


@attrs.define(eq=False, kw_only=True)
class _Item:
    """The state of one utterance in a batch."""

    samples: Floats
    voiced_s: float
    clip: Clip
    language: str | None
    attempt: Attempt
    encoding: Encoding | None = None
    """Of the attempt's window; None if that has changed."""
    result: Hypotheses | None = None
    reason: NoSpeechReason | None = None
    attempts: int = 0
    compute_s: float = 0.0
    first: Hypotheses | None = attrs.field(default=None, init=False)
    """The result of the first attempt."""

    @property
    def duration_s(self) -> float:
        return len(self.samples) / INTERNAL_RATE_HZ

    @property
    def is_suspicious(self) -> bool:
        return self.result is not None and transcripts.is_suspicious(
            self.result.tokens[0], self.result.texts[0], self.duration_s
        )


class Transcriber:
    """Turns samples into the worker's answers, with a ``Recogniser`` and a function that measures speech."""

    def __init__(
        self,
        engine: Recogniser,
        search: Search,
        *,
        voiced_seconds: Callable[[Floats], float] = voiced_seconds,
        executor: Executor | None = None,
    ) -> None:
        """Take an executor for the CPU's part of a batch; without it the calling thread does it all."""
        self._engine = engine
        self._search = search
        self._voiced_seconds = voiced_seconds
        self._executor = executor

    def transcribe(self, clips: Sequence[Clip], blob: bytes | memoryview) -> tuple[ClipTranscript, ...]:
        """Return one transcript per clip; raises ``ValueError`` for clips that do not fit the samples."""
        started_s = time.perf_counter()
        items = self._each(lambda pair: self._listen(*pair), list(zip(clips, _split(clips, blob), strict=True)))
        _share(items, started_s)
        waiting = [item for item in items if item.reason is None]
        while waiting:
            self._encode([item for item in waiting if item.encoding is None])
            for group in self._grouped(waiting):
                self._decode(group)
            waiting = [item for item in waiting if self._wants_another(item)]
        return tuple(self._answer(item, clip) for item, clip in zip(items, clips, strict=True))

    def warm_up(self) -> None:
        """Decode a second of silence: the first decode is slower, and proves that the model works."""
        samples = to_floats(bytes(2 * WARM_UP_S * INTERNAL_RATE_HZ))
        (encoding,) = self._engine.encode([self._engine.features(samples, WARM_UP_WINDOW_S)])
        job = DecodeJob(encoding, self._engine.prompt("en"), transcripts.token_budget(WARM_UP_S))
        self._engine.generate([job], beam_size=self._search.beam_size, hypotheses=self._search.hypotheses)

    def _each(self, work: Callable[[Given], Made], given: Sequence[Given]) -> list[Made]:
        return list(map(work, given) if self._executor is None else self._executor.map(work, given))

    def _listen(self, clip: Clip, pcm: bytes | memoryview) -> _Item:
        samples = to_floats(pcm)
        item = _Item(
            samples=samples,
            voiced_s=self._voiced_seconds(samples),
            clip=clip,
            language=self._language_of(clip),
            attempt=Attempt(transcripts.window_for(len(samples) / INTERNAL_RATE_HZ), is_biased=bool(clip.vocabulary)),
        )
        item.reason = transcripts.silence_reason(item.duration_s, item.voiced_s)
        return item

    def _language_of(self, clip: Clip) -> str | None:
        """Return the code of a language of the model: the clip's, else the setting's, else None for detection.

        What is to be translated is in another language than the setting's.
        """
        if not self._engine.is_multilingual:
            return "en"
        codes = (language_code(clip.language), None if clip.translate else language_code(self._search.language))
        return next((code for code in codes if code and self._engine.has_language(code)), None)

    def _encode(self, items: Sequence[_Item]) -> None:
        """Encode the items: those with windows of equal length together."""
        windows: dict[int, list[_Item]] = defaultdict(list)
        for item in items:
            windows[item.attempt.window_s].append(item)
        for group in windows.values():
            started_s = time.perf_counter()
            encodings = self._engine.encode(self._each(self._features, group))
            for item, encoding in zip(group, encodings, strict=True):
                item.encoding = encoding
            _share(group, started_s)

    def _features(self, item: _Item) -> Floats:
        in_room = transcripts.ends_in_room(item.duration_s, is_biased=bool(item.clip.vocabulary))
        return self._engine.features(item.samples, item.attempt.window_s, in_room=in_room)

    def _grouped(self, items: Sequence[_Item]) -> Iterable[list[tuple[_Item, DecodeJob]]]:
        groups: dict[tuple[int, int], list[tuple[_Item, DecodeJob]]] = defaultdict(list)
        for item in items:
            job = self._prepare(item)
            groups[job.shape].append((item, job))
        return groups.values()

    def _prepare(self, item: _Item) -> DecodeJob:
        if item.encoding is None:
            raise AssertionError("an utterance is to be decoded that was not encoded")
        started_s = time.perf_counter()
        if item.language is None:
            item.language = self._engine.detect_language(item.encoding)
        vocabulary = item.clip.vocabulary if item.attempt.is_biased else ()
        prompt = self._engine.prompt(item.language, vocabulary, translate=item.clip.translate)
        item.compute_s += time.perf_counter() - started_s
        return DecodeJob(item.encoding, prompt, transcripts.token_budget(item.duration_s))

    def _decode(self, group: Sequence[tuple[_Item, DecodeJob]]) -> None:
        started_s = time.perf_counter()
        search = self._search
        results = self._engine.generate(
            [job for _, job in group], beam_size=search.beam_size, hypotheses=search.hypotheses
        )
        for (item, _), result in zip(group, results, strict=True):
            item.first = item.first or result
            item.result = result.with_first(transcripts.whole_of(result.texts, item.voiced_s))
            item.attempts += 1
        _share([item for item, _ in group], started_s)

    def _wants_another(self, item: _Item) -> bool:
        if item.result is None:
            return True
        outcome = Outcome(is_suspicious=item.is_suspicious, avg_logprob=item.result.avg_logprob, voiced_s=item.voiced_s)
        following = transcripts.next_attempt(item.attempt, outcome)
        if following is None:
            return False
        if following.window_s != item.attempt.window_s:
            item.encoding = None
        item.attempt = following
        return True

    def _answer(self, item: _Item, clip: Clip) -> ClipTranscript:
        reason = item.reason if item.result is None else transcripts.no_speech_reason(_evidence(item, item.result))
        texts = transcripts.distinct(item.result.texts) if item.result is not None and reason is None else ()
        return ClipTranscript(
            text=texts[0] if texts else "",
            language=item.language or "",
            confidence=transcripts.confidence(item.result.avg_logprob) if item.result is not None else 0.0,
            alternatives=texts[1:],
            no_speech=reason,
            compute_s=item.compute_s,
            words=self._words(item) if clip.wants_words and texts else (),
            window_s=item.attempt.window_s,
            attempts=item.attempts,
            first_tokens=() if item.first is None else item.first.tokens[0],
        )

    def _words(self, item: _Item) -> tuple[SpokenWord, ...]:
        if item.result is None or item.language is None or item.encoding is None:
            return ()
        found = self._engine.word_times(item.encoding, item.language, item.result.tokens[0], item.duration_s)
        end_ms = round(item.duration_s * 1000)
        return tuple(
            SpokenWord(one.text, min(one.start_ms, end_ms), min(one.end_ms, end_ms), one.confidence) for one in found
        )


class WhisperWorker:
    """Target of a worker process: one model, called from one thread."""

    jobs = (TranscribeClips, SearchSentences, DescribeModel)

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Find, check, load and warm up the model; raises ``ModelError`` if it is missing or damaged."""
        folder = resolve_whisper(params["model"], Path(params["models_dir"]))
        self._engine = _load(folder, params)
        hypotheses = min(HYPOTHESES_MAX, params["hypotheses"])
        search = Search(beam_size=params["beam_size"], hypotheses=hypotheses, language=params["language"])
        threads = LISTENING_THREADS if self._engine.device == "cuda" else 1
        executor = ThreadPoolExecutor(threads) if threads > 1 else None
        self._transcriber = Transcriber(self._engine, search, executor=executor)
        self._searcher = SentenceSearcher(folder, self._engine)
        self._transcriber.warm_up()
        voiced_seconds(to_floats(bytes(2 * INTERNAL_RATE_HZ)))

    def handle(
        self, job: TranscribeClips | SearchSentences | DescribeModel, blob: bytes | memoryview
    ) -> tuple[ClipTranscripts | SentenceSearchReply | ModelDescription, bytes]:
        """Do one job; raises ``ValueError`` for an utterance that cannot be."""
        match job:
            case TranscribeClips():
                return self.transcribe(job, blob), b""
            case SearchSentences():
                return self.search(job, blob), b""
            case DescribeModel():
                return self.describe(), b""

    def transcribe(self, job: TranscribeClips, blob: bytes | memoryview) -> ClipTranscripts:
        """Transcribe a batch; raises ``ValueError`` for clips that do not fit their samples."""
        return ClipTranscripts(self._transcriber.transcribe(job.clips, blob))

    def search(self, job: SearchSentences, blob: bytes | memoryview) -> SentenceSearchReply:
        """Look for sentences in an utterance; raises ``ValueError`` for one that cannot be searched."""
        return self._searcher.search(job, blob)

    def describe(self) -> ModelDescription:
        """Return what is loaded."""
        return ModelDescription(
            device=self._engine.device,
            compute_type=self._engine.compute_type,
            is_multilingual=self._engine.is_multilingual,
            max_batch=self._engine.max_batch,
        )


def _load(folder: Path, params: Mapping[str, Any]) -> FrugalEngine:
    def load(device: str, compute_type: str) -> Engine:
        wanted = Precision(compute_type, spare_vram=params["spare_vram"], flash_attention=params["flash_attention"])
        return Engine(folder, device=device, precision=wanted, cpu_threads=params["cpu_threads"])

    device = device_for(params["device"])
    try:
        return FrugalEngine(load, device, params["compute_type"])
    except RuntimeError as error:  # CTranslate2's own, which names no file
        lacks_library = MISSING_LIBRARY in str(error)
        if not lacks_library or params["device"] != "auto":
            fix = CUDA_FIX if lacks_library else FILES_FIX
            raise ModelError(f"whisper model {folder} cannot be loaded on {device}: {error}; {fix}") from error
        log.warning("there is a GPU, but the CPU is used: %s; %s", error, CUDA_FIX)
    return _load(folder, {**params, "device": "cpu"})


def language_code(tag: str | None) -> str | None:
    """Return the primary code of a BCP 47 tag (``en`` of ``en-US``); None for ``auto`` and what is no such tag.

    Two or three letters, so that a client cannot name one of Whisper's other special tokens.
    """
    code = (tag or "").replace("_", "-").split("-")[0].strip().lower()
    return code if re.fullmatch("[a-z]{2,3}", code) else None


def _share(items: Sequence[_Item], started_s: float) -> None:
    """Add the time since ``started_s`` to ``compute_s`` of the items, in equal parts."""
    took_s = time.perf_counter() - started_s
    for item in items:
        item.compute_s += took_s / len(items)


def _evidence(item: _Item, result: Hypotheses) -> Evidence:
    text = result.texts[0]
    return Evidence(
        text=text,
        language=item.language or "",
        duration_s=item.duration_s,
        voiced_s=item.voiced_s,
        level_dbfs=level_dbfs(item.samples),
        avg_logprob=result.avg_logprob,
        no_speech_prob=None if item.attempt.is_biased else result.no_speech_prob,
        is_loop=transcripts.is_loop(result.tokens[0], text, item.duration_s, item.voiced_s),
        is_second=item.attempts > 1,
    )


def _split(clips: Sequence[Clip], blob: bytes | memoryview) -> Iterator[bytes | memoryview]:
    """Yield each clip's samples, all of them checked before any work is done."""
    sizes = [clip.size_bytes for clip in clips]
    limit_bytes = transcripts.FULL_WINDOW_S * INTERNAL_RATE_HZ * 2
    for size in sizes:
        if size < 0 or size % 2 or size > limit_bytes:
            raise ValueError(f"an utterance must hold whole samples and at most 30 s ({limit_bytes} bytes), not {size}")
    if sum(sizes) != len(blob):
        raise ValueError(f"clips say {sum(sizes)} bytes of samples, but {len(blob)} came")
    start = 0
    for size in sizes:
        yield blob[start : start + size]
        start += size
