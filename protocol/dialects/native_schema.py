"""JSON Schema of the native dialect's text frames, derived from the event classes.

Rules kept here:

* A field that may be ``None`` is optional and never ``null``, as on the wire (docs/protocol.md).
* The server always sends its other fields; a client may leave out those that have a default.
* A class that travels in both directions appears twice: ``AudioFormat`` as a client may send it, ``ServerAudioFormat``
  as the server sends it.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from protocol.messages.events import ClientEvent, ServerEvent, event_name

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
REFERENCE: Final = "#/$defs/{name}"
SERVER_PREFIX: Final = "Server"
TITLE: Final = "The text frames of sayso's native protocol, version 1"
DESCRIPTION: Final = (
    "ClientFrame is what a client may send, ServerFrame what the server sends. Ignore unknown types and fields: a newer"
    " server may send more. Binary frames are audio and have no schema."
)


def native_schema() -> dict[str, Any]:
    """Return one JSON Schema whose ``$defs`` hold ``ClientFrame``, ``ServerFrame`` and every class of an event.

    >>> sorted(native_schema()["$defs"]["AudioAck"]["properties"])
    ['samples']
    """
    client_defs = _definitions(get_args(ClientEvent), is_sent_by_server=False)
    server_defs = _definitions(get_args(ServerEvent), is_sent_by_server=True)
    shared = client_defs.keys() & server_defs.keys()
    renamed = {name: SERVER_PREFIX + name for name in shared}
    return {
        "$schema": DIALECT,
        "title": TITLE,
        "description": DESCRIPTION,
        "anyOf": [{"$ref": REFERENCE.format(name=name)} for name in ("ClientFrame", "ServerFrame")],
        "$defs": {
            "ClientFrame": {"oneOf": [_client_frame(kind, client_defs) for kind in get_args(ClientEvent)]},
            "ServerFrame": {"oneOf": [_server_frame(kind) for kind in get_args(ServerEvent)]},
            **client_defs,
            **{renamed.get(name, name): _with_names(schema, renamed) for name, schema in server_defs.items()},
        },
    }


def _client_frame(event_class: type, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the envelope around a client's event; one that may be empty needs no ``data``."""
    needs_data = bool(definitions[event_class.__name__]["required"])
    return {
        "type": "object",
        "properties": _envelope(event_class),
        "required": ["type", "data"] if needs_data else ["type"],
    }


def _server_frame(event_class: type) -> dict[str, Any]:
    """Return the schema of the envelope around an event of the server, which is numbered."""
    properties = _envelope(event_class) | {"seq": {"type": "integer", "minimum": 1}}
    return {"type": "object", "properties": properties, "required": ["type", "data", "seq"]}


def _envelope(event_class: type) -> dict[str, Any]:
    data = {"$ref": REFERENCE.format(name=event_class.__name__)}
    return {"type": {"const": event_name(event_class)}, "data": data}


def _definitions(event_classes: tuple[type, ...], *, is_sent_by_server: bool) -> dict[str, Any]:
    """Return the schema of each class and of those nested in it, by class name."""
    _, components = msgspec.json.schema_components(event_classes, ref_template=REFERENCE)
    return {name: _on_the_wire(schema, is_sent_by_server=is_sent_by_server) for name, schema in components.items()}


def _on_the_wire(schema: Mapping[str, Any], *, is_sent_by_server: bool) -> dict[str, Any]:
    """Return an object's schema with absent fields instead of ``null``."""
    properties = {name: _without_null(field) for name, field in schema["properties"].items()}
    optional = {name for name, field in schema["properties"].items() if _may_be_null(field)}
    required = [name for name in properties if name not in optional] if is_sent_by_server else schema["required"]
    if is_sent_by_server:
        properties = {name: _without_default(field) for name, field in properties.items()}
    return {**schema, "properties": properties, "required": required}


def _may_be_null(field: Mapping[str, Any]) -> bool:
    return {"type": "null"} in field.get("anyOf", ())


def _without_null(field: Mapping[str, Any]) -> dict[str, Any]:
    """Return a field's schema without ``null`` and its default; a number includes the integers."""
    if not _may_be_null(field):
        return dict(field)
    kinds = [kind for kind in field["anyOf"] if kind != {"type": "null"}]
    if {"type": "number"} in kinds:
        kinds = [kind for kind in kinds if kind != {"type": "integer"}]
    return dict(kinds[0]) if len(kinds) == 1 else {"anyOf": kinds}


def _without_default(field: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if key != "default"}


def _with_names(schema: Any, renamed: Mapping[str, str]) -> Any:
    """Return a schema with the title and the references of the classes in ``renamed`` changed."""
    if isinstance(schema, list):
        return [_with_names(item, renamed) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _with_names(value, renamed) for key, value in schema.items()}
    if isinstance(reference := changed.get("$ref"), str):
        name = reference.rpartition("/")[2]
        changed["$ref"] = REFERENCE.format(name=renamed.get(name, name))
    if isinstance(title := changed.get("title"), str):
        changed["title"] = renamed.get(title, title)
    return changed
