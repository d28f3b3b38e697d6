"""The console at ``/console`` in a real browser, against a real server."""

import json
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil
import pytest

from tests.browser.browser_fixtures import Chromium
from tests.browser.console_server import ConsoleServer, console_server
from tests.system.server_fixtures import Server

pytestmark = pytest.mark.system

SIZES: Final = [(360, 740), (1280, 900)]
VIEWS: Final = ("overview", "actors", "sessions", "turns", "tools", "notices")
HTML: Final = "<img src=x onerror=alert(1)>"
SAID: Final = {"ada": ("what time is it", f"note {HTML}"), "ben": ("what is two plus three",)}
CLIPBOARD: Final = ["clipboard-read", "clipboard-write"]


def opened(browser: Chromium, console: ConsoleServer, view: str, key: str = "console", **options: object) -> Chromium:
    """Open a view with a key, and wait until it is live."""
    browser.open(f"{console.console_url}#{view}", script=console.script(key), **{"width": 1280, **options})
    browser.wait_state("live")
    return browser


def test_a_killed_worker_and_its_restart_are_shown(browser: Chromium, watched_server: ConsoleServer) -> None:
    page = opened(browser, watched_server, "overview")
    page.wait("[data-pool=transcription] .free")
    crashes = int(page.text("[data-pool=transcription] td:nth-child(6)"))
    psutil.Process(watched_server.worker_pid()).kill()
    page.wait('[data-kind=worker_ended]:has-text("of transcription ended")')
    page.wait(f'[data-pool=transcription] td:nth-child(6):has-text("{crashes + 1}")')
    page.wait("[data-pool=transcription] .free")
    assert page.seen().troubles == []


def test_an_actor_is_restarted_after_a_question(browser: Chromium, watched_server: ConsoleServer) -> None:
    page = opened(browser, watched_server, "actors")
    page.click("[data-actor=commands] .open")
    page.click(".more .restart")
    page.wait('dialog:has-text("Restart commands?")')
    page.press("Escape")
    page.wait("dialog", "detached")
    assert page.text("[data-actor=commands] td:nth-child(3)") == "1"
    page.click(".more .restart")
    page.click('dialog button:text-is("Restart")')
    page.wait('.told:has-text("commands restarts.")')
    page.wait('[data-actor=commands].changed td:nth-child(3):text-is("2")')
    assert "shutdown: restarted on request" in page.text("[data-actor=commands] td:nth-child(4)")
    page.evaluate("location.hash = 'notices'")
    page.wait('[data-kind=restarted]:has-text("commands was restarted")')


def test_actors_are_filtered_sorted_and_copied(browser: Chromium, watched_server: ConsoleServer) -> None:
    page = opened(browser, watched_server, "actors", permissions=CLIPBOARD)
    assert page.evaluate("document.querySelector('tbody tr').dataset.actor") == "metrics"
    page.click("[data-sort=actor]")
    page.wait("th[aria-sort=ascending]")
    assert page.evaluate("document.querySelector('tbody tr').dataset.actor") == "commands"
    page.click("[data-sort=actor]")
    page.wait("th[aria-sort=descending]")
    page.fill("#filter", "tools.")
    page.wait("[data-actor=commands]", "detached")
    shown = page.evaluate("[...document.querySelectorAll('tbody tr')].map((row) => row.dataset.actor)")
    assert shown == ["tools.sayso-tools", "tools.router"]
    page.click(".copy")
    page.wait('.told:has-text("Copied.")')
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert {row["id"] for row in copied} == set(shown)
    assert copied[0]["state"] == "ready"


def test_sessions_and_turns_are_shown_as_people_know_them(browser: Chromium, watched_server: ConsoleServer) -> None:
    page = opened(browser, watched_server, "turns")
    with watched_server.people(SAID):
        page.wait('.turn:has-text("what is two plus three"):has-text("5")')
        page.wait(".turn .lane i")
        page.evaluate("location.hash = 'sessions'")
        page.wait('[data-session]:has-text("ben\'s tablet"):has-text("what is two plus three")')
        page.fill("#search", "ada")
        page.wait('[data-session]:has-text("ben")', "detached")
        page.click("[data-session] a")
        page.wait(f'.turn:has-text("note {HTML}")')
        page.wait('[data-actor$=".dialogue"]')
        assert page.count("main img") == 0
        assert page.seen().troubles == []
    page.wait('.empty:has-text("This session has ended.")')


def test_whoever_may_only_read_sees_no_words_and_is_told_why_nothing_can_be_done(
    browser: Chromium, watched_server: ConsoleServer
) -> None:
    page = opened(browser, watched_server, "turns", "reader")
    with watched_server.people({"ada": ("what time is it",)}):
        page.wait('.turn:has-text("get_time")')
        page.wait(':text("Words are shown to who said them")')
        assert page.count(".turn .said") == 0
    page.click("#drain")
    page.wait('dialog .warning:has-text("scope operate")')
    assert page.count("dialog .danger") == 0


def test_without_keys_everything_can_be_read_and_nothing_done(browser: Chromium, page_server: Server) -> None:
    browser.open(f"{page_server.http_url}/console", width=1280)
    browser.wait_state("live")
    browser.wait("[data-pool=speech]")
    browser.click("#drain")
    browser.wait('dialog .warning:has-text("sayso keys new console")')


def test_a_server_with_keys_asks_for_one_and_the_browser_is_logged_in(
    browser: Chromium, watched_server: ConsoleServer
) -> None:
    browser.open(watched_server.console_url)
    browser.wait('.trouble:has-text("This server wants a key")')
    browser.fill("#key", watched_server.keys["ada"])
    browser.press("Enter")
    browser.wait('.trouble:has-text("This key may not read")')
    browser.fill("#key", watched_server.keys["console"])
    browser.press("Enter")
    browser.wait_state("live")
    assert watched_server.keys["console"] not in browser.evaluate("JSON.stringify({...localStorage})")


def test_the_server_is_drained_after_a_question_and_the_page_says_that_it_is_gone(
    browser: Chromium, tmp_path: Path
) -> None:
    with console_server(tmp_path, {}) as console:
        page = opened(browser, console, "overview")
        with console.people({"ada": ()}):
            page.click("#drain")
            page.fill("dialog [name=seconds]", "20")
            page.click('dialog button:text-is("Drain")')
            page.wait('.told:has-text("The server drains.")')
            page.wait(".trouble:has-text('The server has stopped'), .trouble:has-text('does not answer')")
            page.wait_state("lost")
        assert console.server.process.wait(60) == 0


def test_no_other_host_is_asked_for_anything_and_nothing_breaks_the_policy(
    browser: Chromium, watched_server: ConsoleServer
) -> None:
    page = opened(browser, watched_server, "overview")
    for view in VIEWS:
        page.evaluate(f"location.hash = '{view}'")
        page.wait("main section")
    page.wait("main table, main .notices")
    seen = page.seen()
    assert {urlsplit(url).netloc for url in seen.requested} == {f"127.0.0.1:{watched_server.server.port}"}
    assert seen.troubles == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["phone", "desk"])
def test_axe_finds_no_fault_and_no_view_is_wider_than_the_window(
    browser: Chromium, watched_server: ConsoleServer, scheme: str, size: tuple[int, int]
) -> None:
    with watched_server.people({"ada": ("what time is it",)}):
        page = opened(browser, watched_server, "overview", scheme=scheme, width=size[0], height=size[1])
        page.wait(".chart")
        looks = {"overview": page.audit()}
        ready = {
            "actors": "[data-actor=commands] .open",
            "sessions": "[data-session]",
            "turns": ".turn",
            "tools": "[data-model]",
            "notices": "[data-kind]",
        }
        for view, selector in ready.items():
            page.evaluate(f"location.hash = '{view}'")
            page.wait(selector)
            if view == "actors":
                page.click(selector)
                page.wait(".more pre")
            looks[view] = page.audit()
        page.click("#drain")
        page.wait("dialog .danger")
        looks["question"] = page.audit()
    assert {name: look.faults for name, look in looks.items() if look.faults} == {}
    assert {name: look.overflow for name, look in looks.items() if look.overflow > 0} == {}
    assert min(look.passed for look in looks.values()) > 15


LARGE: Final = """
const real = window.fetch;
const json = (page) => Promise.resolve(new Response(JSON.stringify(page)));
const row = (at) => ({id: `s${at}`, state: 'ready', user: `user ${at}`, client_id: 'c', age_s: at, doing: 'LISTENING'});
window.fetch = async (path, options) => {
  if (path.startsWith('api/sessions')) {
    const from = Number(new URLSearchParams(path.split('?')[1]).get('offset'));
    return json({count: 10000, found: 10000, sessions: Array.from({length: 50}, (_, at) => row(from + at))});
  }
  if (path !== 'api/status/stream') return real(path, options);
  const status = await (await real('api/status', options)).json();
  const [child] = status.tree.children;
  status.tree.children = Array.from({length: 200}, (_, at) => ({...child, id: `actor ${at}`}));
  const data = new TextEncoder().encode(`event: status\\ndata: ${JSON.stringify(status)}\\n\\n`);
  const send = (controller) => { controller.enqueue(data); setTimeout(send, 100, controller); };
  return new Response(new ReadableStream({start: send}));
};
"""


def test_two_hundred_actors_and_ten_thousand_sessions_are_shown_in_pages(
    browser: Chromium, watched_server: ConsoleServer
) -> None:
    browser.open(f"{watched_server.console_url}#actors", script=f"{watched_server.script()};{LARGE}", width=1280)
    browser.wait_state("live")
    browser.wait('.pager:has-text("100 of 200")')
    assert browser.count("tbody tr") == 100
    browser.click('.pager button:text-is("Next")')
    browser.wait('[data-actor="actor 150"]')
    browser.evaluate("location.hash = 'sessions'")
    browser.wait('.pager:has-text("50 of 10,000")')
    browser.click('.pager button:text-is("Next")')
    browser.wait('[data-session="s99"]')
    assert browser.count("tbody tr") == 50
