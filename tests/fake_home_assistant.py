"""A Home Assistant that is not one: its WebSocket API and its MCP server as plain functions of what it is told.

The frames have the shape of those recorded from Home Assistant 2026.2, without what identifies an installation.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

TOKEN = "a-token-for-tests"
VERSION = "2026.2.3"
ENDS = "no_match_reason=<MatchFailedReason.{reason}: 1>, states=[], no_match_name=None, areas=[], floors=[])"
STAMPS = {"created_at": 1795828750.51277, "modified_at": 1795828801.556966}
TARGET = {
    "name": {"type": "string"},
    "area": {"type": "string"},
    "floor": {"type": "string"},
    "domain": {"type": "array", "items": {"type": "string"}},
    "device_class": {"type": "array", "items": {"type": "string"}},
}
TOOLS: Mapping[str, Mapping[str, Any]] = {
    "HassTurnOn": TARGET,
    "HassTurnOff": TARGET,
    "HassLightSet": {**TARGET, "brightness": {"type": "integer", "minimum": 0, "maximum": 100}},
    "HassVacuumStart": {"name": {"type": "string"}},
    "GetLiveContext": {},
}


@attrs.define
class Thing:
    """One entity."""

    entity_id: str
    name: str
    area_id: str | None = None
    aliases: list[str] = attrs.field(factory=list)
    is_exposed: bool = True
    device_class: str | None = None


@attrs.define
class FakeHome:
    """Its state, and the answers that follow from it."""

    things: list[Thing] = attrs.field(factory=list)
    areas: dict[str, str] = attrs.field(factory=lambda: {"kitchen": "Kitchen", "bedroom": "Bedroom"})
    """Id to name."""
    token: str = TOKEN
    is_admin: bool = True
    has_floors: bool = True
    tool_prefix: str = ""
    calls: list[tuple[str, Mapping[str, Any]]] = attrs.field(factory=list)

    # --- WebSocket -------------------------------------------------------------------------------

    def hello(self) -> Mapping[str, Any]:
        """Return the first frame."""
        return {"type": "auth_required", "ha_version": VERSION}

    def greet(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to the token."""
        if message.get("type") != "auth" or message.get("access_token") != self.token:
            return {"type": "auth_invalid", "message": "Invalid access token or password"}
        return {"type": "auth_ok", "ha_version": VERSION}

    def answer(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to a command."""
        answers = {
            "subscribe_events": lambda: None,
            "config/entity_registry/list": lambda: [self._entry(thing) for thing in self.things],
            "config/entity_registry/get_entries": lambda: self._entries(message["entity_ids"]),
            "config/area_registry/list": lambda: list(self._areas()),
            "config/device_registry/list": list,
            "get_states": lambda: [self._state(thing) for thing in self.things],
        }
        if self.has_floors:
            answers["config/floor_registry/list"] = lambda: [
                {"floor_id": "ground", "name": "Ground floor", "aliases": ["downstairs"], "level": 0, **STAMPS}
            ]
        exposed = {thing.entity_id: {"conversation": True} for thing in self.things if thing.is_exposed}
        kind, about = message["type"], {"id": message["id"], "type": "result"}
        if kind == "homeassistant/expose_entity/list":
            if not self.is_admin:
                return {**about, "success": False, "error": {"code": "unauthorized", "message": "Unauthorized"}}
            return {**about, "success": True, "result": {"exposed_entities": exposed}}
        if kind not in answers:
            return {**about, "success": False, "error": {"code": "unknown_command", "message": "Unknown command."}}
        return {**about, "success": True, "result": answers[kind]()}

    def rename(self, entity_id: str, name: str) -> Mapping[str, Any]:
        """Give an entity another name; return the event about it."""
        next(thing for thing in self.things if thing.entity_id == entity_id).name = name
        data = {"action": "update", "entity_id": entity_id, "changes": {"name": None}}
        event = {"event_type": "entity_registry_updated", "data": data, "origin": "LOCAL"}
        return {"id": 1, "type": "event", "event": event}

    def _areas(self) -> Iterator[Mapping[str, Any]]:
        for area_id, name in self.areas.items():
            aliases = ["the cookery"] if area_id == "kitchen" else []
            floor = "ground" if area_id == "kitchen" else None
            yield {"area_id": area_id, "name": name, "aliases": aliases, "floor_id": floor, "icon": None, **STAMPS}

    def _entry(self, thing: Thing) -> Mapping[str, Any]:
        nothing = dict.fromkeys(("device_id", "disabled_by", "icon", "name", "original_name"))
        return {"entity_id": thing.entity_id, "area_id": thing.area_id, "platform": "demo", **nothing, **STAMPS}

    def _entries(self, wanted: Sequence[str]) -> Mapping[str, Any]:
        known = {thing.entity_id: thing for thing in self.things}
        return {
            each: {**self._entry(known[each]), "aliases": known[each].aliases} if each in known else None
            for each in wanted
        }

    def _state(self, thing: Thing) -> Mapping[str, Any]:
        about = {"friendly_name": thing.name, "supported_features": 0}
        if thing.device_class is not None:
            about["device_class"] = thing.device_class
        return {"entity_id": thing.entity_id, "state": "off", "attributes": about, "context": {"id": "01M8"}}

    # --- MCP -------------------------------------------------------------------------------------

    def mcp(self, message: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the answer to a message of JSON-RPC; ``None`` for a notification."""
        if "id" not in message:
            return None
        params = message.get("params", {})
        match message["method"]:
            case "initialize":
                capabilities = {"experimental": {}, "prompts": {"listChanged": False}, "tools": {"listChanged": False}}
                about = {"name": "home-assistant", "version": "1.26.0"}
                result: Any = {
                    "protocolVersion": "2025-06-18",
                    "capabilities": capabilities,
                    "serverInfo": about,
                }
            case "tools/list":
                result = {"tools": [self._tool(name, slots) for name, slots in TOOLS.items()]}
            case "tools/call":
                result = self.call(params["name"].removeprefix(self.tool_prefix), params.get("arguments", {}))
            case "prompts/list":
                result = {"prompts": []}
            case "ping":
                result = {}
            case _:
                error = {"code": -32601, "message": "Method not found"}
                return {"jsonrpc": "2.0", "id": message["id"], "error": error}
        return {"jsonrpc": "2.0", "id": message["id"], "result": result}

    def call(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the result of a tool; unknown arguments are ignored, as Home Assistant does."""
        self.calls.append((name, arguments))
        if name == "GetLiveContext":
            return told("Live Context: nothing.")
        found = [thing for thing in self.things if thing.is_exposed and self._is_meant(thing, arguments)]
        if not found:
            reason = "NAME" if "name" in arguments else "AREA"
            constraints = f"constraints=MatchTargetsConstraints(name={arguments.get('name')!r}, domains=None)"
            failure = f"<MatchFailedError result=MatchTargetsResult(is_match=False, {ENDS.format(reason=reason)}"
            return told(f"Error calling tool: {failure}, {constraints}>", is_error=True)
        done = [{"name": thing.name, "type": "entity", "id": thing.entity_id} for thing in found]
        return told(json.dumps({
            "speech": {}, "response_type": "action_done", "data": {"targets": [], "success": done, "failed": []}
        }))  # fmt: skip

    def _is_meant(self, thing: Thing, arguments: Mapping[str, Any]) -> bool:
        names = [each.casefold() for each in (thing.name, *thing.aliases)]
        area = self.areas.get(thing.area_id or "")
        return (
            ("name" not in arguments or arguments["name"].casefold() in names)
            and ("area" not in arguments or arguments["area"] == area)
            and ("domain" not in arguments or thing.entity_id.partition(".")[0] in arguments["domain"])
        )

    def _tool(self, name: str, slots: Mapping[str, Any]) -> Mapping[str, Any]:
        schema = {"type": "object", "properties": slots}
        return {"name": self.tool_prefix + name, "description": f"{name}.", "inputSchema": schema}


def told(text: str, *, is_error: bool = False) -> Mapping[str, Any]:
    """Return a tool's result with a text."""
    return {"content": [{"type": "text", "text": text}], "isError": is_error}


def small_home() -> FakeHome:
    """Return a home with a few things of each kind."""
    return FakeHome([
        Thing("light.kitchen", "Kitchen Light", "kitchen", ["cooking lamp"]),
        Thing("light.bed_lamp", "Lamp", "bedroom"),
        Thing("light.desk_lamp", "Lamp", "kitchen"),
        Thing("cover.garage", "Garage", None, device_class="garage"),
        Thing("lock.front", "Front Door"),
        Thing("light.attic", "Attic Light", is_exposed=False),
    ])  # fmt: skip
