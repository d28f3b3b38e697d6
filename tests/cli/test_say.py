import json
from functools import partial
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result

from cli import main
from cli.say import CLOSING_SILENCE_S
from cli.sound import Sound, read_wav, write_wav
from tests.cli.scripted_server import Client, scripted_server


async def run(*arguments: str) -> Result:
    """Run ``sayso say`` in a thread, beside the server of the test."""
    invoke = partial(CliRunner().invoke, main, ["say", *arguments])
    return await trio.to_thread.run_sync(invoke)


async def answer(client: Client) -> None:
    """Accept, take one command, speak and complete."""
    await client.accept()
    command = await client.receive()
    assert command == {"type": "text", "data": {"text": "what time is it"}}
    await client.send("reply", turn_id="t1", text="It is noon.")
    await client.send("speech_audio_start", turn_id="t1", format="pcm_s16le", sample_rate=22_050)
    await client.socket.send_message(b"\x01\x02\x03\x04")
    await client.send("speech_audio_end", turn_id="t1")
    await client.complete()


async def test_a_sentence_is_said_and_its_answer_shown(nursery: trio.Nursery) -> None:
    url = await scripted_server(nursery, answer)
    result = await run("what time is it", "--url", url)
    assert result.exit_code == 0, result.output
    assert "It is noon." in result.stdout
    assert "done" in result.stdout


async def test_the_language_of_what_is_said_goes_along(nursery: trio.Nursery) -> None:
    async def script(client: Client) -> None:
        assert (await client.accept())["language"] == "de"
        await client.receive()
        await client.complete()

    url = await scripted_server(nursery, script)
    assert (await run("wie spät ist es", "--language", "de", "--url", url)).exit_code == 0


async def test_a_recording_without_its_wake_word_is_said_so(
    nursery: trio.Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(client: Client) -> None:
        assert (await client.accept())["wake"] == "okay nabu"
        await trio.sleep_forever()

    monkeypatch.setattr("cli.say.SPEECH_BEGINS_S", 0.1)
    write_wav(tmp_path / "a.wav", Sound(bytes(3_200), 16_000))
    url = await scripted_server(nursery, script)
    result = await run("--wav", str(tmp_path / "a.wav"), "--fast", "--wake", "okay nabu", "--url", url)
    assert result.exit_code == 1
    assert 'the server did not hear "okay nabu" in what was sent' in result.stderr


async def test_json_is_one_event_a_line_with_audio_summarised(nursery: trio.Nursery) -> None:
    url = await scripted_server(nursery, answer)
    result = await run("what time is it", "--url", url, "--json")
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["type"] for event in events] == [
        "connection_accepted",
        "reply",
        "speech_audio_start",
        "binary",
        "speech_audio_end",
        "turn_completed",
    ]
    assert events[3]["bytes"] == 4


async def test_the_answer_is_saved_as_wav(nursery: trio.Nursery, tmp_path: Path) -> None:
    url = await scripted_server(nursery, answer)
    target = tmp_path / "answer.wav"
    result = await run("what time is it", "--url", url, "--save", str(target))
    assert result.exit_code == 0, result.output
    assert read_wav(target) == Sound(b"\x01\x02\x03\x04", 22_050)


async def test_an_answer_without_speech_is_said_so(nursery: trio.Nursery, tmp_path: Path) -> None:
    async def silent(client: Client) -> None:
        await client.accept()
        await client.complete()

    url = await scripted_server(nursery, silent)
    result = await run("hello", "--url", url, "--save", str(tmp_path / "answer.wav"))
    assert result.exit_code == 0
    assert "without speech" in result.stderr


@pytest.mark.parametrize("outcome", ["failed", "refused", "no_speech"])
async def test_a_turn_that_was_not_done_is_exit_code_3(nursery: trio.Nursery, outcome: str) -> None:
    async def script(client: Client) -> None:
        await client.accept()
        await client.complete(outcome=outcome)

    url = await scripted_server(nursery, script)
    assert (await run("hello", "--url", url)).exit_code == 3


async def test_a_server_that_dies_is_exit_code_1_in_words(nursery: trio.Nursery) -> None:
    async def script(client: Client) -> None:
        await client.accept()
        await client.socket.aclose(1012, "the server is being replaced")

    url = await scripted_server(nursery, script)
    result = await run("hello", "--url", url)
    assert result.exit_code == 1
    assert result.stderr == "sayso: the server closed the connection: 1012 the server is being replaced\n"


async def test_a_wav_file_is_spoken_whole_and_ends_in_silence(nursery: trio.Nursery, tmp_path: Path) -> None:
    sound = Sound(b"\x01\x02\x03\x04" * 800, 8_000, channels=2)
    write_wav(tmp_path / "command.wav", sound)
    heard = bytearray()
    expected = sound.with_silence(CLOSING_SILENCE_S).pcm

    async def script(client: Client) -> None:
        assert (await client.accept())["audio"] == {"format": "pcm_s16le", "sample_rate": 8_000, "channels": 2}
        while len(heard) < len(expected):
            frame = await client.receive()
            assert isinstance(frame, bytes)
            heard.extend(frame)
            if len(heard) == len(frame):
                await client.send("speech_started", turn_id="t1", at_ms=0)
        await client.complete()

    url = await scripted_server(nursery, script)
    result = await run("--wav", str(tmp_path / "command.wav"), "--fast", "--url", url)
    assert result.exit_code == 0, result.output
    assert bytes(heard) == expected


@pytest.mark.parametrize(("flags", "approves"), [(["--yes"], True), ([], False)])
async def test_without_a_terminal_only_yes_approves(nursery: trio.Nursery, flags: list[str], approves: bool) -> None:
    answers = []

    async def script(client: Client) -> None:
        await client.accept()
        await client.receive()
        await client.ask()
        answers.append(await client.receive())
        await client.complete()

    url = await scripted_server(nursery, script)
    await run("delete it", "--url", url, *flags)
    assert answers == [{"type": "confirm", "data": {"call_id": "c1", "approve": approves}}]


@pytest.mark.parametrize("arguments", [[], ["hello", "--mic"], ["hello", "--wav", "a.wav"], ["--wait", "-1", "hello"]])
async def test_what_makes_no_sense_is_exit_code_2(arguments: list[str]) -> None:
    assert (await run(*arguments)).exit_code == 2


async def test_a_file_that_is_not_there_is_exit_code_1(tmp_path: Path) -> None:
    result = await run("--wav", str(tmp_path / "missing.wav"))
    assert result.exit_code == 1
    assert "must be a PCM WAV file" in result.stderr


async def test_ctrl_c_ends_the_conversation_without_a_traceback(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_function: object) -> None:
        raise BaseExceptionGroup("", [BaseExceptionGroup("", [KeyboardInterrupt()])])

    url = await scripted_server(nursery, answer)
    monkeypatch.setattr("cli.say.trio.run", interrupted)
    result = await run("hello", "--url", url)
    assert result.exit_code == 130
    assert result.stderr == "sayso: interrupted\n"


async def test_a_server_that_is_not_there_is_answered_with_how_to_start_one() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    result = await run("hello", "--url", f"ws://127.0.0.1:{port}/ws")
    assert result.exit_code == 1
    assert f"no server at 127.0.0.1:{port}" in result.stderr
    assert "start one with `sayso serve`" in result.stderr
