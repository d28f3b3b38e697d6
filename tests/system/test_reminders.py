"""A real server and its built-in tools: what is due is told to the session, and after a restart to the next one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from tests.system.client_fixtures import QUIET, Client, talking
from tests.system.server_fixtures import SMALL, Server, need_models, poll, running_server

pytestmark = pytest.mark.system
LIMIT_S = 200


@contextmanager
def serving(folder: Path, name: str) -> Iterator[Server]:
    """Run a server with the data of ``folder``, and wait for its tools."""
    need_models()
    (folder / name).mkdir()
    with running_server(folder / name, SMALL | {"supervisor.data_dir": folder / "data"}) as server:
        poll("the built-in tools are up", lambda: is_up(server), timeout_s=120)
        yield server


def is_up(server: Server) -> bool:
    found: bool = server.actor("tools.sayso-tools")["statistics"]["is_up"]
    return found


async def typed(client: Client, text: str) -> str:
    """Return the reply to a typed sentence."""
    await client.tell("text", text=text)
    reply = await client.next("reply")
    await client.next("turn_completed")
    return str(reply["text"])


async def test_a_reminder_is_told_in_its_session_and_one_that_was_missed_after_a_restart(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_S):
        with serving(tmp_path, "first") as server:
            async with talking(server.url, QUIET) as client:
                said = await typed(client, "remind me to call mom in two seconds")
                assert said == "I will remind you in two seconds: call mom."
                announced = await client.next("reply")
                assert announced["text"] == "Your reminder: call mom."
                await client.next("turn_completed")
                said = await typed(client, "remind me in six seconds to check the oven")
                assert said == "I will remind you in six seconds: check the oven."
        with serving(tmp_path, "second") as server:
            async with talking(server.url, QUIET) as client:
                announced = await client.next("reply")
                assert announced["text"].endswith(": check the oven.")
                await client.next("turn_completed")
                assert await typed(client, "what are my reminders") == "There are no reminders."
