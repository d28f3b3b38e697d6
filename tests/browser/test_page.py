"""The page at ``/`` in a real browser, against a real server."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.browser.browser_fixtures import Audit, Chromium, need_browser, running_browser, write_microphone
from tests.browser.page_server import HTML
from tests.system.server_fixtures import SMALL, Server, need_models, poll, running_server

pytestmark = pytest.mark.system

LAST_ANSWER = ".turn:last-child .answer"
SIZES = [(360, 740), (1280, 800)]
UNHEARING: Final = {
    **SMALL,
    "transcription.provider": "openai",  # nobody speaks: no model is loaded
    "transcription.openai.url": "http://127.0.0.1:9/v1",
    "transcription.fallback": False,
    "understanding.meaning": False,
}


def has_turn(said: str, answer: str) -> str:
    """Return the selector of a turn by what was said and a part of the answer."""
    return f'.turn:has(.said:text-is("{said}")):has(.answer:text("{answer}"))'


def opened(browser: Chromium, server: Server, **options: object) -> Chromium:
    """Open the page, and wait until it is connected."""
    browser.open(server.http_url, **options)
    browser.wait_state("ready")
    return browser


def test_a_typed_command_is_shown_with_its_tool_its_answer_and_its_times(
    browser: Chromium, page_server: Server
) -> None:
    page = opened(browser, page_server)
    page.say("what is two plus three")
    page.wait(has_turn("what is two plus three", "5"))
    page.wait(".turn .stages")
    assert "calculate" in page.text(".tool .call")
    assert "ms until the answer" in page.text(".stages summary")


def test_a_spoken_command_is_heard_and_answered(page_server: Server, tmp_path: Path) -> None:
    need_browser()
    microphone = write_microphone(tmp_path / "microphone.wav", "What time is it?")
    with running_browser(microphone) as browser:
        page = opened(browser, page_server, permissions=["microphone"])
        page.click("#talk")
        page.wait(has_turn("What time is it?", "It is"))
        page.wait(".turn .stages")
        page.wait_state("listening")
        assert "end of speech" in page.evaluate("document.querySelector('.stages').textContent")
        page.click("#talk")
        page.wait_state("ready")
        assert page.seen().troubles == []


@pytest.mark.parametrize(("button", "calls"), [("Yes", 1), ("No", 0)])
def test_a_call_that_must_be_confirmed_waits_for_a_click(
    browser: Chromium, page_server: Server, button: str, calls: int
) -> None:
    page = opened(browser, page_server)
    page.say("delete all my notes")
    page.wait_state("asking")
    assert "s left" in page.text(".question .countdown")
    page.click(f'.question button:text-is("{button}")')
    page.wait(".question", "detached")
    page.wait(LAST_ANSWER)
    page.wait_state("ready")
    assert page.count(".tool") == calls


def test_html_in_arguments_and_results_is_shown_as_text(browser: Chromium, page_server: Server) -> None:
    page = opened(browser, page_server)
    page.say("write the strange note")
    page.wait(f'.tool .given:text("{HTML}")')
    page.say(HTML)
    page.wait(f".turn:nth-child(2) .said:text-is('{HTML}')")
    page.wait(".turn:nth-child(2) .answer")
    assert page.count("main img, main b") == 0


def test_a_click_on_an_example_says_it(browser: Chromium, page_server: Server) -> None:
    page = opened(browser, page_server)
    page.click('.example:text-is("what time is it")')
    page.wait(has_turn("what time is it", "It is"))


def test_the_answer_is_stopped_by_a_key(browser: Chromium, page_server: Server) -> None:
    page = opened(browser, page_server)
    page.say("what can i say")
    page.wait_state("speaking")
    page.press("Escape")
    page.wait_state("ready")
    page.wait('.turn :text-matches("interrupted", "i")')


def test_the_list_of_commands_can_be_searched_and_said(browser: Chromium, page_server: Server) -> None:
    page = opened(browser, page_server)
    page.click("text=What can I say?")
    page.wait("dialog .sentences li")
    all_sentences = page.count(".sentences li")
    page.evaluate("document.querySelector('dialog input').focus()")
    for letter in "strange":
        page.press(letter)
    page.wait('.sentences button:text-is("write the strange note")')
    assert page.count(".sentences li") == 1 < all_sentences
    page.click(".sentences button")
    page.wait("dialog", "detached")
    page.wait(".turn .answer")


def test_the_page_speaks_german_where_the_browser_does(browser: Chromium, page_server: Server) -> None:
    page = opened(browser, page_server, locale="de-AT")
    assert page.text("#talk") == "Zuhören"
    assert page.evaluate("document.documentElement.lang") == "de"
    page.click('role=button[name="Einstellungen"]')
    assert "Sprache dieser Seite" in page.text("dialog")


def test_the_space_bar_is_held_to_talk(listening_browser: Chromium, page_server: Server) -> None:
    page = opened(listening_browser, page_server, permissions=["microphone"])
    page.click('role=button[name="Settings"]')
    page.click("text=Hold a button, or the space bar")
    page.press("Escape")
    page.wait("dialog", "detached")
    page.evaluate("document.activeElement.blur()")
    page.hold(" ")
    page.wait('#talk:text("Release to send")')
    page.wait(":is(#state[data-state=listening], #state[data-state=hearing])")
    page.release(" ")
    page.wait_state("ready")
    assert page.text("#talk") == "Hold to talk"


def test_without_a_microphone_the_page_says_so_and_typing_works(browser: Chromium, page_server: Server) -> None:
    page = opened(browser, page_server)
    page.click("#talk")
    page.wait('.trouble:has-text("No microphone found")')
    page.say("what time is it")
    page.wait(has_turn("what time is it", "It is"))


@pytest.mark.parametrize(
    ("script", "title"),
    [
        ("Object.defineProperty(window, 'isSecureContext', {value: false})", "No microphone over plain http"),
        (
            "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))",
            "The microphone is not allowed",
        ),
    ],
)
def test_a_microphone_that_cannot_be_had_is_explained(
    browser: Chromium, page_server: Server, script: str, title: str
) -> None:
    page = opened(browser, page_server, script=script)
    page.click("#talk")
    page.wait(f'.trouble:has-text("{title}")')
    page.wait_state("ready")


def wait_for_tools(server: Server) -> None:
    """Wait until the built-in tools can be called, which on a busy machine come after the server."""
    poll("the built-in tools are there", lambda: server.get("/api/tools").json()["tools"])


def test_a_server_without_a_place_is_explained_and_the_page_finds_back_to_one_that_died_and_was_started_again(
    browser: Chromium, tmp_path: Path
) -> None:
    need_models()
    with running_server(tmp_path, {**UNHEARING, "gateway.websocket.max_connections": 1}) as server:
        wait_for_tools(server)
        page = opened(browser, server, script="Math.random = () => 0.02")  # the least of each wait
        page.say("what time is it")
        page.wait(has_turn("what time is it", "It is"))
        page.wait_state("ready")
        page.tab(1, server.http_url)
        page.wait('.trouble:has-text("The server is full"):has-text("Next try in")')
        page.tab(0)
        server.process.kill()
        server.process.wait()
        page.wait_state("offline")
        page.wait('.trouble:has-text("The server does not answer")')
    (tmp_path / "ready").unlink()
    with running_server(tmp_path, {**UNHEARING, "gateway.port": server.port}):
        page.wait_state("ready")
        page.wait(".trouble", "detached")
        wait_for_tools(server)
        page.say("what is two plus three")
        page.wait(has_turn("what is two plus three", "5"))
        assert page.count(".turn") == 2


def test_no_other_host_is_asked_for_anything_and_nothing_breaks_the_policy(
    browser: Chromium, page_server: Server
) -> None:
    page = opened(browser, page_server)
    page.say("what time is it")
    page.wait(LAST_ANSWER)
    page.click("text=What can I say?")
    page.wait("dialog .sentences li")
    seen = page.seen()
    assert len(seen.requested) >= 6
    assert {urlsplit(url).netloc for url in seen.requested} == {f"127.0.0.1:{page_server.port}"}
    assert seen.troubles == []


@pytest.mark.parametrize("size", SIZES, ids=["phone", "desk"])
def test_axe_finds_no_fault_light_or_dark_and_the_page_is_no_wider_than_the_window(
    browser: Chromium, page_server: Server, size: tuple[int, int]
) -> None:
    page = opened(browser, page_server, width=size[0], height=size[1])
    looks = audits(page, "empty")
    page.say("write the strange note")
    page.wait(".turn .stages")
    page.say("delete all my notes")
    page.wait_state("asking")
    looks |= audits(page, "asking")
    page.click('.question button:text-is("No")')
    page.click("#talk")
    page.wait(".trouble")
    looks |= audits(page, "trouble")
    page.click('role=button[name="Settings"]')
    looks |= audits(page, "settings")
    page.press("Escape")
    page.click("text=What can I say?")
    page.wait("dialog .sentences li")
    looks |= audits(page, "commands")
    assert {name: look.faults for name, look in looks.items() if look.faults} == {}
    assert {name: look.overflow for name, look in looks.items() if look.overflow > 0} == {}
    assert min(look.passed for name, look in looks.items() if "dark" not in name) > 15
    assert all(look.passed for look in looks.values()), "no look is without text, whose contrast is measured"


def audits(page: Chromium, name: str) -> dict[str, Audit]:
    """Return what axe-core finds in the light, and of its contrast in the dark: colours are all that differs."""
    found = {name: page.audit()}
    page.colour_scheme("dark")
    found[f"{name}, dark"] = page.audit(rules=["color-contrast"])
    page.colour_scheme("light")
    return found


def test_on_320_pixels_with_text_twice_as_large_everything_can_be_reached(
    browser: Chromium, page_server: Server
) -> None:
    page = opened(browser, page_server, width=320, height=640)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    page.say("what time is it")
    page.wait(LAST_ANSWER)
    page.click("#talk")
    page.wait(".trouble")
    assert page.audit().overflow <= 0
