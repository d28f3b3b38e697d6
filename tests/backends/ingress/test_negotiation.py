"""What a WebSocket's handshake, its frames and its refusal have from the dialect of its path."""

from collections.abc import Mapping

from protocol.dialects.dialect import Dialect, HandshakeRefused, MakeDialect, OpeningRequest
from tests.backends.ingress.ingress_fixtures import UPGRADE, FakeHandlers, read_head, serving
from tests.protocol.dialects.line_dialect import LineDialect

SPEAKING_LINES: Mapping[str, MakeDialect] = {"/ws": LineDialect}


async def test_the_handshake_selects_what_the_dialect_has_chosen() -> None:
    async with serving(dialects=SPEAKING_LINES) as server:
        stream = await server.connect()
        await stream.send_all(UPGRADE + b"Sec-WebSocket-Protocol: lines, key.K\r\n\r\n")
        head, _ = await read_head(stream)
    assert head.lower().endswith(b"\r\nsec-websocket-protocol: lines")


async def test_nothing_is_selected_that_was_not_offered() -> None:
    async with serving(dialects=SPEAKING_LINES) as server:
        stream = await server.connect()
        await stream.send_all(UPGRADE + b"Sec-WebSocket-Protocol: others\r\n\r\n")
        head, _ = await read_head(stream)
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-protocol" not in head.lower()


def refuse(_request: OpeningRequest) -> Dialect:
    raise HandshakeRefused(400, {"err_code": "NO"}, [("dg-error", "no")])


async def test_a_dialect_may_answer_a_handshake_by_http_in_its_own_form() -> None:
    async with serving(dialects={"/ws": refuse}) as server:
        stream = await server.connect()
        await stream.send_all(UPGRADE + b"\r\n")
        head, body = await read_head(stream)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"dg-error: no" in head.lower()
    assert body == b'{"err_code": "NO"}'


async def test_a_dialect_gets_all_values_of_a_repeated_parameter() -> None:
    seen: list[OpeningRequest] = []

    def note(request: OpeningRequest) -> Dialect:
        seen.append(request)
        return LineDialect(request)

    async with serving(dialects={"/ws": note}) as server:
        stream = await server.connect()
        await stream.send_all(UPGRADE.replace(b"/ws", b"/ws?a=1&a=2&b=3") + b"\r\n")
        await read_head(stream)
    assert seen[0].all_values == {"a": ("1", "2"), "b": ("3",)}


async def test_a_browser_that_is_refused_is_told_so_in_its_dialect() -> None:
    handlers = FakeHandlers(places=0)
    async with serving(handlers, dialects=SPEAKING_LINES) as server:
        client = await server.upgrade(b"Origin: http://localhost\r\n")
        assert (await client.payload()).startswith(b"NO ")
        assert await client.close_code() == 1013


async def test_a_frame_may_be_as_large_as_its_dialect_says() -> None:
    class ShortLines(LineDialect):
        max_frame_bytes = 1_000

    async with serving(dialects={"/ws": ShortLines}) as server:
        client = await server.upgrade()
        await client.send("x" * 1_001)
        assert await client.close_code() == 1009
