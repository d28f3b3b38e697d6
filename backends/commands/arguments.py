"""The arguments of a command's call, made of what was said in its slots; pure."""

from collections.abc import Mapping
from typing import Any

from backends.commands.files import PLACEHOLDER, Command


def arguments_of(command: Command, slots: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the call's arguments; one whose slot was not spoken is left out."""
    if command.arguments is None:
        return dict(slots)
    filled = {name: _filled(value, slots) for name, value in command.arguments.items()}
    return {name: value for name, value in filled.items() if value is not None}


def _filled(value: Any, slots: Mapping[str, Any]) -> Any:
    """Return an argument: the constant, the slot as it is, or a text of slots; None if nothing of it was spoken.

    Tables and lists are filled within; what was not spoken is left out of them.
    """
    if isinstance(value, Mapping):
        inside = {name: _filled(each, slots) for name, each in value.items()}
        return {name: each for name, each in inside.items() if each is not None}
    if isinstance(value, list):
        return [filled for each in value if (filled := _filled(each, slots)) is not None]
    names = PLACEHOLDER.findall(value) if isinstance(value, str) else []
    if not names:
        return value
    if not any(name in slots for name, _ in names):
        return None
    if PLACEHOLDER.fullmatch(value):
        return _slot(slots, *names[0])
    text = PLACEHOLDER.sub(lambda match: str(_slot(slots, match[1], match[2])), value)
    return " ".join(text.split())


def _slot(slots: Mapping[str, Any], name: str, field: str | None) -> Any:
    """Return what a slot, or a field of it, stands for; an empty text for a slot that was not spoken."""
    found = slots.get(name, "")
    return found[field] if field and name in slots else found
