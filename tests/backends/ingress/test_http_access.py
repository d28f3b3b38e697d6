"""Logins and tokens over HTTP, with the real keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx2
import pytest

from actors.admission.gateway_admission import AdmissionInputs
from backends.ingress.http_access import AccessRoutes
from backends.ingress.http_app import make_app
from backends.keys.key_file import KeyFile
from backends.keys.key_ring import KeyCheck, KeyRing
from protocol.admission.keys import KeyOrder, with_new_key
from protocol.messages.identity import Scope
from tests.backends.ingress.ingress_fixtures import serving
from tests.backends.ingress.test_http_app import AUDIO, SERVICES


@asynccontextmanager
async def running(folder: Path, *scopes: Scope) -> AsyncIterator[tuple[httpx2.AsyncClient, str]]:
    """Run a server with one key, or none; yield a client and the key."""
    file, text = KeyFile.in_folder(folder), ""
    if scopes:
        with file.locked():
            order = KeyOrder(name="phone", user="ann", scopes=frozenset(scopes))
            keys, text = with_new_key((), order, 0.0, bytes)
            file.write(keys)
    ring = KeyRing(file, is_demanded=False, unix_time=lambda: 1_000.0)
    inputs = AdmissionInputs(checks=[KeyCheck(ring)], keys=ring)
    app = make_app(attrs.evolve(SERVICES, access=AccessRoutes(ring)), AUDIO)
    async with serving(app=app, inputs=inputs) as server, httpx2.AsyncClient() as client:
        client.base_url = f"http://127.0.0.1:{server.port}"
        yield client, text


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


async def test_a_login_gives_a_cookie_that_scripts_do_not_see_and_a_logout_takes_it(tmp_path: Path) -> None:
    async with running(tmp_path, Scope.READ) as (client, key):
        assert (await client.get("/api/tools")).status_code == 401
        answer = await client.post("/api/login", json={"key": key})
        assert (answer.status_code, answer.json()) == (
            200,
            {"user": "ann", "scopes": ["read"], "expires_at": 2_593_000},
        )
        cookie = answer.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"} <= set(cookie.split("; "))
        assert "Secure" not in cookie, "it is in clear here"
        assert key not in cookie
        assert (await client.get("/api/tools")).status_code == 200
        assert (await client.post("/api/drain")).status_code == 403
        assert (await client.post("/api/logout")).status_code == 200
        assert (await client.get("/api/tools")).status_code == 401


async def test_a_login_that_operates_ends_after_a_day_of_work(tmp_path: Path) -> None:
    async with running(tmp_path, Scope.READ, Scope.OPERATE) as (client, key):
        answer = await client.post("/api/login", json={"key": key})
        assert answer.json()["expires_at"] == 44_200
        assert "Max-Age=43200" in answer.headers["set-cookie"].split("; ")


async def test_wrong_keys_at_the_login_have_a_limit(tmp_path: Path) -> None:
    async with running(tmp_path, Scope.READ) as (client, key):
        answers = [await client.post("/api/login", json={"key": f"{key}{number}"}) for number in range(12)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
        assert "set-cookie" not in answers[0].headers
        assert int(answers[-1].headers["Retry-After"]) in {5, 6}
        assert (await client.post("/api/login", json={"key": key})).status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"key": 7}', b'{"key": "k", "more": 1}', b"\xff"])
async def test_a_login_that_cannot_be_read_is_400(tmp_path: Path, body: bytes) -> None:
    async with running(tmp_path, Scope.READ) as (client, _):
        assert (await client.post("/api/login", content=body)).status_code == 400


async def test_a_token_is_made_with_a_key_and_no_token_with_a_token(tmp_path: Path) -> None:
    async with running(tmp_path, Scope.TALK, Scope.READ) as (client, key):
        wanted = {"scopes": ["read"], "expires_in_s": 60}
        answer = await client.post("/api/tokens", headers=bearer(key), json=wanted)
        assert answer.status_code == 200
        made = answer.json()
        assert (made["scopes"], made["expires_at"]) == (["read"], 1_060)
        assert (await client.get("/api/tools", headers=bearer(made["token"]))).status_code == 200
        assert (await client.get("/v1/models", headers=bearer(made["token"]))).status_code == 403
        assert (await client.post("/api/tokens", headers=bearer(made["token"]))).status_code == 403


async def test_a_token_for_one_use_is_used_up(tmp_path: Path) -> None:
    async with running(tmp_path, Scope.READ) as (client, key):
        token = (await client.post("/api/tokens", headers=bearer(key), json={"single_use": True})).json()["token"]
        assert (await client.get("/api/tools", headers=bearer(token))).status_code == 200
        assert (await client.get("/api/tools", headers=bearer(token))).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scopes": ["operate"]}, 403),
        ({"scopes": []}, 403),
        ({"scopes": ["admin"]}, 400),
        ({"expires_in_s": 0}, 400),
        ({"expires_in_s": 3_601}, 400),
        ({"expires_in_s": "long"}, 400),
        ({"key": "k"}, 400),
    ],
)
async def test_a_token_that_makes_no_sense_is_refused(tmp_path: Path, body: Any, status: int) -> None:
    async with running(tmp_path, Scope.READ) as (client, key):
        answer = await client.post("/api/tokens", headers=bearer(key), json=body)
        assert answer.status_code == status
        assert "token" not in answer.json()


async def test_where_no_key_is_needed_there_is_no_token(tmp_path: Path) -> None:
    async with running(tmp_path) as (client, _):
        assert (await client.post("/api/tokens")).status_code == 409


async def test_who_did_what_is_listed_for_operators_without_any_secret(tmp_path: Path) -> None:
    async with running(tmp_path, Scope.OPERATE, Scope.READ) as (client, key):
        assert (await client.get("/api/audit")).status_code == 401
        await client.post("/api/login", json={"key": f"{key}x"})
        assert (await client.get("/api/audit", headers=bearer(f"{key}x"))).status_code == 401
        assert (await client.post("/api/drain", headers=bearer(key))).status_code == 202
        token = (await client.post("/api/tokens", headers=bearer(key))).json()["token"]
        await client.post("/api/login", json={"key": key})
        answer = await client.get("/api/audit", headers=bearer(key))
        assert answer.status_code == 200
        key_id = key.split("_")[1]
        found = {(entry["kind"], entry["what"], entry["key_id"], entry["count"]) for entry in answer.json()["entries"]}
        assert found == {
            ("refused", "no_key", None, 1),
            ("refused", "unknown_key", None, 2),
            ("operate", "POST /api/drain", key_id, 1),
            ("token", "POST /api/tokens", key_id, 1),
            ("login", "POST /api/login", key_id, 1),
        }
        assert {entry["who"] for entry in answer.json()["entries"]} == {"127.0.0.1"}
        written = answer.text + (tmp_path / "audit.jsonl").read_text()
        for secret in (key, key.rpartition("_")[2], token):
            assert secret not in written


async def test_the_record_is_for_keys_that_operate(tmp_path: Path) -> None:
    async with running(tmp_path, Scope.READ, Scope.TALK) as (client, key):
        assert (await client.get("/api/audit", headers=bearer(key))).status_code == 403
