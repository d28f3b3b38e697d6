"""Compression on a WebSocket, with frames as they are on the wire, and against another library's client."""

import zlib
from typing import Any

import pytest
from websockets.exceptions import PayloadTooBig
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode

from backends.ingress.accepted_connection import protocol_for
from backends.ingress.websocket_deflate import INFLATED_MAX_BYTES, MIN_BYTES, DeflateOffer, TextDeflate
from protocol.dialects.native import NativeDialect
from protocol.messages.socket import Socket
from tests.backends.ingress.ingress_fixtures import (
    UPGRADE,
    FakeHandlers,
    gateway_settings,
    read_head,
    serving,
    websocket_settings,
)

OFFER = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


def deflate() -> TextDeflate:
    _, made = DeflateOffer().process_request_params([("client_max_window_bits", None)], [])
    return made


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=-12)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def compressed_frame(data: bytes, opcode: Opcode = Opcode.TEXT) -> Frame:
    return Frame(opcode, deflated(data), rsv1=True)


def test_a_long_text_is_compressed_and_nothing_else() -> None:
    text = b"it is ten past six " * 100
    sent = deflate().encode(Frame(Opcode.TEXT, text))
    assert sent.rsv1
    assert len(sent.data) < len(text) / 5
    assert deflate().decode(sent).data == text
    for frame in (Frame(Opcode.TEXT, text[:MIN_BYTES]), Frame(Opcode.BINARY, text), Frame(Opcode.PING, b"t")):
        assert deflate().encode(frame) is frame


def test_no_context_is_kept_between_messages() -> None:
    extension = deflate()
    text = bytes(range(256)) * 5
    assert len(extension.encode(Frame(Opcode.TEXT, text)).data) == len(extension.encode(Frame(Opcode.TEXT, text)).data)
    assert extension.remote_no_context_takeover
    assert not hasattr(extension, "decoder")


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
def test_a_message_may_be_as_large_as_the_bound_and_no_larger(opcode: Opcode) -> None:
    extension = deflate()
    assert len(extension.decode(compressed_frame(bytes(INFLATED_MAX_BYTES), opcode)).data) == INFLATED_MAX_BYTES
    with pytest.raises(PayloadTooBig):
        extension.decode(compressed_frame(bytes(INFLATED_MAX_BYTES + 1), opcode))


def test_the_smaller_of_two_bounds_counts() -> None:
    with pytest.raises(PayloadTooBig):
        deflate().decode(compressed_frame(bytes(101)), max_size=100)
    assert deflate().decode(Frame(Opcode.BINARY, b"abc"), max_size=3).data == b"abc"


def test_fragments_of_one_message_have_the_bound_together() -> None:
    packed = deflated(bytes(2 * INFLATED_MAX_BYTES))
    pieces = [packed[start : start + 16] for start in range(0, len(packed), 16)]
    frames = [
        Frame(Opcode.CONT if number else Opcode.BINARY, piece, False, not number) for number, piece in enumerate(pieces)
    ]
    extension = deflate()
    seen: list[int] = []
    with pytest.raises(PayloadTooBig):
        seen.extend(len(extension.decode(frame).data) for frame in frames)
    assert 0 < sum(seen) <= INFLATED_MAX_BYTES


def test_a_message_that_fills_the_bound_may_end_with_an_empty_fragment() -> None:
    extension = deflate()
    packed = deflated(bytes(INFLATED_MAX_BYTES))
    first = extension.decode(Frame(Opcode.BINARY, packed, fin=False, rsv1=True))
    assert len(first.data) == INFLATED_MAX_BYTES
    assert extension.decode(Frame(Opcode.CONT, b"", fin=True)).data == b""
    assert extension.decode(compressed_frame(b"next")).data == b"next"


def on_the_wire(frame: Frame) -> bytes:
    """Return a frame that is compressed already, as a client sends it."""

    class AsItIs(TextDeflate):
        def encode(self, _frame: Frame) -> Frame:
            return frame

    return Frame(frame.opcode, b"").serialize(mask=True, extensions=[AsItIs(True, True, 15, 15)])


# --- over the port -------------------------------------------------------------------------------


class DeflateClient:
    """The other end of a socket, with the library's own client extension."""

    def __init__(self, head: bytes) -> None:
        line = next(line for line in head.decode().split("\r\n") if line.lower().startswith("sec-websocket-ext"))
        terms = [part.strip().partition("=") for part in line.partition(":")[2].split(";")[1:]]
        params = [(name, value or None) for name, _, value in terms]
        factory = ClientPerMessageDeflateFactory(client_max_window_bits=True)
        self.extension = factory.process_response_params(params, [])


async def tell_long(socket: Socket, _request: Any) -> None:
    message = await socket.receive()
    await socket.send(message if isinstance(message, str) else f"{len(message)} bytes")


async def opened(server: Any) -> tuple[Any, DeflateClient]:
    stream = await server.connect()
    await stream.send_all(UPGRADE + OFFER + b"\r\n")
    head, rest = await read_head(stream)
    assert rest == b""
    return stream, DeflateClient(head)


async def test_a_client_that_offers_it_is_answered_in_it() -> None:
    text = "set a timer for ten minutes " * 60
    async with serving(FakeHandlers(session=tell_long)) as server:
        stream, client = await opened(server)
        sent = client.extension.encode(Frame(Opcode.TEXT, text.encode()))
        await stream.send_all(on_the_wire(sent))
        data = await stream.receive_some(65_536)
    assert data[0] == 0xC1, "the end of a compressed text"
    assert data[1] < 126
    received = client.extension.decode(Frame(Opcode.TEXT, data[2 : 2 + data[1]], rsv1=True))
    assert bytes(received.data).decode() == text


async def test_a_bomb_closes_its_own_socket_with_1009_and_no_other() -> None:
    async with serving(FakeHandlers(session=tell_long)) as server:
        other = await server.upgrade()
        stream, _ = await opened(server)
        bomb = compressed_frame(bytes(64 << 20), Opcode.BINARY)
        assert len(bomb.data) < 70_000
        await stream.send_all(on_the_wire(bomb))
        data = await stream.receive_some(65_536)
        assert (data[0], int.from_bytes(data[2:4], "big")) == (0x88, 1009)
        await other.send("still there")
        assert await other.payload() == b"still there"


async def test_it_can_be_switched_off() -> None:
    settings = gateway_settings(websocket_settings(compression=False))
    async with serving(settings=settings) as server:
        stream = await server.connect()
        await stream.send_all(UPGRADE + OFFER + b"\r\n")
        head, _ = await read_head(stream)
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-extensions" not in head.lower()


class LargeFrames(NativeDialect):
    """A dialect whose clients send more in one frame than is ever inflated."""

    max_frame_bytes: int | None = INFLATED_MAX_BYTES + 1


def test_a_dialect_of_large_frames_is_not_compressed() -> None:
    settings = websocket_settings(compression=True)
    assert protocol_for(NativeDialect(), settings).available_extensions
    assert not protocol_for(LargeFrames(), settings).available_extensions


@pytest.mark.parametrize("terms", [b"server_max_window_bits=8", b"nonsense", b"client_max_window_bits=99"])
async def test_an_offer_that_cannot_be_met_is_left_out(terms: bytes) -> None:
    async with serving() as server:
        stream = await server.connect()
        await stream.send_all(UPGRADE + b"Sec-WebSocket-Extensions: permessage-deflate; " + terms + b"\r\n\r\n")
        head, _ = await read_head(stream)
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-extensions" not in head.lower()
