"""A real recording of a real person gives a command: the sounds of Debian's package alsa-utils, at 48 kHz."""

import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from tests.system.client_fixtures import ALL, talking
from tests.system.server_fixtures import Server, running_server

SOUNDS = Path("/usr/share/sounds/alsa")
LIMIT_S = 120
COMMANDS = """
language: en
intents:
  Front:
    tool: sayso-tools/add_note
    arguments: {text: the balance is front center}
    data:
      - sentences: ["front (center|centre)"]
  Side:
    tool: sayso-tools/add_note
    arguments: {text: the balance is side left}
    data:
      - sentences: ["side left"]
"""

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not SOUNDS.is_dir(), reason="needs recordings: apt-get install alsa-utils"),
]


@pytest.fixture(scope="module")
def balancing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with a command file of the user's own."""
    folder = tmp_path_factory.mktemp("recording")
    (folder / "commands").mkdir()
    (folder / "commands" / "balance.yaml").write_text(COMMANDS)
    settings = {
        "dialogue.commands_dir": folder / "commands",
        "transcription.workers": 1,
        "inference.provider": "none",
    }
    with running_server(folder, settings) as server:
        yield server


@pytest.mark.parametrize(("name", "place"), [("Front_Center", "front center"), ("Side_Left", "side left")])
async def test_a_recorded_person_is_heard_understood_and_answered(balancing: Server, name: str, place: str) -> None:
    with wave.open(str(SOUNDS / f"{name}.wav")) as recording:
        rate, channels = recording.getframerate(), recording.getnchannels()
        pcm = recording.readframes(recording.getnframes())
    audio = {"format": "pcm_s16le", "sample_rate": rate, "channels": channels}
    block = rate * channels * 2 // 10
    with trio.fail_after(LIMIT_S):
        async with talking(balancing.url, ALL, audio=audio) as client:
            for offset in range(0, len(pcm), block):
                await client.raw(pcm[offset : offset + block])
                await trio.sleep(0.1)
            await client.raw(bytes(rate * channels * 2))
            understood = await client.next("understood")
            result = await client.next("tool_result")
            await client.next("speech_audio_end")
            completed = await client.next("turn_completed")

    assert understood["source"] == "command"
    assert understood["arguments"] == {"text": f"the balance is {place}"}
    assert result["ok"]
    assert len(client.audio) > rate // 2
    assert completed["outcome"] == "done"
