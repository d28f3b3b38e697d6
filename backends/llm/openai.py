"""Any server with OpenAI's ``/v1/chat/completions``: streamed text, tools, usage figures.

Rules kept here:

* ``OpenAIAnswer`` reads the stream and does no I/O; ``OpenAIModel`` is the thin shell around it.
* What a reasoning model thinks (``reasoning_content``) is never spoken.
* Unknown fields are ignored, missing ones have defaults: the many servers of this dialect differ in both.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import attrs
import httpx2
import msgspec

from backends.json_faults import JSON_FAULTS
from backends.llm.http_model import CompletionTimeouts, LlmServer, ModelServerRefused
from backends.llm.messages import Sampling, WireNames, parse_arguments, tool_definitions, without_tools
from backends.llm.streams import BadStream, SseReader
from backends.protocols import ProviderError
from config.settings import InferenceSettings
from protocol.messages.ask import PartSink
from protocol.messages.understanding import ChatMessage, CompletionRequest, Generation, ModelToolCall

log = logging.getLogger("sayso.inference")
END: Final = "[DONE]"
NO_LIST: Final = frozenset({404, 405, 501})  # status of a server without /models, which counts as available


# --- what servers send ---------------------------------------------------------------------------


class _OpenAIFunction(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _CallDelta(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _OpenAIFunction | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_CallDelta] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None


class _OpenAIModel(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_OpenAIModel]


@attrs.define
class _OpenAICall:
    """A tool call that comes in pieces."""

    call_id: str = ""
    name: str = ""
    arguments: str = ""

    def add(self, delta: _CallDelta) -> None:
        self.call_id = delta.id or self.call_id
        if delta.function is not None:
            self.name = self.name or delta.function.name or ""
            self.arguments += delta.function.arguments or ""


# --- the dialect ---------------------------------------------------------------------------------


class OpenAIAnswer:
    """Reads one streamed completion: bytes in, text out, tool calls and usage at the end; sans-IO."""

    def __init__(self, names: WireNames) -> None:
        self._names = names
        self._reader = SseReader()
        self._decoder = msgspec.json.Decoder(_Chunk)
        self._texts: list[str] = []
        self._calls: list[_OpenAICall] = []
        self._by_index: dict[int, _OpenAICall] = {}
        self._is_finished = False
        self.is_done = False
        self.tool_calls: tuple[ModelToolCall, ...] = ()
        self.usage = _Usage()

    @property
    def has_begun(self) -> bool:
        """Whether there was text or a tool call."""
        return bool(self._texts or self._calls)

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._texts)

    def receive(self, data: bytes) -> list[str]:
        """Return the new pieces of text; raises ``BadStream``, or ``ProviderError`` for an error in the stream."""
        return [text for event in self._reader.receive(data) if (text := self._take(event))]

    def close(self) -> list[str]:
        """Return what is left, and make the calls whole.

        Raises ``BadStream`` if the server gave no reason for the end, ``ProviderError`` for arguments of a call that
        are no JSON object.
        """
        texts = [text for event in self._reader.close() if (text := self._take(event))]
        if not (self._is_finished or self.is_done):
            raise BadStream("the stream ended before the answer did")
        self.is_done = True
        self.tool_calls = tuple(
            ModelToolCall(
                call_id=call.call_id or f"call_{number}",
                name=self._names.to_ours(call.name),
                arguments=parse_arguments(call.name, call.arguments),
            )
            for number, call in enumerate(self._calls)
        )
        return texts

    def _take(self, event: str) -> str:
        if event.strip() == END:
            self.is_done = True
        if self.is_done:
            return ""
        try:
            chunk = self._decoder.decode(event)
        except JSON_FAULTS as error:
            raise BadStream(f"{error} in {event[:80]!r}") from error
        if chunk.error:
            raise ProviderError(f"the server broke off: {_words(chunk.error)}")
        if chunk.usage is not None:
            self.usage = chunk.usage
        return "".join(self._take_choice(choice) for choice in chunk.choices[:1])

    def _take_choice(self, choice: _Choice) -> str:
        if choice.finish_reason:
            self._is_finished = True
        if choice.delta is None:
            return ""
        for call in choice.delta.tool_calls or ():
            self._call(call).add(call)
        text = choice.delta.content or ""
        if text:
            self._texts.append(text)
        return text

    def _call(self, delta: _CallDelta) -> _OpenAICall:
        """Return the call of a piece: by its index; without an index, an id begins a new call."""
        if delta.index is not None and delta.index in self._by_index:
            return self._by_index[delta.index]
        if delta.index is None and not delta.id and self._calls:
            return self._calls[-1]
        call = _OpenAICall()
        self._calls.append(call)
        if delta.index is not None:
            self._by_index[delta.index] = call
        return call


def wire_messages(messages: Sequence[ChatMessage], names: WireNames) -> list[dict[str, Any]]:
    """Return the conversation as this dialect has it."""
    return [_wire_message(message, names) for message in messages]


def _wire_message(message: ChatMessage, names: WireNames) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        wire["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {
                    "name": names.to_wire(call.name),
                    "arguments": msgspec.json.encode(call.arguments).decode(),
                },
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


# --- the shell -----------------------------------------------------------------------------------


class OpenAIModel:
    """One model of one server (``backends.protocols.LanguageModel``).

    ``url`` is the base of the API, usually ending in ``/v1``, which is added to a bare host. ``extras`` are further
    fields of the request; they are left out for a server that rejected them once. With ``offers_tools``
    false, tools are kept from the model and results of earlier calls become plain data.
    """

    def __init__(
        self,
        name: str,
        server: LlmServer,
        model: str,
        sampling: Sampling,
        *,
        extras: Mapping[str, Any] | None = None,
        offers_tools: bool = True,
    ) -> None:
        self.name = name
        self._server = server
        self._model = model
        self._sampling = sampling
        self._extras = dict(extras or {})
        self._offers_tools = offers_tools
        self._trouble: str | None = None

    @classmethod
    def from_settings(cls, settings: InferenceSettings) -> Self:
        """Return the model at ``inference.openai.url``."""
        server = LlmServer(
            with_version(settings.openai.url),
            api_key=settings.openai.api_key,
            patience=CompletionTimeouts(total_s=settings.request_timeout_s),
        )
        sampling = Sampling.from_settings(settings)
        return cls("openai", server, settings.openai.model, sampling, extras={"top_k": sampling.top_k})

    async def is_available(self) -> bool:
        """Return whether the server answers and lists the model; a server without a list counts as having it."""
        trouble = await self._find_trouble()
        if trouble is not None and trouble != self._trouble:
            log.info("%s is not available: %s", self.name, trouble)
        self._trouble = trouble
        return trouble is None

    async def generate(self, request: CompletionRequest) -> Generation:
        """Stream one completion; raises ``ProviderError``, ``GenerationCut`` once text was passed on."""
        if not self._offers_tools:
            request = without_tools(request)
        names = WireNames(request.tools)
        answer = OpenAIAnswer(names)
        body = self._body(request, names)
        try:
            first_token_s = await self._stream(body, answer, request.text_sink)
        except ModelServerRefused as error:
            unknown = {name for name in self._extras if name in error.said}
            if not unknown:
                raise
            log.info("%s does not know %s; it is not sent any more", self._server.url, ", ".join(sorted(unknown)))
            for name in unknown:
                self._extras.pop(name, None)
                del body[name]
            first_token_s = await self._stream(body, answer, request.text_sink)
        return Generation(
            text=answer.text,
            tool_calls=answer.tool_calls,
            provider=self.name,
            model=request.model or self._model,
            prompt_tokens=answer.usage.prompt_tokens,
            completion_tokens=answer.usage.completion_tokens,
            first_token_s=first_token_s,
        )

    async def aclose(self) -> None:
        """Close kept connections."""
        await self._server.aclose()

    async def _stream(self, body: Mapping[str, Any], answer: OpenAIAnswer, text_sink: PartSink[str]) -> float | None:
        return await self._server.stream("/chat/completions", msgspec.json.encode(body), answer, text_sink)

    def _body(self, request: CompletionRequest, names: WireNames) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": request.model or self._model,
            "messages": wire_messages(request.messages, names),
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": request.max_tokens,
            "temperature": self._sampling.temperature,
            "top_p": self._sampling.top_p,
            **self._extras,
        }
        if request.tools:
            body["tools"] = tool_definitions(request.tools, names)
            body |= {"tool_choice": "required"} if request.must_call else {}
        return body

    async def _find_trouble(self) -> str | None:
        try:
            listed = msgspec.json.decode(await self._server.get("/models"), type=_Models)
        except ModelServerRefused as error:
            return None if error.status in NO_LIST else str(error)
        except ProviderError as error:
            return str(error)
        except JSON_FAULTS as error:
            return f"{self._server.url}/models is no list of models: {error}"
        if self._model in {model.id for model in listed.data}:
            return None
        return f"{self._server.url} has no model {self._model!r}"


def with_version(url: str) -> str:
    """Return the base of the API: ``/v1`` is added to an address that has no path."""
    try:
        is_bare = httpx2.URL(url).path in {"", "/"}
    except httpx2.InvalidURL:
        return url  # ``LlmServer`` rejects it with a better message
    return f"{url.rstrip('/')}/v1" if is_bare else url


def _words(error: Any) -> str:
    return str(error.get("message", error) if isinstance(error, dict) else error)[:200]
