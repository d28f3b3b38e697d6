"""The routes of the history, with and without keys."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx2
import pytest
import trio
from quart_trio import QuartTrio

from actors.admission.gateway_admission import AdmissionInputs
from backends.ingress.http_history import OFF_NOTE, HistoryRoutes, add_history_routes
from backends.keys.key_file import KeyFile
from backends.keys.key_ring import KeyCheck, KeyRing
from protocol.admission.keys import KeyOrder, with_new_key
from protocol.messages.history import (
    ConversationQuery,
    Deleted,
    Deletion,
    KeptConversation,
    KeptTurn,
    Position,
    TurnQuery,
)
from protocol.messages.identity import Scope
from tests.backends.ingress.ingress_fixtures import serving
from tests.backends.storage.record_fixtures import CALL, TURN, turn

NOW_S = 1_000_000_000.0
CONVERSATION = KeptConversation(
    session_id="s/1", user_id="anna", client_id="phone", started_at=5.0, last_at=9.0, turns=3, first_heard="hello"
)


@attrs.define(eq=False)
class Shelf:
    """Has as many turns and conversations as are wanted, and notes what was asked."""

    asked: list[TurnQuery | ConversationQuery | Deletion] = attrs.field(factory=list)
    count: int = 1_000

    async def find(self, wanted: TurnQuery) -> tuple[KeptTurn, ...]:
        self.asked.append(wanted)
        await trio.lowlevel.checkpoint()
        kept = [
            KeptTurn(turn(number), (CALL,), Position(1_000.0 + number, str(number))) for number in range(self.count)
        ]
        return tuple(reversed(kept[: wanted.limit]))

    async def conversations(self, wanted: ConversationQuery) -> tuple[KeptConversation, ...]:
        self.asked.append(wanted)
        await trio.lowlevel.checkpoint()
        return (CONVERSATION,) * min(self.count, wanted.limit)

    async def delete(self, what: Deletion) -> Deleted:
        self.asked.append(what)
        await trio.lowlevel.checkpoint()
        return Deleted(7, is_all=False)

    def routes(self, **changes: Any) -> HistoryRoutes:
        return HistoryRoutes(self.find, self.conversations, self.delete, unix_time=lambda: NOW_S, **changes)


@asynccontextmanager
async def running(shelf: Shelf, ring: KeyRing | None = None, **changes: Any) -> AsyncIterator[httpx2.AsyncClient]:
    app = QuartTrio(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    add_history_routes(app, shelf.routes(**changes))
    inputs = AdmissionInputs() if ring is None else AdmissionInputs(checks=[KeyCheck(ring)], keys=ring)
    async with serving(app=app, inputs=inputs) as server, httpx2.AsyncClient() as client:
        client.base_url = f"http://127.0.0.1:{server.port}"
        yield client


def ring_of(folder: Path, *scopes: Scope) -> tuple[KeyRing, dict[str, str]]:
    """Return the keys of a server with one key, of anna, and the headers of a request with it."""
    file = KeyFile.in_folder(folder)
    with file.locked():
        keys, text = with_new_key((), KeyOrder(name="k", user="anna", scopes=frozenset(scopes)), 0.0, bytes)
        file.write(keys)
    return KeyRing(file, is_demanded=True, unix_time=lambda: 1_000.0), {"Authorization": f"Bearer {text}"}


async def test_turns_are_shown_with_their_calls_and_where_the_next_page_is() -> None:
    shelf = Shelf()
    async with running(shelf) as client:
        response = await client.get("/api/conversations?limit=2&q=light&user=anna")
    page = response.json()
    assert shelf.asked == [TurnQuery(user_id="anna", words="light", limit=2)]
    assert page["next"] == "1000.000000000~0"
    first = page["turns"][0]
    call = {
        name: value for name, value in attrs.asdict(CALL).items() if name not in {"session_id", "turn_id", "user_id"}
    }
    assert first == attrs.asdict(turn(1)) | {"calls": [call]}
    assert (first["language"], first["confidence"], first["calls"][0]["tool"]) == ("en", 0.75, "light")
    assert response.headers["cache-control"] == "no-store"
    async with running(shelf) as client:
        assert (await client.get(response.headers["link"].partition(">")[0].lstrip("<"))).status_code == 200
    assert shelf.asked[1] == TurnQuery(user_id="anna", words="light", limit=2, after=Position(1_000.0, "0"))


async def test_the_last_page_has_no_next() -> None:
    async with running(Shelf(count=3)) as client:
        response = await client.get("/api/conversations")
        assert (len(response.json()["turns"]), response.json()["next"]) == (3, None)
        assert "link" not in response.headers
        assert (await client.get("/api/conversations?by=session")).json()["next"] is None


async def test_turns_are_exported_as_json_lines() -> None:
    async with running(Shelf(count=2)) as client:
        response = await client.get("/api/conversations?format=jsonl")
    assert response.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["turn_id"] for line in lines] == ["t1", "t0"]
    assert lines[0]["calls"][0]["arguments"] == {"on": True, "rooms": ["Küche"]}


async def test_conversations_are_listed() -> None:
    shelf = Shelf()
    async with running(shelf) as client:
        page = (await client.get("/api/conversations?by=session&limit=1&after=7~s%2F9")).json()
    assert page == {"conversations": [attrs.asdict(CONVERSATION)], "next": "5.000000000~s/1"}
    assert shelf.asked == [ConversationQuery(after=Position(7.0, "s/9"), limit=1)]


async def test_one_conversation_is_shown_in_its_order() -> None:
    shelf = Shelf(count=2)
    async with running(shelf) as client:
        page = (await client.get("/api/conversations/s1")).json()
        assert [shown["turn_id"] for shown in page["turns"]] == ["t0", "t1"]
        assert shelf.asked == [TurnQuery(session_id="s1")]
        shelf.count = 0
        assert (await client.get("/api/conversations/s1")).status_code == 404
        assert (await client.get("/api/conversations/s1?after=1~2")).json()["turns"] == []
        assert (await client.get("/api/conversations/s1?q=x")).status_code == 400


async def test_history_that_is_off_says_so() -> None:
    async with running(Shelf(count=0), is_kept=False) as client:
        page = (await client.get("/api/conversations")).json()
    assert page == {"turns": [], "next": None, "note": OFF_NOTE}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        *((f"limit={limit}", "limit must be a whole number") for limit in ("0", "501", "-1", "ten", "", "1.5", "٣")),
        ("limit=" + "9" * 190, "limit must be a whole number"),
        ("limit=" + "9" * 5_000, "limit must have at most 200 characters"),
        ("after=yesterday", "after must be the next"),
        ("usr=anna", "no parameter 'usr'"),
        ("by=user", "by must be turn or session"),
        ("format=csv", "format must be json or jsonl"),
        ("by=session&q=x", "are for turns"),
        ("by=session&format=jsonl", "are for turns"),
        ("q=" + "x" * 1_001, "q must have at most 1000 characters"),
    ],
)
async def test_a_parameter_that_cannot_be_read_is_400_with_a_sentence(query: str, reason: str) -> None:
    shelf = Shelf()
    async with running(shelf) as client:
        response = await client.get(f"/api/conversations?{query}")
    assert (response.status_code, shelf.asked) == (400, [])
    assert reason in response.json()["error"]


# --- whose ---------------------------------------------------------------------------------------


async def test_a_key_for_reading_shows_its_own_users_history_only(tmp_path: Path) -> None:
    ring, headers = ring_of(tmp_path, Scope.READ)
    shelf = Shelf()
    async with running(shelf, ring) as client:
        for path in ("/api/conversations", "/api/conversations?by=session", "/api/conversations/s1"):
            assert (await client.get(path, headers=headers)).status_code == 200
        response = await client.get("/api/conversations?user=bob", headers=headers)
        assert (await client.get("/api/conversations")).status_code == 401
    assert [getattr(asked, "user_id", None) for asked in shelf.asked] == ["anna"] * 3
    assert response.status_code == 403
    assert "needs a key with the scope operate" in response.json()["error"]


async def test_an_operators_key_that_may_read_shows_everybodys_history(tmp_path: Path) -> None:
    ring, headers = ring_of(tmp_path, Scope.READ, Scope.OPERATE)
    shelf = Shelf()
    async with running(shelf, ring) as client:
        await client.get("/api/conversations", headers=headers)
        await client.get("/api/conversations?user=bob", headers=headers)
    assert [getattr(asked, "user_id", None) for asked in shelf.asked] == [None, "bob"]


# --- deleting ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/api/conversations/s1", Deletion(session_id="s1")),
        ("/api/conversations/..%2F%27;--", Deletion(session_id="../';--")),
        ("/api/conversations?user=bob", Deletion(user_id="bob")),
        ("/api/conversations?user=", Deletion(user_id="")),
        ("/api/conversations?session=s1&user=bob", Deletion(user_id="bob", session_id="s1")),
        ("/api/conversations?older_than_days=0.5", Deletion(before_s=NOW_S - 43_200)),
    ],
)
async def test_an_operator_deletes_by_conversation_user_and_age(path: str, what: Deletion) -> None:
    shelf = Shelf()
    async with running(shelf) as client:
        response = await client.delete(path)
    if "%2F" in path:
        assert (response.status_code, shelf.asked) == (404, []), "a session's name has no slash"
        return
    assert (response.json(), shelf.asked) == ({"deleted": 7, "is_all": False}, [what])


@pytest.mark.parametrize(
    "query", ["", "?usr=bob", "?limit=1", "?older_than_days=nan", "?older_than_days=-1", "?older_than_days=soon"]
)
async def test_nothing_is_deleted_by_a_request_that_does_not_say_what(query: str) -> None:
    shelf = Shelf()
    async with running(shelf) as client:
        assert (await client.delete(f"/api/conversations{query}")).status_code == 400
        assert (await client.delete("/api/conversations/s1?user=bob")).status_code == 400
    assert shelf.asked == []


async def test_only_operators_delete(tmp_path: Path) -> None:
    ring, headers = ring_of(tmp_path, Scope.READ, Scope.TALK)
    shelf = Shelf()
    async with running(shelf, ring) as client:
        for path in ("/api/conversations/s1", "/api/conversations?user=anna"):
            assert (await client.delete(path, headers=headers)).status_code == 403
    async with running(shelf) as client:
        refused = await client.delete("/api/conversations/s1", headers={"Origin": "http://localhost"})
    assert refused.status_code == 403
    assert shelf.asked == []


def test_the_record_of_a_turn_has_nothing_that_json_cannot_hold() -> None:
    assert json.loads(json.dumps(attrs.asdict(TURN))) == attrs.asdict(TURN)
