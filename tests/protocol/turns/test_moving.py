from contextlib import suppress

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.audio.audio_memory import AudioMemory
from protocol.audio.pcm_buffer import PcmBuffer
from protocol.dialects.client_memory import ClientMemory
from protocol.messages import events
from protocol.messages.hearing import Recognition
from protocol.messages.understanding import CommandMatch, Undo
from protocol.turns.actions import PendingTurn
from protocol.turns.last_sentence import DoneCall, DoneState, LastSentence
from protocol.turns.moving import BadRecord, SessionRecording, packed, recalled, recorded, unpacked
from protocol.turns.questions import OpenQuestion
from protocol.turns.session_memory import SessionMemory

CAPACITY = 16_000 * 45
OPTIONS = events.ConnectionRequest("ada", ("stt", "tools"), audio=events.AudioFormat("pcm_s16le", 48_000))


def new_memory() -> SessionMemory:
    client = ClientMemory("session", "token")
    client.options, client.may_resume = OPTIONS, True
    return SessionMemory(client=client, audio=AudioMemory(PcmBuffer(CAPACITY)))


def moved(memory: SessionMemory, *, seen_seq: int = 0, at_s: float = 100.0, there_s: float = 7.0) -> SessionMemory:
    """Return the memory as another replica has it, whose clock shows ``there_s``."""
    recording = recorded(memory, at_s)
    assert recording is not None
    return recalled(unpacked(packed(recording)), seen_seq=seen_seq, capacity_samples=CAPACITY, now_s=there_s)


def test_a_session_is_nobody_s_before_its_handshake_and_where_it_cannot_be_resumed() -> None:
    memory = new_memory()
    memory.client.options = None
    assert recorded(memory, 0.0) is None
    memory = new_memory()
    memory.client.may_resume = False
    assert recorded(memory, 0.0) is None


def test_the_client_finds_its_session_with_its_options_and_what_it_missed() -> None:
    memory = new_memory()
    client = memory.client
    client.former_token, client.voice, client.task, client.user = "former", "joe", "faq", "ada"
    missed = events.ToolCall("t1", "c1", "house", "lamp", {"on": True})
    client.keep_event(client.sent.next_seq(), missed, 95.0)
    there = moved(memory, seen_seq=5).client
    assert attrs.asdict(there.options) == attrs.asdict(OPTIONS)  # type: ignore[arg-type]
    assert there.valid_tokens == ("token", "former")
    assert (there.session_id, there.user, there.voice, there.task) == ("session", "ada", "joe", "faq")
    assert (there.is_lost, there.may_resume, there.link) == (True, True, None)
    assert there.sent.after(0) == ((1, missed),)
    assert there.sent.kept()[0][2] == 2.0, "it is as old as it was"
    assert there.sent.next_seq() == 6, "the client has seen number 5 of an event that was not kept"


def test_turns_calls_and_what_was_done_last_go_along() -> None:
    memory = new_memory()
    turns = memory.turns
    turns.remember_turn("hello", "hi")
    turns.running = PendingTurn("t1", events.Text("lamp on"))
    turns.begin_call("c1")
    before = LastSentence("t0", "before", 90.0)
    done = DoneCall("c1", "house", "lamp", {"on": True}, Undo("lamp", {"on": False}), "done")
    turns.sentence = LastSentence("t1", "lamp on", 99.0, DoneState.DONE, (done,), before=before)
    command = CommandMatch("timer", "tools", "set", {}, 1.0, "set a timer", slots={"n": 1})
    turns.question = OpenQuestion("t1", "for how long?", command, 110.0)
    turns.last_reply = "done"
    there = moved(memory).turns
    assert there.recent_turns(9) == (("hello", "hi"),)
    assert not there.begin_call("c1"), "no call is made twice"
    assert there.has_acted("t1")
    assert there.waiting is None, "what has acted is not run again"
    turns.question = None
    assert there.sentence == attrs.evolve(turns.sentence, ended_s=6.0, before=attrs.evolve(before, ended_s=-3.0))
    assert there.last_reply == "done"


def test_words_that_wait_for_a_request_go_along() -> None:
    memory = new_memory()
    memory.turns.keep_words(Recognition("lamp on", "en", 0.9, alternatives=("lamp of",)))
    assert moved(memory).turns.kept_words == memory.turns.kept_words


def test_an_open_question_stays_open_as_long_as_it_would_have() -> None:
    memory = new_memory()
    command = CommandMatch("timer", "tools", "set", {}, 1.0, "set a timer")
    memory.turns.question = OpenQuestion("t1", "for how long?", command, 110.0)
    assert moved(memory).turns.question == attrs.evolve(memory.turns.question, until_s=17.0)


@pytest.mark.parametrize("place", ["waiting", "running"])
def test_typed_words_that_have_not_acted_are_run_there(place: str) -> None:
    memory = new_memory()
    memory.client.sent.shown_turns.add("t1")
    setattr(memory.turns, place, PendingTurn("t1", events.Text("lamp on")))
    there = moved(memory).turns
    assert there.waiting == PendingTurn("t1", events.Text("lamp on"), 2 if place == "running" else 1)
    assert there.open_turns == {"t1"}


def heard_up_to(memory: SessionMemory, second: float) -> None:
    memory.audio.pcm.append(bytes(2 * round(16_000 * second) - 2 * memory.audio.pcm.end))
    memory.audio.commit(memory.audio.pcm.end)
    memory.client.arrived_samples = round(48_000 * second)


def test_audio_goes_on_where_it_ended_if_everything_is_settled() -> None:
    memory = new_memory()
    heard_up_to(memory, 5.0)
    there = moved(memory)
    assert (there.audio.pcm.start, there.audio.pcm.end, there.audio.replay_from()) == (80_000, 80_000, 80_000)
    assert there.client.arrived_samples == 240_000
    there.audio.pcm.append(bytes(3_200))
    assert len(there.audio.pcm.slice(80_000, 81_600)) == 3_200


def test_audio_is_wanted_again_from_the_first_words_that_have_not_acted() -> None:
    memory = new_memory()
    heard_up_to(memory, 5.0)
    memory.audio.handed.extend([(16_000, 32_000), (48_000, 64_000)])
    assert moved(memory).client.arrived_samples == 48_000, "the dialogue has taken none of them"
    memory.turns.open_turns = {"t1", "t2"}
    memory.turns.take_speech("t1", 1_000, 2_000)
    assert moved(memory).client.arrived_samples == 48_000
    memory.turns.running = PendingTurn("t1", events.Text("it was spoken"))
    memory.turns.begin_call("c1")
    memory.turns.take_speech("t2", 3_000, 4_000)
    assert moved(memory).client.arrived_samples == 144_000, "the first has acted, and the second has not"
    memory.turns.answered = "t2"
    assert moved(memory).client.arrived_samples == 240_000


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"nonsense",
        packed(
            SessionRecording(
                session_id="s",
                tokens=("t",),
                user="",
                options=OPTIONS,
                last_seq=0,
                from_sample=0,
                arrived_samples=0,
                format=99,
            )
        ),
        packed(
            SessionRecording(
                session_id="s",
                tokens=("t",),
                user="",
                options=OPTIONS,
                last_seq=0,
                from_sample=0,
                arrived_samples=0,
                events=((1, "no_such_event", {}, 0.0),),
            )
        ),
    ],
)
def test_a_record_of_another_version_is_not_read(record: bytes) -> None:
    with pytest.raises(BadRecord):
        unpacked(record)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_a_bad_one(record: bytes) -> None:
    with suppress(BadRecord):
        unpacked(record)
