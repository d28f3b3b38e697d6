"""The key of a server that wants one: exchanged for a cookie, and kept nowhere in the browser."""

import pytest

from tests.browser.browser_fixtures import Chromium
from tests.browser.console_server import ConsoleServer
from tests.system.server_fixtures import poll

pytestmark = pytest.mark.system

FORM = '.trouble:has-text("This server wants a key")'


def stored(browser: Chromium) -> str:
    """Return all that scripts of the page can keep or read: storage and cookies."""
    return str(browser.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"))


def enter(browser: Chromium, key: str) -> None:
    """Enter a key where it is asked for."""
    browser.wait(FORM)
    browser.fill("#key", key)
    browser.press("Enter")


@pytest.fixture
def talker(browser: Chromium, watched_server: ConsoleServer) -> Chromium:
    """The page, with a key that talks."""
    browser.open(watched_server.server.http_url)
    enter(browser, watched_server.keys["ada"])
    browser.wait_state("ready")
    return browser


def test_a_key_becomes_a_cookie_that_no_script_can_read(talker: Chromium, watched_server: ConsoleServer) -> None:
    key = watched_server.keys["ada"]
    talker.say("what time is it")
    talker.wait('.answer:text("It is")')
    [cookie] = talker.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    assert key not in cookie["value"]
    assert key not in stored(talker)
    assert cookie["value"] not in stored(talker)
    assert not any(key in url for url in talker.seen().requested)
    talker.evaluate("location.reload()")
    talker.wait_state("ready")
    assert talker.count(FORM) == 0, "a page that is loaded again is logged in"


def test_logging_out_takes_the_cookie_and_the_conversation_away(
    talker: Chromium, watched_server: ConsoleServer
) -> None:
    talker.say("what time is it")
    talker.wait('.answer:text("It is")')
    talker.click('role=button[name="Settings"]')
    assert "You are ada." in talker.text("dialog")
    talker.click('dialog button:text("Log out")')
    talker.wait(FORM)
    assert talker.cookies() == ()
    assert talker.count(".turn") == 0
    enter(talker, watched_server.keys["ben"])
    talker.wait_state("ready")


def test_a_wrong_key_is_refused_in_words(browser: Chromium, watched_server: ConsoleServer) -> None:
    browser.open(watched_server.server.http_url)
    enter(browser, "sayso_000000000000_wrong")
    browser.wait('.fault:text("does not know this key")')
    assert browser.audit().faults == []
    assert browser.cookies() == ()
    assert "wrong" not in stored(browser)


@pytest.mark.parametrize(("path", "state"), [("/", "ready"), ("/console", "live")])
def test_a_key_that_an_earlier_version_has_kept_is_exchanged_and_removed(
    browser: Chromium, watched_server: ConsoleServer, path: str, state: str
) -> None:
    name = "ada" if path == "/" else "console"
    browser.open(watched_server.server.http_url + path, script=watched_server.script(name), width=1280)
    browser.wait_state(state)
    assert watched_server.keys[name] not in stored(browser)
    assert len(browser.cookies()) == 1


def test_a_key_that_was_kept_and_is_no_good_is_removed_and_asked_for(
    browser: Chromium, watched_server: ConsoleServer
) -> None:
    script = "localStorage.sayso ??= JSON.stringify({key: 'sayso_old'})"
    browser.open(watched_server.server.http_url, script=script)
    browser.wait(FORM)
    assert "sayso_old" not in stored(browser)


def test_a_key_is_no_secret_of_a_page_elsewhere(browser: Chromium, watched_server: ConsoleServer) -> None:
    headers = {"Origin": "http://evil.example", "Content-Type": "application/json"}
    answer = watched_server.server.get("/api/login", method="POST", headers=headers)
    assert answer.status == 403
    assert "set-cookie" not in answer.headers


def test_the_console_logs_in_and_out(browser: Chromium, watched_server: ConsoleServer) -> None:
    browser.open(watched_server.console_url, width=1280)
    enter(browser, watched_server.keys["console"])
    browser.wait_state("live")
    assert watched_server.keys["console"] not in stored(browser)
    browser.click('role=button[name="Settings"]')
    browser.click('dialog button:text("Log out")')
    browser.wait(FORM)
    poll("the cookie is gone", lambda: browser.cookies() == ())
