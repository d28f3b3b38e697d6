import pytest

from protocol.dialects.frames import opus_samples as server_opus_samples
from sayso_client import AudioFormat
from sayso_client.sent_audio import PIECE_BYTES, SentAudio, opus_samples

MONO = AudioFormat()
STEREO = AudioFormat("pcm_f32le", 48_000, 2)
PACKET = bytes([1 << 3, 0])  # one SILK frame of 20 ms


def drain(audio: SentAudio) -> list[bytes | str]:
    frames = []
    while audio.has_unsent:
        frames.append(audio.next())
    return frames


def test_what_is_added_is_sent_once_and_in_order() -> None:
    audio = SentAudio(MONO, 1.0)
    audio.add(b"aabb")
    audio.add_mark("end")
    audio.add(b"cc")
    assert drain(audio) == [b"aabb", "end", b"cc"]
    assert not audio.has_unsent


def test_much_audio_goes_out_in_pieces_of_whole_samples() -> None:
    audio = SentAudio(STEREO, 60.0)
    audio.add(bytes(3 * PIECE_BYTES + 8))
    pieces = drain(audio)
    assert [len(piece) for piece in pieces] == [PIECE_BYTES] * 3 + [8]
    assert PIECE_BYTES % 8 == 0


def test_a_part_of_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="whole samples of 8 bytes, not 12 bytes"):
        SentAudio(STEREO, 1.0).add(bytes(12))


@pytest.mark.parametrize(
    ("samples", "again"),
    [(0, [b"aabb", b"ccdd"]), (1, [b"bb", b"ccdd"]), (2, [b"ccdd"]), (3, [b"dd"]), (4, []), (9, [])],
)
def test_audio_is_sent_again_from_the_sample_that_the_server_names(samples: int, again: list[bytes]) -> None:
    audio = SentAudio(MONO, 1.0)
    audio.add(b"aabb")
    audio.add(b"ccdd")
    drain(audio)
    audio.resume_at(samples)
    assert drain(audio) == again


def test_a_channel_more_makes_no_position_more() -> None:
    audio = SentAudio(STEREO, 1.0)
    audio.add(b"lll1rrr1lll2rrr2")
    drain(audio)
    audio.resume_at(1)
    assert drain(audio) == [b"lll2rrr2"]


def test_what_is_acknowledged_is_forgotten_and_what_was_not_sent_is_not() -> None:
    audio = SentAudio(MONO, 2 / 16_000)
    audio.add(b"aabb")
    assert not audio.has_room
    audio.acknowledge(2)
    assert not audio.has_room, "it has not been sent"
    drain(audio)
    audio.acknowledge(1)
    assert not audio.has_room
    audio.acknowledge(2)
    assert audio.has_room
    audio.add(b"cc")
    assert drain(audio) == [b"cc"]


def test_a_button_that_was_pressed_where_the_server_ends_is_told_again() -> None:
    audio = SentAudio(MONO, 1.0)
    audio.add_mark("start")
    audio.add(b"aa")
    audio.add_mark("end")
    drain(audio)
    audio.resume_at(1)
    assert drain(audio) == ["end"]


def test_a_new_session_begins_with_what_was_not_sent() -> None:
    audio = SentAudio(MONO, 1.0)
    audio.add(b"aabb")
    drain(audio)
    audio.add(b"ccdd")
    audio.restart()
    assert drain(audio) == [b"ccdd"]
    audio.resume_at(1)
    assert drain(audio) == [b"dd"]


def test_a_packet_of_opus_has_no_parts() -> None:
    audio = SentAudio(AudioFormat("opus", 16_000), 1.0)
    audio.add(PACKET)
    audio.add(PACKET + b"2")
    drain(audio)
    audio.resume_at(320)
    assert drain(audio) == [PACKET + b"2"]
    audio.resume_at(330)
    assert drain(audio) == [PACKET + b"2"]


@pytest.mark.parametrize("toc", range(256))
def test_the_length_of_a_packet_is_what_the_server_counts(toc: int) -> None:
    packet = bytes([toc, 3, 0])
    assert opus_samples(packet) == server_opus_samples(packet)


@pytest.mark.parametrize("packet", [b"", b"\x03"])
def test_half_a_packet_is_refused(packet: bytes) -> None:
    with pytest.raises(ValueError, match="Opus packet"):
        opus_samples(packet)
