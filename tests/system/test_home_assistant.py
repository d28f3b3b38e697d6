"""sayso and a fake Home Assistant: typed commands act there, new names are understood, and a revoked token is told."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
import trio

from tests.fake_home_assistant import TOKEN
from tests.system.client_fixtures import QUIET, Client, talking
from tests.system.server_fixtures import PYTHONPATH, SMALL, Server, need_models, poll, running_server

pytestmark = pytest.mark.system
SCRIPT: Final = Path(__file__).parent / "servers" / "home_assistant_server.py"
LIMIT_S: Final = 200


@attrs.frozen
class Home:
    """The running fake."""

    url: str

    def post(self, page: str, **body: object) -> None:
        """Change it."""
        data = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/test/{page}", data, headers), timeout=60):
            pass

    def calls(self) -> list[list[Any]]:
        """Return the tool calls that it has had."""
        with urllib.request.urlopen(f"{self.url}/test/calls", timeout=60) as answer:
            found: list[list[Any]] = json.load(answer)
            return found


@contextmanager
def running_home() -> Iterator[Home]:
    """Run a fake Home Assistant for the block."""
    environment = {"PYTHONPATH": PYTHONPATH}
    with subprocess.Popen([sys.executable, str(SCRIPT)], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield Home(process.stdout.readline().strip())
        finally:
            process.kill()


@contextmanager
def connected(folder: Path, home: Home) -> Iterator[Server]:
    """Run a server that has connected to the home."""
    need_models()
    settings = {**SMALL, "home_assistant.url": home.url, "home_assistant.token": TOKEN}
    with running_server(folder, settings) as server:
        poll("the names are there", lambda: names_of(server)["is_up"])
        poll(
            "the tools are there",
            lambda: "home-assistant" in {tool["server"] for tool in server.get("/api/tools").json()["tools"]},
        )
        yield server


def names_of(server: Server) -> dict[str, Any]:
    """Return the figures of the actor that keeps the names."""
    tools = next(child for child in server.get("/api/status").json()["tree"]["children"] if child["id"] == "tools")
    statistics = next(child for child in tools["children"] if child["id"] == "tools.names")["statistics"]
    return {"trouble": None, **statistics}


async def typed(client: Client, text: str) -> tuple[str, str]:
    """Return the reply to a typed sentence, and how its turn ended."""
    await client.tell("text", text=text)
    reply = await client.next("reply")
    completed = await client.next("turn_completed")
    return reply["text"], completed["outcome"]


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with running_home() as found:
        yield found


@pytest.fixture(scope="module")
def server(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with connected(tmp_path_factory.mktemp("home_assistant"), home) as found:
        yield found


async def test_a_typed_light_goes_on(home: Home, server: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET) as client:
            assert await typed(client, "turn on the cooking lamp") == ("Turned on the light.", "done")
            assert home.calls()[-1] == ["HassTurnOn", {"name": "cooking lamp"}]
            assert await typed(client, "turn off the lights in the kitchen") == ("Turned off the lights.", "done")
            assert home.calls()[-1] == ["HassTurnOff", {"area": "Kitchen", "domain": ["light"]}]


async def test_which_lamp_is_asked_and_answered(home: Home, server: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET) as client:
            reply, _ = await typed(client, "turn on the lamp")
            assert reply == "There are several called Lamp: Bedroom, Kitchen. Which one?"
            assert await typed(client, "the bedroom one") == ("Turned on the light.", "done")
            assert home.calls()[-1] == ["HassTurnOn", {"name": "Lamp", "area": "Bedroom"}]


async def test_a_door_is_unlocked_only_with_consent(home: Home, server: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET) as client:
            await client.tell("text", text="unlock the front door")
            asked = await client.next("confirm_request")
            assert (asked["server"], asked["tool"]) == ("home-assistant", "unlock_door")
            await client.tell("confirm", call_id=asked["call_id"], approve=True)
            assert (await client.next("reply"))["text"] == "Unlocking."
            assert home.calls()[-1] == ["HassTurnOff", {"name": "Front Door"}]


async def test_what_is_not_exposed_is_no_command(home: Home, server: Server) -> None:
    before = home.calls()
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET) as client:
            _, outcome = await typed(client, "turn on the attic light")
            assert outcome == "refused"
    assert home.calls() == before


async def test_a_new_name_is_understood_soon(home: Home, server: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET) as client:
            before = names_of(server)["reads"]
            home.post("rename", entity_id="light.kitchen", name="Moonbeam")
            await trio.to_thread.run_sync(poll, "the names are read", lambda: names_of(server)["reads"] > before)
            assert await typed(client, "turn on the moonbeam") == ("Turned on the light.", "done")
            assert home.calls()[-1] == ["HassTurnOn", {"name": "Moonbeam"}]


async def test_a_revoked_token_is_told_and_nothing_else_suffers(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_S), running_home() as home, connected(tmp_path, home) as server:
        async with talking(server.url, QUIET) as client:
            home.post("revoke")
            await trio.to_thread.run_sync(
                poll,
                "the status says so",
                lambda: "does not accept the token" in (names_of(server)["trouble"] or ""),
            )
            reply, outcome = await typed(client, "turn on the cooking lamp")
            assert outcome == "failed"
            assert "does not accept the credentials" in reply
            assert (await typed(client, "what is two plus three")) == ("That is 5.", "done")
    assert server.log().count("does not accept the token") == 1
    assert TOKEN not in server.log()
