"""An AsyncAPI 3 document of the native protocol, derived from the event classes; pure.

The events and their fields are those of the JSON Schema (``native_schema.py``), under the names that AsyncAPI wants.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args

from protocol.dialects.native import SUBPROTOCOL
from protocol.dialects.native_schema import native_schema
from protocol.messages.errors import CloseCode
from protocol.messages.events import ClientEvent, ServerEvent, event_name

ADDRESS: Final = "/ws"
AUDIO: Final = "audio"
LOCAL_DEFS, COMPONENTS = "#/$defs/", "#/components/schemas/"
DESCRIPTION: Final = (
    "A client sends `connection_request` first. Text frames are JSON objects with `type` and `data`, the server's have"
    " `seq`, too; binary frames are audio. Ignore unknown types and fields: a newer server may send more."
)
KEYS: Final = (
    "A key or a token as `Authorization: Bearer KEY`, for the scope `talk`; where no key was made none is needed. A"
    f" page offers the subprotocols `{SUBPROTOCOL}` and `sayso.key.` with the key in base64url behind it."
)


def asyncapi_document(version: str) -> dict[str, Any]:
    """Return the document, as JSON types.

    >>> sorted(asyncapi_document("1")["operations"])
    ['clientSends', 'serverSends']
    """
    definitions = native_schema()["$defs"]
    sent = {event_name(kind): kind for kind in get_args(ClientEvent)}
    received = {event_name(kind): kind for kind in get_args(ServerEvent)}
    frames = {
        **_messages(sent, definitions["ClientFrame"]["oneOf"]),
        **_messages(received, definitions["ServerFrame"]["oneOf"]),
    }
    messages = frames | {AUDIO: _audio()}
    schemas = {name: schema for name, schema in definitions.items() if name not in {"ClientFrame", "ServerFrame"}}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "sayso's native protocol", "version": version, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:8000",
                "protocol": "ws",
                "description": "As it is installed; with a certificate the protocol is wss.",
                "security": [{"$ref": "#/components/securitySchemes/key"}],
            }
        },
        "channels": {
            "session": {
                "address": ADDRESS,
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET"}},
                "x-close-codes": {str(code.value): code.name.lower() for code in CloseCode},
            }
        },
        "operations": {
            "clientSends": _operation("receive", [*sent, AUDIO]),
            "serverSends": _operation("send", [*received, AUDIO]),
        },
        "components": {
            "messages": messages,
            "schemas": _moved(schemas),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": KEYS}},
        },
    }


def _messages(kinds: Mapping[str, type], frames: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        name: {
            "name": name,
            "title": kind.__name__,
            "summary": (kind.__doc__ or "").partition("\n")[0],
            "payload": _moved(frame),
        }
        for (name, kind), frame in zip(kinds.items(), frames, strict=True)
    }


def _audio() -> dict[str, Any]:
    return {
        "name": AUDIO,
        "title": "Audio",
        "summary": "A binary frame: samples as negotiated in connection_request, or as speech_audio_start has told.",
        "contentType": "application/octet-stream",
        "payload": {"type": "string", "format": "binary"},
    }


def _operation(action: str, names: list[str]) -> dict[str, Any]:
    """Return an operation as AsyncAPI 3 has it: from the side of the server."""
    messages = [{"$ref": f"#/channels/session/messages/{name}"} for name in names]
    return {"action": action, "channel": {"$ref": "#/channels/session"}, "messages": messages}


def _moved(schema: Any) -> Any:
    """Return a schema whose references lead to the document's components."""
    if isinstance(schema, list):
        return [_moved(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: _moved(value) for key, value in schema.items()}
    if isinstance(reference := moved.get("$ref"), str):
        moved["$ref"] = reference.replace(LOCAL_DEFS, COMPONENTS)
    return moved
