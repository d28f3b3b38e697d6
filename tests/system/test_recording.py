"""A real recording of a real person: the sounds that come with Debian's package alsa-utils, at 48 kHz."""

import wave
from pathlib import Path

import pytest
import trio

from tests.system.client_fixtures import QUIET, talking
from tests.system.server_fixtures import Server

SOUNDS = Path("/usr/share/sounds/alsa")
LIMIT_S = 30

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not SOUNDS.is_dir(), reason="needs recordings: apt-get install alsa-utils"),
]


@pytest.mark.parametrize(("name", "word"), [("Front_Center", "center"), ("Side_Left", "left")])
async def test_a_recorded_person_is_heard(server: Server, name: str, word: str) -> None:
    with wave.open(str(SOUNDS / f"{name}.wav")) as recording:
        rate, channels = recording.getframerate(), recording.getnchannels()
        pcm = recording.readframes(recording.getnframes())
    audio = {"format": "pcm_s16le", "sample_rate": rate, "channels": channels}
    block = rate * channels * 2 // 10
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET, audio=audio) as client:
            for offset in range(0, len(pcm), block):
                await client.raw(pcm[offset : offset + block])
                await trio.sleep(0.1)
            await client.raw(bytes(rate * channels * 2))
            transcript = await client.next("transcript")

    assert word in transcript["text"].lower()
