import pytest

from config.home_assistant import SERVER
from config.load import load
from config.problems import ConfigError

HOME = {"HOME": "/home/ada"}
SECRET = "s3cret-token"
FLAGS = {"home_assistant.url": "http://ha.local:8123/"}
TOKEN = {"SAYSO_HOME_ASSISTANT__TOKEN": SECRET}


def test_without_a_url_nothing_is_added() -> None:
    tools = load(None, HOME | TOKEN, {}).settings.tools
    assert (tools.servers, tools.policy) == ({}, {})


def test_a_url_adds_the_tool_server_and_what_needs_consent() -> None:
    tools = load(None, HOME | TOKEN, FLAGS).settings.tools
    assert tools.servers[SERVER] == {
        "url": "http://ha.local:8123/api/mcp",
        "headers": {"Authorization": f"Bearer {SECRET}"},
    }
    assert tools.policy == {f"{SERVER}/unlock_door": "confirm", f"{SERVER}/open_door": "confirm"}


def test_the_policy_of_the_settings_comes_first() -> None:
    policy = {"SAYSO_TOOLS__POLICY": f'{{"{SERVER}/unlock_door": "deny"}}'}
    assert load(None, HOME | TOKEN | policy, FLAGS).settings.tools.policy[f"{SERVER}/unlock_door"] == "deny"


@pytest.mark.parametrize("url", ["ha.local:8123", "ftp://ha.local", "http://", "http://ha.local/?x=1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="must be an address such as http://homeassistant"):
        load(None, HOME | TOKEN, {"home_assistant.url": url})


def test_a_url_needs_a_token() -> None:
    with pytest.raises(ConfigError, match=r"home_assistant\.url needs home_assistant\.token"):
        load(None, HOME, FLAGS)


def test_another_tool_server_of_the_name_is_refused_without_showing_secrets() -> None:
    servers = {"SAYSO_TOOLS__SERVERS": f'{{"{SERVER}": {{"url": "http://x", "headers": {{"a": "{SECRET}"}}}}}}'}
    with pytest.raises(ConfigError, match=r"give the one of tools\.servers another name") as caught:
        load(None, HOME | TOKEN | servers, FLAGS)
    assert SECRET not in str(caught.value)


def test_the_token_is_not_in_the_representation() -> None:
    assert SECRET not in repr(load(None, HOME | TOKEN, FLAGS).settings.home_assistant)
