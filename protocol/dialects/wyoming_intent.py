"""A sentence of the command grammar as a Wyoming intent, which its client carries out itself; pure."""

from protocol.dialects.wyoming_frames import WyomingEvent
from protocol.messages.understanding import CommandMatch


def intent_event(match: CommandMatch | None, text: str) -> WyomingEvent:
    """Return ``intent`` with the tool's name and its arguments, or ``not-recognized``.

    >>> match = CommandMatch("On", "home", "HassTurnOn", {"name": "Lamp"}, 1.0, "lamp on")
    >>> intent_event(match, "Lamp on").data
    {'name': 'HassTurnOn', 'entities': [{'name': 'name', 'value': 'Lamp'}]}
    """
    if match is None or match.question is not None:
        return WyomingEvent("not-recognized", {"text": text})
    entities = [{"name": name, "value": value} for name, value in match.arguments.items()]
    return WyomingEvent("intent", {"name": match.tool, "entities": entities})
