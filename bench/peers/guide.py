"""The design of the performance guide as a server: FastAPI on uvicorn, and faster-whisper in a pool of processes.

It is what ``sayso bench capacity --peer guide`` measures ours against, so it is as good as that design allows in a
small program: one asyncio loop, an energy detector with the guide's threshold, PROCESS_POOL_SIZE processes with the
model loaded before the first request, no work in the loop but the detector. It transcribes only: no commands, no
tools, no speech. It speaks as much of sayso's protocol as a caller needs, so that the same callers measure both.

    python -m bench.peers.guide --model FOLDER --ready-file FILE --processes 2
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

RATE_HZ: Final = 16_000
CHUNK_BYTES: Final = 2 * 1_024  # the guide's AUDIO_CHUNK_SIZE in samples
SILENCE: Final = 0.01  # the guide's silence_threshold, of full scale
END_S: Final = 0.5  # of silence that ends an utterance, as in ours
PRE_ROLL_S: Final = 0.3
LEAST_S: Final = 0.2
FULL_SCALE: Final = 32_768.0
ACCEPTED: Final = {
    "session_id": "peer",
    "resume_token": "none",
    "resume_window_s": 0.0,
    "server": {"name": "guide", "version": "1"},
    "audio": {"format": "pcm_s16le", "sample_rate": RATE_HZ, "channels": 1},
    "limits": {"max_message_bytes": 1 << 20, "max_utterance_s": 60.0, "idle_timeout_s": 300.0},
    "protocol": 1,
}


Hear = Callable[[bytes], Awaitable[str]]
"""Transcribes one utterance: 16 kHz mono s16le."""


# --- the model, in processes of its own ----------------------------------------------------------


class Recognition:
    """The model of one process."""

    model: Any = None

    @classmethod
    def load(cls, folder: str, threads: int) -> None:
        """Load the model once, when the process starts."""
        from faster_whisper import WhisperModel  # noqa: PLC0415 - in the worker's process only

        cls.model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads)

    @classmethod
    def text(cls, pcm: bytes) -> str:
        """Transcribe 16 kHz mono s16le."""
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / FULL_SCALE
        segments, _ = cls.model.transcribe(samples, language="en", beam_size=5)
        return "".join(segment.text for segment in segments).strip()


# --- one connection ------------------------------------------------------------------------------


class Utterances:
    """Cuts a stream of samples into utterances by its energy."""

    def __init__(self) -> None:
        self._waiting = b""
        self._kept = bytearray()
        self._voiced_bytes = 0
        self._silent_bytes = 0

    def add(self, pcm: bytes) -> list[bytes]:
        """Take samples; returns the utterances that they end."""
        self._waiting += pcm
        ended: list[bytes] = []
        while len(self._waiting) >= CHUNK_BYTES:
            chunk, self._waiting = self._waiting[:CHUNK_BYTES], self._waiting[CHUNK_BYTES:]
            if (utterance := self._take(chunk)) is not None:
                ended.append(utterance)
        return ended

    def _take(self, chunk: bytes) -> bytes | None:
        samples = np.frombuffer(chunk, dtype="<i2").astype(np.float32) / FULL_SCALE
        is_silent = float(np.sqrt(np.mean(samples**2))) < SILENCE
        self._kept += chunk
        if not is_silent:
            self._voiced_bytes += len(chunk)
        self._silent_bytes = self._silent_bytes + len(chunk) if is_silent else 0
        if not self._voiced_bytes:
            del self._kept[: -round(2 * RATE_HZ * PRE_ROLL_S)]
        if not self._voiced_bytes or self._silent_bytes < 2 * RATE_HZ * END_S:
            return None
        utterance, is_long = bytes(self._kept), self._voiced_bytes >= 2 * RATE_HZ * LEAST_S
        self._kept.clear()
        self._voiced_bytes = self._silent_bytes = 0
        return utterance if is_long else None


class Client:
    """One WebSocket: samples in, events out, one utterance after the other."""

    def __init__(self, websocket: WebSocket, hear: Hear) -> None:
        self._websocket = websocket
        self._hear = hear
        self._seq = count(1)
        self._turn = count(1)

    async def talk(self) -> None:
        """Serve the client until it leaves."""
        utterances, queue = Utterances(), asyncio.Queue[bytes](maxsize=8)
        answering = asyncio.create_task(self._answer(queue))
        try:
            while True:
                message = await self._websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if message.get("text"):
                    await self._take(json.loads(message["text"]))
                elif message.get("bytes"):
                    for utterance in utterances.add(message["bytes"]):
                        await queue.put(utterance)
        finally:
            answering.cancel()

    async def _take(self, event: dict[str, Any]) -> None:
        match event.get("type"):
            case "connection_request":
                await self._send("connection_accepted", **ACCEPTED)
            case "ping":
                await self._send("pong", **event.get("data", {}))

    async def _answer(self, queue: "asyncio.Queue[bytes]") -> None:
        while True:
            utterance = await queue.get()
            turn_id = f"t{next(self._turn)}"
            await self._send("speech_started", turn_id=turn_id, at_ms=0)
            await self._send("speech_stopped", turn_id=turn_id, at_ms=0, reason="silence")
            text = await self._hear(utterance)
            span = {"start_ms": 0, "end_ms": 0}
            await self._send("transcript", turn_id=turn_id, text=text, language="en", confidence=1.0, audio=span)
            await self._send("reply", turn_id=turn_id, text=text)
            await self._send("turn_completed", turn_id=turn_id, outcome="done", latency_ms={})

    async def _send(self, kind: str, **data: Any) -> None:
        await self._websocket.send_json({"type": kind, "seq": next(self._seq), "data": data})


# --- the server ----------------------------------------------------------------------------------


def make_app(hear: Hear, on_ready: Callable[[], object]) -> FastAPI:
    """Return the application, which transcribes by ``hear``; it calls ``on_ready`` when it starts."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        on_ready()
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "healthy"}

    @app.get("/api/status")
    async def status() -> dict[str, str]:
        return {"status": "healthy"}

    @app.websocket("/ws")
    async def websocket(client: WebSocket) -> None:
        await client.accept()
        try:
            await Client(client, hear).talk()
        except WebSocketDisconnect:
            return

    return app


def serve(hear: Hear, ready_file: Path) -> None:
    """Serve on a free port of the loopback until SIGTERM; ``ready_file`` gets the address once it does."""
    with socket.create_server(("127.0.0.1", 0), backlog=2_048) as listening:
        address = f"ws://127.0.0.1:{listening.getsockname()[1]}/ws\n"
        app = make_app(hear, partial(ready_file.write_text, address))
        uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on")).run(sockets=[listening])


def flags(name: str) -> argparse.ArgumentParser:
    """Return the flags that each peer has."""
    parser = argparse.ArgumentParser(f"python -m bench.peers.{name}")
    parser.add_argument("--model", required=True, help="a folder with a CTranslate2 Whisper model")
    parser.add_argument("--ready-file", type=Path, required=True, help="gets the address once it serves")
    return parser


def main() -> None:
    """Serve until SIGTERM."""
    parser = flags("guide")
    parser.add_argument("--processes", type=int, default=2, help="the guide's PROCESS_POOL_SIZE")
    options = parser.parse_args()
    threads = max(1, (os.cpu_count() or 1) // options.processes)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, spawn, Recognition.load, (options.model, threads)) as pool:
        for warm in [pool.submit(Recognition.text, bytes(2 * RATE_HZ)) for _ in range(options.processes)]:
            warm.result()

        async def hear(pcm: bytes) -> str:
            return await asyncio.get_running_loop().run_in_executor(pool, Recognition.text, pcm)

        serve(hear, options.ready_file)


if __name__ == "__main__":
    main()
