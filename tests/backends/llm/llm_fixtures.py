"""What tests of language-model adapters share: settings, a conversation, a tool, and collector that remember."""

from collections.abc import Sequence

import attrs
import trio

from config.settings import EmbeddedModelSettings, InferenceSettings, OllamaSettings, OpenAIModelSettings
from protocol.messages.understanding import ChatMessage, CompletionRequest, ModelToolCall, ToolSpec

SETTINGS = InferenceSettings(
    provider="auto",
    max_tokens=512,
    temperature=0.7,
    top_p=0.9,
    top_k=40,
    context_size=2048,
    gpu_layers=0,
    num_parallel=2,
    request_timeout_s=30.0,
    recheck_s=15.0,
    start_timeout_s=60.0,
    route_by_task=True,
    task_models={},
    cache_enabled=False,
    cache_ttl_s=3_600.0,
    cache_max_entries=1_000,
    cache_compression=True,
    cache_tasks=(),
    ollama=OllamaSettings(url="http://127.0.0.1:1", model="llama3.2", keep_alive_s=300.0, max_loaded_models=2),
    openai=OpenAIModelSettings(url="http://127.0.0.1:1/v1", model="gpt", api_key="sk-secret"),
    embedded=EmbeddedModelSettings(use="talk", cpu_threads=2),
)
QUESTION = (ChatMessage("system", "Be short."), ChatMessage("user", "Turn on the light."))
LIGHT = ToolSpec(
    "home", "home.light", "Switches a light.", {"type": "object", "properties": {"on": {"type": "boolean"}}}
)
AFTER_A_CALL = (
    *QUESTION,
    ChatMessage("assistant", "", tool_calls=(ModelToolCall("c1", "home.light", {"on": True}),)),
    ChatMessage("tool", "the light is on", tool_call_id="c1", tool_name="home.light"),
)


@attrs.define
class Collector:
    """Remembers the pieces of text and when they came."""

    heard: list[str] = attrs.field(factory=list)
    times_s: list[float] = attrs.field(factory=list)

    async def send(self, text: str, /) -> None:
        self.heard.append(text)
        self.times_s.append(trio.current_time())
        await trio.lowlevel.checkpoint()


def completion(
    messages: Sequence[ChatMessage] = QUESTION,
    tools: Sequence[ToolSpec] = (),
    collector: Collector | None = None,
    *,
    max_tokens: int = 64,
    model: str | None = None,
) -> CompletionRequest:
    """Return what a model is asked."""
    return CompletionRequest(tuple(messages), collector or Collector(), max_tokens, tuple(tools), model)
