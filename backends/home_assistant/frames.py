"""Home Assistant's WebSocket API: frames to objects and back; pure.

Rules kept here:

* Only the fields that are used are read, each with its type; a frame that does not fit is ``BadHomeFrame``, in words.
* Commands answer ``null`` where they have nothing, and newer versions write ``null`` among aliases: both are taken.

Source: Home Assistant's developer documentation ("WebSocket API"), and frames recorded from Home Assistant 2026.2.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from backends.json_faults import JSON_FAULTS

MAX_SHOWN_CHARS: Final = 200
ENTITIES: Final = "config/entity_registry/list"
ENTRIES: Final = "config/entity_registry/get_entries"
AREAS: Final = "config/area_registry/list"
FLOORS: Final = "config/floor_registry/list"
DEVICES: Final = "config/device_registry/list"
EXPOSED: Final = "homeassistant/expose_entity/list"
STATES: Final = "get_states"
SUBSCRIBE: Final = "subscribe_events"
REGISTRY_EVENTS: Final = tuple(f"{kind}_registry_updated" for kind in ("entity", "area", "floor", "device"))
ASSISTANT: Final = "conversation"
"""What entities are exposed to: Home Assistant's own voice assistant, and its MCP server."""

ResultT = TypeVar("ResultT")


class BadHomeFrame(ValueError):
    """A frame is not one of Home Assistant's; the message says why, in one line."""


class HomeFailure(msgspec.Struct, frozen=True):
    """Why a command failed."""

    code: str
    message: str = ""


class HomeFrame(msgspec.Struct, frozen=True):
    """Any frame of the server; what is not in it has its default."""

    type: str
    id: int | None = None
    success: bool = False
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: HomeFailure | None = None
    message: str = ""
    """Why a token is not accepted."""
    ha_version: str = ""


class Area(msgspec.Struct, frozen=True):
    """A room."""

    area_id: str
    name: str
    aliases: list[str | None] | None = None
    floor_id: str | None = None


class Floor(msgspec.Struct, frozen=True):
    """A storey."""

    floor_id: str
    name: str
    aliases: list[str | None] | None = None


class Device(msgspec.Struct, frozen=True):
    """A device; its entities are in its area unless they have their own."""

    id: str
    area_id: str | None = None


class Entry(msgspec.Struct, frozen=True):
    """An entity of the registry; its aliases come with ``ENTRIES`` only."""

    entity_id: str
    area_id: str | None = None
    device_id: str | None = None
    aliases: list[str | None] | None = None


class Attributes(msgspec.Struct, frozen=True):
    """What an entity's state says besides its value."""

    friendly_name: str | None = None
    device_class: str | None = None


class EntityState(msgspec.Struct, frozen=True):
    """The state of one entity."""

    entity_id: str
    attributes: Attributes = Attributes()


class Exposed(msgspec.Struct, frozen=True):
    """Which entities are exposed to which assistants."""

    exposed_entities: dict[str, dict[str, bool]]

    def to(self, assistant: str) -> frozenset[str]:
        """Return the ids of those that are exposed to ``assistant``."""
        return frozenset(name for name, whom in self.exposed_entities.items() if whom.get(assistant))


NOTHING: Final = HomeFrame("result", success=True, result=msgspec.Raw(b"[]"))
"""The answer of a version that does not know a list yet."""
_FRAME: Final = msgspec.json.Decoder(HomeFrame)
_ENCODER: Final = msgspec.json.Encoder()


def auth(token: str) -> str:
    """Return the frame that answers ``auth_required``."""
    return _ENCODER.encode({"type": "auth", "access_token": token}).decode()


def command(number: int, kind: str, fields: Mapping[str, object]) -> str:
    """Return the frame of a command; the answer to it has its ``number``."""
    return _ENCODER.encode({**fields, "id": number, "type": kind}).decode()


def frame(text: str | bytes) -> HomeFrame:
    """Return a frame of the server; raises ``BadHomeFrame``."""
    try:
        return _FRAME.decode(text)
    except JSON_FAULTS as error:
        raise BadHomeFrame(f"not a frame of Home Assistant: {_line(error)}") from None


def result(answer: HomeFrame, kind: type[ResultT]) -> ResultT:
    """Return what a command was answered with, as ``kind``; raises ``BadHomeFrame``."""
    try:
        return msgspec.json.decode(answer.result, type=kind)
    except JSON_FAULTS as error:
        raise BadHomeFrame(f"an answer of Home Assistant does not fit: {_line(error)}") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:MAX_SHOWN_CHARS]
