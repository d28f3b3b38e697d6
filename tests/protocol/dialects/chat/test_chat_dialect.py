"""The table of a chat: texts in, parts of answers out."""

import attrs
import pytest

from protocol.dialects.chat.chat_dialect import NO_ANSWER, AnswerError, AnswerPart, ChatDialect, read_part
from protocol.messages import events
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import LatencyMs, Text

ASKS = events.ConfirmRequest("t1", "c1", "home", "open", {}, "Open the door?", 20.0)
LAST = AnswerPart(is_last=True)


@attrs.define
class Talk:
    """One conversation."""

    dialect: ChatDialect = attrs.field(factory=ChatDialect)

    def says(self, text: str = "hello") -> None:
        assert self.dialect.decode(text) == (Text(text),)

    def hears(self, *told: events.ServerEvent) -> list[AnswerPart]:
        return [read_part(frame) for event in told for frame in self.dialect.encode(event, 1)]


def done(turn_id: str = "t1", outcome: events.Outcome = "done") -> events.TurnCompleted:
    return events.TurnCompleted(turn_id, outcome, LatencyMs())


def test_a_session_reads_and_does_not_hear_or_speak() -> None:
    assert ChatDialect("Be brief.").open() == events.ConnectionRequest(
        "chat", ("llm", "tools"), wake="", instructions="Be brief.", announcements=False
    )
    assert list(ChatDialect().speech(b"1")) == []
    with pytest.raises(RemoteProtocolError):
        ChatDialect().decode(b"1")


def test_the_parts_of_an_answer_are_told_once() -> None:
    talk = Talk()
    talk.says()
    delta = events.ReplyDelta
    frames = talk.hears(delta("t1", "It is "), delta("t1", "four. "), events.Reply("t1", "It is four."), done())
    assert frames == [AnswerPart("It is "), AnswerPart("four. "), LAST]


def test_the_answer_of_a_command_is_one_part() -> None:
    talk = Talk()
    talk.says()
    assert talk.hears(events.Reply("t1", "Done."), done()) == [AnswerPart("Done."), LAST]


def test_an_answer_that_is_not_what_was_shown_stands_behind_it() -> None:
    talk = Talk()
    talk.says()
    told = talk.hears(events.ReplyDelta("t1", "I open it."), events.Reply("t1", "That did not work."), done())
    assert [part.text for part in told] == ["I open it.", "\nThat did not work.", ""]


def test_a_slot_that_is_asked_for_keeps_the_conversation() -> None:
    talk = Talk()
    talk.says()
    told = talk.hears(events.Reply("t1", "For how long?"), events.Question("t1", "For how long?", 15.0), done())
    assert told == [AnswerPart("For how long?"), AnswerPart(is_last=True, open_for_s=15.0)]
    talk.says("ten minutes")
    assert talk.hears(events.Reply("t2", "Done."), done("t2")) == [AnswerPart("Done."), LAST]


def test_a_call_that_needs_consent_is_an_answer_and_goes_on_with_the_next_text() -> None:
    talk = Talk()
    talk.says()
    assert talk.hears(ASKS) == [AnswerPart("Open the door?"), AnswerPart(is_last=True, open_for_s=20.0)]
    talk.says("yes")
    assert talk.hears(done("t2"), events.Reply("t1", "It is open."), done()) == [AnswerPart("It is open."), LAST]


def test_other_words_than_yes_or_no_are_answered_behind_the_call_that_is_not_made() -> None:
    talk = Talk()
    talk.says()
    talk.hears(ASKS)
    talk.says("what time is it")
    told = talk.hears(events.Reply("t1", "Not opened."), done(), events.Reply("t2", "Four."), done("t2"))
    assert told == [AnswerPart("Not opened."), AnswerPart("\nFour."), LAST]


def test_a_question_that_expires_by_itself_is_not_waited_for() -> None:
    talk = Talk()
    talk.says()
    talk.hears(ASKS)
    assert talk.hears(events.Reply("t1", "Not opened."), done()) == []
    talk.says()
    assert talk.hears(events.Reply("t2", "Hello."), done("t2")) == [AnswerPart("Hello."), LAST]


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (events.ConnectionRefused("full", 1_500), AnswerError(503, "full", 1.5)),
        (events.Error("bad_field", "no"), AnswerError(503, "no")),
    ],
)
def test_what_ends_the_session_ends_the_answer(event: events.ServerEvent, error: AnswerError) -> None:
    talk = Talk()
    talk.says()
    assert talk.hears(event) == [AnswerPart(is_last=True, error=error)]


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ((events.Error("rate_limited", "wait", turn_id="t1", retry_after_ms=2_000),), AnswerError(429, "wait", 2.0)),
        ((events.Error("turn_failed", "broken", turn_id="t1"),), AnswerError(503, "broken")),
        ((), AnswerError(503, NO_ANSWER)),
    ],
)
def test_a_turn_without_an_answer_is_an_error(told: tuple[events.ServerEvent, ...], error: AnswerError) -> None:
    talk = Talk()
    talk.says()
    assert talk.hears(*told, done(outcome="failed"))[-1] == AnswerPart(is_last=True, error=error)


def test_an_apology_is_an_answer() -> None:
    talk = Talk()
    talk.says()
    told = talk.hears(
        events.Error("turn_failed", "x", turn_id="t1"), events.Reply("t1", "Sorry."), done(outcome="failed")
    )
    assert told == [AnswerPart("Sorry."), LAST]


def test_what_is_told_without_a_text_is_nobodys() -> None:
    assert Talk().hears(events.Status(0, 1, 1.0), events.Reply("t9", "Beep."), done("t9"), events.AudioAck(1)) == []
