from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import anyio
import pytest
import trio

from sayso_client import (
    AudioAck,
    AudioFormat,
    BadFrame,
    Bounds,
    ClientOptions,
    ClientSession,
    ClientTool,
    ConnectionAccepted,
    DeliveryUnknown,
    NoServer,
    OptionChanges,
    Pong,
    ReconnectPolicy,
    Reply,
    ServerRefused,
    SessionClosed,
    SpeechAudio,
    TooManyEvents,
    TurnCompleted,
    connect,
)
from tests.sayso_client.memory_server import URL, Line, MemoryServer

FRAME = 3_200  # bytes of 100 ms


def audio(first: int, count: int) -> bytes:
    """Return frames that each tell where they belong."""
    return b"".join(bytes([number]) * FRAME for number in range(first, first + count))


@asynccontextmanager
async def talking(server: MemoryServer, **options: Any) -> AsyncIterator[tuple[ClientSession, Line]]:
    """Open a session whose first event has been received."""
    lines = []

    async def accept() -> None:
        lines.append(await server.line())
        await lines[0].accept()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(accept)
        async with connect(URL, open_stream=server.open_stream, rng=Random(1), **options) as session:
            assert isinstance(await session.receive(), ConnectionAccepted)
            yield session, lines[0]
            await session.abort()


async def lose_a_line_in_mid_utterance() -> None:
    """Ten frames; the server has three of the six that were sent when the line is lost."""
    server = MemoryServer()
    heard = []

    async def speak(session: ClientSession, first: int, count: int) -> None:
        for number in range(first, first + count):
            await session.send_audio(audio(number, 1))

    async def serve_again() -> None:
        line = await server.line()
        asked = await line.accept(resumed=True, received_samples=3 * FRAME // 2, resume_token="t2")
        assert asked["resume"] == {"token": "t1", "last_seq": 2}
        heard.append(await line.receive_audio(7 * FRAME))
        await line.send("turn_completed", turn_id="a", outcome="done", latency_ms={})

    async with talking(server) as (session, first), anyio.create_task_group() as tasks:
        await speak(session, 0, 6)
        heard.append(await first.receive_audio(3 * FRAME))
        await first.send("audio_ack", samples=FRAME // 2)
        assert await session.receive() == AudioAck(FRAME // 2)
        await first.cut()
        tasks.start_soon(serve_again)
        tasks.start_soon(speak, session, 6, 4)
        accepted = await session.receive()
        assert isinstance(accepted, ConnectionAccepted)
        assert accepted.resumed
        assert isinstance(await session.receive(), TurnCompleted)
    assert b"".join(heard) == audio(0, 10)


async def test_a_line_that_is_lost_in_mid_utterance_loses_no_audio(autojump_clock: trio.testing.MockClock) -> None:
    await lose_a_line_in_mid_utterance()


def test_a_lost_line_is_opened_again_on_asyncio_too() -> None:
    anyio.run(lose_a_line_in_mid_utterance, backend="asyncio")


async def test_events_that_were_missed_come_before_the_acceptance(autojump_clock: trio.testing.MockClock) -> None:
    server = MemoryServer()
    async with talking(server) as (session, first), anyio.create_task_group() as tasks:

        async def serve_again() -> None:
            line = await server.line()
            await line.upgrade()
            await line.receive()
            line.seq = 1
            await line.send("reply", turn_id="a", text="It is noon.")
            await line.send("turn_completed", turn_id="a", outcome="done", latency_ms={"total": 5})
            await line.accept_now(resumed=True)

        await first.cut()
        tasks.start_soon(serve_again)
        assert await session.receive() == Reply("a", "It is noon.")
        assert isinstance(await session.receive(), TurnCompleted)
        assert isinstance(await session.receive(), ConnectionAccepted)


async def test_a_lost_session_begins_anew_with_the_audio_that_was_not_sent(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server = MemoryServer()
    async with talking(server) as (session, first), anyio.create_task_group() as tasks:

        async def serve_again() -> None:
            line = await server.line()
            await trio.testing.wait_all_tasks_blocked()
            await line.accept(resumed=False, session_id="s2")
            assert await line.receive() == ("session_update", {"voice": "anna"})
            assert await line.receive_audio(FRAME) == audio(8, 1)
            await line.send("audio_ack", samples=FRAME // 2)

        await session.update(OptionChanges(voice="anna"))
        await session.send_audio(audio(7, 1))
        await first.cut()
        tasks.start_soon(serve_again)
        tasks.start_soon(session.receive)
        await trio.testing.wait_all_tasks_blocked()
        await session.send_audio(audio(8, 1))
        assert await session.receive() == AudioAck(FRAME // 2)
        assert session.accepted.session_id == "s2"


async def test_an_option_that_was_changed_is_asked_for_when_the_line_is_opened_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server = MemoryServer()
    async with talking(server) as (session, first), anyio.create_task_group() as tasks:

        async def serve_again() -> None:
            asked = await (await server.line()).accept(resumed=True)
            assert (asked["language"], asked["mode"]) == ("de", "push_to_talk")

        await session.update(OptionChanges(language="de", mode="push_to_talk"))
        assert await first.receive() == ("session_update", {"language": "de", "mode": "push_to_talk"})
        await first.cut()
        tasks.start_soon(serve_again)
        await session.receive()


async def test_an_answer_is_asked_for_as_the_protocol_says() -> None:
    async with talking(MemoryServer()) as (session, line):
        await session.respond()
        assert await line.receive() == ("respond", {})
        await session.send_text("hello", answers="on_request")
        assert await line.receive() == ("text", {"text": "hello", "answers": "on_request"})
        await session.respond("Be brief.", capabilities=("llm",))
        assert await line.receive() == ("respond", {"instructions": "Be brief.", "capabilities": ["llm"]})
        await session.respond(tools=(ClientTool("ring"),), tool_choice="ring")
        told = {"tools": [{"name": "ring", "description": "", "parameters": {}}], "tool_choice": "ring"}
        assert await line.receive() == ("respond", told)
        await session.send_tool_output("c", "It rings.")
        await session.send_tool_output("d", error="no bell")
        await session.end_audio(discard=True)
        assert await line.receive() == ("tool_output", {"call_id": "c", "output": "It rings."})
        assert await line.receive() == ("tool_output", {"call_id": "d", "output": "", "error": "no bell"})
        assert await line.receive() == ("audio_discard", {})


async def test_a_button_is_released_behind_the_audio_that_was_held_down(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server = MemoryServer()
    async with talking(server) as (session, first), anyio.create_task_group() as tasks:

        async def serve_again() -> None:
            line = await server.line()
            await line.accept(resumed=True, received_samples=FRAME // 2)
            assert await line.receive() == audio(1, 1)
            assert await line.receive() == ("audio_end", {})
            await line.send("pong")

        await session.start_audio()
        await session.send_audio(audio(0, 2))
        await session.end_audio()
        await first.cut()
        tasks.start_soon(serve_again)
        await session.receive()
        assert await session.receive() == Pong()


@pytest.mark.parametrize("code", [1002, 1008, 4008, 4090, 4999])
async def test_a_close_that_says_do_not_come_back_ends_the_session(code: int) -> None:
    async with talking(MemoryServer()) as (session, line):
        await line.close(code, "because")
        for _ in range(2):
            with pytest.raises(SessionClosed, match=f"{code} because") as caught:
                await session.receive()
            assert caught.value.code == code
        with pytest.raises(SessionClosed):
            await session.send_audio(audio(0, 1))
        with pytest.raises(SessionClosed):
            await session.send_text("hello")


async def test_the_last_words_of_a_session_are_heard_before_its_end() -> None:
    async with talking(MemoryServer()) as (session, line):
        for text in ("one", "two", "three"):
            line.queue("reply", turn_id="a", text=text)
        await line.close(1008)  # all in one piece
        assert [await session.receive() for _ in range(3)] == [Reply("a", text) for text in ("one", "two", "three")]
        with pytest.raises(SessionClosed, match="1008"):
            await session.receive()


async def test_without_a_policy_a_lost_line_is_the_end() -> None:
    async with talking(MemoryServer(), reconnect=None) as (session, line):
        await line.cut()
        with pytest.raises(SessionClosed, match="lost"):
            await session.receive()


async def test_a_server_that_goes_away_is_asked_again_when_it_said(autojump_clock: trio.testing.MockClock) -> None:
    server = MemoryServer()
    async with talking(server) as (session, first), anyio.create_task_group() as tasks:

        async def serve_again() -> None:
            line = await server.line()
            asked = await line.accept(resumed=True)
            assert asked["resume"]["token"] == "t9"

        await first.send("going_away", reason="update", deadline_ms=100, resume_token="t9", retry_after_ms=12_000)
        await session.receive()
        await first.close(1012)
        tasks.start_soon(serve_again)
        await session.receive()
    assert 12.0 <= server.opened_at[1] - server.opened_at[0] <= 12.5


async def test_a_server_that_stays_away_is_given_up_and_the_tries_grow_rarer(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server = MemoryServer()
    async with talking(server, reconnect=ReconnectPolicy(give_up_after_s=60.0)) as (session, line):
        server.is_away = True
        await line.cut()
        with pytest.raises(SessionClosed, match="nobody listens"):
            await session.receive()
    _, *tries = server.opened_at
    assert tries[1] - tries[0] < 1.0
    assert 60.0 <= tries[-1] - tries[0] <= 80.0
    assert 6 <= len(tries) <= 20


async def test_a_wait_that_is_cancelled_again_and_again_still_ends(autojump_clock: trio.testing.MockClock) -> None:
    server = MemoryServer()
    async with talking(server) as (session, first), anyio.create_task_group() as tasks:

        async def serve_again() -> None:
            await (await server.line()).accept(resumed=True)

        await first.close(1012)
        tasks.start_soon(serve_again)
        event = None
        while event is None:
            with anyio.move_on_after(1.0):
                event = await session.receive()
    assert 5.0 <= server.opened_at[1] - server.opened_at[0] <= 30.0


async def test_a_line_that_falls_silent_is_opened_again(autojump_clock: trio.testing.MockClock) -> None:
    server = MemoryServer()
    async with talking(server) as (session, _first), anyio.create_task_group() as tasks:

        async def serve_again() -> None:
            await (await server.line()).accept(resumed=True)

        tasks.start_soon(serve_again)
        assert isinstance(await session.receive(), ConnectionAccepted)
    assert server.opened_at[1] - server.opened_at[0] >= Bounds().silence_s


async def test_a_server_that_has_nothing_to_say_and_answers_pings_is_not_left(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server = MemoryServer()
    async with talking(server) as (session, line), anyio.create_task_group() as tasks:

        async def speak_at_last() -> None:
            await anyio.sleep(10 * Bounds().silence_s)
            await line.send("pong")

        tasks.start_soon(line.receive)
        tasks.start_soon(speak_at_last)
        assert await session.receive() == Pong()
        tasks.cancel_scope.cancel()
    assert len(server.opened_at) == 1


async def test_a_send_that_is_cancelled_costs_the_line_and_no_audio(autojump_clock: trio.testing.MockClock) -> None:
    server = MemoryServer(capacity=1)
    async with talking(server) as (session, _first), anyio.create_task_group() as tasks:

        async def serve_again() -> None:
            line = await server.line()
            await line.accept(resumed=True, received_samples=FRAME // 2)
            assert await line.receive_audio(3 * FRAME) == audio(1, 3)
            await line.send("pong")

        with anyio.move_on_after(1.0) as scope:
            await session.send_audio(audio(0, 2))
            await session.send_audio(audio(2, 1))
        assert scope.cancelled_caught
        tasks.start_soon(serve_again)
        await session.send_audio(audio(3, 1))
        assert isinstance(await session.receive(), ConnectionAccepted)
        assert await session.receive() == Pong()


async def test_a_typed_command_that_may_have_arrived_is_not_sent_twice(autojump_clock: trio.testing.MockClock) -> None:
    server = MemoryServer(capacity=1)
    async with talking(server) as (session, first), anyio.create_task_group() as tasks:

        async def lose() -> None:
            await trio.testing.wait_all_tasks_blocked()
            await first.cut()

        await session.send_audio(audio(0, 1))  # fills the pipe
        tasks.start_soon(lose)
        with pytest.raises(DeliveryUnknown):
            await session.send_text("switch it")


async def test_a_confirmation_is_sent_again(autojump_clock: trio.testing.MockClock) -> None:
    server = MemoryServer(capacity=1)
    async with talking(server) as (session, first), anyio.create_task_group() as tasks:

        async def lose() -> None:
            await trio.testing.wait_all_tasks_blocked()
            await first.cut()
            line = await server.line()
            await line.accept(resumed=True, received_samples=FRAME // 2)
            assert await line.receive() == ("confirm", {"call_id": "c", "approve": True})

        await session.send_audio(audio(0, 1))
        tasks.start_soon(lose)
        await session.confirm("c", approve=True)


async def test_audio_waits_for_the_server_beyond_its_bound(autojump_clock: trio.testing.MockClock) -> None:
    async with talking(MemoryServer(), bounds=Bounds(audio_s=0.2)) as (session, line):
        await session.send_audio(audio(0, 2))
        with anyio.move_on_after(1.0) as scope:
            await session.send_audio(audio(2, 1))
        assert scope.cancelled_caught
        await line.send("audio_ack", samples=FRAME)
        await session.send_audio(audio(2, 1))
        assert await line.receive_audio(3 * FRAME) == audio(0, 3)


async def test_unreceived_events_stop_the_audio(autojump_clock: trio.testing.MockClock) -> None:
    async with talking(MemoryServer(), bounds=Bounds(audio_s=0.1, events=2)) as (session, line):
        await session.send_audio(audio(0, 1))
        for _ in range(2):
            await line.send("pong")
        with pytest.raises(TooManyEvents, match="2 are waiting"):
            await session.send_audio(audio(1, 1))


async def test_bye_lets_the_turn_finish_and_ends_the_iteration() -> None:
    async with talking(MemoryServer()) as (session, line):
        await session.send_text("goodbye")
        await session.bye()
        assert await line.receive() == ("text", {"text": "goodbye"})
        assert await line.receive() == ("bye", {})
        await line.send("reply", turn_id="a", text="Bye.")
        await line.close(1000)
        assert [event async for event in session] == [Reply("a", "Bye.")]


async def test_speech_comes_with_what_is_needed_to_play_it() -> None:
    async with talking(MemoryServer()) as (session, line):
        await line.send_raw(b"\1\2")
        with pytest.raises(BadFrame, match="before speech_audio_start"):
            await session.receive()
        await line.send("speech_audio_start", turn_id="a", format="pcm_s16le", sample_rate=22_050)
        await line.send_raw(b"\1\2")
        await session.receive()
        assert await session.receive() == SpeechAudio("a", "pcm_s16le", 22_050, b"\1\2")


async def refused(server: MemoryServer, serve: Any) -> ServerRefused:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        with pytest.raises(ServerRefused) as caught:
            await connect(URL, open_stream=server.open_stream).__aenter__()
    return caught.value


async def test_a_refusal_says_why_and_when_to_come_back() -> None:
    server = MemoryServer()

    async def serve() -> None:
        line = await server.line()
        await line.upgrade()
        await line.receive()
        await line.send("connection_refused", reason="no capacity", retry_after_ms=2_500)

    error = await refused(server, serve)
    assert str(error) == "the server refused: no capacity; try again in 2.5 s"
    assert (error.status, error.retry_after_s) == (None, 2.5)


async def test_a_handshake_that_is_refused_says_its_status() -> None:
    server = MemoryServer()

    async def serve() -> None:
        await (await server.line()).reject(503, "the server is full", Retry_After="5")

    error = await refused(server, serve)
    assert str(error) == "the server refused the connection: 503 the server is full; try again in 5 s"
    assert (error.status, error.retry_after_s) == (503, 5.0)


async def test_a_mistake_in_the_options_is_said_by_the_server() -> None:
    server = MemoryServer()

    async def serve() -> None:
        line = await server.line()
        await line.upgrade()
        await line.receive()
        await line.send("error", code="bad_field", message="no such language", fatal=False)

    assert "no such language" in str(await refused(server, serve))


async def test_a_server_that_accepts_the_connection_and_says_nothing_is_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server = MemoryServer()
    lines = []

    async def serve() -> None:
        lines.append(await server.line())
        await lines[0].upgrade()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        with pytest.raises(NoServer, match="does not answer"):
            async with connect(URL, open_stream=server.open_stream):
                pass


async def test_a_client_introduces_itself() -> None:
    server = MemoryServer()
    seen: list[Any] = []

    async def serve() -> None:
        line = await server.line()
        seen.extend([await line.accept(), line.request.headers])
        await line.close(1000)

    options = ClientOptions("phone", ("stt", "tts"), AudioFormat("opus", 48_000), language="de")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        headers = {"Authorization": "Bearer key"}
        async with connect(URL, options, headers=headers, open_stream=server.open_stream):
            pass
    assert seen[0] == {
        "client_id": "phone",
        "capabilities": ["stt", "tts"],
        "audio": {"format": "opus", "sample_rate": 48_000, "channels": 1},
        "language": "de",
    }
    assert seen[1]["Authorization"] == "Bearer key"
    assert "Origin" not in seen[1]
