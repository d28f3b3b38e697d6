"""Checks a server over HTTP, for ``sayso doctor``."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, Final

from assembly.providers.provider import Finding, State

LOOK_TIMEOUT_S: Final = 2.0
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
