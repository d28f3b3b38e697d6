"""How events and errors are written."""

import json

from protocol.dialects.realtime.wire import ServerFrames, problem_of
from protocol.messages.events import Error

WIRE = ServerFrames(lambda: "1")


def test_an_event_has_an_id() -> None:
    assert json.loads(WIRE.frame("session.created", a=1)) == {"type": "session.created", "event_id": "event_1", "a": 1}


def test_half_a_character_does_not_stop_an_event() -> None:
    assert json.loads(WIRE.frame("x", text="a\ud83d"))["text"] == "a?"


def test_a_mistake_is_told_by_the_name_of_the_event_that_made_it() -> None:
    named = problem_of(Error("bad_field", "no", event_id="e1"), "e2")
    assert (named.type, named.code, named.event_id) == ("invalid_request_error", "invalid_value", "e1")
    assert problem_of(Error("unknown_model", "no"), "e2").event_id == "e2"


def test_what_failed_here_is_not_the_clients_mistake() -> None:
    failed = problem_of(Error("turn_failed", "no", turn_id="t1"), "e2")
    assert (failed.type, failed.code, failed.event_id) == ("server_error", "turn_failed", None)
    assert problem_of(Error("rate_limited", "no", turn_id="t1")).type == "rate_limit_error"


def test_an_error_has_all_the_fields_that_clients_ask_for() -> None:
    told = json.loads(WIRE.error(problem_of(Error("bad_json", "no"))))
    assert told["error"] == {
        "code": "invalid_event",
        "message": "no",
        "type": "invalid_request_error",
        "param": None,
        "event_id": None,
    }
