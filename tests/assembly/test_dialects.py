"""What holds for every dialect that is served, and for the one of docs/dialects.md."""

import json
from collections.abc import Mapping
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembly.dialects import DIALECTS
from protocol.dialects.dialect import Frame, HandshakeRefused, MakeDialect, OpeningRequest
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import ClientEvent, ConnectionRefused, ConnectionRequest, event_name
from tests.protocol.dialects.line_dialect import LineDialect

MADE: Mapping[str, MakeDialect] = {**DIALECTS, "the page's": LineDialect}
WORDS = st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([event_name(kind) for kind in get_args(ClientEvent)])
FRAMES = st.one_of(
    st.binary(max_size=64),
    st.text(max_size=64),
    VALUES.map(json.dumps),
    st.builds(lambda kind, data: json.dumps({"type": kind, "data": data}), NAMES | WORDS, VALUES),
    st.builds(lambda word, rest: f"{word} {rest}", st.sampled_from(["SAY", "STOP", "BYE"]), WORDS),
)


@pytest.mark.parametrize("name", MADE)
@given(frame=FRAMES)
def test_whatever_comes_is_events_or_a_mistake_of_the_client(name: str, frame: Frame) -> None:
    try:
        said = MADE[name](OpeningRequest()).decode(frame)
    except RemoteProtocolError:
        return
    assert all(isinstance(one, bytes | ClientEvent) for one in said)


@pytest.mark.parametrize("name", MADE)
@given(query=st.dictionaries(WORDS, WORDS, max_size=3), headers=st.dictionaries(WORDS, WORDS, max_size=3))
def test_whatever_a_client_connects_with_is_a_request_or_a_mistake_of_it(
    name: str, query: dict[str, str], headers: dict[str, str]
) -> None:
    try:
        request = MADE[name](OpeningRequest(name, query, headers)).open()
    except HandshakeRefused as refused:
        if refused.status not in range(400, 500) or not json.dumps(refused.body):
            pytest.fail("an HTTP answer that does not say what the client has done wrong")
        return
    except RemoteProtocolError as error:
        if not error.fatal:
            pytest.fail("the client would be left open, with a session that never begins")
        return
    assert request is None or isinstance(request, ConnectionRequest)


@pytest.mark.parametrize("name", MADE)
def test_a_client_that_gets_no_session_is_told_so(name: str) -> None:
    told = MADE[name](OpeningRequest()).encode(ConnectionRefused("all places are taken", 1_000), 0)
    assert any("all places are taken" in str(frame) for frame in told)


@pytest.mark.parametrize("path", DIALECTS)
def test_a_path_is_one_that_a_request_can_have(path: str) -> None:
    assert path.startswith("/")
    assert "?" not in path
