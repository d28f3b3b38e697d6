"""The sentences that come with the server; they stay as they are while it runs, so each is read once."""

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

import attrs

from backends.commands.files import CommandFile, load_files

KEPT: Final = 8  # by language and programs; a server has two languages and one list of programs


@lru_cache(KEPT)
def shipped_files(programs: tuple[str, ...]) -> tuple[CommandFile, ...]:
    """Return the built-in sentences of every language; without ``programs``, those that start one are left out."""
    folder = resources.files(__package__).joinpath("sentences")
    paths = [Path(str(file)) for file in folder.iterdir() if file.name.endswith(".yaml")]
    files = load_files(paths, extra_lists={"program": list(programs)})
    return files if programs else tuple(_without(file, "program") for file in files)


def _without(file: CommandFile, slot: str) -> CommandFile:
    """Return a file without the intents that need a slot which has no values."""
    intents = file.document["intents"]
    needing = {name for name, intent in intents.items() if f"{{{slot}}}" in str(intent["data"])}
    document = {**file.document, "intents": {name: value for name, value in intents.items() if name not in needing}}
    commands = {name: command for name, command in file.commands.items() if name not in needing}
    return attrs.evolve(file, document=document, commands=commands)
