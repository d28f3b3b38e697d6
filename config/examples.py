"""The examples that the server can be started with: a tool server and its command files, added to the settings.

An example is a folder of ``examples/``: ``server.py`` is an MCP server over stdio with the folder's name, ``commands/``
has its command files, and ``example.toml`` says what it is and which of its tools need consent.
"""

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast, get_args

import attrs

from config.settings import Consent, Settings

EXAMPLES: Final = Path(__file__).absolute().parents[1] / "examples"
ABOUT: Final = "example.toml"


class ExampleError(ValueError):
    """There is no such example, or the settings leave no room for it; the message says what to do."""


@attrs.frozen
class Example:
    """One example."""

    name: str
    folder: Path
    summary: str
    say: str
    """A sentence to begin with."""
    policy: Mapping[str, Consent]
    """Tool to consent, for those whose calls are not to be made at once."""


def examples(folder: Path = EXAMPLES) -> Mapping[str, Example]:
    """Return the examples by their names; none where they are not installed."""
    return {path.parent.name: _read(path) for path in sorted(folder.glob(f"*/{ABOUT}"))}


def with_example(settings: Settings, name: str, found: Mapping[str, Example]) -> tuple[Settings, Example]:
    """Return ``settings`` with the tool server, the command files and the policy of an example, and the example.

    A tool that ``tools.policy`` names keeps what stands there. Raises ``ExampleError``.
    """
    example = found.get(name)
    if example is None:
        known = "; ".join(f"{each.name} ({each.summary})" for each in found.values()) or "none is installed"
        raise ExampleError(f"there is no example {name!r}; there are: {known}")
    if name in settings.tools.servers:
        raise ExampleError(f"the example {name} needs its name, which a server of tools.servers has: rename that one")
    command = {"command": sys.executable, "args": [str(example.folder / "server.py")]}
    policy = {f"{name}/{tool}": consent for tool, consent in example.policy.items()}
    changed = attrs.evolve(
        settings,
        tools=attrs.evolve(
            settings.tools,
            servers={**settings.tools.servers, name: command},
            policy={**policy, **settings.tools.policy},
        ),
        dialogue=attrs.evolve(
            settings.dialogue,
            more_commands_dirs=(*settings.dialogue.more_commands_dirs, str(example.folder / "commands")),
        ),
    )
    return changed, example


def _read(path: Path) -> Example:
    about = tomllib.loads(path.read_text(encoding="utf-8"))
    policy = about.get("policy", {})
    wrong = {tool: consent for tool, consent in policy.items() if consent not in get_args(Consent)}
    if wrong:
        raise ExampleError(f"{path}: policy must be allow, confirm or deny, not {wrong}")
    return Example(path.parent.name, path.parent, about["summary"], about["say"], cast("Mapping[str, Consent]", policy))
