import pytest

from protocol.messages.understanding import Guess, ToolSpec
from protocol.turns.tools import (
    Circumstances,
    Policy,
    configured_policy,
    consent_of,
    index_tools,
    policy_for,
    stops_all,
)


def spec(name="lamp", server="home", *, read_only=None, destructive=None):
    return ToolSpec(server, name, "", {}, read_only=read_only, destructive=destructive)


@pytest.mark.parametrize(
    ("read_only", "source", "is_doubtful", "expected"),
    [
        (True, "model", False, Policy.ALLOW),
        (True, "command", True, Policy.ALLOW),
        (False, "model", False, Policy.CONFIRM),
        (None, "model", False, Policy.CONFIRM),
        (None, "meaning", False, Policy.CONFIRM),
        (None, "command", False, Policy.ALLOW),
        (None, "command", True, Policy.CONFIRM),
    ],
)
def test_only_reading_and_clear_commands_are_allowed_without_asking(read_only, source, is_doubtful, expected):
    now = Circumstances(source=source, is_doubtful=is_doubtful)

    assert policy_for(spec(read_only=read_only), now) is expected


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (spec(read_only=False, destructive=True), Policy.CONFIRM),
        (None, Policy.CONFIRM),
        (spec(read_only=False, destructive=False), Policy.ALLOW),
        (spec(), Policy.ALLOW),
        (spec(read_only=True, destructive=True), Policy.ALLOW),
    ],
)
def test_a_command_that_was_not_said_exactly_destroys_nothing_unasked(tool, expected):
    exact, inexact = (Circumstances(source="command", is_inexact=is_inexact) for is_inexact in (False, True))

    assert policy_for(tool, inexact) is expected
    assert policy_for(tool, exact) is Policy.ALLOW


@pytest.mark.parametrize(
    ("tool", "configured", "expected"),
    [
        (spec(read_only=False, destructive=True), None, Policy.CONFIRM),
        (spec(read_only=False, destructive=True), Policy.ALLOW, Policy.ALLOW),
        (spec(read_only=False, destructive=False), None, Policy.ALLOW),
        (spec(read_only=True), None, Policy.ALLOW),
        (None, None, Policy.ALLOW),
    ],
)
def test_a_command_that_destroys_everything_at_once_is_confirmed(tool, configured, expected):
    now = Circumstances(source="command", is_sweeping=True)

    assert policy_for(tool, now, configured) is expected


def test_an_unknown_tool_of_a_clear_command_is_the_users_word():
    assert policy_for(None, Circumstances(source="command")) is Policy.ALLOW


@pytest.mark.parametrize("source", ["command", "meaning", "model"])
@pytest.mark.parametrize("read_only", [True, False, None])
@pytest.mark.parametrize("configured", [Policy.DENY, Policy.CONFIRM])
def test_the_operators_deny_and_confirm_always_hold(source, read_only, configured):
    assert policy_for(spec(read_only=read_only), Circumstances(source=source), configured) is configured


@pytest.mark.parametrize(
    ("read_only", "is_doubtful", "is_influenced", "expected"),
    [
        (None, False, False, Policy.ALLOW),
        (None, True, False, Policy.CONFIRM),
        (None, False, True, Policy.CONFIRM),
        (False, False, True, Policy.CONFIRM),
        (True, False, True, Policy.ALLOW),
    ],
)
def test_the_operators_allow_does_not_reach_calls_that_others_may_have_wished_for(
    read_only, is_doubtful, is_influenced, expected
):
    now = Circumstances(source="model", is_doubtful=is_doubtful, is_influenced=is_influenced)

    assert policy_for(spec(read_only=read_only), now, Policy.ALLOW) is expected


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ({}, None),
        ({"home/lamp": "deny", "home/*": "allow", "*": "confirm"}, Policy.DENY),
        ({"home/*": "allow", "*": "confirm"}, Policy.ALLOW),
        ({"office/*": "allow", "*": "confirm"}, Policy.CONFIRM),
        ({"home/lamps": "deny", "lamp": "deny"}, None),
    ],
)
def test_the_more_exact_word_of_the_operator_counts(policies, expected):
    assert configured_policy(policies, "home", "lamp") is expected


def test_a_name_that_two_servers_share_gets_the_name_of_its_server():
    found = index_tools([spec("lamp", "home"), spec("lamp", "office"), spec("time", "home")])

    assert sorted(found) == ["home__lamp", "office__lamp", "time"]
    assert found["office__lamp"].server == "office"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Yes.", True),
        ("yes, please", True),
        ("Go ahead!", True),
        ("Ja.", True),
        ("no", False),
        ("No, don't.", False),
        ("Never mind.", False),
        ("what time is it", None),
        ("yesterday was fine", None),
        ("", None),
    ],
)
def test_consent_is_a_clear_yes_or_no_and_nothing_else(said, expected):
    assert consent_of(said) is expected


@pytest.mark.parametrize(
    ("read_only", "is_sure", "expected"),
    [
        (True, True, Policy.ALLOW),
        (True, False, Policy.CONFIRM),
        (False, True, Policy.CONFIRM),
        (None, True, Policy.CONFIRM),
    ],
)
def test_what_was_understood_by_its_meaning_is_done_unasked_only_if_it_reads_and_is_sure(read_only, is_sure, expected):
    now = Circumstances(source="command", guess=Guess("Shall I?", is_sure=is_sure))

    assert policy_for(spec(read_only=read_only), now) is expected
    assert policy_for(spec(read_only=read_only), now, Policy.ALLOW) is expected
    assert policy_for(None, now) is Policy.CONFIRM


def test_a_stop_is_more_than_a_no():
    assert [stops_all(said) for said in ("Stop.", "never mind", "Abbrechen!", "no", "nein", "yes", "")] == [
        *[True] * 3,
        *[False] * 4,
    ]
