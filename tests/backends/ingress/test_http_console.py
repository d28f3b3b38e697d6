"""The console's routes, asked through the whole port."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx2
import pytest
from quart_trio import QuartTrio

from backends.ingress.http_app import make_app
from backends.ingress.http_console import (
    FIGURE_NAMES,
    ConsoleNews,
    ConsoleRoutes,
    add_console_routes,
    wanted_figures,
    wanted_range,
    whole_number,
)
from protocol.admission.scopes import FOLDERS, OPERATE, PATHS, needed_scopes
from protocol.messages.identity import Identity
from tests.backends.ingress.ingress_fixtures import CLIENT, serving
from tests.backends.ingress.test_http_app import AUDIO, SERVICES


@attrs.define(eq=False)
class FakeConsole:
    """Two notices, one turn, three sessions; remembers what was restarted."""

    takes_orders: bool = True
    notice: int = 2
    turn: int = 1
    restarted: list[str] = attrs.field(factory=list)

    def history(self, range_name: str, names: Sequence[str]) -> Mapping[str, Any]:
        return {"range": range_name, "figures": list(names)}

    def notices(self, after: int) -> Sequence[Mapping[str, Any]]:
        return [{"number": number} for number in range(after + 1, self.notice + 1)]

    def turns(self, after: int, reader: Identity) -> Sequence[Mapping[str, Any]]:
        return [{"number": number, "for": reader.user} for number in range(after + 1, self.turn + 1)]

    def newest(self) -> tuple[int, int]:
        return self.notice, self.turn

    async def sessions(self, search: str, offset: int, limit: int, reader: Identity) -> Mapping[str, Any]:
        return {"asked": [search, offset, limit, reader.user]}

    def session(self, session_id: str, reader: Identity) -> Mapping[str, Any] | None:
        return {"id": session_id, "for": reader.user} if session_id == "s1" else None

    def restartable(self) -> Sequence[str]:
        return ("speech", "tools.home")

    def restart(self, actor_id: str) -> bool:
        self.restarted.append(actor_id)
        return self.takes_orders


@asynccontextmanager
async def running(console: FakeConsole) -> AsyncIterator[httpx2.AsyncClient]:
    app = make_app(attrs.evolve(SERVICES, console=console), AUDIO)
    async with serving(app=app) as server, httpx2.AsyncClient() as client:
        client.base_url = f"http://127.0.0.1:{server.port}"
        yield client


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/api/notices", {"notices": [{"number": 1}, {"number": 2}]}),
        ("/api/notices?after=1", {"notices": [{"number": 2}]}),
        ("/api/turns", {"turns": [{"number": 1, "for": "local"}]}),
        ("/api/turns?after=1", {"turns": []}),
        ("/api/sessions", {"asked": ["", 0, 100, "local"]}),
        ("/api/sessions?search=%20ada%20&offset=200&limit=5", {"asked": ["ada", 200, 5, "local"]}),
        ("/api/sessions/s1", {"id": "s1", "for": "local"}),
        ("/api/status/history", {"range": "5m", "figures": list(FIGURE_NAMES)}),
        ("/api/status/history?range=24h&figures=sessions,cpu", {"range": "24h", "figures": ["sessions", "cpu"]}),
        ("/api/actors", {"actors": ["speech", "tools.home"]}),
        ("/api/access", {"user": "local", "scopes": None, "may_operate": False}),
    ],
)
async def test_each_question_has_its_answer_which_is_not_kept_by_caches(path: str, page: Mapping[str, Any]) -> None:
    async with running(FakeConsole()) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (200, page)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/notices?after=-1", 400, "after must be a whole number"),
        ("/api/turns?after=x", 400, "after must be a whole number"),
        ("/api/sessions?limit=0", 400, "limit must be a whole number from 1 to 100, not '0'"),
        ("/api/sessions?offset=1e9", 400, "offset must be"),
        ("/api/sessions/<b>", 404, "there is no session '<b>'"),
        ("/api/status/history?range=1y", 400, "range must be 5m, 1h, 24h, not '1y'"),
        ("/api/status/history?figures=cpu,rooms", 400, "not 'rooms'"),
    ],
)
async def test_a_senseless_question_is_refused_with_a_sentence(path: str, status: int, words: str) -> None:
    async with running(FakeConsole()) as client:
        answer = await client.get(path)
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text


async def test_a_program_on_this_machine_may_restart_an_actor() -> None:
    console = FakeConsole()
    async with running(console) as client:
        answer = await client.post("/api/actors/tools.home/restart")
    assert (answer.status_code, answer.json()) == (202, {"id": "tools.home", "state": "restarting"})
    assert console.restarted == ["tools.home"]


async def test_an_actor_that_must_not_be_restarted_is_not() -> None:
    console = FakeConsole()
    async with running(console) as client:
        answer = await client.post("/api/actors/gateway/restart")
    assert answer.status_code == 409
    assert answer.json()["error"] == "'gateway' cannot be restarted now; these can: speech, tools.home"
    assert console.restarted == []


async def test_a_web_page_may_not_restart_an_actor_without_a_key() -> None:
    console = FakeConsole()
    async with running(console) as client:
        origin = str(client.base_url).rstrip("/")
        answer = await client.post("/api/actors/speech/restart", headers={"Origin": origin})
    assert answer.status_code == 403
    assert console.restarted == []


async def test_a_supervisor_that_takes_no_orders_is_503() -> None:
    async with running(FakeConsole(takes_orders=False)) as client:
        assert (await client.post("/api/actors/speech/restart")).status_code == 503


def test_news_are_what_came_since_the_last_look() -> None:
    console = FakeConsole()
    news = ConsoleNews(console, CLIENT)
    assert news.take() == []
    console.notice, console.turn = 3, 2
    assert news.take() == [("notice", {"number": 3}), ("turn", {"number": 2, "for": "local"})]
    assert news.take() == []


async def test_news_come_with_the_status() -> None:
    class Growing(FakeConsole):
        def newest(self) -> tuple[int, int]:
            return 0, 0

    async with running(Growing()) as client:
        heard = (await client.get("/api/status/stream")).text  # its server is stopping: one snapshot and the end
    events = [line.removeprefix("event: ") for line in heard.splitlines() if line.startswith("event: ")]
    assert events == ["status", "notice", "notice", "turn"]


def test_a_query_without_a_value_has_the_usual_one() -> None:
    assert (whole_number("n", None, 7, 0, 9), wanted_figures(None), wanted_range(None)) == (7, FIGURE_NAMES, "5m")


def test_every_route_has_its_scope() -> None:
    app = QuartTrio(__name__, static_folder=None)
    add_console_routes(app, ConsoleRoutes(FakeConsole()))
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    assert {rule for rule in rules if rule not in PATHS and not rule.startswith(tuple(FOLDERS))} == set()
    assert needed_scopes("POST", "/api/actors/speech/restart") == OPERATE
