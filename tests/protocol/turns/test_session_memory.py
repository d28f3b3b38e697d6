"""What a session remembers, as a whole."""

from tests.fake_sessions import session_memory


def test_statistics_show_all_parts() -> None:
    memory = session_memory("s1")
    memory.turns.remember_turn("hello", "good morning")
    shown = memory.statistics()
    assert shown.session_id == "s1"
    assert shown.audio_capacity_samples == 16
    assert shown.turns == 1
