"""What a session remembers."""

import attrs

from protocol.audio.pcm_buffer import PcmBuffer
from protocol.messages.events import ConnectionRequest
from protocol.turns.vault import MAX_CALLS, MAX_EVENTS, MAX_TURNS, SessionMemory, SessionMemoryStatistics
from tests.fakes import FakeSocket


@attrs.frozen
class Running:
    turn_id: str


def memory(capacity: int = 1_000) -> SessionMemory:
    return SessionMemory(session_id="s1", resume_token="t1", audio=PcmBuffer(capacity))


def test_event_numbers_begin_at_one_and_never_repeat() -> None:
    kept = memory()
    assert [kept.next_seq() for _ in range(3)] == [1, 2, 3]


def test_a_client_that_comes_back_gets_what_it_has_not_seen() -> None:
    kept = memory()
    for seq in range(1, 6):
        kept.remember_event(seq, f"frame {seq}", 0.0)
    assert kept.events_after(3) == ("frame 4", "frame 5")
    assert kept.events_after(5) == ()
    assert len(kept.events_after(-10)) == 5


def test_only_the_last_events_are_kept() -> None:
    kept = memory()
    for seq in range(1, MAX_EVENTS + 11):
        kept.remember_event(seq, str(seq), 0.0)
    assert kept.events_after(0)[0] == "11"
    assert len(kept.events_after(0)) == MAX_EVENTS


def test_events_that_nobody_can_miss_any_more_are_forgotten() -> None:
    kept = memory()
    for seq in range(1, 100):
        kept.remember_event(seq, str(seq), 5.0 * seq)
    assert kept.events_after(0) == tuple(str(seq) for seq in range(75, 100)), "two minutes of them"
    kept.detach()
    for seq in range(100, 200):
        kept.remember_event(seq, str(seq), 5.0 * seq)
    assert len(kept.events_after(99)) == 100, "somebody does miss these"


def test_recent_turns_are_the_last_ones_in_their_order() -> None:
    kept = memory()
    for number in range(MAX_TURNS + 5):
        kept.remember_turn(f"u{number}", f"a{number}")
    assert kept.recent_turns(2) == (("u35", "a35"), ("u36", "a36"))
    assert kept.recent_turns(0) == ()
    assert kept.recent_turns(-1) == ()
    assert len(kept.recent_turns(10_000)) == MAX_TURNS


def test_a_call_id_is_taken_once() -> None:
    kept = memory()
    assert kept.begin_call("c1")
    assert not kept.begin_call("c1")
    assert kept.begin_call("c2")


def test_a_turn_has_acted_once_it_has_begun_a_call() -> None:
    kept = memory()
    kept.running = Running("turn 1")
    assert not kept.has_acted("turn 1")
    kept.begin_call("c1")
    kept.running = None
    assert kept.has_acted("turn 1")
    assert not kept.has_acted("turn 2")


def test_a_call_outside_of_a_turn_is_still_taken_once() -> None:
    kept = memory()
    assert kept.begin_call("c1")
    assert not kept.begin_call("c1")


def test_calls_are_bounded_and_the_oldest_is_forgotten_first() -> None:
    kept = memory()
    for number in range(MAX_CALLS + 1):
        assert kept.begin_call(f"c{number}")
    assert not kept.begin_call("c1")
    assert kept.begin_call("c0")
    assert kept.statistics().calls == MAX_CALLS


def test_replay_begins_at_the_open_utterance() -> None:
    kept = memory()
    kept.audio.append(bytes(1_000))
    assert kept.replay_from() == 0
    kept.speech_start = 200
    assert kept.replay_from() == 200


def test_what_was_committed_is_not_replayed() -> None:
    kept = memory()
    kept.audio.append(bytes(1_000))
    kept.speech_start = 200
    kept.commit(400)
    assert kept.replay_from() == 400
    kept.commit(300)
    assert kept.replay_from() == 400


def test_replay_begins_with_the_oldest_sample_that_is_left() -> None:
    kept = memory(capacity=100)
    kept.audio.append(bytes(1_000))
    assert kept.replay_from() == 400
    kept.commit(9_999)
    assert kept.replay_from() == 500
    assert kept.audio.slice(kept.replay_from(), kept.audio.end) == b""


def test_the_token_before_the_newest_is_valid_until_the_newest_is_used() -> None:
    kept = memory()
    assert list(kept.valid_tokens) == ["t1"]
    kept.use_token("t1", lambda: "t2")
    assert list(kept.valid_tokens) == ["t2", "t1"]
    kept.use_token("t1", lambda: "t3")
    assert list(kept.valid_tokens) == ["t2", "t1"], "its client has not got the newest, and is told it again"
    kept.use_token("t2", lambda: "t3")
    assert list(kept.valid_tokens) == ["t3", "t2"]


def test_statistics_show_how_much_is_kept() -> None:
    kept = memory()
    kept.options = ConnectionRequest("me", ("stt",))
    kept.remember_event(kept.next_seq(), "{}", 0.0)
    kept.remember_turn("hello", "good morning")
    kept.open_turns.add("t")
    kept.audio.append(bytes(3_000))
    assert kept.statistics() == SessionMemoryStatistics(
        session_id="s1",
        audio_start_sample=500,
        audio_end_sample=1_500,
        audio_capacity_samples=1_000,
        audio_held_bytes=2_000,
        speech_start=0,
        events=1,
        last_seq=1,
        turns=1,
        calls=0,
        open_turns=1,
    )


def test_a_client_that_is_cut_off_is_the_same_tenants_until_it_is_at_another_socket() -> None:
    kept = memory()
    assert kept.tenant == ""
    kept.attach(FakeSocket("192.0.2.1:5000"))
    kept.detach()
    assert kept.tenant == "192.0.2.1"
    kept.attach(FakeSocket("192.0.2.2:5000"))
    assert kept.tenant == "192.0.2.2"
