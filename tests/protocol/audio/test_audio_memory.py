"""What a session keeps of its audio."""

from protocol.audio.audio_memory import AudioMemory, AudioMemoryStatistics
from protocol.audio.pcm_buffer import PcmBuffer


def memory(capacity: int = 1_000) -> AudioMemory:
    return AudioMemory(PcmBuffer(capacity))


def test_replay_begins_at_the_open_utterance() -> None:
    kept = memory()
    kept.pcm.append(bytes(1_000))
    assert kept.replay_from() == 0
    kept.speech_start = 200
    assert kept.replay_from() == 200


def test_what_was_committed_is_not_replayed() -> None:
    kept = memory()
    kept.pcm.append(bytes(1_000))
    kept.speech_start = 200
    kept.commit(400)
    assert kept.replay_from() == 400
    kept.commit(300)
    assert kept.replay_from() == 400


def test_replay_begins_with_the_oldest_sample_that_is_left() -> None:
    kept = memory(capacity=100)
    kept.pcm.append(bytes(1_000))
    assert kept.replay_from() == 400
    kept.commit(9_999)
    assert kept.replay_from() == 500
    assert kept.pcm.slice(kept.replay_from(), kept.pcm.end) == b""


def test_detectors_begin_a_second_before_the_replay_on_a_pair_of_frames() -> None:
    kept = memory(capacity=100_000)
    kept.pcm.append(bytes(2 * 60_000))
    kept.speech_start = 40_192  # 157 frames: the second of a pair
    begin = kept.warm_up_from()
    assert begin % 512 == 0
    assert (40_192 - begin) % 256 == 0
    assert 16_384 - 512 <= 40_192 - begin <= 16_384


def test_detectors_begin_with_the_stream_if_that_is_nearer() -> None:
    kept = memory(capacity=100_000)
    kept.pcm.append(bytes(2 * 60_000))
    kept.speech_start = 1_024
    assert kept.warm_up_from() == 0
    assert memory().warm_up_from() == 0


def test_of_a_stream_that_began_elsewhere_the_pairs_are_counted_from_its_beginning_here() -> None:
    kept = AudioMemory(PcmBuffer(100_000, first_sample=777))
    kept.pcm.append(bytes(2 * 60_000))
    kept.speech_start = 777 + 40_192
    assert (kept.warm_up_from() - 777) % 512 == 0


def test_after_overwritten_samples_detectors_begin_whole_frames_before_the_replay() -> None:
    kept = memory(capacity=10_000)
    kept.pcm.append(bytes(2 * 60_001))
    assert kept.warm_up_from() == kept.replay_from() == 50_001
    kept.speech_start = 55_555
    begin = kept.warm_up_from()
    assert 50_001 <= begin < 50_001 + 768
    assert (55_555 - begin) % 256 == 0


def test_statistics_show_how_much_is_kept() -> None:
    kept = memory()
    kept.pcm.append(bytes(3_000))
    assert kept.statistics() == AudioMemoryStatistics(
        audio_start_sample=500,
        audio_end_sample=1_500,
        audio_capacity_samples=1_000,
        audio_held_bytes=2_000,
        speech_start=0,
    )
