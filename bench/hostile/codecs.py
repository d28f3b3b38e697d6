"""Every parser of ours that reads what a client, a proxy or a file says: how it is called, and how it may refuse."""

import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs
import h11
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Frame, Opcode

from backends.commands.files import CommandFileError, load_files
from backends.ingress.accepted_connection import protocol_for
from backends.ingress.api_errors import ApiError
from backends.ingress.compression import chosen_coding
from backends.ingress.http_app import drain_deadline
from backends.ingress.http_head import (
    BadTarget,
    handover_of,
    handshake_of,
    head_fault,
    origin_form,
    request_of,
    wants_websocket,
)
from backends.ingress.http_speech import SpeechForm
from backends.ingress.websocket_deflate import DeflateOffer
from backends.ingress.websocket_intake import Intake, TooManyFragments
from backends.keys.key_file import KeyFile, KeyFileError
from backends.protocols import BadAudio
from backends.speech.audio import make_decoder
from backends.speech.opus import OpusSpeech
from backends.speech.resampling import RateConverter
from backends.speech.wav import wav_parts
from bench.hostile.deepgram import SAMPLES as DEEPGRAM_SAMPLES
from bench.hostile.deepgram import deepgram
from bench.hostile.wyoming import SAMPLES as WYOMING_SAMPLES
from bench.hostile.wyoming import wyoming
from config.load import load
from config.problems import ConfigError
from protocol.admission.credentials import as_subprotocol, presented
from protocol.admission.forwarding import (
    HEAD,
    PROXY_COMMAND,
    SIGNATURE,
    TCP_OVER_IPV4,
    BadProxyHeader,
    caller_through,
    networks_of,
    proxied_peer,
    proxy_head,
)
from protocol.admission.keys import find_key
from protocol.admission.origin import SitePolicy, site_refusal
from protocol.admission.tokens import TokenClaims, find_token, token_text
from protocol.dialects import native
from protocol.dialects.dialect import HandshakeRefused, OpeningRequest
from protocol.dialects.realtime.beta import BetaDialect
from protocol.dialects.realtime.dialect import RealtimeDialect
from protocol.language.languages import normalised
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import AudioFormat, Ping, Pong
from protocol.messages.identity import Scope

MAX_HEAD_BYTES: Final = 16_384
SECRET: Final = b"s" * 32
NOW_S: Final = 1_000.0
PEER: Final = "192.0.2.1:5000"
SITES: Final = SitePolicy.of(frozenset({"localhost"}), (), ())
SETTINGS: Final = load(None, {"HOME": "/nonexistent"}, {}).settings
PARSER_FAULTS: Final = (ProtocolError, PayloadTooBig, EOFError, UnicodeDecodeError)


class Refused(Exception):
    """The input was refused, by a return value or in the protocol's own way."""


@attrs.frozen
class Codec:
    """One parser."""

    name: str
    samples: Sequence[bytes]
    """Good inputs, which are changed at random."""
    parse: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    """What it may raise; everything else is a fault of ours."""
    share: float = 1.0
    """Of the inputs that a quick parser gets."""


# --- HTTP and its headers ------------------------------------------------------------------------

HEADS: Final = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: localhost:8000\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: http://localhost\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sayso.v1, "
    + as_subprotocol("sayso_0123456789ab_" + "x" * 43).encode()
    + b"\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
    (
        b"POST http://[::1]:8000/api/drain?deadline_s=%31&a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
        b"Authorization: Bearer sayso-token.e30.bWFj\r\nCookie: a=b; sayso_login=sayso-token.e30.bWFj\r\n"
        b"X-Forwarded-For: 203.0.113.9, 10.0.0.1\r\nAccept-Encoding: gzip;q=0.5, zstd, *;q=0\r\n\r\n{}"
    ),
    (
        b'OPTIONS * HTTP/1.0\r\nHost: [::1]\r\nForwarded: for="[2001:db8::1]:47";proto=https, for=10.1.2.3\r\n'
        b"Sec-Fetch-Site: cross-site\r\nAccess-Control-Request-Method: POST\r\n\r\n"
    ),
)
PROXIES: Final = networks_of(("192.0.2.0/24", "10.0.0.0/8"))


def http_head(data: bytes) -> object:
    """Read a head as a connection does, with all that is decided from it alone."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
    connection.receive_data(data)
    event = connection.next_event()
    if not isinstance(event, h11.Request) or head_fault(data[: len(data) - len(connection.trailing_data[0])]):
        raise Refused
    head = origin_form(event)
    request = request_of(head, PEER)
    caller_through(PEER, request.headers, PROXIES)
    shown = presented(request.headers)
    if shown is not None:
        find_key(shown.text, {}, NOW_S)
        find_token(shown.text, shown.audience, SECRET, {}, NOW_S)
    chosen_coding(request.headers.get("accept-encoding", ""))
    handover_of(head, b"")
    if wants_websocket(request):
        protocol_for(native.NativeDialect(), SETTINGS.gateway.websocket).accept(handshake_of(head))
    return site_refusal(request.method, request.headers, SITES)


# --- WebSocket frames and what is in them --------------------------------------------------------


def frames(data: bytes) -> object:
    """Read frames as a socket does: pieces to the protocol, fragments to messages, and texts to events."""
    protocol = protocol_for(native.NativeDialect(), SETTINGS.gateway.websocket)
    protocol.extensions = [DeflateOffer().process_request_params([], [])[1]]
    intake = Intake()
    intake.add(data)
    for piece in intake.pieces:
        protocol.receive_data(piece)
        received = [event for event in protocol.events_received() if isinstance(event, Frame)]
        intake.count(received)
        for message in map(intake.assembler.add, received):
            if isinstance(message, str):
                native.decode(message)
    fault = protocol.parser_exc
    if fault is None:
        return intake.frames
    if not isinstance(fault, PARSER_FAULTS):
        raise fault
    raise Refused


def _masked(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


def _deflated(data: bytes) -> bytes:
    frame = _masked(Opcode.BINARY, zlib.compress(data, wbits=-12)[:-1] + b"\0")
    return bytes([frame[0] | 0x40]) + frame[1:]


REQUEST: Final = (
    b'{"type": "connection_request", "data": {"client_id": "a", "capabilities": ["stt", "llm", "tools", "tts"],'
    b' "audio": {"format": "opus", "sample_rate": 48000, "channels": 2}, "language": "de-AT",'
    b' "resume": {"token": "t", "last_seq": 7}}}'
)
EVENTS: Final = (
    REQUEST,
    b'{"type": "text", "data": {"text": "what time is it \\ud83d\\ude00"}}',
    b'{"type": "session_update", "data": {"mode": "push_to_talk", "wake": "", "interim": true}}',
    b'{"type": "ping", "data": {"t": 1.5e3}}',
    b'{"type": "confirm", "data": {"call_id": "c", "approve": false}}',
    b'{"type": "interrupt", "data": {"heard_ms": 900}}',
    b'{"type": "bye"}',
)
FRAMES: Final = (
    *(_masked(Opcode.TEXT, event) for event in EVENTS),
    _masked(Opcode.BINARY, bytes(640)) + _masked(Opcode.PING, b"p") + _masked(Opcode.CLOSE, b"\x03\xe8bye"),
    _masked(Opcode.TEXT, b'{"type": ', fin=False) + _masked(Opcode.CONT, b'"bye"}'),
    _deflated(bytes(100_000)) + _deflated(EVENTS[1]),
)


def event(data: bytes) -> object:
    """Read a text frame."""
    return native.decode(data.decode(errors="replace"))


REALTIME: Final = (
    (
        b'{"type": "session.update", "event_id": "e1", "session": {"type": "realtime", "audio": {"input":'
        b' {"format": {"type": "audio/pcm", "rate": 24000}, "transcription": {"model": "whisper-1", "language": "de"},'
        b' "turn_detection": {"type": "semantic_vad"}}}, "tracing": "auto"}}'
    ),
    b'{"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}}',
    b'{"type": "session.update", "session": {"audio": {"input": {"turn_detection": null}}}}',
    b'{"type": "input_audio_buffer.append", "audio": "AAECAwQFBgcICQoLDA0ODw=="}',
    b'{"type": "input_audio_buffer.commit", "event_id": "e2"}',
    b'{"type": "input_audio_buffer.clear"}',
    b'{"type": "conversation.item.retrieve", "item_id": "item_1"}',
    b'{"type": "conversation.item.delete", "item_id": "item_1"}',
    b'{"type": "conversation.item.truncate", "item_id": "item_1", "content_index": 0, "audio_end_ms": 900}',
    (
        b'{"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content":'
        b' [{"type": "input_text", "text": "how are you \\ud83d\\ude00"}]}}'
    ),
    b'{"type": "response.create", "response": {"output_modalities": ["text"], "instructions": "Be brief."}}',
    b'{"type": "response.cancel", "event_id": "e3"}',
)


def realtime(*, beta: bool = False) -> Callable[[bytes], object]:
    """Return a reader of one client's events of OpenAI's Realtime API, which answers what it can by itself."""
    later = RealtimeDialect(OpeningRequest(), lambda: "1", RateConverter)
    dialect = BetaDialect(later) if beta else later

    def parse(data: bytes) -> object:
        said = dialect.decode(data.decode(errors="replace"))
        return [dialect.encode(Pong(one.t), 1) for one in said if isinstance(one, Ping)]

    return parse


REALTIME_BETA: Final = (
    (
        b'{"type": "session.update", "session": {"modalities": ["text", "audio"], "voice": "alloy",'
        b' "input_audio_format": "g711_ulaw", "turn_detection": {"type": "server_vad"}, "tools": []}}'
    ),
    b'{"type": "transcription_session.update", "session": {"input_audio_transcription": {"model": "whisper-1"}}}',
    b'{"type": "response.create", "response": {"modalities": ["text"]}}',
    *REALTIME,
)


def audio(audio_format: AudioFormat) -> Callable[[bytes], object]:
    """Return a reader of frames in one format, which keeps its state from one to the next."""
    decoder = make_decoder(audio_format)
    return decoder.decode


# --- what proxies, keys and files say ------------------------------------------------------------


def proxy(data: bytes) -> object:
    """Read a header of the PROXY protocol."""
    if len(data) < HEAD.size:
        raise Refused
    head = proxy_head(data[: HEAD.size])
    return proxied_peer(head, data[HEAD.size : HEAD.size + head.length], PEER)


def token(data: bytes) -> object:
    """Look for a token, and for a key."""
    text = data.decode("latin-1")
    if isinstance(found := find_token(text, "api", SECRET, {}, NOW_S), str):
        find_key(text, {}, NOW_S)
        raise Refused
    return found


def in_file(path: Path, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return a reader of a file's contents, which writes them to ``path`` first."""

    def parse(data: bytes) -> object:
        path.write_bytes(data)
        return read(path)

    return parse


COMMANDS: Final = b"""language: en
lists:
  room: {values: [kitchen, {in: "living room", out: living}]}
  minutes: {range: {from: 1, to: 60}}
expansion_rules: {please: "[please]"}
intents:
  Light:
    tool: home/light
    arguments: {room: "{room}", state: "on"}
    data:
      - sentences: ["<please> (turn|switch) on [the] {room} light"]
"""
TOML: Final = b"""[gateway]
port = 8000
trusted_proxies = ["10.0.0.0/8"]
[gateway.rate]
per_minute = 100
[mcpServers.clock]
command = "clock"
args = ["--zone", "Europe/Berlin"]
"""
KEYS: Final = b"""{"version": 1, "keys": [{"key_id": "0123456789ab", "name": "phone", "user": "ann", "scopes": ["talk"],
 "digest": "%s", "created_at_s": 1.5, "expires_at_s": null}]}""" % (b"d" * 64)


def wav(kind: int, bits: int, channels: int) -> bytes:
    """Return a short WAV file."""
    block = channels * bits // 8
    samples = bytes(range(256)) * block
    form = struct.pack("<HHIIHH", kind, channels, 16_000, 16_000 * block, block, bits)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def codecs(folder: Path) -> tuple[Codec, ...]:
    """Return all parsers, each with a state of its own; those of files use ``folder``."""
    noise = struct.pack("<320h", *(number * 97 % 30_000 - 15_000 for number in range(320)))
    floats = struct.pack("<160f", *(number / 160 - 0.5 for number in range(160)))
    opus = tuple(OpusSpeech(16_000).encode(noise * 20, is_last=True))
    addresses = bytes((203, 0, 113, 9, 10, 0, 0, 1)) + struct.pack("!HH", 4_711, 443)
    proxied = HEAD.pack(SIGNATURE, PROXY_COMMAND, TCP_OVER_IPV4, len(addresses)) + addresses
    good = TokenClaims("api", "0123456789ab", "m", (Scope.TALK,), NOW_S + 60, "t")
    tokens = (token_text(good, SECRET).encode(), b"sayso_0123456789ab_" + b"x" * 43)
    drain = b'{"deadline_s": 5}'
    speech = b'{"model": "tts-1", "input": "Hello.", "voice": {"id": "x"}, "response_format": "wav", "speed": 1.5}'
    return (
        Codec("http_head", HEADS, http_head, (Refused, h11.RemoteProtocolError, BadTarget)),
        Codec("frames", FRAMES, frames, (Refused, RemoteProtocolError, TooManyFragments, UnicodeDecodeError)),
        Codec("event", EVENTS, event, (RemoteProtocolError,)),
        Codec("realtime", REALTIME, realtime(), (RemoteProtocolError,)),
        Codec("realtime_beta", REALTIME_BETA, realtime(beta=True), (RemoteProtocolError,), 0.5),
        Codec("pcm_s16le", (noise, bytes(64)), audio(AudioFormat("pcm_s16le", 44_100, 2)), (BadAudio,), 0.3),
        Codec("pcm_f32le", (floats, bytes(64)), audio(AudioFormat("pcm_f32le", 48_000, 1)), (BadAudio,), 0.3),
        Codec("opus", opus, audio(AudioFormat("opus", 48_000, 2)), (BadAudio,), 0.1),
        Codec("proxy", (proxied,), proxy, (Refused, BadProxyHeader)),
        Codec("token", tokens, token, (Refused,)),
        Codec("wav", (wav(1, 16, 1), wav(3, 32, 2), wav(7, 8, 1), wav(1, 24, 2)), wav_parts, (ValueError,), 0.3),
        Codec("drain_body", (drain,), drain_deadline, (ValueError,)),
        Codec("speech_body", (speech,), SpeechForm.parse, (ApiError,)),
        Codec("wyoming", WYOMING_SAMPLES, wyoming, (RemoteProtocolError,)),
        Codec("deepgram", DEEPGRAM_SAMPLES, deepgram, (RemoteProtocolError, HandshakeRefused)),
        Codec("language", (b"de-AT", b"en_us", b"auto"), _language, (ValueError,)),
        Codec("key_file", (KEYS,), in_file(folder / "keys.json", _keys), (KeyFileError,), 0.2),
        Codec("commands", (COMMANDS,), in_file(folder / "commands.yaml", _commands), (CommandFileError,), 0.01),
        Codec("settings", (TOML,), in_file(folder / "sayso.toml", _settings), (ConfigError,), 0.01),
    )


def _language(data: bytes) -> object:
    return normalised(data.decode("latin-1"))


def _keys(path: Path) -> object:
    return KeyFile(path).read()


def _commands(path: Path) -> object:
    return load_files([path], extra_lists={})


def _settings(path: Path) -> object:
    return load(path, {"HOME": "/nonexistent"}, {})
