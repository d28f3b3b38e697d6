"""The values that the events of a session hold: choices, formats, stretches of audio, latencies.

They are known as parts of ``events.py``, which has them all.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs
import msgspec

Capability = Literal["stt", "llm", "tools", "tts"]
Mode = Literal["hands_free", "push_to_talk"]
SampleFormat = Literal["pcm_s16le", "pcm_f32le", "opus"]
SpeechFormat = Literal["pcm_s16le", "opus"]
StopReason = Literal["silence", "command_complete", "manual", "max_length", "stalled"]
NoSpeechReason = Literal["noise", "too_short", "hallucination", "low_confidence", "no_command", "discarded"]
ListeningState = Literal["asleep", "listening"]
Outcome = Literal["done", "interrupted", "no_speech", "refused", "failed"]
Source = Literal["command", "meaning", "model"]
Answers = Literal["auto", "on_request"]
"""When speech is answered: at once, or after ``Respond``."""

MAX_VOCABULARY: Final = 64  # more of a prompt does a recogniser no good
MAX_TERM_CHARS: Final = 100
MAX_INSTRUCTIONS_CHARS: Final = 32_768  # some 8,000 tokens, a whole window of a small model
CLIENT_SERVER: Final = "client"
"""The name that stands for the server of a client's own tools."""
MAX_TOOLS: Final = 128  # as OpenAI's
MAX_TOOLS_BYTES: Final = 65_536  # of all as JSON: more than a whole window of a small model
TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
TOOL_CHOICES: Final = frozenset({"auto", "none", "required"})


@attrs.frozen
class AudioFormat:
    """The format of the samples in binary frames."""

    format: SampleFormat = "pcm_s16le"
    sample_rate: int = attrs.field(default=16_000, validator=[attrs.validators.ge(8_000), attrs.validators.le(48_000)])
    channels: Literal[1, 2] = 1


@attrs.frozen
class Resume:
    """Which session to re-attach, and the last event the client has seen."""

    token: str
    last_seq: int


@attrs.frozen
class ServerInfo:
    """Name and version of the server."""

    name: str
    version: str
    replica: str | None = None
    """The name of this replica, for a client that comes back; absent where the settings give none."""


@attrs.frozen
class SessionLimits:
    """The limits of this session."""

    max_message_bytes: int
    max_utterance_s: float
    idle_timeout_s: float


@attrs.frozen
class AudioSpan:
    """A stretch of the session's audio."""

    start_ms: int
    end_ms: int


@attrs.frozen
class Word:
    """One word of a transcript, and when it was said, from the beginning of the session's audio."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@attrs.frozen
class LatencyMs:
    """Stage latencies of a turn in ms; a stage that did not happen is absent."""

    endpoint: float | None = None
    queue: float | None = None
    stt: float | None = None
    understand: float | None = None
    first_token: float | None = None
    tool: float | None = None
    first_audio: float | None = None
    total: float | None = None


@attrs.frozen
class ClientTool:
    """A tool that the client executes: its name, what it does, and a JSON Schema of its arguments."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = attrs.field(factory=dict)


def check_instructions(_event: object, _field: object, text: str | None) -> None:
    """Raise ``ValueError`` for more text than a model can be asked to heed."""
    if text is not None and len(text) > MAX_INSTRUCTIONS_CHARS:
        raise ValueError(f"must have at most {MAX_INSTRUCTIONS_CHARS} characters")


def check_vocabulary(_event: object, _field: object, terms: tuple[str, ...] | None) -> None:
    """Raise ``ValueError`` for more terms or longer ones than a recogniser can use."""
    if terms is None:
        return
    if len(terms) > MAX_VOCABULARY or any(len(term) > MAX_TERM_CHARS for term in terms):
        raise ValueError(f"must be at most {MAX_VOCABULARY} terms of at most {MAX_TERM_CHARS} characters")


def check_tools(_event: object, _field: object, tools: tuple[ClientTool, ...] | None) -> None:
    """Raise ``ValueError`` for tools that a model cannot be offered."""
    if not tools:
        return
    names = [tool.name for tool in tools]
    wrong = next((name for name in names if not TOOL_NAME.fullmatch(name) or name in TOOL_CHOICES), None)
    if wrong is not None:
        raise ValueError(f"a tool's name must be 1 to 64 letters, digits, _ or -, and no choice, not {wrong[:40]!r}")
    if len(tools) > MAX_TOOLS or len(set(names)) < len(names):
        raise ValueError(f"must be at most {MAX_TOOLS} tools with different names")
    try:
        msgspec.msgpack.encode(tools)  # what goes to another replica has integers of 64 bits at most
        size_bytes = len(msgspec.json.encode(tools))
    except (OverflowError, RecursionError, UnicodeEncodeError) as error:
        raise ValueError(f"must be plain JSON: {error}") from error
    if size_bytes > MAX_TOOLS_BYTES:
        raise ValueError(f"must have at most {MAX_TOOLS_BYTES} bytes as JSON, not {size_bytes}")


def check_tool_choice(_event: object, _field: object, choice: str | None) -> None:
    """Raise ``ValueError`` for what is neither a choice nor the name of a tool."""
    if choice is not None and choice not in TOOL_CHOICES and not TOOL_NAME.fullmatch(choice):
        raise ValueError("must be auto, none, required or the name of a tool")
