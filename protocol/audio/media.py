"""Uploaded recordings: the messages between the HTTP API and their decoder, and which recordings are refused; pure.

Rules kept here:

* A decoder's memory and time follow from what a file announces, so rates, channels, codecs and the length of a frame
  are checked before anything is made of them.
* The length of a recording is bounded by what has been decoded, not by what its header claims.
"""

from typing import Final

from protocol.messages.hearing import INTERNAL_RATE_HZ

MAX_RECORDING_S: Final = 3_660.0  # an hour, and a minute of reserve
BLOCK_S: Final = 30.0  # decoded at a time: 1 MB of samples
MIN_RATE_HZ: Final = 1_000  # a frame of 65,535 samples at 5 Hz would become 210 million; telephones have 8,000
MAX_RATE_HZ: Final = 384_000  # the highest of studio devices; a resampler's filter grows with the rate
MAX_CHANNELS: Final = 8  # 7.1
MAX_FRAME_SAMPLES: Final = 1 << 17  # FLAC's largest frame has 65,535
MAX_DECODING_S: Final = 120.0  # of a processor, for one recording; an hour of Opus, the slowest, takes 6 s

# what phones and recorders write; playlists are left out, because they would make FFmpeg open other files and addresses
FORMATS: Final = (
    "wav", "w64", "aiff", "au", "mp3", "flac", "ogg", "opus", "aac", "mov", "mp4", "m4a", "3gp", "matroska", "webm",
    "amr", "caf",
)  # fmt: skip
CODECS: Final = (
    "aac", "aac_latm", "alac", "amrnb", "amrwb", "flac", "libopus", "mp2", "mp2float", "mp3", "mp3float", "opus",
    "vorbis", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "gsm_ms", "pcm_alaw", "pcm_f32be", "pcm_f32le", "pcm_f64be",
    "pcm_f64le", "pcm_mulaw", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le", "pcm_s8",
    "pcm_u8",
)  # fmt: skip
"""FFmpeg's names of the decoders that may be used; a container may hold any of its five hundred, video among them."""


def why_refused(codec: str, rate_hz: int, channels: int) -> str | None:
    """Return why sound of this kind is not decoded; ``None`` if it is."""
    if codec not in CODECS:
        return f"the sound must be in a codec such as AAC, FLAC, MP3, Opus, Vorbis or PCM, not {codec[:40]!r}"
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        return f"the rate must be from {MIN_RATE_HZ:,} to {MAX_RATE_HZ:,} Hz, not {rate_hz:,}"
    if not 1 <= channels <= MAX_CHANNELS:
        return f"the recording must have from 1 to {MAX_CHANNELS} channels, not {channels}"
    return None


def why_frame_refused(samples: int, rate_hz: int, channels: int) -> str | None:
    """Return why a decoded frame is not resampled; ``None`` if it is. A frame may differ from what was announced."""
    if samples > MAX_FRAME_SAMPLES:
        return f"a frame must have at most {MAX_FRAME_SAMPLES:,} samples, not {samples:,}"
    return why_refused(CODECS[0], rate_hz, channels)


def why_too_long(samples: int, decoding_s: float) -> str | None:
    """Return why decoding ends after so many samples and seconds of a processor; ``None`` if it goes on."""
    if samples > MAX_RECORDING_S * INTERNAL_RATE_HZ:
        return f"a recording must not be longer than {MAX_RECORDING_S:g} s"
    if decoding_s > MAX_DECODING_S:
        return f"a recording must take at most {MAX_DECODING_S:g} s to decode"
    return None
