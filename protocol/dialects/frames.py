"""The number of samples in a client's binary frame, without decoding it."""

from protocol.messages.events import AudioFormat, SampleFormat

SAMPLE_BYTES: dict[SampleFormat, int] = {"pcm_s16le": 2, "pcm_f32le": 4}
OPUS_RATE_HZ = 48_000
# samples at 48 kHz of one Opus frame, by the configuration number of its first byte (RFC 6716, section 3.1)
OPUS_FRAME_SAMPLES = (*(480, 960, 1_920, 2_880) * 3, *(480, 960) * 2, *(120, 240, 480, 960) * 4)
OPUS_FRAMES = (1, 2, 2)  # by the two lowest bits; with both set, the second byte says how many


def samples_in(frame: bytes, audio: AudioFormat) -> int:
    """Return the samples of each channel in ``frame``, at the client's own rate; 0 for an invalid frame."""
    if audio.format != "opus":
        return len(frame) // (SAMPLE_BYTES[audio.format] * audio.channels)
    return opus_samples(frame) * audio.sample_rate // OPUS_RATE_HZ


def opus_samples(packet: bytes) -> int:
    """Return the samples at 48 kHz that an Opus packet decodes to (RFC 6716, sections 3.1 and 3.2)."""
    if not packet:
        return 0
    code, said = packet[0] & 3, packet[1:2] or b"\0"
    frames = OPUS_FRAMES[code] if code < len(OPUS_FRAMES) else said[0] & 63
    return frames * OPUS_FRAME_SAMPLES[packet[0] >> 3]
