"""The page's microphone and loudspeaker in a real browser, with a played socket."""

import pytest

from tests.browser.browser_fixtures import Chromium
from tests.browser.fake_socket import FakeSocket
from tests.system.server_fixtures import Server

pytestmark = pytest.mark.system

RATE_HZ = 22_050
WAVE_COLOURS = """(() => {
  const canvas = document.querySelector('.wave');
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const found = new Set();
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 255) found.add(`rgb(${data[at]}, ${data[at + 1]}, ${data[at + 2]})`);
  }
  return [[...found], getComputedStyle(canvas).color];
})()"""
NOTE_WAKE_LOCKS = """
window.locks = [];
navigator.wakeLock.request = async (kind) => {
  const lock = {kind, isHeld: true, release: async () => { lock.isHeld = false; }};
  window.locks.push(lock);
  return lock;
};
"""
NOTE_DEVICES = """
window.asked = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wanted) => {
  window.asked.push(wanted.audio.deviceId?.exact ?? '');
  return open(wanted);
};
"""


def listening(page: Chromium, server: Server, script: str = "") -> FakeSocket:
    """Open the page, and its microphone."""
    socket = FakeSocket.ready(page, server.http_url, permissions=["microphone"], script=script)
    page.click("#talk")
    page.wait_state("listening")
    return socket


def wave_has_speech(page: Chromium) -> bool:
    """Return whether a part of the waveform has the colour of speech."""
    colours, speech = page.evaluate(WAVE_COLOURS)
    return speech in colours


def test_what_the_server_took_for_speech_is_coloured_on_the_waveform(
    listening_browser: Chromium, page_server: Server
) -> None:
    page = listening_browser
    socket = listening(page, page_server)
    socket.heard("audio", skip=5)
    assert not wave_has_speech(page)
    socket.tell("speech_started", turn_id="t1", at_ms=0)
    page.wait_state("hearing")
    socket.heard("audio", skip=40)
    assert wave_has_speech(page)
    page.click("#talk")


def test_an_answer_is_played_and_falls_silent_when_somebody_speaks_into_it(
    listening_browser: Chromium, page_server: Server
) -> None:
    page = listening_browser
    socket = listening(page, page_server)
    socket.tell("reply", turn_id="t1", text="A long answer.", truncated=False)
    socket.tell("speech_audio_start", turn_id="t1", format="pcm_s16le", sample_rate=RATE_HZ)
    socket.tone(60_000, RATE_HZ)
    page.wait_state("speaking")
    socket.tell("speech_started", turn_id="t2", at_ms=500)
    page.wait_state("hearing")
    socket.tell("speech_audio_paused", turn_id="t1")
    socket.tell("speech_stopped", turn_id="t2", at_ms=900, reason="silence")
    socket.tell("turn_completed", turn_id="t2", outcome="no_speech", latency_ms={})
    page.wait_state("listening")
    socket.tell("reply", turn_id="t1", text="A long", truncated=True)
    socket.tell("turn_completed", turn_id="t1", outcome="interrupted", latency_ms={})
    page.wait('.answer:has-text("A long"):has-text("interrupted")')
    page.click("#talk")


def test_an_answer_that_was_held_for_a_cough_goes_on(listening_browser: Chromium, page_server: Server) -> None:
    page = listening_browser
    socket = listening(page, page_server)
    socket.tell("speech_audio_start", turn_id="t1", format="pcm_s16le", sample_rate=RATE_HZ)
    socket.tone(60_000, RATE_HZ)
    page.wait_state("speaking")
    socket.tell("speech_audio_paused", turn_id="t1")
    page.wait_state("listening")
    socket.tell("speech_audio_resumed", turn_id="t1", at_ms=0)
    socket.tone(60_000, RATE_HZ)
    page.wait_state("speaking")
    page.press("Escape")
    assert 0 < socket.heard("interrupt")["heard_ms"] < 120_000
    page.click("#talk")


def test_the_screen_stays_on_while_the_page_listens(listening_browser: Chromium, page_server: Server) -> None:
    page = listening_browser
    listening(page, page_server, NOTE_WAKE_LOCKS)
    held = "window.locks.map(({kind, isHeld}) => [kind, isHeld])"
    assert page.evaluate(held) == [["screen", True]]
    page.click("#talk")
    page.wait_state("ready")
    assert page.evaluate(held) == [["screen", False]]


def test_another_microphone_is_opened_as_soon_as_it_is_chosen(listening_browser: Chromium, page_server: Server) -> None:
    page = listening_browser
    socket = listening(page, page_server, NOTE_DEVICES)
    page.click('role=button[name="Settings"]')
    options = 'dialog label:has-text("Microphone") option'
    assert page.count(options) > 1
    device = page.evaluate("[...document.querySelectorAll('dialog select')][0].options[1].value")
    page.choose("Microphone", device)
    page.press("Escape")
    page.wait_state("listening")
    socket.heard("audio", skip=5)
    assert page.evaluate("window.asked") == ["", device]
    page.click("#talk")
