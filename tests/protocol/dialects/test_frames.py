import io
from fractions import Fraction

import av
import numpy as np
import pytest

from protocol.dialects.frames import opus_samples, samples_in
from protocol.messages.events import AudioFormat


@pytest.mark.parametrize(
    ("audio", "size_bytes", "samples"),
    [
        (AudioFormat("pcm_s16le", 16_000, 1), 640, 320),
        (AudioFormat("pcm_s16le", 16_000, 2), 640, 160),
        (AudioFormat("pcm_f32le", 48_000, 1), 640, 160),
        (AudioFormat("pcm_s16le", 16_000, 1), 0, 0),
        (AudioFormat("pcm_s16le", 16_000, 1), 3, 1),
    ],
)
def test_a_pcm_frame_holds_what_its_bytes_say(audio, size_bytes, samples):
    assert samples_in(bytes(size_bytes), audio) == samples


@pytest.mark.parametrize("duration_ms", [10, 20, 40, 60])
def test_an_opus_packet_holds_what_its_encoder_put_in(duration_ms):
    packets = encoded(duration_ms)

    assert {opus_samples(packet) for packet in packets} == {48 * duration_ms}
    assert samples_in(packets[0], AudioFormat("opus", 16_000, 1)) == 16 * duration_ms


@pytest.mark.parametrize(
    ("packet", "samples"), [(b"", 0), (b"\x03", 0), (b"\x1b\x02", 2 * 2_880), (b"\x80", 120), (b"\xfd", 1_920)]
)
def test_frames_are_counted_by_the_first_bytes(packet, samples):
    assert opus_samples(packet) == samples


def encoded(duration_ms: int) -> list[bytes]:
    with av.open(io.BytesIO(), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, options={"frame_duration": str(duration_ms)})
        stream.layout = "mono"
        stream.time_base = Fraction(1, 48_000)
        packets = []
        for number in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 2_880), np.int16), format="s16", layout="mono")
            frame.sample_rate = 48_000
            frame.pts = number * 2_880
            packets += [bytes(packet) for packet in stream.encode(frame)]
        return [packet for packet in packets if packet]
