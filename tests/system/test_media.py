"""The decoder's real process: killed, stopped and starved while it has recordings in work."""

import os
import signal
from pathlib import Path

import pytest
import trio

from protocol.messages.recordings import DecodedBlock, RecordingRefused
from tests.backends.speech.sounds import sound, wav
from tests.runtime.process_fixtures import until
from tests.system.media_fixtures import Decoder, decoding

pytestmark = pytest.mark.system

LIMIT_S = 240
LONG = sound(*[("loud", 7), ("quiet", 4)] * 6)


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """Return a file that is read in three blocks."""
    path = tmp_path / "long"
    path.write_bytes(wav(LONG).getvalue())
    return path


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "short"
    path.write_bytes(wav(sound(("loud", 1))).getvalue())
    return path


async def test_a_recording_goes_on_in_another_process_when_its_own_has_died(long: Path) -> None:
    with trio.fail_after(LIMIT_S):
        async with decoding() as decoder:
            first = await decoder.read(long)
            assert isinstance(first, DecodedBlock)
            os.kill(decoder.pid, signal.SIGKILL)
            await until(lambda: decoder.worker.restarts == 1)
            second = await decoder.read(long, len(first.pcm) // 2)
    assert isinstance(second, DecodedBlock)
    assert second.pcm
    assert LONG.startswith(first.pcm + second.pcm)


async def stop_and_read(decoder: Decoder, path: Path) -> RecordingRefused:
    """Have the process hang as native code would, with a recording in work."""
    os.kill(decoder.pid, signal.SIGSTOP)
    found = await decoder.read(path)
    assert isinstance(found, RecordingRefused)
    return found


async def test_a_recording_that_hangs_is_refused_and_the_next_one_is_served(long: Path, short: Path) -> None:
    with trio.fail_after(LIMIT_S):
        async with decoding(job_timeout_s=1.0) as decoder:
            for deaths in (1, 2, 3):
                refused = await stop_and_read(decoder, long)
                assert refused.reason == "this recording could not be decoded within 1 s"
                assert await decoder.read_all(short) == 16_000
                assert decoder.worker.restarts == deaths


async def test_what_waits_behind_a_recording_that_hangs_is_served_too(long: Path, short: Path) -> None:
    found: list[object] = []

    async def read_short() -> None:
        found.append(await decoder.read_all(short))

    with trio.fail_after(LIMIT_S):
        async with decoding(job_timeout_s=1.0) as decoder, trio.open_nursery() as nursery:
            nursery.start_soon(stop_and_read, decoder, long)
            await until(lambda: decoder.worker.state == "busy")
            nursery.start_soon(read_short)
    assert found == [16_000]
