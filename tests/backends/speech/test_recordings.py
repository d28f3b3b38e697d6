import itertools
from collections.abc import Iterable

import attrs
import pytest

from backends.protocols import BadAudio
from backends.speech.recordings import Cutter, Recording
from protocol.messages.hearing import Utterance
from protocol.messages.recordings import DecodedBlock, ReadRecording, RecordingRefused
from tests.backends.speech.sounds import LoudnessDetector, sound

BLOCK_BYTES = 2 * 16_000


def blocks_of(pcm: bytes, size: int = BLOCK_BYTES) -> list[DecodedBlock]:
    """Return samples in blocks, the last of which is empty."""
    parts = [DecodedBlock(pcm[at : at + size], is_last=False) for at in range(0, len(pcm), size)]
    return [*parts, DecodedBlock(b"", is_last=True)]


@attrs.define(eq=False)
class Decoder:
    """Answers from a list."""

    answers: list[DecodedBlock | RecordingRefused | Exception]
    asked: list[ReadRecording] = attrs.field(factory=list)

    async def read(self, message: ReadRecording) -> DecodedBlock | RecordingRefused:
        self.asked.append(message)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def recording(self) -> Recording:
        return Recording("r", "/file", self.read, Cutter(LoudnessDetector()))


async def heard(blocks: Iterable[DecodedBlock]) -> list[Utterance]:
    recording = Decoder(list(blocks)).recording()
    found = []
    while (utterance := await recording.next_utterance()) is not None:
        found.append(utterance)
    assert recording.is_over
    return found


async def cut(pcm: bytes) -> list[tuple[int, int]]:
    return [(utterance.start_ms, utterance.end_ms) for utterance in await heard(blocks_of(pcm))]


async def test_a_recording_is_cut_where_it_is_silent() -> None:
    pcm = sound(("quiet", 1), ("loud", 1), ("quiet", 1), ("loud", 2), ("quiet", 1))
    (first_start, first_end), (second_start, second_end) = await cut(pcm)

    assert first_start == pytest.approx(1_000 - 320, abs=40)
    assert first_end == pytest.approx(2_112, abs=60)
    assert second_start == pytest.approx(3_000 - 320, abs=40)
    assert second_end == pytest.approx(5_112, abs=60)


async def test_what_is_said_to_the_last_sample_is_there() -> None:
    [(_, end)] = await cut(sound(("quiet", 1), ("loud", 1)))

    assert end == pytest.approx(2_112, abs=60)


async def test_long_speech_is_cut_before_it_is_too_long_for_a_worker() -> None:
    pieces = await cut(sound(("loud", 50)))

    assert len(pieces) >= 3
    assert max(end - start for start, end in pieces) <= 20_000
    assert all(first_end == second_start for (_, first_end), (second_start, _) in itertools.pairwise(pieces))


async def test_utterances_hold_the_samples_of_their_time() -> None:
    pcm = sound(("quiet", 1), ("loud", 1), ("quiet", 1))
    [utterance] = await heard(blocks_of(pcm))

    assert utterance.pcm == pcm[utterance.start_ms * 32 : utterance.end_ms * 32]


async def test_the_largest_block_keeps_the_samples_of_speech_that_began_before_it() -> None:
    pcm = sound(("quiet", 11.5), ("loud", 19), ("quiet", 31))
    [utterance] = await heard(blocks_of(pcm, 30 * BLOCK_BYTES))

    assert utterance.pcm == pcm[utterance.start_ms * 32 : utterance.end_ms * 32]


async def test_silence_holds_nothing() -> None:
    assert await cut(sound(("quiet", 5))) == []


async def test_each_block_is_asked_for_where_the_one_before_it_ended() -> None:
    decoder = Decoder(list(blocks_of(sound(("quiet", 2.5)))))
    recording = decoder.recording()
    assert await recording.next_utterance() is None
    assert [message.from_sample for message in decoder.asked] == [0, 16_000, 32_000, 40_000]
    assert {(message.recording_id, message.path) for message in decoder.asked} == {("r", "/file")}
    assert recording.duration_s == 2.5


async def test_nothing_more_is_asked_after_the_end() -> None:
    decoder = Decoder([DecodedBlock(b"", is_last=True)])
    recording = decoder.recording()
    assert [await recording.next_utterance() for _ in range(3)] == [None, None, None]
    assert len(decoder.asked) == 1


async def test_a_block_without_samples_is_no_end() -> None:
    pcm = sound(("quiet", 1), ("loud", 1), ("quiet", 1))
    [_] = await heard([DecodedBlock(b"", is_last=False), *blocks_of(pcm)])


async def test_a_refused_recording_is_over() -> None:
    recording = Decoder([RecordingRefused("there is no sound in this file")]).recording()
    with pytest.raises(BadAudio, match="there is no sound in this file"):
        await recording.next_utterance()
    assert recording.is_over


async def test_a_recording_that_could_not_be_read_is_not_over_and_has_to_be_closed() -> None:
    recording = Decoder([OSError("no decoder")]).recording()
    with pytest.raises(OSError, match="no decoder"):
        await recording.next_utterance()
    assert not recording.is_over
