"""A client whose connection breaks in the middle of a turn comes back to the same session on a real server."""

from collections.abc import Callable

import pytest
import trio

from tests.system.client_fixtures import ALL, SILENCE, Client, connected
from tests.system.server_fixtures import Server

pytestmark = pytest.mark.system

LIMIT_S = 200
AWAY_S = 1.5  # longer than the second of silence on the line that ends an utterance of a client that is there


async def speak_until(client: Client, pcm: bytes, event: str) -> None:
    """Speak, and lose the connection when ``event`` comes."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.speak, pcm)
        await client.next(event)
        nursery.cancel_scope.cancel()
    await client.socket.abort()
    await client.closed()


async def come_back(client: Client, lost: Client) -> int:
    """Resume; return how many samples the server has."""
    accepted = lost.all("connection_accepted")[-1]
    resume = {"token": accepted["resume_token"], "last_seq": lost.events[-1]["seq"]}
    await client.tell("connection_request", client_id="test", capabilities=ALL, resume=resume)
    again = await client.next("connection_accepted")
    assert (again["resumed"], again["session_id"]) == (True, accepted["session_id"])
    assert again["resume_token"] != accepted["resume_token"]
    samples: int = again["received_samples"]
    return samples


async def until_completed(client: Client) -> None:
    """Wait for the end of the turn, which may have been told before ``connection_accepted``."""
    if not client.all("turn_completed"):
        await client.next("turn_completed")


@pytest.mark.parametrize("state", ["speech_started", "speech_stopped", "understood", "tool_call", "speech_audio_start"])
async def test_a_turn_survives_a_lost_connection_in_each_of_its_states(
    state: str, server: Server, spoken: Callable[[str], bytes]
) -> None:
    pcm = spoken("What time is it?") + SILENCE
    with trio.fail_after(LIMIT_S):
        async with connected(server.url) as first:
            await first.open()
            await speak_until(first, pcm, state)
        await trio.sleep(AWAY_S)
        async with connected(server.url) as second:
            samples = await come_back(second, first)
            await second.speak(pcm[2 * samples :])
            await until_completed(second)
    events = [*first.events, *second.events]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1)), "none twice, none lost"
    assert len([event for event in events if event["type"] == "transcript"]) == 1
    assert [event["data"]["tool"] for event in events if event["type"] == "tool_call"] == ["get_time"]
    assert second.all("turn_completed")[0]["outcome"] == "done"
    assert len(second.audio) > 8_000, "the answer is heard by who has come back"


@pytest.mark.parametrize("code", [1001, 3001, 4999])
async def test_a_client_that_closes_comes_back_though_the_answer_to_its_return_is_lost_once(
    code: int, server: Server
) -> None:
    with trio.fail_after(LIMIT_S):
        async with connected(server.url) as first:
            await first.open()
            await first.socket.close(code)
        resume = {"token": first.all("connection_accepted")[-1]["resume_token"], "last_seq": 1}
        async with connected(server.url) as cut:
            await cut.tell("connection_request", client_id="test", capabilities=ALL, resume=resume)
            await cut.socket.abort()
        async with connected(server.url) as second:
            await come_back(second, first)
            await second.tell("text", text="What time is it?")
            await second.next("turn_completed")
            await second.tell("bye")


async def test_a_client_that_closes_with_1000_has_left(server: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with connected(server.url) as first:
            await first.open()
            await first.socket.close(1000)
        resume = {"token": first.all("connection_accepted")[-1]["resume_token"], "last_seq": 1}
        async with connected(server.url) as second:
            await second.tell("connection_request", client_id="test", capabilities=ALL, resume=resume)
            assert not (await second.next("connection_accepted"))["resumed"]


async def test_an_unknown_token_opens_a_new_session(server: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with connected(server.url) as client:
            resume = {"token": "x" * 43, "last_seq": 7}
            await client.tell("connection_request", client_id="test", capabilities=ALL, resume=resume)
            accepted = await client.next("connection_accepted")
    assert not accepted["resumed"]
    assert client.events[0]["seq"] == 1
