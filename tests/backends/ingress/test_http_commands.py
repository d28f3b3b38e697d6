from typing import Any

import httpx2
import pytest
from quart_trio import QuartTrio

from backends.ingress.http_commands import MAX_COMMANDS, CommandRoute, add_command_route, commands_page
from protocol.messages.understanding import CommandSamples
from tests.backends.ingress.ingress_fixtures import serving

LIGHT = CommandSamples("en", "Light", "home", "turn_on", ("turn on the light",))
LICHT = CommandSamples("de", "Light", "home", "turn_on", ("mach das Licht an",))


async def asked(query: str, *samples: CommandSamples) -> tuple[int, Any]:
    app = QuartTrio(__name__, static_folder=None)
    add_command_route(app, CommandRoute(lambda: samples))
    async with serving(app=app) as listener, httpx2.AsyncClient() as client:
        response = await client.get(f"http://127.0.0.1:{listener.port}/api/commands{query}")
        return response.status_code, response.json()


async def test_all_languages_are_listed_with_server_tool_and_samples() -> None:
    status, page = await asked("", LIGHT, LICHT)
    assert (status, page["languages"], page["left_out"]) == (200, ["de", "en"], 0)
    assert page["commands"][0] == {
        "language": "en",
        "intent": "Light",
        "server": "home",
        "tool": "turn_on",
        "samples": ["turn on the light"],
    }


@pytest.mark.parametrize("language", ["de", "de-AT", "german", "DE"])
async def test_one_language_may_be_asked_for(language: str) -> None:
    status, page = await asked(f"?language={language}", LIGHT, LICHT)
    assert (status, [command["samples"] for command in page["commands"]]) == (200, [["mach das Licht an"]])


async def test_a_language_without_commands_has_none_and_the_others_are_named() -> None:
    status, page = await asked("?language=fr", LIGHT, LICHT)
    assert (status, page["commands"], page["languages"]) == (200, [], ["de", "en"])


@pytest.mark.parametrize("language", ["klingon", "%00", "e" * 5_000])
async def test_what_is_no_language_is_refused(language: str) -> None:
    status, page = await asked(f"?language={language}", LIGHT)
    assert status == 400
    assert "language must be a code such as en" in page["error"]


def test_the_page_is_bounded() -> None:
    long = CommandSamples("en", "Light", "home", "turn_on", ("turn on", "x" * 201))
    page = commands_page([long] * (MAX_COMMANDS + 5), None)
    assert (len(page["commands"]), page["left_out"]) == (MAX_COMMANDS, 5)
    assert page["commands"][0]["samples"] == ["turn on"]
