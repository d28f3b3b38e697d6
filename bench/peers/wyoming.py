"""Home Assistant's recogniser as a server: wyoming-faster-whisper, behind the detector of the guide's design.

It is what ``sayso bench capacity --peer wyoming`` measures ours against. wyoming-faster-whisper transcribes what it is
told is an utterance, one after the other; who asks decides when speech has ended. Here the energy detector of
``guide.py`` does, with the same half second of silence, and each utterance goes over a connection of its own, in pieces
of 1,024 samples. It transcribes only: no commands, no tools, no speech.

    python -m bench.peers.wyoming --model FOLDER --ready-file FILE
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from socket import create_connection, create_server
from typing import Any, Final

from bench.peers.guide import CHUNK_BYTES, RATE_HZ, flags, serve

AUDIO: Final[Mapping[str, int]] = {"rate": RATE_HZ, "width": 2, "channels": 1}
START_TIMEOUT_S: Final = 100.0
ANSWER_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 5.0
POLL_S: Final = 0.1


def encoded(kind: str, data: Mapping[str, object], payload: bytes = b"") -> bytes:
    """Return an event of the Wyoming protocol."""
    head = {"type": kind, "data": dict(data), "payload_length": len(payload)}
    return json.dumps(head).encode() + b"\n" + payload


def question(pcm: bytes) -> bytes:
    """Return all events that ask for the words of one utterance."""
    pieces = [pcm[at : at + CHUNK_BYTES] for at in range(0, len(pcm), CHUNK_BYTES)]
    return b"".join(
        [
            encoded("transcribe", {"language": "en"}),
            encoded("audio-start", AUDIO),
            *(encoded("audio-chunk", AUDIO, piece) for piece in pieces),
            encoded("audio-stop", {}),
        ]
    )


async def heard(reader: asyncio.StreamReader) -> str:
    """Return the text of the transcript that comes; raises ``EOFError`` if the server ends before."""
    while line := await reader.readline():
        head = json.loads(line)
        data: dict[str, Any] = head.get("data") or {}
        data |= json.loads(await reader.readexactly(size)) if (size := head.get("data_length") or 0) else {}
        await reader.readexactly(head.get("payload_length") or 0)
        if head["type"] == "transcript":
            return str(data["text"]).strip()
    raise EOFError("wyoming-faster-whisper has closed the connection without a transcript")


async def hear(port: int, pcm: bytes) -> str:
    """Return the words of an utterance."""
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(question(pcm))
            await writer.drain()
            return await heard(reader)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def command_of(model: str, port: int, folder: str) -> list[str]:
    """Return the command of the server, with the settings of ours: 8-bit numbers and a beam of 5."""
    return [
        *(sys.executable, "-m", "wyoming_faster_whisper", "--uri", f"tcp://127.0.0.1:{port}"),
        *("--model", model, "--stt-library", "faster-whisper", "--language", "en", "--beam-size", "5"),
        *("--compute-type", "int8", "--data-dir", folder, "--download-dir", folder),
    ]


def wait_until_listening(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait for the server; exits where it ends or does not listen in time."""
    until_s = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < until_s:
        with suppress(OSError), create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(POLL_S)
    sys.exit("wyoming-faster-whisper does not listen")


def main() -> None:
    """Serve until SIGTERM."""
    options = flags("wyoming").parse_args()
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command_of(str(Path(options.model)), port, folder))
        try:
            wait_until_listening(port, process)
            asyncio.run(hear(port, bytes(2 * RATE_HZ)))  # what is slow once is not measured
            serve(partial(hear, port), options.ready_file)
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()
