import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.home_assistant import frames
from backends.home_assistant.frames import Area, Attributes, BadHomeFrame, EntityState, Entry, Exposed, HomeFailure
from tests.unreadable_json import UNREADABLE_JSON


def test_a_command_has_its_number_and_its_fields() -> None:
    assert json.loads(frames.command(7, "subscribe_events", {"event_type": "x", "id": 9})) == {
        "id": 7,
        "type": "subscribe_events",
        "event_type": "x",
    }
    assert json.loads(frames.auth("secret")) == {"type": "auth", "access_token": "secret"}


def test_an_answer_is_read_as_what_was_asked_for() -> None:
    answer = frames.frame(
        '{"id":3,"type":"result","success":true,"result":[{"area_id":"kitchen","name":"Kitchen","aliases":["x",null]}]}'
    )
    assert (answer.id, answer.success) == (3, True)
    assert frames.result(answer, list[Area]) == [Area("kitchen", "Kitchen", ["x", None])]


def test_a_failure_is_read_with_its_code() -> None:
    answer = frames.frame('{"id":1,"type":"result","success":false,"error":{"code":"unauthorized","message":"No"}}')
    assert answer.error == HomeFailure("unauthorized", "No")


def test_what_is_not_used_is_not_read() -> None:
    state = '[{"entity_id":"light.a","state":"on","attributes":{"friendly_name":"A","rgb_color":[1,2,3],"x":null}}]'
    answer = frames.frame(f'{{"id":1,"type":"result","success":true,"result":{state}}}')
    assert frames.result(answer, list[EntityState]) == [EntityState("light.a", Attributes("A"))]


def test_only_what_is_exposed_to_assist_counts() -> None:
    exposed = Exposed({"light.a": {"conversation": True}, "light.b": {"conversation": False}, "c.d": {"cloud": True}})
    assert exposed.to(frames.ASSISTANT) == {"light.a"}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"type":5}', "\ud800".encode("utf-8", "surrogatepass"), "<html>", *UNREADABLE_JSON],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_frame_is_told_in_a_line(text: str | bytes) -> None:
    with pytest.raises(BadHomeFrame, match=r"^not a frame of Home Assistant: [^\n]{1,250}$"):
        frames.frame(text)


def test_an_answer_of_another_kind_is_told() -> None:
    answer = frames.frame('{"id":1,"type":"result","success":true,"result":[{"entity_id":5}]}')
    with pytest.raises(BadHomeFrame, match=r"an answer of Home Assistant does not fit: .*entity_id"):
        frames.result(answer, list[Entry])


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
@settings(deadline=None)
def test_whatever_comes_is_a_frame_or_refused(text: str | bytes) -> None:
    with suppress(BadHomeFrame):
        frames.frame(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
@settings(deadline=None)
def test_whatever_an_answer_holds_it_is_decoded_or_refused(value: object) -> None:
    answer = frames.frame(json.dumps({"id": 1, "type": "result", "success": True, "result": value}))
    for kind in (list[Area], list[Entry], Exposed, list[EntityState], dict[str, Entry | None]):
        with suppress(BadHomeFrame):
            frames.result(answer, kind)


@given(st.dictionaries(st.text(max_size=10), json_values, max_size=4), st.integers(1, 2**31))
@settings(deadline=None)
def test_every_command_can_be_read_back(fields: dict[str, object], number: int) -> None:
    assert json.loads(frames.command(number, "ping", fields)) == {**fields, "id": number, "type": "ping"}
