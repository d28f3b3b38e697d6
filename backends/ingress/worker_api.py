"""OpenAI's audio API around one of our engines, for servers that are not ours, such as Ray Serve (``deploy/ray``).

Rules kept here:

* It is for utterances and sentences, which are jobs of a worker; recordings of any length are for sayso itself.
* Requests become a worker's jobs, and its replies answers, sayso's extension included; nothing here waits or serves.
* Batches have as many utterances as pays on the machine, as in our own queue (``protocol/admission/capacity.py``).
"""

import io
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

import attrs
import msgspec
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from backends.ingress.api_errors import ApiError
from backends.ingress.audio_names import model_of
from backends.ingress.http_utterance import (
    HEADER_MAX_BYTES,
    MAX_BYTES,
    answer_of,
    is_utterance,
    read_request,
    utterance_of,
)
from backends.ingress.uploads import MAX_FIELDS_BYTES
from backends.jobs import Clip, ClipTranscript
from protocol.admission.capacity import Capacity
from protocol.audio.remote_utterance import FIELD
from protocol.language.languages import normalised
from protocol.messages.hearing import NoWords, Recognition, Utterance

FORM: Final = "multipart/form-data"
FORMATS: Final = ("json", "text", "verbose_json")
MOST_BODY_BYTES: Final = MAX_BYTES + HEADER_MAX_BYTES + MAX_FIELDS_BYTES


@attrs.frozen
class UtteranceForm:
    """One utterance that somebody wants recognised."""

    clip: Clip
    pcm: bytes = attrs.field(repr=False)
    """16 kHz mono s16le."""
    model: str | None
    """``None`` for the usual one."""
    response_format: str
    is_own: bool
    """Whether another sayso asks, which wants alternatives."""

    @classmethod
    def read(cls, content_type: str, body: bytes) -> "UtteranceForm":
        """Read a form; raises ``ApiError``."""
        form, file = _parts(content_type, body)
        utterance = utterance_of(file)
        wanted = form.get("response_format") or "json"
        if wanted not in FORMATS:
            told = f"response_format must be one of {', '.join(FORMATS)}, not {wanted[:20]!r}"
            raise ApiError(400, told, "response_format")
        is_own = is_utterance(form)
        clip = _own_clip(form, utterance) if is_own else _clip(form, utterance)
        return cls(clip, utterance.pcm, model_of(form.get("model")), wanted, is_own)

    def answer(self, found: ClipTranscript) -> str | Mapping[str, Any]:
        """Return the answer: a text, or what is to be JSON."""
        if self.response_format == "text":
            return f"{found.text}\n"
        if self.response_format == "json":
            return {"text": found.text}
        duration_s = round(len(self.pcm) / 32_000, 3)
        page = {"task": "transcribe", "text": found.text, "language": found.language, "duration": duration_s}
        own = {FIELD: msgspec.to_builtins(answer_of(_recognition(found), found.language))} if self.is_own else {}
        return {**page, "segments": [], **own}


def _parts(content_type: str, body: bytes) -> tuple[MultiDict[str, str], bytes]:
    """Return the fields of a form and the content of its file; raises ``ApiError``."""
    kind, options = parse_options_header(content_type)
    if kind != FORM:
        raise ApiError(400, f"the body must be {FORM}, not {kind[:40]!r}")
    if len(body) > MOST_BODY_BYTES:
        raise ApiError(413, f"the body must have at most {MOST_BODY_BYTES:,} bytes, not {len(body):,}")
    parser = FormDataParser(_in_memory, max_form_memory_size=MAX_FIELDS_BYTES, silent=False)
    try:
        _, form, files = parser.parse(io.BytesIO(body), kind, len(body), options)
    except (HTTPException, ValueError) as error:
        raise ApiError(400, f"the form cannot be read: {error}") from error
    if "file" not in files:
        raise ApiError(400, "file must be an utterance, sent as multipart/form-data", "file")
    return form, files["file"].stream.read()


def _in_memory(*_about: object, **_more: object) -> IO[bytes]:
    """Return where a form's file goes, which the length of the body bounds."""
    return io.BytesIO()


def _own_clip(form: MultiDict[str, str], utterance: Utterance) -> Clip:
    wanted = read_request(form)
    return Clip(len(utterance.pcm), wanted.language, wanted.vocabulary, wants_words=wanted.wants_words)


def _clip(form: MultiDict[str, str], utterance: Utterance) -> Clip:
    try:
        language = normalised(form.get("language") or "")
    except ValueError as error:
        raise ApiError(400, str(error), "language") from error
    vocabulary = tuple(phrase.strip() for phrase in (form.get("prompt") or "").split(",") if phrase.strip())
    return Clip(len(utterance.pcm), language, vocabulary)


def _recognition(found: ClipTranscript) -> Recognition | NoWords:
    if found.no_speech is not None:
        return NoWords(found.no_speech)
    return Recognition(
        text=found.text,
        language=found.language,
        confidence=found.confidence,
        alternatives=found.alternatives,
        compute_s=found.compute_s,
        words=found.words,
    )


@attrs.define
class BatchSize:
    """How many utterances a batch should have at most: learnt from what each cost alone and in company."""

    most: int
    _capacity: Capacity = attrs.field(factory=Capacity)

    @property
    def now(self) -> int:
        """The most for the next batch."""
        return self._capacity.batch_limit(self.most)

    def learn(self, clips: Sequence[Clip], found: Sequence[ClipTranscript]) -> None:
        """Note what a batch has cost."""
        for clip, transcript in zip(clips, found, strict=True):
            self._capacity = self._capacity.learnt(clip.size_bytes / 32_000, transcript.compute_s, len(clips))
