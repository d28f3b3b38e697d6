"""Ollama's own ``/api/chat``: newline-delimited JSON, native tool calls, and the options that only it has.

Rules kept here:

* ``OllamaAnswer`` reads the stream and does no I/O; ``OllamaModel`` is the thin shell around it.
* Thinking is switched off, and never spoken where a model does it all the same.
* A model that cannot use tools is asked again without them, and is not offered any from then on.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from backends.json_faults import JSON_FAULTS
from backends.llm.http_model import CompletionTimeouts, LlmServer, ModelServerRefused
from backends.llm.messages import WireNames, tool_definitions, without_tools
from backends.llm.streams import BadStream, NdjsonReader
from backends.protocols import ProviderError
from config.settings import InferenceSettings
from protocol.messages.understanding import ChatMessage, CompletionRequest, Generation, ModelToolCall

log = logging.getLogger("sayso.inference")
NO_TOOLS: Final = "does not support tools"  # Ollama's words, with status 400


# --- what Ollama sends ---------------------------------------------------------------------------


class _OllamaFunction(msgspec.Struct):
    name: str
    arguments: dict[str, Any] = {}


class _OllamaCall(msgspec.Struct):
    function: _OllamaFunction
    id: str | None = None


class _Message(msgspec.Struct):
    content: str = ""
    tool_calls: list[_OllamaCall] | None = None


class _Line(msgspec.Struct):
    message: _Message | None = None
    done: bool = False
    error: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None


class _OllamaModel(msgspec.Struct):
    name: str


class _Tags(msgspec.Struct):
    models: list[_OllamaModel] | None = None


# --- the dialect ---------------------------------------------------------------------------------


class OllamaAnswer:
    """Reads one streamed completion: bytes in, text out, tool calls and counts at the end; sans-IO.

    ``first_call`` numbers the calls of older servers, which give them no id; ids must differ in a conversation.
    """

    def __init__(self, names: WireNames, first_call: int = 0) -> None:
        self._names = names
        self._first_call = first_call
        self._reader = NdjsonReader()
        self._decoder = msgspec.json.Decoder(_Line)
        self._texts: list[str] = []
        self._calls: list[_OllamaCall] = []
        self._last = _Line()

    @property
    def is_done(self) -> bool:
        """Whether Ollama has sent its last line."""
        return self._last.done

    @property
    def has_begun(self) -> bool:
        """Whether there was text or a tool call."""
        return bool(self._texts or self._calls)

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._texts)

    @property
    def tool_calls(self) -> tuple[ModelToolCall, ...]:
        """The calls so far: each comes whole."""
        return tuple(
            ModelToolCall(
                call_id=call.id or f"call_{self._first_call + number}",
                name=self._names.to_ours(call.function.name),
                arguments=call.function.arguments,
            )
            for number, call in enumerate(self._calls)
        )

    @property
    def tokens(self) -> tuple[int | None, int | None]:
        """Tokens of the prompt and of the completion, once they are known."""
        return self._last.prompt_eval_count, self._last.eval_count

    def receive(self, data: bytes) -> list[str]:
        """Return the new pieces of text; raises ``BadStream``, or ``ProviderError`` for an error in the stream."""
        return [text for line in self._reader.receive(data) if (text := self._take(line))]

    def close(self) -> list[str]:
        """Return what is left; raises ``BadStream`` if the last line never came."""
        texts = [text for line in self._reader.close() if (text := self._take(line))]
        if not self.is_done:
            raise BadStream("the stream ended before the answer did")
        return texts

    def _take(self, text: str) -> str:
        try:
            line = self._decoder.decode(text)
        except JSON_FAULTS as error:
            raise BadStream(f"{error} in {text[:80]!r}") from error
        if line.error is not None:
            raise ProviderError(f"ollama broke off: {line.error[:200]}")
        if line.done:
            self._last = line
        if line.message is None:
            return ""
        self._calls += line.message.tool_calls or ()
        if line.message.content:
            self._texts.append(line.message.content)
        return line.message.content


def wire_messages(messages: Sequence[ChatMessage], names: WireNames) -> list[dict[str, Any]]:
    """Return the conversation as Ollama has it: arguments are objects, results carry the tool's name."""
    return [_wire_message(message, names) for message in messages]


def _wire_message(message: ChatMessage, names: WireNames) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        wire["tool_calls"] = [
            {"id": call.call_id, "function": {"name": names.to_wire(call.name), "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_name is not None:
        wire["tool_name"] = names.to_wire(message.tool_name)
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def same_model(wanted: str, listed: str) -> bool:
    """Return whether a listed model is the wanted one: a name without a tag means ``:latest``."""
    return listed == (wanted if ":" in wanted.rpartition("/")[2] else f"{wanted}:latest")


class LoadedModels:
    """The models that Ollama was asked to load, least recently used first; pure."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._names: dict[str, None] = {}

    def use(self, name: str) -> list[str]:
        """Note a use of ``name``; return the models to unload before it is loaded."""
        self._names.pop(name, None)
        self._names[name] = None
        surplus = list(self._names)[: max(0, len(self._names) - self._limit)]
        for gone in surplus:
            del self._names[gone]
        return surplus


# --- the shell -----------------------------------------------------------------------------------


class OllamaModel:
    """The model of ``inference.ollama.model`` (``backends.protocols.LanguageModel``)."""

    name = "ollama"

    def __init__(self, settings: InferenceSettings, *, patience: CompletionTimeouts | None = None) -> None:
        self._settings = settings
        self._server = LlmServer(
            settings.ollama.url, patience=patience or CompletionTimeouts(total_s=settings.request_timeout_s)
        )
        self._without_tools: set[str] = set()
        self._loaded = LoadedModels(settings.ollama.max_loaded_models)
        self._trouble: str | None = None

    async def is_available(self) -> bool:
        """Return whether Ollama answers and has the model; the reason if not is logged when it changes."""
        trouble = await self._find_trouble()
        if trouble is not None and trouble != self._trouble:
            log.info("ollama is not available: %s", trouble)
        self._trouble = trouble
        return trouble is None

    async def generate(self, request: CompletionRequest) -> Generation:
        """Stream one completion; raises ``ProviderError``, ``GenerationCut`` once text was passed on."""
        wanted = request.model or self._settings.ollama.model
        for name in self._loaded.use(wanted):
            await self._unload(name)
        if wanted in self._without_tools:
            return await self._generate(without_tools(request), wanted)
        try:
            return await self._generate(request, wanted)
        except ModelServerRefused as error:
            if NO_TOOLS not in error.said:
                raise
        log.warning("%s cannot use tools; it is offered none from now on", wanted)
        self._without_tools.add(wanted)
        return await self._generate(without_tools(request), wanted)

    async def _unload(self, name: str) -> None:
        """Ask Ollama to unload a model; a failure costs memory, but no answer."""
        body = msgspec.json.encode({"model": name, "keep_alive": 0})
        try:
            await self._server.post("/api/generate", body)
        except ProviderError as error:
            log.warning("ollama did not unload %s: %s", name, error)
        else:
            log.info("ollama unloads %s to make room", name)

    async def aclose(self) -> None:
        """Close kept connections."""
        await self._server.aclose()

    async def _generate(self, request: CompletionRequest, model: str) -> Generation:
        names = WireNames(request.tools)
        answer = OllamaAnswer(names, first_call=sum(len(message.tool_calls) for message in request.messages))
        body = self._body(request, names) | {"model": model}
        first_token_s = await self._server.stream("/api/chat", msgspec.json.encode(body), answer, request.text_sink)
        prompt_tokens, completion_tokens = answer.tokens
        return Generation(
            text=answer.text,
            tool_calls=answer.tool_calls,
            provider=self.name,
            model=model,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            first_token_s=first_token_s,
        )

    def _body(self, request: CompletionRequest, names: WireNames) -> dict[str, Any]:
        settings = self._settings
        layers = {} if settings.gpu_layers < 0 else {"num_gpu": settings.gpu_layers}  # else Ollama's default
        return {
            "messages": wire_messages(request.messages, names),
            "stream": True,
            "think": False,
            "keep_alive": round(settings.ollama.keep_alive_s),
            "options": {
                "num_predict": request.max_tokens,
                "temperature": settings.temperature,
                "top_p": settings.top_p,
                "top_k": settings.top_k,
                "num_ctx": settings.context_size,
                **layers,
            },
            **({"tools": tool_definitions(request.tools, names)} if request.tools else {}),
        }

    async def _find_trouble(self) -> str | None:
        try:
            tags = msgspec.json.decode(await self._server.get("/api/tags"), type=_Tags)
        except ProviderError as error:
            return str(error)
        except JSON_FAULTS as error:
            return f"{self._server.url}/api/tags is no list of models: {error}"
        wanted = self._settings.ollama.model
        if any(same_model(wanted, model.name) for model in tags.models or ()):
            return None
        return f"it has no model {wanted!r}: run `ollama pull {wanted}`"
