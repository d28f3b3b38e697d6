import pytest

from protocol.messages import events
from protocol.messages.hearing import (
    NoWords,
    Recognition,
    SpeechBegan,
    Utterance,
    UtteranceDropped,
    UtteranceEnded,
    UtteranceGrew,
    UtterancePaused,
)
from protocol.messages.records import Count
from protocol.messages.session import Announce, Configured, Hang, Leave, Presence
from protocol.turns import actions
from protocol.turns.occurrence import ConversationMessage, Occurrence, Standing, occurrence_of
from protocol.turns.rules import ConversationEvent

E = ConversationEvent
UTTERANCE = Utterance(b"", 0, 1_000)
ENDED = UtteranceEnded(UTTERANCE, "silence", 0.0)
NOBODY, SPEAKING = Standing(), Standing(hearing="h")
WAITING = Standing(waiting=actions.PendingTurn("w", ENDED))
ASKED = Standing(running=actions.PendingTurn("t", ENDED), question="c")


def read(message: ConversationMessage, standing: Standing = NOBODY) -> Occurrence:
    return occurrence_of(message, standing, lambda: "new")


@pytest.mark.parametrize(
    ("message", "standing", "event"),
    [
        (actions.Restored(), NOBODY, E.RESTORED),
        (Configured(events.ConnectionRequest("tester", ())), NOBODY, E.OPTIONS_GIVEN),
        (SpeechBegan(0), NOBODY, E.SPEECH_BEGAN),
        (SpeechBegan(0), SPEAKING, E.SPEECH_REPEATED),
        (actions.SpeechLasted("t"), ASKED, E.SPEECH_LASTED),
        (actions.SpeechLasted("before"), ASKED, E.OUTDATED),
        (UtterancePaused(UTTERANCE, 16_000), SPEAKING, E.SPEECH_PAUSED),
        (UtteranceGrew(UTTERANCE), SPEAKING, E.SPEECH_GREW),
        (UtteranceGrew(UTTERANCE), NOBODY, E.SPEECH_UNKNOWN),
        (UtteranceDropped("too_short", 0), SPEAKING, E.SPEECH_DROPPED),
        (UtteranceDropped("too_short", 0), NOBODY, E.SPEECH_UNKNOWN),
        (ENDED, SPEAKING, E.UTTERANCE_ENDED),
        (actions.Weighed("w", Recognition("stop", "en", 0.9)), WAITING, E.BARGE_IN_WORDS),
        (actions.Weighed("w", None), WAITING, E.BARGE_IN_WORDS),
        (actions.Weighed("w", NoWords("noise")), WAITING, E.BARGE_IN_NOTHING),
        (actions.Weighed("w", Recognition("Mhm.", "en", 0.9)), WAITING, E.BARGE_IN_NOTHING),
        (actions.Weighed("before", NoWords("noise")), WAITING, E.OUTDATED),
        (actions.Weighed("w", NoWords("noise")), NOBODY, E.OUTDATED),
        (events.Text("hello"), NOBODY, E.TEXT_TYPED),
        (events.Interrupt(), NOBODY, E.INTERRUPTED),
        (events.Confirm("c", approve=True), ASKED, E.CONFIRMED),
        (events.Confirm("before", approve=True), ASKED, E.CONFIRMED_NOTHING),
        (events.Confirm("c", approve=True), NOBODY, E.CONFIRMED_NOTHING),
        (events.ToolOutput("c"), Standing(client_call="c"), E.OUTPUT_GIVEN),
        (events.ToolOutput("b"), Standing(client_call="c"), E.OUTPUT_UNWANTED),
        (events.ToolOutput("c"), ASKED, E.OUTPUT_UNWANTED),
        (actions.AnswerHeard("a", "c", "yes"), ASKED, E.ANSWER_CLEAR),
        (actions.AnswerHeard("a", "c", "tell me a story"), ASKED, E.ANSWER_OTHER),
        (actions.AnswerHeard("a", "c", ""), ASKED, E.ANSWER_EMPTY),
        (actions.AnswerHeard("a", "c", error="no worker"), ASKED, E.ANSWER_FAILED),
        (Presence(is_there=False), NOBODY, E.CLIENT_LOST),
        (Presence(is_there=True), NOBODY, E.CLIENT_BACK),
        (Announce("Tea."), NOBODY, E.ANNOUNCED),
        (events.Bye(), NOBODY, E.BYE),
        (events.Bye(), SPEAKING, E.BYE_IN_SPEECH),
        (Leave("deploy", 60.0, 5.0), SPEAKING, E.LEAVING),
        (actions.TurnEnded("t"), ASKED, E.TURN_ENDED),
    ],
)
def test_a_message_is_an_event_of_the_table(
    message: ConversationMessage, standing: Standing, event: ConversationEvent
) -> None:
    assert read(message, standing).event is event


def test_speech_opens_a_turn_that_its_utterance_continues() -> None:
    assert read(SpeechBegan(7)).actions == (actions.ShowEvent(events.SpeechStarted("new", 7)),)
    ended = read(ENDED, SPEAKING)
    assert ended.actions == (actions.ShowEvent(events.SpeechStopped("h", 1_000, "silence")),)
    assert ended.pending == actions.PendingTurn("h", ENDED)
    assert read(ENDED).turn_id == "new", "of speech whose beginning was lost in a crash"


def test_words_into_an_answer_are_kept_with_what_waits() -> None:
    heard = Recognition("stop", "en", 0.9)
    assert read(actions.Weighed("w", heard), WAITING).pending == actions.PendingTurn("w", ENDED, heard=heard)


def test_a_hum_into_an_answer_is_shown_and_noise_is_counted() -> None:
    hum = Recognition("Mhm.", "en", 0.9)
    assert read(actions.Weighed("w", hum), WAITING).actions == (actions.ShowTranscript("w", hum, UTTERANCE),)
    noise = NoWords("noise")
    assert read(actions.Weighed("w", noise), WAITING).actions == (actions.ShowNoSpeech("w", noise),)


@pytest.mark.parametrize(("text", "approve"), [("yes", True), ("no", False), ("tell me a story", False)])
def test_all_but_a_yes_is_a_no(text: str, approve: bool) -> None:
    assert read(actions.AnswerHeard("a", "c", text), ASKED).consent == actions.GiveConsent("c", approve)


@pytest.mark.parametrize(("text", "stops"), [("no", False), ("Stop!", True), ("vergiss es", True), ("yes", False)])
def test_a_stop_refuses_what_the_sentence_asked_for_besides(text: str, stops: bool) -> None:
    consent = read(actions.AnswerHeard("a", "c", text), ASKED).consent
    assert consent is not None
    assert consent.stops is stops


def test_an_answer_that_was_not_heard_says_why() -> None:
    [shown] = read(actions.AnswerHeard("a", "c", error="no worker"), ASKED).actions
    assert shown == actions.ShowEvent(events.Error("turn_failed", "no worker", turn_id="a"))


def test_leaving_is_recognised_by_the_close_code() -> None:
    assert read(events.Bye()).farewell == Hang(1000, "bye")
    leave = Leave("deploy", 60.0, 5.0)
    assert read(leave).farewell == Hang(1012, "deploy")
    assert read(leave).actions == (actions.ShowLeaving(leave),)


def test_a_client_that_comes_back_is_counted() -> None:
    assert read(Presence(is_there=True)).actions == (Count("resumed_total"),)
