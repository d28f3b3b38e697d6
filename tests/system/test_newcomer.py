"""A newcomer's first conversation, by voice, with a server on its defaults and the example home.

One server, one session. What is asserted are the calls of tools and the texts of answers.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import pytest
import trio

from bench.accuracy.pauses import paused
from tests.system.client_fixtures import QUIET, SILENCE, Client, talking
from tests.system.server_fixtures import Server, need_models, poll, running_server

pytestmark = pytest.mark.system
LIMIT_S: Final = 240
PAUSE_S: Final = 0.6
DEFAULTS: Final[Mapping[str, object]] = {"transcription.workers": 1, "transcription.embedded.spare_workers": 0}
"""All else is as shipped; one recogniser is enough for one voice."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with the example."""
    need_models()
    with running_server(tmp_path_factory.mktemp("newcomer"), DEFAULTS, flags=("--example", "home")) as server:
        wanted = {"home", "sayso-tools"}
        poll(
            "the tools are connected",
            lambda: wanted <= {tool["server"] for tool in server.get("/api/tools").json()["tools"]},
        )
        yield server


def calls(client: Client) -> list[tuple[str, dict[str, Any]]]:
    """Return the tools that were called so far, with their arguments."""
    return [(call["tool"], call["arguments"]) for call in client.all("tool_call")]


async def told(client: Client, pcm: bytes) -> str:
    """Say something and return the answer to it, when its turn is over."""
    await client.speak(pcm + SILENCE)
    reply: str = (await client.next("reply"))["text"]
    await client.next("turn_completed")
    return reply


async def test_a_newcomer_is_understood_from_the_first_sentence(home: Server, spoken: Callable[[str], bytes]) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(home.url, QUIET) as client:
            assert await told(client, spoken("Please turn on the kitchen light.")) == "The kitchen light is on."
            assert await told(client, spoken("Turn off the kitchen light.")) == "The kitchen light is off."
            assert (
                await told(client, spoken("Wake me up at seven tomorrow morning."))
                == "Alarm set for 7 tomorrow morning."
            )
            reminder = spoken("Remind me in two seconds to check the oven.")
            assert await told(client, reminder) == "I will remind you in two seconds: check the oven."
            assert (await client.next("reply"))["text"] == "Your reminder: check the oven."
            await client.next("turn_completed")
            two = spoken("Set a timer for five minutes and a timer for ten minutes.")
            assert await told(client, two) == "Timer set for five minutes. Timer set for ten minutes."
            with_pause = paused(np.frombuffer(spoken("Set a timer for, thirty minutes."), dtype="<i2"), PAUSE_S)
            assert await told(client, with_pause.tobytes()) == "Timer set for thirty minutes."
            assert await told(client, spoken("Order a pizza.")) == "I can't order or book things."
            help_text = await told(client, spoken("What can I say?"))
            assert help_text.startswith('You can say, for example: "turn on the kitchen light"')
    called = calls(client)
    assert called[:3] == [
        ("turn_on_light", {"where": "kitchen"}),
        ("turn_off_light", {"where": "kitchen"}),
        ("set_alarm", called[2][1]),
    ]
    assert called[3] == ("set_reminder", {"text": "check the oven", "when": "in 2 seconds"})
    assert called[4:] == [("set_timer", {"seconds": seconds}) for seconds in (300, 600, 1_800)]
    assert len(client.all("turn_completed")) == len(client.all("reply")) == 9, "a turn for each, and for the reminder"


async def test_a_spoken_no_leaves_the_door_locked(home: Server, spoken: Callable[[str], bytes]) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(home.url, QUIET) as client:
            await client.speak(spoken("Unlock the front door.") + SILENCE)
            assert (await client.next("confirm_request"))["tool"] == "unlock_door"
            await client.speak(spoken("No.") + SILENCE)
            assert (await client.next("reply"))["text"] == "All right, I will not do that."
            assert calls(client) == []


async def test_a_spoken_no_leaves_the_notes(home: Server, spoken: Callable[[str], bytes]) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(home.url, QUIET) as client:
            await client.speak(spoken("Delete all notes.") + SILENCE)
            assert (await client.next("confirm_request"))["tool"] == "delete_note"
            await client.speak(spoken("No.") + SILENCE)
            assert (await client.next("reply"))["text"] == "All right, I will not do that."
            assert calls(client) == []


async def test_all_notes_are_deleted_and_come_back(home: Server, spoken: Callable[[str], bytes]) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(home.url, QUIET) as client:
            assert await told(client, spoken("Take a note that the car needs oil.")) == "Noted: the car needs oil."
            await client.speak(spoken("Delete all notes.") + SILENCE)
            asked = await client.next("confirm_request")
            await client.tell("confirm", call_id=asked["call_id"], approve=True)
            assert (await client.next("reply"))["text"] == "One note deleted."
            await client.next("turn_completed")
            assert await told(client, spoken("Take that back.")) == "That is undone."
    assert [tool for tool, _ in calls(client)] == ["add_note", "delete_note", "undo_change"]
