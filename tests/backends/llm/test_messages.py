"""Names of tools on the wire, and conversations for models without tools."""

import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.llm.messages import WireNames, parse_arguments, without_tools
from backends.protocols import ProviderError
from protocol.messages.understanding import ChatMessage, ModelToolCall
from tests.backends.llm.llm_fixtures import AFTER_A_CALL, LIGHT, completion
from tests.unreadable_json import UNREADABLE_JSON


@given(st.lists(st.text(min_size=1, max_size=100), unique=True, max_size=20))
def test_every_name_is_allowed_on_the_wire_and_comes_back(ours: list[str]) -> None:
    names = WireNames([attrs.evolve(LIGHT, name=name) for name in ours])

    wire = [names.to_wire(name) for name in ours]

    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in wire)
    assert [names.to_ours(name) for name in wire] == ours


def test_names_that_are_allowed_stay_as_they_are() -> None:
    assert WireNames([attrs.evolve(LIGHT, name="set_timer-2")]).to_wire("set_timer-2") == "set_timer-2"


def test_a_name_that_is_taken_on_the_wire_gets_a_number() -> None:
    names = WireNames([attrs.evolve(LIGHT, name=name) for name in ("a.b", "a:b", "a b")])

    assert [names.to_wire(name) for name in ("a.b", "a:b", "a b")] == ["a_b", "a_b_2", "a_b_3"]


def test_a_name_that_was_not_offered_stays_as_it_is() -> None:
    assert WireNames([LIGHT]).to_ours("launch_rocket") == "launch_rocket"


def test_results_become_data_and_bare_calls_disappear() -> None:
    spoken = ChatMessage("assistant", "Done.", tool_calls=(ModelToolCall("c2", "x", {}),))

    plain = without_tools(completion([*AFTER_A_CALL, spoken], (LIGHT,)))

    assert [(message.role, message.content, message.tool_calls) for message in plain.messages] == [
        ("system", "Be short.", ()),
        ("user", "Turn on the light.", ()),
        ("user", "Data from home.light: the light is on", ()),
        ("assistant", "Done.", ()),
    ]
    assert plain.tools == ()


def test_no_arguments_are_an_empty_object() -> None:
    assert parse_arguments("x", "") == {}


@pytest.mark.parametrize(
    "text", [*(data.decode(errors="surrogateescape") for data in UNREADABLE_JSON), '{"a":' * 50_000], ids=len
)
def test_arguments_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ProviderError, match="arguments for x must be a JSON object"):
        parse_arguments("x", text)


def test_arguments_must_be_an_object() -> None:
    with pytest.raises(ProviderError, match=r"arguments for x must be a JSON object, not '\[1\]'"):
        parse_arguments("x", "[1]")
