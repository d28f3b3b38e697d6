"""What the section ``home_assistant`` adds to the other settings: a tool server, and which calls need consent.

Without a url nothing is added.
"""

from collections.abc import Mapping
from typing import Final

import attrs

from config.settings import Consent, Settings

SERVER: Final = "home-assistant"
"""Its name among the tool servers."""
MCP_PATH: Final = "/api/mcp"  # of its integration "Model Context Protocol Server", as streamable HTTP
UNLOCK: Final = "unlock_door"
OPEN: Final = "open_door"
"""Names of two calls that Home Assistant has no tools of their own for: it unlocks by ``HassTurnOff``, and opens by
``HassTurnOn``. They have their own so that they can be confirmed."""
POLICY: Final[Mapping[str, Consent]] = {f"{SERVER}/{UNLOCK}": "confirm", f"{SERVER}/{OPEN}": "confirm"}


def with_home_assistant(settings: Settings) -> Settings:
    """Return ``settings`` with Home Assistant's tool server.

    A tool that ``tools.policy`` names keeps what stands there.
    """
    home = settings.home_assistant
    if not home.url:
        return settings
    server = {"url": home.url.rstrip("/") + MCP_PATH, "headers": {"Authorization": f"Bearer {home.token}"}}
    tools = attrs.evolve(
        settings.tools,
        servers={**settings.tools.servers, SERVER: server},
        policy={**POLICY, **settings.tools.policy},
    )
    return attrs.evolve(settings, tools=tools)
