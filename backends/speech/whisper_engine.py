"""Whisper on CTranslate2, called below ``transcribe``: short windows, batched decoding, prompts, n-best.

Rules kept here:

* The encoder sees the utterance and some seconds of silence, not always 30 s: a third of its work or less.
* On a GPU several utterances go through the encoder and the decoder together, and what is encoded stays on the card
  (docs/decisions/0017). On a CPU only the decoder gains from batches.
* A GPU counts as working when it has decoded something: CTranslate2 loads a model without cuBLAS and without flash
  attention, and says what is missing when they are used first.
* Whether a result is accepted is decided in ``protocol/audio/transcripts.py``; nothing here looks at the text.

Features are float32 ``(mels, 100 frames a second)``; encodings are of the model's type, ``(utterances, 50 frames a
second, width)``.
Model and tokenizer: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision".
"""

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import attrs
import ctranslate2
import numpy as np
import numpy.typing as npt
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.vad import get_vad_model

from backends.speech.word_times import Timed, word_times
from protocol.messages.hearing import INTERNAL_RATE_HZ

log = logging.getLogger("sayso.whisper")
Floats = npt.NDArray[np.float32]

FRAMES_PER_S: Final = 100  # Whisper's mel spectrogram: hop of 160 samples
PROMPT_MAX_TOKENS: Final = 200  # of the 224 that Whisper may take as previous text
PROMPT_HEADINGS: Final = {
    "en": "Glossary:", "de": "Glossar:", "fr": "Glossaire :", "es": "Glosario:", "it": "Glossario:", "pt": "Glossário:",
}  # fmt: skip
"""A bare list is taken for the speech itself: of 141 commands 42 looped and 66 were wrong, with a heading 15 and 38,
without any prompt 8 and 31 (tiny.en, 8 s window); slot recall on real commands is the same, 0.99."""
ROOM: Final = 0.2
"""Of a quiet room, in Whisper's normalised spectrogram (-1..1, silence is near -0.5): what most recordings that it was
trained on end with. Measured in docs/decisions/0008."""
TAIL_SAMPLES: Final = 800  # of silence, behind which each frame of the spectrogram (400 samples, hop 160) is the same
TRIAL_FRAMES: Final = 100
ON_CPU: Final = ctranslate2.Device.cpu
FLOATS: Final = ctranslate2.DataType.float32  # numpy has no bfloat16
SILERO_SAMPLES: Final = 512
SILERO_THRESHOLD: Final = 0.5


@attrs.frozen
class Hypotheses:
    """The decoder's hypotheses for one utterance, best first."""

    tokens: tuple[tuple[int, ...], ...]
    texts: tuple[str, ...]
    avg_logprob: float
    """Of the best hypothesis: natural logarithm of the probability per token, the end token counted."""
    no_speech_prob: float

    def with_first(self, number: int) -> "Hypotheses":
        """Return the same with hypothesis ``number`` before the others."""
        order = sorted(range(len(self.texts)), key=lambda at: at != number)
        tokens, texts = (self.tokens[at] for at in order), (self.texts[at] for at in order)
        return attrs.evolve(self, tokens=tuple(tokens), texts=tuple(texts))


@attrs.frozen(eq=False)
class Encoding:
    """One utterance's part of the output of the encoder, which may be of several utterances."""

    batch: Any
    """A ``StorageView`` on the model's device."""
    number: int = 0

    @property
    def frames(self) -> int:
        """Its length in frames, 50 a second."""
        return int(self.batch.shape[1])


@attrs.frozen
class DecodeJob:
    """The decoder's input for one utterance; jobs with the same ``shape`` may share a batch."""

    encoding: Encoding
    prompt: tuple[int, ...]
    """Token ids up to and including the start of the transcript."""
    budget_tokens: int

    @property
    def shape(self) -> tuple[int, int]:
        """Frames of the encoding and length of the prompt, which CTranslate2 wants to be equal in a batch."""
        return self.encoding.frames, len(self.prompt)


@attrs.frozen
class Precision:
    """Device and types to compute with."""

    compute_type: str = "auto"
    spare_vram: bool = False
    flash_attention: bool = False


class Engine:
    """One loaded model. Not thread-safe: a worker process calls it from one thread."""

    def __init__(self, folder: Path, *, device: str, precision: Precision, cpu_threads: int) -> None:
        """Load the model on ``cpu`` or ``cuda``; raises ``RuntimeError`` or ``ValueError`` (CTranslate2)."""
        self.device = device
        self.compute_type = compute_type_for(precision, ctranslate2.get_supported_compute_types(device))
        options = {"device": device, "compute_type": self.compute_type, "intra_threads": cpu_threads}
        load = partial(ctranslate2.models.Whisper, str(folder), inter_threads=1, **options)
        self._model = load_on_gpu(load, flash_attention=precision.flash_attention) if device == "cuda" else load()
        self._extract = FeatureExtractor(feature_size=self._model.n_mels)
        self._tokenizer_file = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.is_multilingual = bool(self._model.is_multilingual)
        self._tokenizer = Tokenizer(self._tokenizer_file, self.is_multilingual, task="transcribe", language="en")
        self._bias_tokens = lru_cache(maxsize=256)(self._find_bias_tokens)

    def features(self, samples: Floats, window_s: int, *, in_room: bool = False) -> Floats:
        """Return the features of 16 kHz mono ``samples`` (-1..1), padded to ``window_s``; any thread may call it.

        What follows the samples is digital silence or, ``in_room``, what a quiet room sounds like.
        """
        wanted = window_s * FRAMES_PER_S
        if not in_room:
            return silence_padded(self._extract, samples, wanted)
        heard = self._extract(samples)[:, :-1]  # the last frame lies behind the samples
        return np.pad(heard[:, :wanted], ((0, 0), (0, max(0, wanted - heard.shape[1]))), constant_values=ROOM)

    def encode(self, features: Sequence[Floats]) -> list[Encoding]:
        """Return the encodings of features of one length."""
        if self.device == "cpu":
            return [Encoding(self._encode([one])) for one in features]
        batch = self._encode(features)
        return [Encoding(batch, number) for number in range(len(features))]

    def _encode(self, features: Sequence[Floats]) -> Any:
        view = ctranslate2.StorageView.from_array(np.ascontiguousarray(np.stack(features), dtype=np.float32))
        return self._model.encode(view, to_cpu=False)

    def detect_language(self, encoding: Encoding) -> str:
        """Return the most likely language's code; always ``en`` with an English-only model."""
        if not self.is_multilingual:
            return "en"
        token, _ = self._model.detect_language(stack([encoding]))[0][0]
        return str(token).strip("<|>")

    def has_language(self, language: str) -> bool:
        """Return whether the model has the language of this code."""
        if not self.is_multilingual:
            return language == "en"
        return self._tokenizer_file.token_to_id(f"<|{language}|>") is not None

    def prompt(self, language: str, vocabulary: Sequence[str] = (), *, translate: bool = False) -> tuple[int, ...]:
        """Return what the decoder starts from: the words to expect as previous text, language, task."""
        start = [self._tokenizer.sot]
        if self.is_multilingual:
            task = self._tokenizer.translate if translate else self._tokenizer.transcribe
            start += [self._tokenizer_file.token_to_id(f"<|{language}|>"), task]
        bias = self._bias_tokens(language, tuple(vocabulary)) if vocabulary else ()
        return (*bias, *start, self._tokenizer.no_timestamps)

    def word_times(self, encoding: Encoding, language: str, tokens: Sequence[int], duration_s: float) -> list[Timed]:
        """Return the times of the words of ``tokens`` in ``duration_s`` seconds of the encoded audio."""
        known = language if self.is_multilingual else "en"
        tokenizer = Tokenizer(self._tokenizer_file, self.is_multilingual, task="transcribe", language=known)
        text = [token for token in tokens if token < tokenizer.eot]
        frames = min(round(duration_s * FRAMES_PER_S), 2 * encoding.frames)
        [result] = self._model.align(stack([encoding]), list(tokenizer.sot_sequence), [text], [frames])
        words, word_tokens = tokenizer.split_to_word_tokens([*text, tokenizer.eot])
        return word_times(words, word_tokens, result.alignments, result.text_token_probs)

    def generate(self, jobs: Sequence[DecodeJob], *, beam_size: int, hypotheses: int) -> list[Hypotheses]:
        """Decode jobs of one shape together; greedy with ``beam_size`` 1.

        Blanks at the start and the model's own list of non-speech symbols are suppressed, as Whisper does.
        """
        prompt_tokens = len(jobs[0].prompt)
        budget = max(job.budget_tokens for job in jobs)  # for the batch; a text beyond its own is found suspicious
        results = self._model.generate(
            stack([job.encoding for job in jobs]),
            [list(job.prompt) for job in jobs],
            beam_size=max(beam_size, hypotheses),
            num_hypotheses=hypotheses,
            max_length=max_length_for(budget, prompt_tokens),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=[-1],
        )
        return [self._hypotheses(result) for result in results]

    def _hypotheses(self, result: Any) -> Hypotheses:
        tokens = tuple(tuple(ids) for ids in result.sequences_ids)
        length = len(tokens[0])
        return Hypotheses(
            tokens=tokens,
            texts=tuple(self._tokenizer.decode(list(ids)) for ids in tokens),
            avg_logprob=result.scores[0] * length / (length + 1),
            no_speech_prob=result.no_speech_prob,
        )

    def _find_bias_tokens(self, language: str, vocabulary: tuple[str, ...]) -> tuple[int, ...]:
        tokens = fit_phrases(vocabulary, PROMPT_HEADINGS.get(language, ""), self._encode_text)
        return (self._tokenizer.sot_prev, *tokens) if tokens else ()

    def _encode_text(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text))


def fit_phrases(
    phrases: Sequence[str], heading: str, encode: Callable[[str], list[int]], limit: int = PROMPT_MAX_TOKENS
) -> tuple[int, ...]:
    """Return the tokens of a sentence that lists as many phrases, from the first on, as fit into ``limit``."""
    tokens = encode(f" {heading}") if heading else []
    stop = encode(".")
    count = 0
    for phrase in phrases:
        piece = encode(f"{',' if count else ''} {' '.join(phrase.split())}")
        if len(tokens) + len(piece) + len(stop) > limit:
            break
        tokens += piece
        count += 1
    return (*tokens, *stop) if count else ()


def max_length_for(budget_tokens: int, prompt_tokens: int) -> int:
    """Return the ``max_length`` that yields the budget: CTranslate2 gives min(half of it, it less the prompt)."""
    return max(2 * budget_tokens, budget_tokens + prompt_tokens)


def stack(encodings: Sequence[Encoding]) -> Any:
    """Return encodings of one length as one ``StorageView``: where they are, if they were encoded together."""
    batch = encodings[0].batch
    places = [one.number for one in encodings if one.batch is batch]
    if places == list(range(batch.shape[0])) and len(places) == len(encodings):
        return batch
    copies = {id(one.batch): one.batch for one in encodings}
    arrays = {key: np.array(view.to_device(ON_CPU).to(FLOATS)) for key, view in copies.items()}
    parts = [arrays[id(one.batch)][one.number : one.number + 1] for one in encodings]
    return ctranslate2.StorageView.from_array(np.concatenate(parts))


def silence_padded(extract: Callable[..., Floats], samples: Floats, frames: int) -> Floats:
    """Return ``frames`` of features of ``samples`` with digital silence behind them, float32 ``(mels, frames)``.

    Silence is the same in all frames, so one of them is computed and repeated: a fifth of the work of ten seconds.
    """
    window = frames * INTERNAL_RATE_HZ // FRAMES_PER_S
    tail = min(TAIL_SAMPLES, max(0, window - len(samples)))
    features = extract(np.pad(samples[:window], (0, tail)), padding=0)[:, :frames]
    return np.pad(features, ((0, 0), (0, frames - features.shape[1])), mode="edge")


def load_on_gpu(load: Callable[..., Any], *, flash_attention: bool) -> Any:
    """Return the model that ``load(flash_attention=...)`` makes, once it has decoded something.

    Flash attention is left out where this build of CTranslate2 has none: the wheels since 4.4 have none, and say so
    at the first decode. Raises ``RuntimeError`` (CTranslate2) for other reasons, such as a missing library.
    """
    model = load(flash_attention=flash_attention)
    try:
        _decode_silence(model)
    except RuntimeError as error:
        if not flash_attention or "flash" not in str(error).lower():
            raise
        log.warning("no flash attention here: %s", error)
    else:
        return model
    del model  # its memory first
    model = load(flash_attention=False)
    _decode_silence(model)
    return model


def _decode_silence(model: Any) -> None:
    features = np.zeros((1, model.n_mels, TRIAL_FRAMES), dtype=np.float32)
    encoding = model.encode(ctranslate2.StorageView.from_array(features), to_cpu=True)
    model.generate(encoding, [["<|startoftranscript|>"]], beam_size=1, max_length=4)


def compute_type_for(wanted: Precision, supported: set[str]) -> str:
    """Return the type to compute with: ``auto`` is small and fast on a CPU, exact on a GPU unless memory is spared.

    A type that the device has not got becomes ``auto``, because settings travel between machines.
    """
    if wanted.compute_type in supported | {"default"}:
        return wanted.compute_type
    if wanted.compute_type != "auto":
        known = ", ".join(sorted(supported))
        log.warning("compute type %s is not for this device, which has %s", wanted.compute_type, known)
    on_gpu = ("int8_float16", "float16", "int8") if wanted.spare_vram else ("float16", "int8_float16", "int8")
    preferred = on_gpu if "float16" in supported else ("int8", "int8_float32")
    return next((name for name in preferred if name in supported), "default")


def device_for(wanted: str) -> str:
    """Return ``cpu`` or ``cuda``; ``auto`` is CUDA where CTranslate2 sees one."""
    if wanted != "auto":
        return wanted
    return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"


def to_floats(pcm: bytes | memoryview) -> Floats:
    """Return s16le samples as floats of -1..1."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32_768.0


def voiced_seconds(samples: Floats) -> float:
    """Return for how long Silero hears speech in 16 kHz mono ``samples``."""
    padded = np.pad(samples, (0, -len(samples) % SILERO_SAMPLES))  # a copy: Silero's wrapper writes into its input
    if not len(padded):
        return 0.0
    probabilities = np.asarray(get_vad_model()(padded))
    return int((probabilities > SILERO_THRESHOLD).sum()) * SILERO_SAMPLES / INTERNAL_RATE_HZ


def level_dbfs(samples: Floats) -> float:
    """Return the level of the loudest tenth of ``samples`` in 32 ms pieces, in dB below full scale; -120 if none."""
    whole = samples[: len(samples) - len(samples) % SILERO_SAMPLES].reshape(-1, SILERO_SAMPLES)
    if not len(whole):
        return -120.0
    rms = np.sqrt(np.mean(whole**2, axis=1))
    return float(20 * np.log10(max(np.quantile(rms, 0.9), 1e-6)))
