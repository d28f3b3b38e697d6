"""Uploaded recordings: the messages of the HTTP API to their decoder."""

from typing import Literal

import attrs

from protocol.messages.ask import Ask


@attrs.frozen
class ReadRecording(Ask["DecodedBlock | RecordingRefused"]):
    """To media: decode what follows after ``from_sample``; answered by ``DecodedBlock`` or ``RecordingRefused``."""

    recording_id: str
    path: str
    """Where the worker process finds the file."""
    from_sample: int
    """How many samples have been answered already."""


@attrs.frozen
class CloseRecording:
    """To media: the recording will not be read further."""

    recording_id: str
    outcome: Literal["abandoned", "unavailable"]
    """Whether it ended for a reason outside of the decoder, such as a client that has gone."""


@attrs.frozen
class DecodedBlock:
    """The next samples; there may be none yet although more will come."""

    pcm: bytes
    """s16le mono samples at 16 kHz, ``BLOCK_S`` of them at most."""
    is_last: bool


@attrs.frozen
class RecordingRefused:
    """A recording that cannot be decoded; trying again would not help."""

    reason: str
