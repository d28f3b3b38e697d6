"""Home Assistant: what is made if its section has a url, and what ``sayso doctor`` checks of it."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, Final

import attrs

from assembly.providers.provider import Finding
from backends.commands.layers import LayeredGrammar
from backends.home_assistant.grammar import HomeGrammar
from backends.home_assistant.link import HomeLinks
from backends.home_assistant.sentences import UnknownLanguage, load_sentences
from backends.home_assistant.tools import HomeToolServers
from backends.home_assistant.wording import Wording
from backends.protocols import CommandGrammar, ToolConnectionFactory
from config.home_assistant import MCP_PATH
from config.settings import HomeAssistantSettings, Settings

LOOK_TIMEOUT_S: Final = 5.0
NAME: Final = "home assistant"


@attrs.frozen(eq=False)
class Home:
    """What all of the server's parts share of one Home Assistant."""

    links: HomeLinks
    grammar: HomeGrammar
    wording: Wording

    def above(self, own: CommandGrammar) -> CommandGrammar:
        """Return ``own`` sentences, and those about the home below them."""
        return LayeredGrammar(own, self.grammar)

    def speaking(self, servers: ToolConnectionFactory) -> ToolConnectionFactory:
        """Return the tool servers, Home Assistant's with its results in words."""
        return HomeToolServers(servers, lambda: self.grammar.names, self.wording)


def home(settings: HomeAssistantSettings) -> Home | None:
    """Return what a Home Assistant needs; ``None`` without a url. Raises ``UnknownLanguage``."""
    if not settings.url:
        return None
    sentences = [load_sentences(language) for language in settings.languages]
    return Home(HomeLinks(settings), HomeGrammar(sentences), Wording({each.language: each for each in sentences}))


def findings(settings: Settings) -> Iterator[Finding]:
    """Check the address, the token, the MCP server, and the languages."""
    section = settings.home_assistant
    if not section.url:
        yield Finding(NAME, "ok", "not used (home_assistant.url is empty)")
        return
    for language in section.languages:
        try:
            load_sentences(language)
        except UnknownLanguage as error:
            yield Finding(NAME, "fail", str(error), "mend home_assistant.languages")
    yield from _server(section)


def _server(section: HomeAssistantSettings) -> Iterator[Finding]:
    url = section.url.rstrip("/")
    try:
        status, body = _ask(f"{url}/api/", section.token)
        if status == 401:  # noqa: PLR2004 - unauthorised
            yield Finding(
                NAME, "warn", f"{url} does not accept the token", "make a long-lived access token of an administrator"
            )
            return
        if status != 200 or not (isinstance(body, dict) and "message" in body):  # noqa: PLR2004
            yield Finding(NAME, "warn", f"no Home Assistant at {url}: status {status}", "mend home_assistant.url")
            return
        yield Finding(NAME, "ok", f"{url} accepts the token")
        status, _ = _ask(f"{url}{MCP_PATH}", section.token, {"jsonrpc": "2.0", "id": 1, "method": "ping"})
    except OSError as error:
        yield Finding(NAME, "warn", f"no answer at {url}: {error}", "start Home Assistant, or mend home_assistant.url")
        return
    if status == 200:  # noqa: PLR2004
        yield Finding(f"{NAME} MCP", "ok", f"{url}{MCP_PATH} answers")
    else:
        fix = "in Home Assistant: Settings, Devices & services, Add integration, Model Context Protocol Server"
        yield Finding(f"{NAME} MCP", "warn", f"{url}{MCP_PATH} answers with status {status}", fix)


def _ask(address: str, token: str, message: object = None) -> tuple[int, Any]:
    """Return the status of a page and its JSON, ``None`` if it is no JSON; raises ``OSError``."""
    headers = {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}
    data = None if message is None else json.dumps(message).encode()
    if data is not None:
        headers["content-type"] = "application/json"
    request = urllib.request.Request(address, data, headers)  # noqa: S310 - the user's own address
    try:
        with urllib.request.urlopen(request, timeout=LOOK_TIMEOUT_S) as answer:  # noqa: S310
            status, text = answer.status, answer.read(65_536)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None
    try:
        return status, json.loads(text)
    except ValueError:
        return status, None
