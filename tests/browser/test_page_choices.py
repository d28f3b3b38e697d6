"""What the page shows of a conversation as it goes on, and what of it may be chosen: with a played socket."""

import pytest

from tests.browser.browser_fixtures import Chromium
from tests.browser.fake_socket import FakeSocket
from tests.system.server_fixtures import Server

pytestmark = pytest.mark.system

SAID = ".turn:last-child .said"
LIVE = "[...document.querySelectorAll('[aria-live=polite] p')].map((part) => part.textContent).join('|')"
NOTE_LIVE = f"""(() => {{
  window.spoken = [];
  const all = {{subtree: true, childList: true, characterData: true}};
  new MutationObserver(() => window.spoken.push({LIVE})).observe(document.querySelector('[aria-live=polite]'), all);
}})()"""
VOICES = [
    {"id": "joe", "name": "joe", "language": "en"},
    {"id": "<b>amy</b>", "name": "<b>amy</b>", "language": "en"},
]
MODELS = [{"name": "tiny", "is_usual": False}, {"name": "base", "is_usual": True}]


def speak(socket: FakeSocket, turn_id: str, *partials: str) -> None:
    """Begin a turn by voice, and show what was heard of it so far."""
    socket.tell("speech_started", turn_id=turn_id, at_ms=100)
    for text in partials:
        socket.tell("transcript_partial", turn_id=turn_id, text=text)


def test_words_come_while_they_are_said_dimmed_until_they_are_final(browser: Chromium, page_server: Server) -> None:
    socket = FakeSocket.ready(browser, page_server.http_url)
    assert socket.heard("connection_request")["interim"] is True
    browser.evaluate(NOTE_LIVE)
    speak(socket, "t1", "set a", "set a timer")
    browser.wait(f'{SAID}.partial:text-is("set a timer")')
    dim, paper = (
        browser.evaluate(f"getComputedStyle(document.querySelector({selector!r})).color")
        for selector in (SAID, "#text")
    )
    assert dim != paper, "what may change still looks like what is certain"
    socket.tell("speech_stopped", turn_id="t1", at_ms=900, reason="silence")
    socket.tell(
        "transcript",
        turn_id="t1",
        text="Set a timer.",
        language="en",
        confidence=0.9,
        audio={"start_ms": 100, "end_ms": 900},
    )
    browser.wait(f'{SAID}:not(.partial):text-is("Set a timer.")')
    browser.wait('[aria-live=polite] p:text("You: Set a timer.")', "attached")
    assert set(browser.evaluate("window.spoken")) <= {"|", "You: Set a timer.|"}, "a screen reader says the words once"


def test_words_heard_in_part_go_when_they_were_none(browser: Chromium, page_server: Server) -> None:
    socket = FakeSocket.ready(browser, page_server.http_url)
    speak(socket, "t1", "a cough")
    browser.wait(SAID)
    socket.tell("no_speech", turn_id="t1", reason="hallucination")
    socket.tell("turn_completed", turn_id="t1", outcome="no_speech", latency_ms={})
    browser.wait(".turn", "detached")
    browser.wait('.hint:text("There were no words in that.")')


def test_what_may_be_meant_is_a_button_each(browser: Chromium, page_server: Server) -> None:
    browser.open(page_server.http_url)
    browser.wait_state("ready")
    browser.say("set a pizza timer for ten minutes")
    browser.wait('.answer:text("pizza")')
    browser.say("set a pasta timer for twelve minutes")
    browser.wait('.answer:text("pasta")')
    browser.say("cancel the timer")
    browser.wait('.choices button:text("pizza")')
    assert browser.count(".choices button") == 2
    browser.click('.choices button:text("pizza")')
    browser.wait(".choices", "detached")
    browser.wait('.turn:last-child .answer:text("pizza")')
    browser.say("cancel the pasta timer")
    browser.wait('.turn:last-child .answer:text("pasta")')


def test_a_part_that_fails_is_named_until_it_works_again(browser: Chromium, page_server: Server) -> None:
    socket = FakeSocket.ready(browser, page_server.http_url)
    socket.tell("degraded", what="speech", reason="no worker")
    browser.wait('.hint:text-is("The voice does not work: no worker")')
    socket.tell("degraded", what="tools.home", reason="<b>gone</b>")
    socket.tell("recovered", what="speech", reason="it speaks again")
    browser.wait('.hint:text-is("The voice works again.")')
    socket.tell("speech_started", turn_id="t1", at_ms=0)
    browser.wait('.hint:text-is("home does not work: <b>gone</b>")')
    assert browser.count(".hint b") == 0


def test_a_crash_of_the_session_its_recovery_and_a_connection_that_came_back_are_told_in_words(
    browser: Chromium, page_server: Server
) -> None:
    script = "Math.random = () => 0.02"  # the least of each wait
    socket = FakeSocket.ready(browser, page_server.http_url, locale="de-DE", script=script)
    socket.tell("degraded", what="session", reason="a part of it is started again")
    browser.wait('.hint:text-is("Dieses Gespräch geht nicht: a part of it is started again")')
    socket.tell("recovered", what="session", reason="it goes on")
    browser.wait('.hint:text-is("Dieses Gespräch geht wieder.")')
    socket.close(1011)
    socket.wait_opened(2)
    socket.heard("connection_request")
    socket.accept(resumed=True)
    browser.wait('.hint:text-is("Die Verbindung ist wieder da, das Gespräch geht weiter.")')


def test_choices_are_text_and_go_when_something_else_is_said(browser: Chromium, page_server: Server) -> None:
    socket = FakeSocket.ready(browser, page_server.http_url)
    socket.tell("reply", turn_id="t1", text="Which one?", truncated=False)
    choices = ["<img src=x onerror=alert(1)>", "the other"]
    socket.tell("question", turn_id="t1", text="Which one?", open_for_s=15, choices=choices)
    browser.wait('.choices[aria-label="Which one?"] button:text-is("<img src=x onerror=alert(1)>")')
    assert browser.count("main img") == 0
    assert browser.audit().faults == []
    speak(socket, "t2")
    browser.wait(".choices", "detached")


def test_a_voice_a_model_and_a_wake_word_are_chosen_and_kept_in_the_browser(
    browser: Chromium, page_server: Server
) -> None:
    offers = {"/v1/audio/voices": {"voices": VOICES}, "/api/models": {"models": MODELS}}
    words = ["okay nabu", "hey jarvis"]
    kept = {"voice": "<b>amy</b>", "model": "gone"}
    script = f"localStorage.sayso ??= JSON.stringify({kept!r})"
    socket = FakeSocket.ready(
        browser, page_server.http_url, accepted={"wake_words": words}, answers=offers, script=script
    )
    assert socket.heard("session_update") == {"voice": "<b>amy</b>"}, "a model that is gone is not asked for"
    browser.click('role=button[name="Settings"]')
    for label, value in (("Speech model", "tiny"), ("Wake word", "hey jarvis"), ("Voice of the answers", "joe")):
        browser.choose(label, value)
    sent = [socket.heard("session_update", skip=number) for number in (1, 2, 3)]
    assert sent == [{"stt_model": "tiny"}, {"wake": "hey jarvis"}, {"voice": "joe"}]
    found = browser.evaluate("JSON.parse(localStorage.sayso)")
    assert [found[name] for name in ("model", "wake", "voice")] == ["tiny", "hey jarvis", "joe"]
    browser.choose("Voice of the answers", "")
    assert socket.heard("session_update", skip=4) == {"voice": "joe"}, "the usual voice is the first of the list"
    assert browser.count("dialog b") == 0
    assert browser.audit().faults == []


def test_a_choice_that_the_server_refuses_is_forgotten(browser: Chromium, page_server: Server) -> None:
    script = "localStorage.sayso ??= JSON.stringify({wake: 'okay nabu'})"
    socket = FakeSocket.ready(browser, page_server.http_url, accepted={"wake_words": ["okay nabu"]}, script=script)
    assert socket.heard("session_update") == {"wake": "okay nabu"}
    socket.tell("error", code="unknown_wake_word", message="there is none", fatal=False)
    browser.wait('.hint:text("there is none")')
    assert "wake" not in browser.evaluate("JSON.parse(localStorage.sayso)")


def test_with_a_wake_word_the_page_says_that_it_waits_for_it(page_server: Server, listening_browser: Chromium) -> None:
    page = listening_browser
    socket = FakeSocket.ready(page, page_server.http_url, permissions=["microphone"])
    page.click("#talk")
    page.wait_state("listening")
    socket.tell("wake_state", state="asleep")
    page.wait_state("asleep")
    socket.tell("wake_state", state="listening", for_s=5)
    page.wait_state("listening")
