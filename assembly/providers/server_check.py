"""Checks a server over HTTP, for ``sayso doctor``."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from assembly.providers.provider import Finding, State
from backends.mcp.http_problems import http_problem

LOOK_TIMEOUT_S: Final = 2.0
MCP_VERSION: Final = "2025-06-18"  # the oldest that knows streamable HTTP well; a newer server answers it too
NO_LIST: Final = frozenset({404, 405, 501})  # status of a server without /models, which counts as available


def get_json(url: str, api_key: str = "") -> Any:
    """Return a page as JSON; raises ``OSError`` (``HTTPError`` for a status above 399) or ``ValueError``."""
    headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the user's own address
    with urllib.request.urlopen(request, timeout=LOOK_TIMEOUT_S) as answer:  # noqa: S310
        return json.load(answer)


def check_openai(name: str, url: str, api_key: str, missing: State) -> Iterator[Finding]:
    """Ask a server with OpenAI's API for its models; ``missing`` is the severity if it does not answer."""
    address = f"{url.rstrip('/')}/models"
    try:
        get_json(address, api_key)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in NO_LIST:
            yield Finding(name, "ok", f"{url} answers")
        else:
            yield Finding(name, missing, f"{address} answers with {error.code} {error.reason}", "check the key")
    except (OSError, ValueError) as error:
        yield Finding(name, missing, f"no answer at {address}: {error}", "start that server, or mend the address")
    else:
        yield Finding(name, "ok", f"{url} answers")


def check_mcp(name: str, url: str, headers: Mapping[str, str]) -> Iterator[Finding]:
    """Introduce ourselves to a tool server at an address, and end the session that it may have opened."""
    params = {"protocolVersion": MCP_VERSION, "capabilities": {}, "clientInfo": {"name": "sayso", "version": "0"}}
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    ours = {"content-type": "application/json", "accept": "application/json, text/event-stream", **headers}
    try:
        request = urllib.request.Request(url, json.dumps(hello).encode(), ours)  # noqa: S310 - the user's own address
        with urllib.request.urlopen(request, timeout=LOOK_TIMEOUT_S) as answer:  # noqa: S310
            problem = http_problem(answer.status, answer.headers.get("content-type", ""))
            session = answer.headers.get("mcp-session-id")
        if session is not None:
            _end_session(url, {**headers, "mcp-session-id": session})
    except urllib.error.HTTPError as error:
        error.close()
        problem = http_problem(error.code, error.headers.get("content-type", ""))
    except (OSError, ValueError) as error:
        yield Finding(name, "warn", f"no answer at {url}: {error}", "start that server, or mend the address")
        return
    if problem is None:
        yield Finding(name, "ok", f"{url} answers")
    else:
        yield Finding(name, "warn", f"{url}: {problem}", "mend its url or headers in the settings")


def _end_session(url: str, headers: Mapping[str, str]) -> None:
    request = urllib.request.Request(url, headers=dict(headers), method="DELETE")  # noqa: S310 - the same
    with suppress(OSError), urllib.request.urlopen(request, timeout=LOOK_TIMEOUT_S):  # noqa: S310
        pass
