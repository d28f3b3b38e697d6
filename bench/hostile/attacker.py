"""What a hostile client does, over plain sockets: each attack does one thing many times, and counts what it was told.

Rules kept here:

* Nothing here waits without a deadline, and nothing is read beyond what says how it ended.
* A key of the attacker's own is used where an outsider would not come so far.
"""

import json
import resource
import socket
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

import attrs
from websockets.frames import Frame, Opcode

TIMEOUT_S: Final = 15.0
HOLD_S: Final = 6.0  # longer than the server waits for a head
DRIP_S: Final = 0.25
SPARE_FILES: Final = 64
MAX_READ_BYTES: Final = 1 << 20
Ends = Counter[str]


@attrs.frozen
class Target:
    """The server, and what the attacker has of it."""

    port: int
    key: str = ""
    """The attacker's own, for ``talk``."""
    expired_token: str = ""
    used_token: str = ""
    resume_token: str = ""
    """Of another user's session."""
    host: str = "127.0.0.1"
    source: str = ""
    """The attacker's own address; empty for the usual one."""


@contextmanager
def connected(target: Target) -> Iterator[socket.socket]:
    """Open a connection for the block."""
    with opened(target) as stream:
        yield stream


def opened(target: Target) -> socket.socket:
    """Open a connection; raises ``OSError``."""
    return socket.create_connection((target.host, target.port), TIMEOUT_S, (target.source, 0))


def told(stream: socket.socket) -> str:
    """Return the status of an answer, or ``closed``."""
    data = b""
    with suppress(OSError):
        while b"\r\n" not in data and (more := stream.recv(4_096)):
            data += more
    return data[9:12].decode("latin-1") if data.startswith(b"HTTP/1.1 ") else "closed"


def request(target: Target, line: str, *headers: str, body: bytes = b"") -> str:
    """Send a request on a connection of its own; return the status of the answer."""
    length = [f"Content-Length: {len(body)}"] if body else []
    head = "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *length, *headers, "", ""]).encode("latin-1")
    try:
        with connected(target) as stream:
            stream.sendall(head + body)
            return told(stream)
    except OSError:
        return "closed"


# --- HTTP ----------------------------------------------------------------------------------------


def no_key(target: Target, count: int) -> Ends:
    """Ask without a key."""
    return Counter(request(target, "GET /api/models") for _ in range(count))


def wrong_scope(target: Target, count: int) -> Ends:
    """Ask with a key for something else."""
    return Counter(request(target, "GET /metrics", f"Authorization: Bearer {target.key}") for _ in range(count))


def expired_token(target: Target, count: int) -> Ends:
    """Present a token whose time is over."""
    return Counter(
        request(target, "GET /api/commands", f"Authorization: Bearer {target.expired_token}") for _ in range(count)
    )


def replayed_token(target: Target, count: int) -> Ends:
    """Present a token for one use that was used."""
    return Counter(
        request(target, "GET /api/commands", f"Authorization: Bearer {target.used_token}") for _ in range(count)
    )


def key_guessing(target: Target, count: int) -> Ends:
    """Try one key after the other."""
    guesses = (f"sayso_{number:012x}_{'x' * 43}" for number in range(count))
    return Counter(request(target, "GET /api/commands", f"Authorization: Bearer {guess}") for guess in guesses)


def foreign_origin(target: Target, count: int) -> Ends:
    """Open a WebSocket as a page elsewhere does."""
    headers = [*HANDSHAKE, "Origin: https://evil.example", f"Authorization: Bearer {target.key}"]
    return Counter(request(target, "GET /ws", *headers) for _ in range(count))


def header_injection(target: Target, count: int) -> Ends:
    """Hide lines in a head, and in what an answer might repeat."""
    shapes = (
        ("GET /health", "X-A: b\nX-Injected: yes"),
        ("GET /health", "X-A: b\r X-Injected: yes"),
        ("GET /health", "X-A: b\r\n\tX-Injected: yes"),
        ("GET /health", "X-A: b\0c"),
        ("POST /health", "Content-Length: 1\r\nContent-Length: 2"),
    )
    return Counter(request(target, *shapes[number % len(shapes)]) for number in range(count))


def traversal(target: Target, count: int) -> Ends:
    """Ask for files beside those of the page."""
    paths = ("../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc/passwd", "....//etc/passwd", "/etc/passwd")
    return Counter(request(target, f"GET /web/{paths[number % len(paths)]}") for number in range(count))


def slow_loris(target: Target, count: int) -> Ends:
    """Send heads byte by byte, on many connections at once."""
    return _held(target, count, b"G")


def half_open(target: Target, count: int) -> Ends:
    """Open many connections and send nothing."""
    return _held(target, count, b"")


def _held(target: Target, count: int, drip: bytes) -> Ends:
    _allow_files(count + SPARE_FILES)
    ends: Ends = Counter()
    open_ones: list[socket.socket] = []
    try:
        for _ in range(count):
            try:
                stream = opened(target)
                stream.setblocking(False)
                open_ones.append(stream)
            except OSError:
                ends["closed"] += 1
        until_s = time.monotonic() + HOLD_S
        while open_ones and time.monotonic() < until_s:
            open_ones = [stream for stream in open_ones if _still_open(stream, drip, ends)]
            time.sleep(DRIP_S)
        ends += Counter({"open": len(open_ones)})
    finally:
        for stream in open_ones:
            stream.close()
    return ends


def _still_open(stream: socket.socket, drip: bytes, ends: Ends) -> bool:
    try:
        if drip:
            stream.send(drip)
        data = stream.recv(4_096)
    except BlockingIOError:
        return True
    except OSError:
        data = b""
    ends[data[9:12].decode("latin-1") if data.startswith(b"HTTP/1.1 ") else "closed"] += 1
    stream.close()
    return False


def _allow_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, count), hard), hard))


# --- WebSockets ----------------------------------------------------------------------------------

HANDSHAKE: Final = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    """Return a client's frame."""
    return Frame(opcode, data, fin).serialize(mask=True)


def hello(client_id: str = "guest", resume: str = "") -> bytes:
    """Return a ``connection_request``."""
    data = {"client_id": client_id, "capabilities": ["llm", "tools"]}
    more = {"resume": {"token": resume, "last_seq": 1}} if resume else {}
    return frame(Opcode.TEXT, json.dumps({"type": "connection_request", "data": data | more}).encode())


def in_session(target: Target, chunks: Iterable[bytes], *, until: str | None = None, deflate: bool = False) -> str:
    """Open a WebSocket with the attacker's key, and send; return the close code, or ``until`` if that was told."""
    extension = ["Sec-WebSocket-Extensions: permessage-deflate"] if deflate else []
    headers = [*HANDSHAKE, *extension, f"Authorization: Bearer {target.key}"]
    try:
        with connected(target) as stream:
            stream.sendall("\r\n".join(["GET /ws HTTP/1.1", "Host: localhost", *headers, "", ""]).encode())
            received = b""
            while b"\r\n\r\n" not in received and (more := stream.recv(65_536)):
                received += more
            if not received.startswith(b"HTTP/1.1 101 "):
                return received[9:12].decode("latin-1") or "closed"
            with suppress(OSError):
                for chunk in chunks:
                    stream.sendall(chunk)
            return _ended(stream, received.partition(b"\r\n\r\n")[2], until)
    except OSError:
        return "closed"


def _ended(stream: socket.socket, received: bytes, until: str | None) -> str:
    read_bytes = 0
    while read_bytes < MAX_READ_BYTES:
        while (found := _first_frame(received)) is not None:
            opcode, data, received = found
            if opcode == Opcode.CLOSE:
                return str(int.from_bytes(data[:2], "big"))
            if until is not None and opcode == Opcode.TEXT and until.encode() in data:
                return until
            if until == "pong" and opcode == Opcode.PONG:
                return until
        try:
            more = stream.recv(65_536)
        except OSError:
            return "closed"
        if not more:
            return "closed"
        received += more
        read_bytes += len(more)
    return "flood"


def _first_frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Return the opcode and the data of a server's frame, and what follows; ``None`` if it is not whole."""
    if len(data) < 2:
        return None
    size, at = data[1] & 0x7F, 2
    if size > 125:
        at = {126: 4, 127: 10}[size]
        size = int.from_bytes(data[2:at], "big")
    return None if len(data) < at + size else (data[0] & 0x0F, data[at : at + size], data[at + size :])


def one_byte_frames(target: Target, count: int) -> Ends:
    """Send a message in frames of one byte, without an end."""
    pieces = frame(Opcode.TEXT, b"x", fin=False) + frame(Opcode.CONT, b"x", fin=False) * 5_000
    return Counter(in_session(target, [hello(), pieces]) for _ in range(count))


def ping_flood(target: Target, count: int) -> Ends:
    """Send pings as fast as the line takes them, on one socket."""
    pings = frame(Opcode.PING, b"x" * 100)
    chunks = (pings * 100 for _ in range(max(1, count // 100)))
    return Counter([in_session(target, [hello(), *chunks], until="pong")])


def giant_frame(target: Target, count: int) -> Ends:
    """Announce a frame of 4 exabytes."""
    head = bytes([0x82, 0xFF]) + struct.pack("!Q", 1 << 62) + b"mask" + bytes(1_000)
    return Counter(in_session(target, [hello(), head]) for _ in range(count))


def decompression_bomb(target: Target, count: int) -> Ends:
    """Send 64 KB that are 64 MB when inflated."""
    packer = zlib.compressobj(9, wbits=-12)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush(zlib.Z_SYNC_FLUSH)[:-4]
    plain = frame(Opcode.BINARY, packed)
    return Counter(
        in_session(target, [hello(), bytes([plain[0] | 0x40]) + plain[1:]], deflate=True) for _ in range(count)
    )


def stolen_resume(target: Target, count: int) -> Ends:
    """Come back to the session of another user."""
    sent = [hello(resume=target.resume_token)]
    return Counter(in_session(target, sent, until='"resumed":false') for _ in range(count))


def log_injection(target: Target, count: int) -> Ends:
    """Bring line ends and terminal codes to where they might be logged."""
    client_id = "eve\n2026-01-01 [error] the server is owned\x1b[2J\r\n"
    chunks = [
        hello(client_id),
        frame(Opcode.TEXT, b'{"type": "no\\nsuch\\u001b[2J"}'),
        frame(Opcode.TEXT, b'{"type": "bye"}'),
    ]
    return Counter(in_session(target, chunks) for _ in range(count))


@attrs.frozen
class Attack:
    """One attack: how often it is done in the benchmark, and what the attacker must be told."""

    run: Callable[[Target, int], Ends]
    count: int
    answers: frozenset[str]


def _attack(run: Callable[[Target, int], Ends], count: int, *answers: str) -> Attack:
    return Attack(run, count, frozenset(answers))


ATTACKS: Final[Mapping[str, Attack]] = {
    "no key": _attack(no_key, 500, "401"),
    "wrong scope": _attack(wrong_scope, 500, "403"),
    "expired token": _attack(expired_token, 500, "401", "429"),
    "replayed token": _attack(replayed_token, 500, "401", "429"),
    "key guessing": _attack(key_guessing, 10_000, "401", "429"),
    "foreign origin": _attack(foreign_origin, 500, "403"),
    "header injection": _attack(header_injection, 500, "400"),
    "traversal": _attack(traversal, 500, "404"),
    "slow-loris": _attack(slow_loris, 500, "408", "503", "closed"),
    "half-open": _attack(half_open, 10_000, "503", "closed", "open"),  # open: the kernel queues what has no place
    "one-byte frames": _attack(one_byte_frames, 50, "1009"),
    "ping flood": _attack(ping_flood, 50_000, "pong"),
    "giant frame": _attack(giant_frame, 100, "1009"),
    "decompression bomb": _attack(decompression_bomb, 100, "1009"),
    "stolen resume": _attack(stolen_resume, 100, '"resumed":false'),
    "log injection": _attack(log_injection, 100, "1000"),
}
