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
