import socket

import pytest

from assembly.providers.server_check import check_mcp, check_openai, get_json
from tests.assembly.providers.provider_fixtures import answering, states


def test_a_server_that_lists_its_models_is_fine() -> None:
    with answering("/v1/models", {"data": []}, key="sk-1") as url:
        assert states(check_openai("x", f"{url}/v1/", "sk-1", "fail")) == {"x": "ok"}
        assert get_json(f"{url}/v1/models", "sk-1") == {"data": []}


@pytest.mark.parametrize(("status", "state"), [(404, "ok"), (501, "ok"), (401, "warn"), (500, "warn")])
def test_a_server_without_a_list_is_there_all_the_same(status: int, state: str) -> None:
    with answering("/elsewhere", {}, missing=status) as url:
        assert states(check_openai("x", url, "", "warn")) == {"x": state}


@pytest.mark.parametrize("state", ["warn", "fail"])
def test_a_missing_server_matters_as_much_as_the_caller_says(state: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    assert states(check_openai("x", url, "", "warn" if state == "warn" else "fail")) == {"x": state}


def test_an_address_that_is_none_is_told() -> None:
    [finding] = check_openai("x", "no url", "", "fail")
    assert finding.state == "fail"


@pytest.mark.parametrize(
    ("page", "key", "told"),
    [
        ({}, "", "answers"),
        ({}, "sk-1", "it answered 401 Unauthorized: it wants a key"),
        ("<h1>Hello</h1>", "", "it answered 200 OK with text/html: that is no MCP server"),
    ],
)
def test_a_tool_server_at_an_address_is_told_with_its_status(page: object, key: str, told: str) -> None:
    with answering("/mcp", page, missing=401, key=key) as url:
        [finding] = check_mcp("x", f"{url}/mcp", {})
    assert finding.state == ("ok" if told == "answers" else "warn")
    assert told in finding.text


def test_a_tool_server_gets_its_headers() -> None:
    with answering("/mcp", {}, missing=401, key="sk-1") as url:
        assert states(check_mcp("x", f"{url}/mcp", {"Authorization": "Bearer sk-1"})) == {"x": "ok"}


def test_a_tool_server_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/mcp"
    [finding] = check_mcp("x", url, {})
    assert (finding.state, finding.text.startswith(f"no answer at {url}")) == ("warn", True)
