import pytest

from protocol.messages import ToolSpec
from protocol.tools import Policy, consent_of, index_tools, policy_for


def spec(name="lamp", server="home", *, read_only=None):
    return ToolSpec(server, name, "", {}, read_only=read_only)


@pytest.mark.parametrize(
    ("read_only", "source", "is_doubtful", "expected"),
    [
        (True, "model", False, Policy.ALLOW),
        (True, "command", True, Policy.ALLOW),
        (False, "model", False, Policy.CONFIRM),
        (None, "model", False, Policy.CONFIRM),
        (None, "router", False, Policy.CONFIRM),
        (None, "command", False, Policy.ALLOW),
        (None, "command", True, Policy.CONFIRM),
    ],
)
def test_only_reading_and_clear_commands_are_allowed_without_asking(read_only, source, is_doubtful, expected):
    assert policy_for(spec(read_only=read_only), source, is_doubtful=is_doubtful) is expected


def test_an_unknown_tool_of_a_clear_command_is_the_users_word():
    assert policy_for(None, "command", is_doubtful=False) is Policy.ALLOW


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
