"""The main job, from speech to speech, on a complete server."""

import asyncio
import json
import os
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
from websockets.asyncio.client import connect

from tests.system.client_fixtures import FRAME_S, QUIET, RATE_HZ, SILENCE, talking
from tests.system.server_fixtures import PYTHONPATH, Server

pytestmark = pytest.mark.system

Spoken = Callable[[str], bytes]
LIMIT_S = 200


async def test_a_spoken_command_is_heard_understood_done_answered_and_announced_later(
    server: Server, spoken: Spoken
) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(server.url) as client:
            await client.speak(spoken("Set a timer for three seconds.") + SILENCE)
            transcript = await client.next("transcript")
            understood = await client.next("understood")
            call = await client.next("tool_call")
            result = await client.next("tool_result")
            reply = await client.next("reply")
            start = await client.next("speech_audio_start")
            await client.next("speech_audio_end")
            completed = await client.next("turn_completed")
            speech_bytes = len(client.audio)
            announced = await client.next("reply")
            await client.next("speech_audio_end")

    assert transcript["text"]
    assert 0 < transcript["confidence"] <= 1
    assert understood["source"] == "command"
    assert (call["server"], call["tool"]) == ("sayso-tools", "set_timer")
    assert call["arguments"]["seconds"] == 3
    assert result["ok"]
    assert result["call_id"] == call["call_id"]
    assert "timer" in reply["text"].lower()
    assert speech_bytes > start["sample_rate"]  # more than half a second
    assert completed["outcome"] == "done"
    assert completed["latency_ms"]["stt"] >= 0  # nothing where it was transcribed in the silence
    assert {data["turn_id"] for data in (transcript, understood, call, result, reply, start)} == {completed["turn_id"]}
    assert "done" in announced["text"]
    assert len(client.audio) > speech_bytes
    assert [event["seq"] for event in client.events] == list(range(1, len(client.events) + 1))


async def test_a_typed_question_is_answered_by_the_language_model_in_speech(server: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(server.url) as client:
            await client.tell("text", text="What is the capital of France?")
            understood = await client.next("understood")
            reply = await client.next("reply")
            completed = await client.next("turn_completed")

    assert understood["source"] == "model"
    assert "Paris" in reply["text"]
    assert completed["outcome"] == "done"
    assert client.all("speech_audio_start")
    assert len(client.audio) > 8_000


async def test_push_to_talk_transcribes_at_the_release_of_the_button(server: Server, spoken: Spoken) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET, mode="push_to_talk") as client:
            await client.speak(spoken("Stop.") + SILENCE, factor=20)  # the button is up: audio is ignored
            await client.tell("audio_start")
            await client.speak(spoken("What time is it?"), factor=4)
            await client.tell("audio_end")
            stopped = await client.next("speech_stopped")
            transcript = await client.next("transcript")
            completed = await client.next("turn_completed")

    assert stopped["reason"] == "manual"
    assert transcript["text"]
    assert completed["outcome"] == "done"
    assert [call["tool"] for call in client.all("tool_call")] == ["get_time"]
    assert len(client.all("speech_started")) == 1


async def test_silence_and_noise_are_no_command(server: Server, spoken: Spoken) -> None:
    noise = (np.random.default_rng(1).standard_normal(4 * RATE_HZ) * 1_500).astype("<i2").tobytes()
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET) as client:
            await client.speak(3 * SILENCE + noise + 2 * SILENCE, factor=4)
            await client.speak(spoken("What time is it?") + SILENCE, factor=4)  # proof that audio was processed
            await client.next("tool_call")
            await client.next("turn_completed")

    assert [call["tool"] for call in client.all("tool_call")] == ["get_time"]
    assert len(client.all("transcript")) == 1


async def test_speaking_while_an_answer_is_being_said_interrupts_it(server: Server, spoken: Spoken) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(server.url) as client:
            await client.tell("text", text="convert 1234567 miles to kilometers")
            await client.next("speech_audio_start")
            await client.speak(spoken("What day is it today?") + SILENCE)
            first = await client.next("turn_completed")
            second = await client.next("turn_completed")

    assert first["outcome"] == "interrupted"
    assert second["outcome"] == "done"
    assert [call["tool"] for call in client.all("tool_call")] == ["convert_units", "get_date"]


# --- other people's clients ----------------------------------------------------------------------


async def test_sayso_say_speaks_a_wav_file_and_prints_events(server: Server, spoken: Spoken, tmp_path: Path) -> None:
    recording = tmp_path / "command.wav"
    write_wav(recording, spoken("Set a timer for two seconds."))
    arguments = ["say", "--wav", str(recording), "--url", server.url, "--json", "--wait", "10"]

    code, output = await trio.to_thread.run_sync(run_sayso, arguments, tmp_path)
    events = [json.loads(line) for line in output.splitlines()]
    of_type = {event["type"]: event.get("data") for event in events}

    assert code == 0, output
    assert of_type["tool_call"]["arguments"]["seconds"] == 2
    assert of_type["turn_completed"]["outcome"] == "done"
    assert "done" in [event for event in events if event["type"] == "reply"][-1]["data"]["text"]
    assert sum(event["bytes"] for event in events if event["type"] == "binary") > 16_000


async def test_the_websockets_library_talks_to_it(server: Server, spoken: Spoken) -> None:
    events = await trio.to_thread.run_sync(asyncio.run, converse(server.url, spoken("What time is it?") + SILENCE))

    assert events[0]["type"] == "connection_accepted"
    assert events[-1]["data"]["outcome"] == "done"
    assert "tool_result" in {event["type"] for event in events}


async def test_the_benchmark_client_of_the_guide_gets_a_message_within_five_seconds(server: Server) -> None:
    count = await trio.to_thread.run_sync(asyncio.run, count_messages(server.url, duration_s=5.0))

    assert count >= 1


async def converse(url: str, pcm: bytes) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []

    async def speak() -> None:
        step = int(RATE_HZ * FRAME_S) * 2
        for offset in range(0, len(pcm), step):
            await ws.send(pcm[offset : offset + step])
            await asyncio.sleep(FRAME_S)

    async with asyncio.timeout(LIMIT_S), connect(url) as ws, asyncio.TaskGroup() as tasks:
        request = {"client_id": "example", "capabilities": list(QUIET)}
        await ws.send(json.dumps({"type": "connection_request", "data": request}))
        speaking = tasks.create_task(speak())
        async for frame in ws:
            events.append(json.loads(frame))
            if events[-1]["type"] == "turn_completed":
                speaking.cancel()
                break
    return events


async def count_messages(url: str, duration_s: float) -> int:
    count = 0
    async with connect(url) as ws:
        request = {"client_id": "test_client_0", "capabilities": ["stt", "llm"]}
        await ws.send(json.dumps({"type": "connection_request", "data": request}))
        try:
            async with asyncio.timeout(duration_s):
                async for _ in ws:
                    count += 1
        except TimeoutError:
            return count
    return count


def write_wav(path: Path, pcm: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm)


def run_sayso(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Run a subcommand to its end; return its exit code and what it printed."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": PYTHONPATH}
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return done.returncode, done.stdout if done.returncode == 0 else done.stdout + done.stderr
