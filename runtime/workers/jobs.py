"""Jobs for worker processes, and their replies: typed at both ends, msgpack in between.

A job is a class whose base names its reply::

    class SpokenText(msgspec.Struct, frozen=True):
        sample_rate_hz: int

    class SpeakText(Job[SpokenText], frozen=True):
        text: str

    spoken, pcm = await pool.call(SpeakText("hello"), timeout_s=5.0)  # spoken is a SpokenText

Samples go beside a job or a reply as its blob (``runtime/workers/frames.py``), never through an encoder.
"""

import functools
from collections.abc import Iterable
from typing import Generic, TypeVar, get_args

import msgspec

ReplyT = TypeVar("ReplyT", bound=msgspec.Struct)
ReplyT_co = TypeVar("ReplyT_co", bound=msgspec.Struct, covariant=True)


class Job(msgspec.Struct, Generic[ReplyT_co], frozen=True):
    """Base class of jobs; the fields are sent by name."""

    @property
    def name(self) -> str:
        """Name of the job's class, by which the worker finds it."""
        return type(self).__name__


class ReplyError(Exception):
    """A worker's reply does not fit its job: server and worker are not the same program. Names job and field."""


def encode(data: msgspec.Struct) -> bytes:
    """Return a job or a reply as msgpack; raises ``TypeError`` or ``ValueError`` for what msgpack cannot hold."""
    return msgspec.msgpack.encode(data)


def decode_reply(job: Job[ReplyT], body: bytes) -> ReplyT:
    """Return the reply to ``job``; raises ``ReplyError``."""
    decoder: msgspec.msgpack.Decoder[ReplyT] = _reply_decoder(type(job))
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise ReplyError(f"the reply to {job.name} does not fit: {error}") from error


class JobDecoder:
    """The jobs that one worker can do."""

    def __init__(self, kinds: Iterable[type[Job[msgspec.Struct]]]) -> None:
        self._decoders = {kind.__name__: msgspec.msgpack.Decoder(kind) for kind in kinds}

    def decode(self, name: str, body: bytes) -> Job[msgspec.Struct]:
        """Return the job; raises ``ValueError`` for one that the worker does not do, or that does not fit."""
        decoder = self._decoders.get(name)
        if decoder is None:
            raise ValueError(f"a job must be one of {', '.join(self._decoders)}, not {name}")
        return decoder.decode(body)


@functools.cache
def _reply_decoder(kind: type[Job[ReplyT]]) -> msgspec.msgpack.Decoder[ReplyT]:
    [base] = vars(kind)["__orig_bases__"]
    [reply] = get_args(base)
    return msgspec.msgpack.Decoder(reply)
