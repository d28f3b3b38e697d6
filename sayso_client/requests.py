"""The client's side: the options of a session, and the text frames of docs/protocol.md."""

import json
from typing import Any, Literal

import msgspec

Capability = Literal["stt", "llm", "tools", "tts"]
Mode = Literal["hands_free", "push_to_talk"]
Answers = Literal["auto", "on_request"]


class AudioFormat(msgspec.Struct, frozen=True):
    """The format of a client's audio.

    ``format`` is ``pcm_s16le``, ``pcm_f32le`` or ``opus`` (one raw packet a frame); ``sample_rate`` is 8000 to 48000 in
    Hz; ``channels`` is 1 or 2, interleaved.
    """

    format: str = "pcm_s16le"
    sample_rate: int = 16_000
    channels: int = 1


class ClientTool(msgspec.Struct, frozen=True):
    """A tool that the client executes itself; ``parameters`` is a JSON Schema of its arguments.

    >>> ClientTool("ring_bell", "Ring the bell of the shop.").parameters
    {}
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)


class ClientOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """Options of a session.

    >>> ClientOptions(language="de", audio=AudioFormat(sample_rate=48_000)).audio
    AudioFormat(format='pcm_s16le', sample_rate=48000, channels=1)
    """

    client_id: str = "sayso-client"
    """Name of the user or the device."""
    capabilities: tuple[Capability, ...] = ("stt", "llm", "tools", "tts")
    """``stt`` (take my audio), ``llm`` (converse), ``tools`` (act), ``tts`` (speak to me)."""
    audio: AudioFormat = AudioFormat()
    language: str | None = None
    mode: Mode = "hands_free"
    interim: bool = False
    stt_model: str | None = None
    word_times: bool = False
    speech_format: Literal["pcm_s16le", "opus"] = "pcm_s16le"
    wake: str | None = None
    """The wake word, such as "okay nabu"; "" for none, and None for the server's setting."""
    answers: Answers = "auto"
    """``on_request``: speech is transcribed and kept, and ``ClientSession.respond`` asks for the answer."""
    vocabulary: tuple[str, ...] = ()
    """Names and terms worth expecting in speech, most likely first; at most 64."""
    instructions: str | None = None
    """For the language model in every answer."""
    announcements: bool = True
    """Whether timers, alarms and reminders that are due are told in this session."""
    tools: tuple[ClientTool, ...] = ()
    """What the client can do itself: a ``ToolCall`` of the server ``client`` is answered by ``send_tool_output``."""
    tool_choice: str = "auto"
    """What the language model does first: ``auto``, ``none``, ``required``, or the tool that it must call."""


class OptionChanges(msgspec.Struct, frozen=True, omit_defaults=True):
    """Options that change in a live session; those that are None stay as they are."""

    capabilities: tuple[Capability, ...] | None = None
    language: str | None = None
    mode: Mode | None = None
    interim: bool | None = None
    stt_model: str | None = None
    word_times: bool | None = None
    speech_format: Literal["pcm_s16le", "opus"] | None = None
    wake: str | None = None
    answers: Answers | None = None
    vocabulary: tuple[str, ...] | None = None
    instructions: str | None = None
    voice: str | None = None
    task: str | None = None
    tools: tuple[ClientTool, ...] | None = None
    tool_choice: str | None = None


def encode(name: str, **data: object) -> str:
    """Return the text frame of a client's event; fields that are None are left out.

    >>> encode("confirm", call_id="c1", approve=True)
    '{"type":"confirm","data":{"call_id":"c1","approve":true}}'
    """
    present = {field: value for field, value in data.items() if value is not None}
    return json.dumps({"type": name, "data": present}, separators=(",", ":"))


def connection_request(options: ClientOptions, resume: tuple[str, int] | None = None) -> str:
    """Return the first frame of a connection; ``resume`` is the token and the last ``seq`` of a lost session."""
    data: dict[str, Any] = msgspec.to_builtins(options)
    data |= {"client_id": options.client_id, "capabilities": options.capabilities}
    data["audio"] = msgspec.to_builtins(options.audio)
    if resume is not None:
        data["resume"] = {"token": resume[0], "last_seq": resume[1]}
    return encode("connection_request", **data)
