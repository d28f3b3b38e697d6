"""The events of the page's connection, as developers see them, with a played socket."""

import json

import pytest

from tests.browser.browser_fixtures import Chromium
from tests.browser.fake_socket import FakeSocket
from tests.system.server_fixtures import Server

pytestmark = pytest.mark.system

HTML = "<img src=x onerror=alert(1)><b>bold</b>"
SECRET = "the-token-of-the-session"


def open_events(page: Chromium) -> None:
    """Open the events by the settings, and wait for them."""
    page.click('role=button[name="Settings"]')
    page.click("dialog summary")
    page.click('dialog button:text-is("Events")')
    page.wait("dialog .frame")


def test_events_are_shown_as_they_are_without_tokens_and_sound_and_copied_as_json(
    browser: Chromium, page_server: Server
) -> None:
    socket = FakeSocket.ready(
        browser,
        page_server.http_url,
        accepted={"resume_token": SECRET},
        permissions=["clipboard-read", "clipboard-write"],
    )
    open_events(browser)
    call = {"turn_id": "t1", "call_id": "c1", "server": HTML, "tool": HTML}
    socket.tell("tool_call", **call, arguments={HTML: [HTML]})
    socket.tone(40, 22_050)
    socket.tell("tool_result", **call, ok=True, duration_ms=3, content=HTML)
    browser.wait('.frame:nth-child(1) summary:has-text("← tool_result")')
    browser.click(".frame:nth-child(1) summary")
    browser.wait(f'.frame pre:has-text(\'"content": "{HTML}"\')')
    assert browser.text(".frame:last-child summary").split()[1:] == ["→", "connection_request"]
    browser.click('dialog button:text-is("Copy as JSON")')
    browser.wait('dialog [role=status]:text-is("Copied.")')
    copied = json.loads(browser.evaluate("navigator.clipboard.readText()"))
    came = ["connection_accepted", "tool_call", "tool_result"]
    assert [one["type"] for one in copied if one["from"] == "server"] == came
    assert copied[-1]["data"]["content"] == HTML
    assert copied[0]["data"]["interim"] is True
    assert SECRET not in json.dumps(copied)
    browser.click('.frame:has-text("connection_accepted") summary')
    browser.wait('.frame:has-text(\'"resume_token": "…"\')')
    assert browser.count("dialog img, .frame pre b") == 0
    assert browser.seen().troubles == []


@pytest.mark.parametrize("width", [360, 1280], ids=["phone", "desk"])
def test_of_many_events_the_newest_200_are_kept_and_found_and_axe_finds_no_fault(
    browser: Chromium, page_server: Server, width: int
) -> None:
    FakeSocket.ready(browser, page_server.http_url, width=width)
    many = [{"type": "status", "data": {"load_level": 0, "sessions": number, "uptime_s": 1.0}} for number in range(250)]
    browser.ask_socket("tell", frames=many)
    open_events(browser)
    assert browser.count(".frame") == 200
    browser.fill('dialog input[type="search"]', '"sessions":249')
    browser.wait(".frame:nth-child(2)", "detached")
    browser.click(".frame summary")
    browser.wait(".frame pre")
    for scheme in ("light", "dark"):
        browser.colour_scheme(scheme)
        audit = browser.audit()
        assert (audit.faults, audit.overflow <= 0) == ([], True), scheme
    fits = "document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth"
    assert browser.evaluate(fits)
    browser.fill('dialog input[type="search"]', "nothing like it")
    browser.wait('dialog :text-is("There is none.")')
