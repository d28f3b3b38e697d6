"""Answers of servers that are no MCP."""

import httpx2
import pytest
from mcp import MCPError

from backends.mcp.http_problems import HttpAnswers, http_problem


@pytest.mark.parametrize(
    ("status", "content_type", "told"),
    [
        (200, "application/json", None),
        (200, "text/event-stream; charset=utf-8", None),
        (202, "", None),
        (401, "application/json", "it answered 401 Unauthorized: it wants a key: set headers, such as Authorization"),
        (404, "", "it answered 404 Not Found: there is no MCP server at that path"),
        (409, "", "it answered 409 Conflict: it refuses the request"),
        (500, "", "it answered 500 Internal Server Error: it has failed"),
        (599, "", "it answered 599: it has failed"),
        (200, "text/html; charset=utf-8", "it answered 200 OK with text/html: that is no MCP server"),
        (200, "", "it answered 200 OK with no content type: that is no MCP server"),
    ],
)
def test_an_answer_is_told_with_its_status(status: int, content_type: str, told: str | None) -> None:
    assert http_problem(status, content_type) == told


async def test_only_the_newest_answer_to_a_request_counts() -> None:
    answers = HttpAnswers()
    error = MCPError(code=-32603, message="Server returned an error response")
    post, get = (httpx2.Request(method, "http://x/mcp") for method in ("POST", "GET"))
    await answers.take(httpx2.Response(401, request=post))
    await answers.take(httpx2.Response(405, request=get))
    assert "401" in str(answers.words_for(error))
    await answers.take(httpx2.Response(200, request=post, headers={"content-type": "application/json"}))
    assert answers.words_for(error) is None


async def test_a_word_of_the_server_itself_is_left_alone() -> None:
    answers = HttpAnswers()
    await answers.take(httpx2.Response(400, request=httpx2.Request("POST", "http://x/mcp")))
    assert answers.words_for(MCPError(code=-32602, message="unknown tool")) is None
    assert answers.words_for(OSError("Not Found")) is None
