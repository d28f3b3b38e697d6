"""``sayso serve --example home``: sentences, typed and spoken, that reach a house; its state is seen in its own log."""

from collections.abc import Callable, Iterator

import pytest
import trio

from tests.system.client_fixtures import QUIET, SILENCE, Client, talking
from tests.system.server_fixtures import SMALL, Server, need_models, poll, running_server

pytestmark = pytest.mark.system
LIMIT_S = 200


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with the example."""
    need_models()
    with running_server(tmp_path_factory.mktemp("home"), SMALL, flags=("--example", "home")) as server:
        poll(
            "the house is connected",
            lambda: "home" in {tool["server"] for tool in server.get("/api/tools").json()["tools"]},
        )
        yield server


async def typed(client: Client, text: str) -> tuple[str, str]:
    """Return the reply to a typed sentence, and how its turn ended."""
    await client.tell("text", text=text)
    reply = await client.next("reply")
    completed = await client.next("turn_completed")
    return reply["text"], completed["outcome"]


async def test_a_typed_light_goes_on_and_off_in_the_house(home: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(home.url, QUIET) as client:
            assert await typed(client, "turn on the hall light") == ("The hall light is on.", "done")
            poll("the house says so", lambda: "home: hall light: on at 100 percent" in home.log())
            assert await typed(client, "is the hall light on") == ("The hall light is on.", "done")
            assert await typed(client, "turn off the hall light") == ("The hall light is off.", "done")
            poll("the house says so", lambda: "home: hall light: off" in home.log())
            assert await typed(client, "is the hall light on") == ("The hall light is off.", "done")


async def test_two_commands_in_one_sentence_are_both_done_and_told_in_one_answer(home: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(home.url, QUIET) as client:
            told = await typed(client, "turn on the hall light and the bedroom light, then is the hall light on")
            assert told == ("The hall light is on. The bedroom light is on. The hall light is on.", "done")
            told = await typed(client, "order a pizza and turn off the hall light")
            assert told[0].startswith('I understood "turn off the hall light", but not "order a pizza".')
            assert await typed(client, "is the hall light on and what is two plus two") == (
                "The hall light is on. That is 4.",
                "done",
            )


async def test_the_rest_of_a_sentence_amends_it_and_undo_takes_it_back(home: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(home.url, QUIET) as client:
            assert await typed(client, "set a timer for one hour") == ("Timer set for one hour.", "done")
            told = await typed(client, "and thirty minutes")
            assert told == ("Timer set for one hour and thirty minutes.", "done")
            assert (await typed(client, "undo that"))[1] == "done"
            assert "no timer" in (await typed(client, "list my timers"))[0].lower()


async def test_a_spoken_light_goes_on_and_off_in_the_house(home: Server, spoken: Callable[[str], bytes]) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(home.url, QUIET) as client:
            await client.speak(spoken("Please turn on the kitchen light.") + SILENCE)
            assert (await client.next("reply"))["text"] == "The kitchen light is on."
            await client.next("turn_completed")
            poll("the house says so", lambda: "home: kitchen light: on at 100 percent" in home.log())
            await client.speak(spoken("Turn off the bedroom light.") + SILENCE)
            assert (await client.next("reply"))["text"] == "The bedroom light is off."
            poll("the house says so", lambda: "home: bedroom light: off" in home.log())


async def test_german_is_answered_in_german(home: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(home.url, QUIET, language="de") as client:
            assert await typed(client, "schalte das Licht im Wohnzimmer ein") == (
                "Das Licht im Wohnzimmer ist an.",
                "done",
            )


@pytest.mark.parametrize(
    ("approve", "reply"), [(False, "All right, I will not do that."), (True, "The front door is unlocked.")]
)
async def test_the_door_is_unlocked_only_with_consent(home: Server, approve: bool, reply: str) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(home.url, QUIET) as client:
            await client.tell("text", text="unlock the front door")
            asked = await client.next("confirm_request")
            assert (asked["server"], asked["tool"]) == ("home", "unlock_door")
            assert ("front door: unlocked" in home.log()) is False
            await client.tell("confirm", call_id=asked["call_id"], approve=approve)
            assert (await client.next("reply"))["text"] == reply


async def test_what_the_house_does_not_have_is_refused_in_words(home: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(home.url, QUIET) as client:
            text, outcome = await typed(client, "turn off the lights in the garage")
            assert outcome == "failed"
            assert "I know no garage here. There are: kitchen, living room, bedroom and hall." in text
            assert await typed(client, "open the garage") == ("I can't control that.", "refused")


@pytest.mark.parametrize(
    ("language", "question", "sentence", "begins"),
    [
        ("en", "what can I say", "turn on the kitchen light", "You can say, for example: "),
        ("de", "was kann ich sagen", "mach das Licht in der Küche an", "Du kannst zum Beispiel sagen: "),
    ],
)
async def test_what_can_be_said_is_listed_and_told(
    home: Server, language: str, question: str, sentence: str, begins: str
) -> None:
    page = home.get(f"/api/commands?language={language}").json()
    (light,) = [command for command in page["commands"] if command["tool"] == "turn_on_light"]
    assert (light["language"], light["server"], light["samples"][0]) == (language, "home", sentence)
    assert "/api/commands" in home.get("/openapi.json").json()["paths"]
    with trio.fail_after(LIMIT_S):
        async with talking(home.url, QUIET, language=language) as client:
            text, outcome = await typed(client, question)
            assert outcome == "done"
            assert text.startswith(begins)
            assert f'"{sentence}"' in text
            assert (await typed(client, sentence))[1] == "done"
