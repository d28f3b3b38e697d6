"""Each attack is refused with its own answer while a session goes on; ``sayso bench attacks`` has the full sizes."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio

from bench.hostile import attacker
from bench.hostile.attacker import ATTACKS, Target
from tests.system.client_fixtures import QUIET, Client, connected
from tests.system.server_fixtures import SMALL, Server, need_models, poll, running_server
from tests.system.test_keys_and_tls import new_key

pytestmark = pytest.mark.system

LIMIT_S = 120
COUNTS = {"key guessing": 200, "half-open": 300, "slow-loris": 100, "ping flood": 5_000}
FEW = 4  # of every other attack


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str, Target]]:
    """A server with few places for connections, the key of its user, and what an attacker has."""
    need_models()
    folder = tmp_path_factory.mktemp("attacked")
    anna, mallory = (new_key(folder, name, "--user", name) for name in ("anna", "mallory"))
    limits = {"gateway.max_http_connections": 100, "gateway.head_timeout_s": 2}
    with running_server(folder, SMALL | limits) as server:
        target = Target(server.port, mallory)
        short = token(target, expires_in_s=1)
        asked = ("GET /api/commands", f"Authorization: Bearer {short}")
        poll("the token is over", lambda: attacker.request(target, *asked) == "401")
        yield server, anna, attrs.evolve(target, expired_token=short, used_token=used(target))


def token(target: Target, **wanted: object) -> str:
    with attacker.connected(target) as stream:
        body = json.dumps(wanted).encode()
        head = f"POST /api/tokens HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {target.key}\r\n"
        stream.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        data = b""
        while more := stream.recv(65_536):
            data += more
    made: str = json.loads(data.partition(b"\r\n\r\n")[2])["token"]
    return made


def used(target: Target) -> str:
    once = token(target, single_use=True)
    assert attacker.request(target, "GET /api/commands", f"Authorization: Bearer {once}") == "200"
    return once


@asynccontextmanager
async def talking_as(server: Server, key: str) -> AsyncIterator[tuple[Client, str]]:
    """Hold a session of the user with ``key``; gives its client and its resume token."""
    headers = {"Authorization": f"Bearer {key}"}
    with trio.fail_after(LIMIT_S):
        async with connected(server.url, **headers) as client:
            await client.tell("connection_request", client_id="anna", capabilities=QUIET)
            accepted = await client.next("connection_accepted")
            yield client, accepted["resume_token"]


async def ask(client: Client) -> None:
    await client.tell("text", text="what is 6 times 7")
    assert "42" in (await client.next("reply"))["text"]
    assert (await client.next("turn_completed"))["outcome"] == "done"


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_is_refused_and_a_session_goes_on(attacked: tuple[Server, str, Target], name: str) -> None:
    server, anna, target = attacked
    attack, count = ATTACKS[name], COUNTS.get(name, FEW)
    async with talking_as(server, anna) as (client, resume_token), trio.open_nursery() as nursery:
        hostile = attrs.evolve(target, resume_token=resume_token)
        ends: list[attacker.Ends] = []

        async def strike() -> None:
            ends.append(await trio.to_thread.run_sync(attack.run, hostile, count))

        nursery.start_soon(strike)
        while not ends:
            await ask(client)
    assert set(ends[0]) <= attack.answers, ends
    log = server.log()
    assert "Traceback" not in log
    for secret in (anna, target.key, target.used_token, "the server is owned\x1b"):
        assert secret not in log


async def test_after_all_of_them_others_are_served(attacked: tuple[Server, str, Target]) -> None:
    server, anna, _ = attacked
    assert server.get("/health").status == 200
    async with talking_as(server, anna) as (client, _token):
        await ask(client)
    assert [line for line in server.log().splitlines() if line.startswith("2026-01-01 [error]")] == []
