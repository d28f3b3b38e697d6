"""What heads say."""

import json

import h11
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from websockets.protocol import State
from websockets.server import ServerProtocol

from backends.ingress.http_head import (
    BadTarget,
    body_bytes_of,
    error_answer,
    handover_of,
    handshake_of,
    head_fault,
    method_label,
    origin_form,
    refusal_answer,
    refused_endpoint,
    refused_session_answer,
    request_of,
    wants_websocket,
)
from backends.protocols import Refusal
from protocol.admission.origin import SitePolicy, site_refusal

NAMES = st.sampled_from(["Origin", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Cookie"]) | (
    st.text("abcXYZ-09_", min_size=1, max_size=12)
)
SITES = SitePolicy.of({"x"}, (), ())


def head(target: str = "/", *headers: tuple[str, str], method: str = "GET") -> h11.Request:
    return h11.Request(method=method, target=target, headers=[("Host", "x"), *headers])


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", {}),
        ("/a/b?x=1&y=&x=2", "/a/b", {"x": "2", "y": ""}),
        ("/a%20b?q=%C3%A9+e", "/a%20b", {"q": "é e"}),
        ("//evil.example/x", "//evil.example/x", {}),
        ("//[", "//[", {}),
        ("/??", "/", {"?": ""}),
    ],
)
def test_a_target_is_split_into_path_and_query(target: str, path: str, query: dict[str, str]) -> None:
    request = request_of(head(target), "1.2.3.4:5")
    assert (request.path, request.query, request.peer) == (path, query, "1.2.3.4:5")


def test_all_values_of_a_repeated_key_are_kept_beside_the_last() -> None:
    request = request_of(head("/?a=1&b=2&a=3&a="), "1.2.3.4:5")
    assert request.query == {"a": "", "b": "2"}
    assert request.repeated == {"a": ("1", "3", "")}


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\tb \xff\r\n\r\n", None),
        (b"GET / HTTP/1.1\nHost: x\r\n\r\n", "must end in CR LF"),
        (b"GET / HTTP/1.1\r\nHost: x\n\n", "must end in CR LF"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\n", "must end in CR LF"),
        (b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", "may continue"),
        (b"GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", "may continue"),
        (b"GET / HTTP/1.1\r\nX: a\x01\r\n\r\n", "control characters"),
        (b"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", "control characters"),
    ],
)
def test_a_head_must_be_written_in_one_way_only(lines: bytes, fault: str | None) -> None:
    found = head_fault(lines)
    assert found is None if fault is None else found is not None and fault in found


def test_header_names_are_lower_case_and_repeated_values_joined() -> None:
    request = request_of(head("/", ("X-One", "1"), ("x-one", "2"), ("Accept", "*/*")), "p")
    assert request.headers == {"host": "x", "x-one": "1, 2", "accept": "*/*"}


PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40)


@given(
    st.sampled_from(["GET", "OPTIONS", "CONNECT", "BREW"]),
    st.sampled_from(["", "/", "//", "//[", "http://", "https://[", "*", "a:", "/?"]),
    PRINTABLE,
)
def test_a_target_that_h11_lets_through_is_understood_or_refused(method: str, start: str, rest: str) -> None:
    assume(start + rest)
    try:
        found = origin_form(head(start + rest, method=method))
    except BadTarget:
        return
    assert request_of(found, "p").path[0] in "/*"


@given(st.lists(st.tuples(NAMES, st.binary(max_size=60)), max_size=8), st.binary(max_size=60))
def test_a_head_that_h11_lets_through_never_fails(headers: list[tuple[str, bytes]], query: bytes) -> None:
    lines = [b"GET /ws?" + query + b" HTTP/1.1", b"Host: x"]
    lines += [name.encode() + b": " + value for name, value in headers]
    connection = h11.Connection(h11.SERVER)
    raw = b"\r\n".join([*lines, b"", b""])
    connection.receive_data(raw)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return
    if isinstance(event, h11.Request) and head_fault(raw.removesuffix(connection.trailing_data[0])) is None:
        found = origin_form(event)
        request = request_of(found, "p")
        assert site_refusal(request.method, request.headers, SITES) is None or "origin" in request.headers
        assert wants_websocket(request) in (True, False)
        assert ServerProtocol(state=State.OPEN).accept(handshake_of(found)).status_code in (101, 400, 426)
        assert handover_of(found, b"").head.startswith(b"GET /ws?")


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        ("http://other.example/abs?x=1", "other.example", "/abs"),
        ("HTTPS://other.example:8443", "other.example:8443", "/"),
        ("http://other.example?x=1", "other.example", "/"),
        ("http://[/health", "[", "/health"),
        ("http:///health", "", "/health"),
    ],
)
def test_the_authority_of_an_absolute_target_counts_as_host(target: str, host: str, path: str) -> None:
    found = origin_form(head(target, ("X-One", "1")))
    request = request_of(found, "p")
    assert (request.headers, request.path) == ({"host": host, "x-one": "1"}, path)
    assert handover_of(found, b"").head.startswith(f"GET {path}".encode())


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "*", 400),
        ("GET", "health", 400),
        ("GET", "ftp://x/", 400),
        ("GET", "http:/health", 400),
        ("CONNECT", "a:1", 501),
        ("CONNECT", "/ws", 501),
    ],
)
def test_a_target_that_is_nothing_here_is_refused(method: str, target: str, status: int) -> None:
    with pytest.raises(BadTarget) as error:
        origin_form(head(target, method=method))
    assert error.value.status == status


def test_a_star_is_the_server_as_a_whole_for_options() -> None:
    assert request_of(origin_form(head("*", method="OPTIONS")), "p").path == "*"


@pytest.mark.parametrize(
    ("connection", "upgrade", "expected"),
    [
        ("Upgrade", "websocket", True),
        ("keep-alive, upgrade", "WebSocket", True),
        ("keep-alive", "websocket", False),
        ("upgrade", "h2c", False),
        ("close", "", False),
    ],
)
def test_a_websocket_is_wanted_when_both_headers_say_so(connection: str, upgrade: str, expected: bool) -> None:
    assert wants_websocket(request_of(head("/", ("Connection", connection), ("Upgrade", upgrade)), "p")) is expected


def test_labels_of_methods_are_a_closed_set() -> None:
    assert method_label("GET") == "GET"
    assert method_label("BREW") == "OTHER"


def test_a_head_is_handed_on_without_what_was_for_us() -> None:
    original = head(
        "/a?b=c",
        ("Connection", "keep-alive, Upgrade, HTTP2-Settings"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA"),
        ("X-Mixed-Case", "1"),
        ("Content-Length", "3"),
        method="POST",
    )
    handover = handover_of(original, b"ab")
    assert handover.path == original.target.decode().partition("?")[0]
    assert (handover.received, handover.body_bytes) == (b"ab", 3)
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(handover.head)
    again = connection.next_event()
    assert isinstance(again, h11.Request)
    assert (again.method, again.target, again.http_version) == (b"POST", b"/a?b=c", b"1.1")
    assert dict(again.headers.raw_items()) == {b"Host": b"x", b"X-Mixed-Case": b"1", b"Content-Length": b"3"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [(("X", "1"), 0), (("Content-Length", "12"), 12), (("Transfer-Encoding", "chunked"), None)],
)
def test_the_length_of_a_body_is_as_announced(header: tuple[str, str], expected: int | None) -> None:
    assert body_bytes_of(head("/", header)) == expected


def test_the_handshake_has_the_same_head() -> None:
    raw = h11.Request(method=b"GET", target=b"/ws?x=1", headers=[(b"Host", b"x"), (b"Origin", b"https://\xe9.example")])
    handshake = handshake_of(raw)
    assert (handshake.path, handshake.method, handshake.protocol) == ("/ws?x=1", "GET", "HTTP/1.1")
    assert handshake.headers["origin"] == "https://é.example"


def test_errors_are_json() -> None:
    answer = error_answer(405, "no", [("Allow", "GET")])
    assert (answer.status, json.loads(answer.body), answer.headers) == (405, {"error": "no"}, (("Allow", "GET"),))


def test_a_refused_session_says_when_to_come_back_in_both_units() -> None:
    answer = refused_session_answer(Refusal(429, "too fast", 0.2, "rate"))
    assert answer.status == 429
    assert answer.headers == (("Retry-After", "1"),)
    assert json.loads(answer.body) == {"reason": "too fast", "retry_after_ms": 200}


@pytest.mark.parametrize(("retry_after_s", "headers"), [(None, ()), (0.2, (("Retry-After", "1"),))])
def test_a_refused_request_reads_the_reason(retry_after_s: float | None, headers: object) -> None:
    answer = refusal_answer(Refusal(403, "no", retry_after_s, "origin"))
    assert (answer.status, json.loads(answer.body), answer.headers) == (403, {"error": "no"}, headers)


@pytest.mark.parametrize(
    ("cause", "endpoint"),
    [("connections", "turned_away"), ("requests", "turned_away"), ("host", "refused_host"), ("rate", "refused_rate")],
)
def test_refused_requests_are_counted_by_cause(cause: str, endpoint: str) -> None:
    assert refused_endpoint(Refusal(503, "no", None, cause)) == endpoint
