"""Uploaded recordings: what the HTTP API asks of their decoder."""

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
    """How much has been answered already, in samples of the answers."""


@attrs.frozen
class CloseRecording:
    """To media: nobody will read on."""

    recording_id: str
    outcome: Literal["abandoned", "unavailable"]
    """Whether the client has gone, or something else than the decoder could not do its part."""


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
