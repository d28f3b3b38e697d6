"""What the page does with a server, a microphone and a browser that are not as they should be."""

from typing import Any

import pytest

from tests.browser.browser_fixtures import Chromium
from tests.browser.fake_socket import FakeSocket
from tests.system.server_fixtures import Server

pytestmark = pytest.mark.system

HTML = "<img src=x onerror=alert(1)><b>bold</b>"
SOON = "Math.random = () => 0.02"  # the least of each wait
NOTE_TRACK = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  window.track = stream.getAudioTracks()[0];
  return stream;
};
"""
NO_AUDIO_WORKLET = "delete window.AudioWorkletNode; delete BaseAudioContext.prototype.audioWorklet"


def answer(socket: FakeSocket, turn_id: str, text: str) -> None:
    """Answer a typed command."""
    socket.tell("reply", turn_id=turn_id, text=text, truncated=False)
    socket.tell("turn_completed", turn_id=turn_id, outcome="done", latency_ms={"total": 5.0})


# --- the server ----------------------------------------------------------------------------------


def test_a_newer_protocol_is_taken_as_far_as_it_is_known(browser: Chromium, page_server: Server) -> None:
    socket = FakeSocket.ready(browser, page_server.http_url, accepted={"protocol": 99, "more": {"a": [1]}})
    socket.tell("weather", temperature=21)
    socket.tell("constructor")
    socket.tell("no_speech", turn_id="t0", reason="a new reason")
    socket.tell("understood", turn_id="t1", source="telepathy", confidence=1.0, more=True)
    socket.tell("tool_call", turn_id="t1", call_id="c1", server="home", tool="turn_on")
    socket.tell("tool_result", turn_id="t1", call_id="c1", ok=True, duration_ms=3, parts=[1, 2])
    socket.tell("reply", turn_id="t1", text="Done.", truncated=False, mood="fine")
    socket.tell("turn_completed", turn_id="t1", outcome="postponed", latency_ms={"dreaming": 7.0, "total": 9.0})
    browser.wait('.turn .answer:text-is("Done.")')
    browser.wait_state("ready")
    assert browser.seen().troubles == []


def test_a_server_of_another_protocol_is_named_as_such(browser: Chromium, page_server: Server) -> None:
    socket = FakeSocket.opened(browser, page_server.http_url)
    socket.tell_raw("<html>no JSON</html>")
    browser.wait('.trouble:has-text("This page and the server may not fit together")')
    browser.wait_state("offline")


def test_a_server_that_takes_the_socket_and_says_nothing_is_tried_again(browser: Chromium, page_server: Server) -> None:
    socket = FakeSocket.opened(browser, page_server.http_url, hasFakeClock=True)
    browser.wait_state("connecting")
    browser.forward(10.0)
    browser.wait('.trouble:has-text("The server does not answer")')
    browser.forward(1.0)
    socket.wait_opened(2)
    socket.accept()
    browser.wait_state("ready")
    assert browser.count(".trouble") == 0


def test_a_late_answer_is_waited_for_and_can_be_stopped(browser: Chromium, page_server: Server) -> None:
    socket = FakeSocket.ready(browser, page_server.http_url)
    browser.say("what is the meaning of life")
    assert socket.heard("text") == {"text": "what is the meaning of life"}
    browser.wait_state("thinking")
    browser.click('.now button:text("Stop")')
    socket.heard("interrupt")
    answer(socket, "t1", "42.")
    browser.wait_state("ready")
    browser.wait('.answer:text-is("42.")')


@pytest.mark.parametrize(
    ("code", "title", "button"),
    [
        (4090, "This conversation goes on in another window", "Use it here"),
        (4008, "The connection rests", "Connect"),
        (1008, "The connection was closed", "Reload"),
    ],
)
def test_a_server_that_hangs_up_is_explained_and_not_called_again_unasked(
    browser: Chromium, page_server: Server, code: int, title: str, button: str
) -> None:
    socket = FakeSocket.ready(browser, page_server.http_url, hasFakeClock=True)
    socket.close(code)
    browser.wait(f'.trouble:has-text("{title}")')
    browser.forward(3_600.0)
    browser.click(f'.trouble button:text-is("{button}")')
    socket.wait_opened(2)
    socket.heard("connection_request")
    socket.accept()
    browser.wait_state("ready")


def test_a_server_that_refuses_names_its_reason_and_is_asked_again(browser: Chromium, page_server: Server) -> None:
    socket = FakeSocket.opened(browser, page_server.http_url, hasFakeClock=True)
    socket.tell("connection_refused", reason="all 8 places are <b>taken</b>", retry_after_ms=5_000)
    socket.close(1013)
    browser.wait('.trouble:has-text("The server is full"):has-text("all 8 places are <b>taken</b>")')
    browser.forward(6.0)
    socket.wait_opened(2)
    socket.accept()
    browser.wait_state("ready")


def test_a_connection_that_drops_while_somebody_speaks_loses_no_sample(
    listening_browser: Chromium, page_server: Server
) -> None:
    page = listening_browser
    socket = FakeSocket.ready(page, page_server.http_url, permissions=["microphone"], script=SOON)
    page.click("#talk")
    socket.heard("audio", skip=25)
    socket.tell("audio_ack", samples=640)
    socket.tell("speech_started", turn_id="t1", at_ms=100)
    socket.tell("transcript_partial", turn_id="t1", text="set a")
    page.wait(".said.partial")
    socket.close(1011)
    socket.wait_opened(2)
    resumed = socket.heard("connection_request")["resume"]
    assert resumed == {"token": "t1", "last_seq": 4}
    socket.accept(resumed=True, received_samples=6_400, resume_token="t2")
    again = [socket.heard("audio", skip=number) for number in range(15)]
    assert sum(again) >= 15 * 1_280, "what was said meanwhile, and before, from the sample that the server has"
    socket.tell("transcript", turn_id="t1", text="Set a timer.", language="en", confidence=1.0)
    page.wait('.said:not(.partial):text-is("Set a timer.")')
    assert page.count(".turn") == 1
    page.click("#talk")


# --- what it sends -------------------------------------------------------------------------------


def test_a_thousand_turns_are_taken_and_the_newest_two_hundred_shown(browser: Chromium, page_server: Server) -> None:
    socket = FakeSocket.ready(browser, page_server.http_url)
    frames = [
        {"type": name, "data": {"turn_id": f"t{number}", **data}}
        for number in range(1_000)
        for name, data in (
            ("reply", {"text": f"answer {number}", "truncated": False}),
            ("turn_completed", {"outcome": "done", "latency_ms": {"total": 1.0}}),
        )
    ]
    browser.ask_socket("tell", frames=frames)
    browser.wait('.answer:text-is("answer 999")')
    assert browser.count(".turn") == 200
    browser.say("still there?")
    assert socket.heard("text") == {"text": "still there?"}


def test_html_is_text_wherever_it_comes_from(browser: Chromium, page_server: Server) -> None:
    socket = FakeSocket.ready(browser, page_server.http_url, accepted={"server": {"name": HTML, "version": HTML}})
    call: dict[str, Any] = {"turn_id": "t1", "call_id": "c1", "server": HTML, "tool": HTML, "arguments": {HTML: HTML}}
    socket.tell("transcript", turn_id="t1", text=HTML, language=HTML, confidence=1.0)
    socket.tell("confirm_request", **call, say=HTML, expires_in_s=20)
    browser.wait(f'#question:text-is("{HTML}")')
    socket.tell("tool_call", **call)
    socket.tell("tool_progress", turn_id="t1", call_id="c1", done=1, message=HTML)
    browser.wait(f'.progress:has-text("{HTML}")')
    socket.tell("tool_result", turn_id="t1", call_id="c1", ok=False, duration_ms=1, error=HTML)
    socket.tell("reply", turn_id="t1", text=f"It is {HTML}", truncated=False)
    socket.tell("error", code="turn_failed", message=HTML, turn_id="t1", fatal=False)
    socket.tell("error", code="bad_json", message=HTML, fatal=False)
    browser.wait(f'.hint:text-is("{HTML}")')
    browser.click('role=button[name="Settings"]')
    browser.wait(f'dialog p:has-text("{HTML}")')
    assert browser.count("#app img, #app b") == 0
    assert browser.seen().troubles == []


# --- the microphone and the browser --------------------------------------------------------------


def test_a_microphone_that_ends_is_told_and_can_be_opened_again(
    listening_browser: Chromium, page_server: Server
) -> None:
    page = listening_browser
    socket = FakeSocket.ready(page, page_server.http_url, permissions=["microphone"], script=NOTE_TRACK)
    page.click("#talk")
    socket.heard("audio")
    page.evaluate("window.track.dispatchEvent(new Event('ended'))")
    page.wait('.trouble:has-text("The microphone is gone")')
    page.wait_state("ready")
    assert page.text("#talk") == "Start listening"
    page.click("#talk")
    page.wait_state("listening")
    page.wait(".trouble", "detached")
    page.click("#talk")


def test_without_an_audio_worklet_the_page_says_so_and_shows_answers(browser: Chromium, page_server: Server) -> None:
    browser.open(page_server.http_url, script=NO_AUDIO_WORKLET)
    browser.wait_state("ready")
    browser.click("#talk")
    browser.wait('.trouble:has-text("This browser cannot record")')
    browser.say("what time is it")
    browser.wait('.answer:text("It is")')
    browser.wait_state("ready")
    assert browser.seen().troubles == []


def test_a_tab_that_slept_for_an_hour_comes_back_by_itself(browser: Chromium, page_server: Server) -> None:
    socket = FakeSocket.ready(browser, page_server.http_url, hasFakeClock=True)
    socket.tell("reply", turn_id="t1", text="Before.", truncated=False)
    browser.wait(".answer")
    browser.forward(3_600.0)
    browser.forward(1.0)
    socket.wait_opened(2)
    assert socket.heard("connection_request")["resume"]["token"] == "t1"
    socket.accept(resumed=False, resume_token="t2", session_id="s2")
    browser.wait_state("ready")
    assert browser.count(".trouble") == 0
    assert "lost before the end" in browser.text(".turn .remark")
    browser.say("and now?")
    assert socket.heard("text") == {"text": "and now?"}


def test_two_tabs_are_two_conversations(browser: Chromium, page_server: Server) -> None:
    browser.open(page_server.http_url)
    browser.wait_state("ready")
    browser.tab(1, page_server.http_url)
    browser.wait_state("ready")
    browser.say("what is two plus three")
    browser.wait('.answer:text("5")')
    browser.tab(0)
    browser.wait_state("ready")
    assert browser.count(".turn, .trouble") == 0
    browser.say("what is two plus four")
    browser.wait('.answer:text("6")')


def test_on_320_pixels_with_text_twice_as_large_choices_and_settings_fit(
    browser: Chromium, page_server: Server
) -> None:
    offers = {
        "/v1/audio/voices": {"voices": [{"id": name, "name": name} for name in ("joe", "a-rather-long-name-medium")]}
    }
    socket = FakeSocket.ready(
        browser, page_server.http_url, width=320, height=640, answers=offers, accepted={"wake_words": ["okay nabu"]}
    )
    browser.evaluate("document.documentElement.style.fontSize = '200%'")
    choices = ["the timer for the pizza in the oven downstairs", "pasta", "Donaudampfschifffahrtsgesellschaftstimer"]
    socket.tell("question", turn_id="t1", text="Which one?", open_for_s=15, choices=choices)
    socket.tell("reply", turn_id="t1", text="Which one?", truncated=False)
    browser.wait(".choices")
    assert browser.audit().overflow <= 0
    browser.click('role=button[name="Settings"]')
    browser.wait('dialog label:has-text("Wake word")')
    audit = browser.audit()
    assert (audit.overflow <= 0, audit.faults) == (True, [])
    assert browser.evaluate(
        "document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth"
    )
