"""The table of Wyoming events: frames in, the session's events; the session's events, frames out."""

from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.dialects.dialect import OpeningRequest
from protocol.dialects.wyoming import HEARS, MAX_TEXT_CHARS, READS, WyomingDialect
from protocol.dialects.wyoming_frames import WyomingEvent, packed, parsed
from protocol.messages import events
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import AudioFormat, AudioSpan, LatencyMs, SessionUpdate

SECOND = bytes(32_000)
CHUNK = {"rate": 16_000, "width": 2, "channels": 1}
SAYS_LIGHT = events.Transcript("t1", "Light on.", "en", 0.9, AudioSpan(0, 900))


@attrs.define
class Conversation:
    """One dialect, and what its client was told."""

    dialect: WyomingDialect = attrs.field(factory=lambda: WyomingDialect(OpeningRequest()))
    told: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list)

    def says(self, kind: str, data: dict[str, Any] | None = None, payload: bytes = b"") -> Sequence[Any]:
        """Let the client send an event; return what the session gets."""
        return self.dialect.decode(packed(WyomingEvent(kind, data or {}, payload)))

    def hears(self, *told: events.ServerEvent) -> list[tuple[str, dict[str, Any]]]:
        """Let the session tell its events; return what the client gets of them."""
        frames = [parsed(frame) for event in told for frame in self.dialect.encode(event, 1)]
        return [(frame.type, dict(frame.data)) for frame in frames]

    def speaks(self, seconds: int = 1) -> None:
        """Let the client ask for a transcript, and speak."""
        self.says("transcribe", {"language": "en"})
        self.says("audio-start", CHUNK)
        for _ in range(seconds):
            self.says("audio-chunk", CHUNK, SECOND)


def done(turn_id: str, outcome: events.Outcome = "done") -> events.TurnCompleted:
    return events.TurnCompleted(turn_id, outcome, LatencyMs())


def utterance(
    turn_id: str, text: str, at_ms: int = 900, reason: events.StopReason = "silence"
) -> list[events.ServerEvent]:
    """Return what a session tells of one utterance."""
    return [
        events.SpeechStarted(turn_id, 100),
        events.SpeechStopped(turn_id, at_ms, reason),
        events.Transcript(turn_id, text, "en", 0.9, AudioSpan(100, at_ms)),
        done(turn_id),
    ]


def transcript(text: str) -> tuple[str, dict[str, Any]]:
    return ("transcript", {"text": text, "language": "en"})


def test_a_connection_hears_without_answering_and_takes_no_announcements() -> None:
    request = WyomingDialect(OpeningRequest()).open()
    assert (request.capabilities, request.answers, request.wake, request.announcements) == (
        HEARS,
        "on_request",
        "",
        False,
    )


@pytest.mark.parametrize(
    ("kind", "data", "payload", "said"),
    [
        (
            "transcribe",
            {"language": "en_us", "transcript_names": ["Zoe", "", 1], "transcript_terms": ["lamp", "Zoe"]},
            b"",
            [SessionUpdate(capabilities=HEARS, language="en-US", vocabulary=("Zoe", "lamp"))],
        ),
        (
            "transcribe",
            {"name": "base", "vad_sensitivity": "relaxed"},
            b"",
            [SessionUpdate(capabilities=HEARS, vocabulary=(), stt_model="base")],
        ),
        ("audio-start", CHUNK, b"", []),
        (
            "audio-start",
            {"rate": 48_000, "width": 4, "channels": 2},
            b"",
            [SessionUpdate(audio=AudioFormat("pcm_s16le", 48_000, 2))],
        ),
        ("audio-chunk", CHUNK, b"\1\2", []),  # nobody has asked for a transcript
        ("audio-stop", {}, b"", []),
        (
            "transcript",
            {"text": "lamp on", "language": "de", "context": {"conversation_id": "x"}},
            b"",
            [SessionUpdate(capabilities=READS, language="de"), events.Text("lamp on")],
        ),
        ("transcript", {"text": "lamp on"}, b"", [SessionUpdate(capabilities=READS), events.Text("lamp on")]),
        ("satellite-connected", {}, b"", []),
        ("", {}, b"", []),
    ],
)
def test_what_a_client_sends_is_this_for_the_session(
    kind: str, data: dict[str, Any], payload: bytes, said: list[object]
) -> None:
    assert list(Conversation().says(kind, data, payload)) == said


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("transcribe", {"language": 7}, "transcribe.language must be a string, not int"),
        ("transcribe", {"language": "not a language"}, "transcribe.language: "),
        ("transcribe", {"transcript_names": "Zoe"}, "transcribe.transcript_names must be a list, not str"),
        ("transcript", {}, "transcript.text must be a string of at most"),
        ("transcript", {"text": "a" * (MAX_TEXT_CHARS + 1)}, "transcript.text must be a string of at most"),
        ("audio-start", {"rate": 1}, "audio-start.rate must lie within 8000 and 48000 Hz, not 1"),
    ],
)
def test_a_mistake_is_told_in_words_and_ends_nothing(kind: str, data: dict[str, Any], expected: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Conversation().says(kind, data)
    assert str(caught.value).startswith(expected)
    assert not caught.value.fatal


def test_audio_goes_to_the_session_and_its_end_commits_it() -> None:
    client = Conversation()
    client.says("transcribe")
    assert list(client.says("audio-chunk", {"rate": 16_000, "width": 1, "channels": 1}, b"\1")) == [b"\0\1"]
    assert list(client.says("audio-stop")) == [events.AudioEnd()]
    assert list(client.says("audio-stop")) == []
    assert list(client.says("audio-chunk", CHUNK, b"\1\2")) == []


def test_an_utterance_that_ends_while_the_client_speaks_is_the_answer() -> None:
    client = Conversation()
    client.speaks()
    assert client.hears(*utterance("t1", "Light on.", reason="command_complete")) == [
        ("transcript-start", {"language": "en"}),
        ("transcript-chunk", {"text": "Light on."}),
        transcript("Light on."),
        ("transcript-stop", {}),
    ]
    assert list(client.says("audio-chunk", CHUNK, SECOND)) == [], "it was answered"
    assert list(client.says("audio-stop")) == []


def test_speech_that_goes_on_is_waited_for() -> None:
    client = Conversation()
    client.speaks()
    first, second = utterance("t1", "Light on"), utterance("t2", "in the kitchen.")
    told = client.hears(*first[:3], second[0], first[3])
    assert told == []
    assert transcript("Light on in the kitchen.") in client.hears(*second[1:])


def test_of_a_recording_everything_is_transcribed() -> None:
    client = Conversation()
    client.speaks(seconds=10)
    assert client.hears(*utterance("t1", "One.")) == []
    client.says("audio-stop")
    assert client.hears(*utterance("t2", "Two.", 5_000)) == []
    told = client.hears(events.NothingCommitted(10_000))
    assert [data["text"] for kind, data in told if kind == "transcript-chunk"] == ["One.", " Two."]
    assert told[-2] == transcript("One. Two.")


def test_speech_that_ends_with_the_audio_is_waited_for() -> None:
    client = Conversation()
    client.speaks()
    client.says("audio-stop")
    started, stopped, words, end = utterance("t1", "Light on.", reason="manual")
    assert client.hears(started, stopped, words) == []
    assert transcript("Light on.") in client.hears(end)


def test_what_ended_just_before_the_audio_is_answered_once_all_was_taken() -> None:
    client = Conversation()
    client.speaks()
    started, stopped, words, end = utterance("t1", "Light on.")
    client.hears(started, stopped)
    client.says("audio-stop")
    assert client.hears(words, end) == [], "more may have been said after it"
    assert transcript("Light on.") in client.hears(events.NothingCommitted(1_000))


def test_nothing_said_is_an_empty_transcript() -> None:
    client = Conversation()
    client.speaks()
    cough: list[events.ServerEvent] = [
        events.SpeechStarted("t1", 0),
        events.NoSpeech("t1", "too_short"),
        done("t1", "no_speech"),
    ]
    assert client.hears(*cough) == [], "words may still come"
    client.says("audio-stop")
    assert client.hears(events.NothingCommitted(1_000))[1:] == [("transcript", {"text": ""}), ("transcript-stop", {})]


def test_what_could_not_be_transcribed_is_an_error_and_an_empty_transcript() -> None:
    client = Conversation()
    client.speaks()
    started, stopped, *_ = utterance("t1", "")
    assert client.hears(started, stopped, events.Error("turn_failed", "no worker", turn_id="t1")) == [
        ("error", {"text": "no worker", "code": "turn_failed"})
    ]
    assert ("transcript", {"text": ""}) in client.hears(done("t1", "failed"))


def test_a_mistake_ends_the_request_that_it_is_about() -> None:
    client = Conversation()
    client.speaks()
    told = client.hears(events.Error("bad_field", "no model hears Klingon"))
    assert told[0] == ("error", {"text": "no model hears Klingon", "code": "bad_field"})
    assert ("transcript", {"text": ""}) in told
    client.says("transcript", {"text": "lamp on"})
    assert client.hears(events.Error("bad_field", "no"))[1] == ("not-handled", {"text": "no"})


def test_speech_of_an_earlier_request_is_no_answer_to_the_next_one() -> None:
    client = Conversation()
    client.speaks()
    client.hears(*utterance("t1", "Light on."))
    late = utterance("t2", "late", reason="stalled")
    client.hears(late[0])
    client.says("transcribe")
    client.says("transcript", {"text": "lamp on"})
    assert client.hears(done("t2", "no_speech")) == [], "it is no end of the text either"


@pytest.mark.parametrize(
    ("outcome", "kind"), [("done", "handled"), ("failed", "not-handled"), ("refused", "not-handled")]
)
def test_a_text_is_handled_or_not(outcome: events.Outcome, kind: str) -> None:
    client = Conversation()
    client.says("transcript", {"text": "lamp on", "context": {"conversation_id": "x"}})
    assert client.hears(events.Understood("t1", "command", 1.0), events.Reply("t1", "The lamp is on.")) == []
    answer = {"text": "The lamp is on.", "context": {"conversation_id": "x"}}
    assert client.hears(done("t1", outcome)) == [(kind, answer)]
    assert client.hears(done("t2")) == [], "one answer"


def test_a_question_is_the_answer_and_the_yes_goes_to_the_turn_that_has_asked() -> None:
    client = Conversation()
    client.says("transcript", {"text": "delete all notes"})
    asked = events.ConfirmRequest("t1", "c1", "s", "delete", {}, "Delete all notes?", 20.0)
    assert client.hears(asked) == [("handled", {"text": "Delete all notes?"})]
    client.says("transcript", {"text": "yes"})
    assert client.hears(done("t2")) == []
    assert client.hears(events.Reply("t1", "Deleted."), done("t1")) == [("handled", {"text": "Deleted."})]


def test_a_client_without_a_session_is_told_why() -> None:
    assert Conversation().hears(events.ConnectionRefused("all places are taken", 2_500)) == [
        ("error", {"text": "all places are taken; try again in 2.5 s", "code": "refused"})
    ]


def test_a_request_without_a_session_is_answered_too() -> None:
    client = Conversation()
    client.says("transcript", {"text": "lamp on"})
    told = client.hears(events.ConnectionRefused("all places are taken", 1_000))
    assert told[1] == ("not-handled", {"text": "all places are taken; try again in 1 s"})


def test_a_session_here_never_speaks() -> None:
    assert WyomingDialect(OpeningRequest()).speech(b"\0\0") == ()


TURNS = st.sampled_from(["t1", "t2"])
TOLD = st.one_of(
    st.builds(events.SpeechStarted, TURNS, st.integers(0, 9_000)),
    st.builds(events.SpeechStopped, TURNS, st.integers(0, 9_000), st.sampled_from(["silence", "manual"])),
    st.builds(lambda turn: attrs.evolve(SAYS_LIGHT, turn_id=turn), TURNS),
    st.builds(done, TURNS, st.sampled_from(["done", "failed", "no_speech"])),
    st.just(events.NothingCommitted(0)),
    st.builds(events.Error, st.just("bad_field"), st.just("no"), turn_id=st.none() | TURNS),
)
SENT = st.sampled_from([("transcribe", {}), ("audio-start", CHUNK), ("audio-chunk", CHUNK), ("audio-stop", {})])


@given(st.lists(TOLD | SENT, max_size=40))
def test_whatever_happens_no_request_is_answered_twice_and_the_last_commit_answers_it(happened: list[Any]) -> None:
    client, asked, answers = Conversation(), 0, 0
    is_asked = False
    for what in happened:
        if isinstance(what, tuple):
            client.says(*what)
            if what[0] == "transcribe" or (what[0] == "audio-start" and not is_asked):
                asked, is_asked = asked + 1, True
            continue
        told = sum(kind == "transcript" for kind, _ in client.hears(what))
        answers += told
        is_asked = is_asked and not told
    assert answers <= asked
    client.says("transcribe")
    client.says("audio-stop")
    client.hears(done("t1"), done("t2"), events.NothingCommitted(0))
    assert client.dialect.decode(packed(WyomingEvent("audio-stop"))) == ()
