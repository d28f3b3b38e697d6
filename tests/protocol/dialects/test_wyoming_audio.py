import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.dialects.wyoming_audio import WyomingAudio, WyomingSound, samples_of, sound_of
from protocol.dialects.wyoming_frames import WyomingEvent
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import AudioFormat, SessionUpdate


@pytest.mark.parametrize(
    ("sound", "pcm", "heard"),
    [
        (WyomingSound(), "0102 0304", "0102 0304"),
        (WyomingSound(channels=2), "0102 0304", "0102 0304"),
        (WyomingSound(width_bytes=1), "01 82", "0001 0082"),
        (WyomingSound(width_bytes=3), "010203 040506", "0203 0506"),
        (WyomingSound(width_bytes=4, channels=2), "01020304 05060708", "0304 0708"),
        (WyomingSound(channels=4), "0102 0304 0506 0708", "0102"),
        (WyomingSound(width_bytes=4, channels=3), "01020304 05060708 090a0b0c", "0304"),
    ],
)
def test_samples_become_two_bytes_of_one_or_two_channels(sound: WyomingSound, pcm: str, heard: str) -> None:
    assert samples_of(bytes.fromhex(pcm), sound) == bytes.fromhex(heard)


@given(st.integers(1, 4), st.integers(1, 8), st.integers(0, 40))
def test_whatever_the_format_as_many_samples_come_out_as_went_in(width: int, channels: int, count: int) -> None:
    sound = WyomingSound(width_bytes=width, channels=channels)
    heard = 2 if channels == 2 else 1
    assert len(samples_of(bytes(count * sound.frame_bytes), sound)) == count * 2 * heard


@pytest.mark.parametrize(
    ("field", "value"), [("rate", 4_000), ("rate", 96_000), ("width", 5), ("channels", 9), ("channels", "two")]
)
def test_a_format_that_cannot_be_heard_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(RemoteProtocolError, match=rf"audio-start\.{field} must"):
        sound_of(WyomingEvent("audio-start", {field: value}))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8))
def test_audio_may_be_cut_in_mid_sample(cuts: list[int]) -> None:
    audio, pcm = WyomingAudio(), bytes(range(sum(cuts)))
    heard, at = b"", 0
    for size in cuts:
        heard += audio.samples(pcm[at : at + size])
        at += size
    assert heard == pcm[: len(pcm) // 2 * 2]


def test_the_rest_of_a_sample_is_no_part_of_other_audio() -> None:
    audio = WyomingAudio()
    audio.samples(b"\1\2\3")
    audio.begin()
    assert audio.samples(b"\4\5") == b"\4\5"
    audio.samples(b"\6")
    audio.take_format(WyomingSound(rate_hz=8_000))
    assert audio.samples(b"\7\x08") == b"\7\x08"


def test_the_session_is_told_of_another_format_and_of_the_same_one_nothing() -> None:
    audio = WyomingAudio()
    assert audio.take_format(WyomingSound()) == ()
    assert audio.take_format(WyomingSound(48_000, 4, 2)) == (SessionUpdate(audio=AudioFormat("pcm_s16le", 48_000, 2)),)
    assert audio.take_format(WyomingSound(48_000, 2, 2)) == (), "only the width differs, which is cut here"
    audio.samples(bytes(48_000 * 4))
    assert audio.received_ms == 1_000
