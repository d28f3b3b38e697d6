"""Client secrets over HTTP, with the real keys."""

from pathlib import Path
from typing import Any

import pytest

from backends.ingress.http_realtime import PATH
from protocol.messages.identity import Scope
from tests.backends.ingress.test_http_access import bearer, running


async def test_a_secret_talks_and_does_no_more(tmp_path: Path) -> None:
    async with running(tmp_path, Scope.TALK, Scope.READ) as (client, key):
        assert (await client.post(PATH, json={})).status_code == 401
        wanted = {"expires_after": {"anchor": "created_at", "seconds": 60}, "session": {"type": "realtime"}}
        answer = await client.post(PATH, headers=bearer(key), json=wanted)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        made = answer.json()
        assert made["value"].startswith("ek_")
        assert made["expires_at"] == 1_060
        assert made["session"]["output_modalities"] == ["audio"]
        assert (await client.get("/v1/models", headers=bearer(made["value"]))).status_code == 200
        assert (await client.get("/api/tools", headers=bearer(made["value"]))).status_code == 403
        assert (await client.post(PATH, headers=bearer(made["value"]))).status_code == 403


async def test_a_secret_lasts_ten_minutes_and_never_longer_than_a_token(tmp_path: Path) -> None:
    async with running(tmp_path, Scope.TALK) as (client, key):
        assert (await client.post(PATH, headers=bearer(key))).json()["expires_at"] == 1_600
        answer = await client.post(PATH, headers=bearer(key), json={"expires_after": {"seconds": 7_200}})
        assert answer.json()["expires_at"] == 4_600


async def test_where_no_key_is_needed_any_secret_is_good(tmp_path: Path) -> None:
    async with running(tmp_path) as (client, _):
        made = [(await client.post(PATH, json={})).json()["value"] for _ in range(2)]
        assert made[0] != made[1]
        assert all(value.startswith("ek_") for value in made)


async def test_a_session_that_transcribes_is_one(tmp_path: Path) -> None:
    async with running(tmp_path) as (client, _):
        session = {"type": "transcription", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}
        answer = await client.post(PATH, json={"session": session})
        assert answer.json()["session"]["audio"]["input"]["transcription"]["model"] == "whisper-1"


async def test_a_key_that_may_not_talk_makes_no_secret(tmp_path: Path) -> None:
    async with running(tmp_path, Scope.READ) as (client, key):
        assert (await client.post(PATH, headers=bearer(key))).status_code == 403


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "the body must be like"),
        ({"session": 5}, "the body must be like"),
        ({"expires_after": {"seconds": 5}}, "from 10 to 7200, not 5"),
        ({"expires_after": {"anchor": "now"}}, "the body must be like"),
        ({"session": {"type": "dance"}}, "session.type stays 'realtime'"),
        ({"session": {"tools": [{"type": "mcp"}]}}, "session.tools[0]"),
        ({"session": {"tools": [{"type": "function", "name": "a b"}]}}, "a tool's name must be"),
    ],
)
async def test_what_cannot_be_served_is_400(tmp_path: Path, body: Any, words: str) -> None:
    async with running(tmp_path) as (client, _):
        answer = await client.post(PATH, json=body)
        assert answer.status_code == 400
        assert words in answer.json()["error"]["message"]
