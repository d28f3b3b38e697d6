"""A small Ollama: the routes, frames and errors that clients meet, with answers by script.

Written after Ollama's API documentation; ``tests/system/test_ollama.py`` lets the official client speak to it, so
that it cannot drift into a dialect of its own.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import attrs
import trio

from tests.backends.llm.scripted_http import Received, head, read_request

CREATED = "2026-01-01T00:00:00.000000Z"


@attrs.frozen
class Said:
    """One scripted answer: pieces of text, then perhaps tool calls; ``pause_s`` lies before each piece."""

    pieces: tuple[str, ...] = ()
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    pause_s: float = 0.0
    breaks_after: int | None = None
    """After so many pieces the connection is cut."""


Script = Callable[[Mapping[str, Any]], Said]


@attrs.define(eq=False)
class ScriptedOllama:
    """Answers ``/api/chat`` with what ``script`` makes of the request; knows ``models``."""

    script: Script
    models: Sequence[str] = ("llama3.2:latest",)
    without_tools: Sequence[str] = ()
    url: str = ""
    requests: list[Received] = attrs.field(factory=list)

    @property
    def chats(self) -> list[Mapping[str, Any]]:
        """The bodies of all chat requests."""
        return [request.json for request in self.requests if request.path == "/api/chat"]

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer one request."""
        with suppress(trio.BrokenResourceError):
            async with stream:
                request = await read_request(stream)
                if request is None:
                    return
                self.requests.append(request)
                await self._answer(request, stream)

    async def _answer(self, request: Received, stream: trio.SocketStream) -> None:
        match request.method, request.path:
            case "GET", "/api/version":
                await _page(stream, {"version": "0.12.0"})
            case "GET", "/api/tags":
                await _page(stream, {"models": [_listed(name) for name in self.models]})
            case "POST", "/api/generate" if request.json.get("keep_alive") == 0:
                await _page(stream, {"model": request.json["model"], "done": True, "done_reason": "unload"})
            case "POST", "/api/chat":
                await self._chat(request.json, stream)
            case _:
                await _page(stream, {"error": "not found"}, 404)

    async def _chat(self, wanted: Mapping[str, Any], stream: trio.SocketStream) -> None:
        name = wanted["model"]
        if name not in self.models and f"{name}:latest" not in self.models:
            await _page(stream, {"error": f"model '{name}' not found"}, 404)
        elif wanted.get("tools") and name in self.without_tools:
            await _page(stream, {"error": f"registry.ollama.ai/library/{name} does not support tools"}, 400)
        elif wanted.get("stream", True):
            await self._stream(name, self.script(wanted), stream)
        else:
            said = self.script(wanted)
            await _page(stream, _line(name, "".join(said.pieces), said.calls, is_done=True))

    async def _stream(self, name: str, said: Said, stream: trio.SocketStream) -> None:
        await stream.send_all(head(content_type="application/x-ndjson"))
        for number, piece in enumerate(said.pieces):
            if said.breaks_after == number:
                return
            await trio.sleep(said.pause_s)
            await _send(stream, _line(name, piece))
        if said.calls:
            await _send(stream, _line(name, "", said.calls))
        await _send(stream, _line(name, "", is_done=True))


def say(*pieces: str, pause_s: float = 0.0) -> Script:
    """Return a script that says the same whatever it is asked."""
    return lambda _: Said(pieces, pause_s=pause_s)


@asynccontextmanager
async def serving(script: Script, **options: Any) -> AsyncIterator[ScriptedOllama]:
    """Serve until the block is left."""
    server = ScriptedOllama(script, **options)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, server.serve, 0, host="127.0.0.1"))
        server.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        yield server
        nursery.cancel_scope.cancel()


def _line(
    name: str, text: str, calls: Sequence[tuple[str, Mapping[str, Any]]] = (), *, is_done: bool = False
) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [{"function": {"name": tool, "arguments": dict(given)}} for tool, given in calls]
    line: dict[str, Any] = {"model": name, "created_at": CREATED, "message": message, "done": is_done}
    if is_done:
        line |= {"done_reason": "stop", "total_duration": 5_000_000, "load_duration": 1_000_000}
        line |= {
            "prompt_eval_count": 11,
            "prompt_eval_duration": 2_000_000,
            "eval_count": 7,
            "eval_duration": 2_000_000,
        }
    return line


def _listed(name: str) -> dict[str, Any]:
    details = {"format": "gguf", "family": "llama", "parameter_size": "3.2B", "quantization_level": "Q4_K_M"}
    return {"name": name, "model": name, "modified_at": CREATED, "size": 1, "digest": "0" * 64, "details": details}


async def _send(stream: trio.SocketStream, line: Mapping[str, Any]) -> None:
    await stream.send_all(json.dumps(line).encode() + b"\n")


async def _page(stream: trio.SocketStream, value: Mapping[str, Any], status: int = 200) -> None:
    body = json.dumps(value).encode()
    await stream.send_all(head(status, length=len(body)) + body)
