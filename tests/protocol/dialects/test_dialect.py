"""The request that a client connects with, and the dialect that docs/dialects.md shows."""

from pathlib import Path

import pytest

from protocol.dialects.dialect import Dialect, OpeningRequest
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import Bye, ConnectionRefused, ConnectionRequest, Error, Interrupt, Pong, Reply, Text
from tests.protocol.dialects.line_dialect import LineDialect
from tests.source_tree import ROOT


@pytest.mark.parametrize(
    ("header", "offered"),
    [(None, ()), ("", ()), ("realtime", ("realtime",)), ("realtime, key.K ,, x", ("realtime", "key.K", "x"))],
)
def test_subprotocols_are_read_in_the_order_of_the_header(header: str | None, offered: tuple[str, ...]) -> None:
    headers = {} if header is None else {"sec-websocket-protocol": header}
    assert OpeningRequest("/ws", {}, headers).subprotocols == offered


def test_the_dialect_of_the_page_is_the_one_that_the_tests_use() -> None:
    page = (ROOT / "docs/dialects.md").read_text()
    shown = page.partition("```python\n")[2].partition("```")[0]
    source = (Path(__file__).parent / "line_dialect.py").read_text()
    assert shown.strip() == source.partition('"""\n\n')[2].strip()


def test_lines_are_events_and_events_are_lines() -> None:
    dialect: Dialect = LineDialect(OpeningRequest(query={"name": "ann"}))
    assert dialect.open() == ConnectionRequest("ann", ("stt", "llm", "tools"))
    assert [*dialect.decode("SAY hello you"), *dialect.decode("STOP"), *dialect.decode("BYE")] == [
        Text("hello you"),
        Interrupt(),
        Bye(),
    ]
    assert dialect.decode(b"\0\1") == (b"\0\1",)
    with pytest.raises(RemoteProtocolError, match="not 'DANCE'"):
        dialect.decode("DANCE now")
    assert dialect.encode(Reply("t", "good morning"), 1) == ("ANSWER good morning",)
    assert dialect.encode(Error("x", "no such thing"), 2) == ("NO no such thing",)
    assert dialect.encode(ConnectionRefused("full", 1_000), 0) == ("NO full",)
    assert dialect.encode(Pong(), 3) == ()
    assert dialect.speech(b"\0\1") == (b"\0\1",)
