"""Twenty people at once, each with a command of their own, on one server."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from tests.system.client_fixtures import QUIET, SILENCE, Client, talking
from tests.system.server_fixtures import Server, need_models, poll, running_server

pytestmark = pytest.mark.system

SPEAKERS = 20
LIMIT_S = 240
Call = tuple[str, dict[str, object]]


def command(number: int) -> tuple[str, Call]:
    """Return what a speaker says, and the call that must come of it; no two are alike."""
    match number % 4:
        case 0:
            minutes = number + 5
            return f"Set a timer for {minutes} minutes.", ("set_timer", {"seconds": 60 * minutes})
        case 1:
            return f"What is {number + 20} plus {number}?", ("calculate", {"expression": f"{number + 20} + {number}"})
        case 2:
            miles = number + 30
            quantity = {"value": miles, "from_unit": "miles", "to_unit": "kilometers"}
            return f"Convert {miles} miles to kilometers.", ("convert_units", quantity)
        case _:
            return f"Set a timer for {number + 20} seconds.", ("set_timer", {"seconds": number + 20})


async def test_twenty_speakers_at_once_each_get_what_they_asked_for(
    tmp_path: Path, spoken: Callable[[str], bytes]
) -> None:
    need_models(speech=True)
    commands = [command(number) for number in range(SPEAKERS)]
    recordings = [spoken(text) + SILENCE for text, _ in commands]
    heard: dict[int, Client] = {}

    async def speak(number: int) -> None:
        async with talking(server.url, QUIET) as client:
            heard[number] = client
            await client.speak(recordings[number])
            await client.next("turn_completed", timeout_s=LIMIT_S)

    with running_server(tmp_path, {"inference.provider": "none", "speech.provider": "none"}) as server:
        with trio.fail_after(LIMIT_S):
            async with trio.open_nursery() as nursery:
                for number in range(SPEAKERS):
                    nursery.start_soon(speak, number)
        poll("all sessions ended", lambda: not sessions(server))

    wrong = {
        commands[number][0]: (client.all("transcript"), client.all("tool_call"))
        for number, client in heard.items()
        if calls(client) != [plain(commands[number][1])]
    }
    assert not wrong
    assert all(len(client.all("transcript")) == 1 for client in heard.values())
    assert all(result["ok"] for client in heard.values() for result in client.all("tool_result"))
    turns = [completed["turn_id"] for client in heard.values() for completed in client.all("turn_completed")]
    assert len(set(turns)) == SPEAKERS


def sessions(server: Server) -> int:
    count: int = server.get("/api/status").json()["sessions"]
    return count


def calls(client: Client) -> list[Call]:
    return [plain((call["tool"], call["arguments"])) for call in client.all("tool_call")]


def plain(call: Call) -> Call:
    """Leave out what is empty, and spaces within an expression."""
    tool, arguments = call
    return tool, {
        name: value.replace(" ", "") if isinstance(value, str) else value for name, value in arguments.items() if value
    }
