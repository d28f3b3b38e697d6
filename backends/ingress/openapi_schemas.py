"""What the requests and answers of the HTTP API hold, as JSON Schema by operation; pure.

What a class of ours describes is derived from it; the rest is written here, and ``tests/system/test_openapi.py`` asks a
server whether it is so. An operation without an entry has the schema of any JSON object.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from backends.speech.encoding import FORMATS as SPEECH_FORMATS
from protocol.messages.history import KeptConversation
from protocol.messages.identity import Scope
from protocol.messages.models import ModelShown
from protocol.messages.understanding import CommandSamples, ToolList

Schema = Mapping[str, Any]

REFERENCE: Final = "#/components/schemas/{name}"
ANY_OBJECT: Final[Schema] = {"type": "object"}
TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
WHOLE: Final[Schema] = {"type": "integer"}
FLAG: Final[Schema] = {"type": "boolean"}
OPTIONAL_TEXT: Final[Schema] = {"type": ["string", "null"]}
TRANSCRIPT_FORMATS: Final = ("json", "text", "srt", "vtt", "verbose_json")
MAX_INPUT_CHARS: Final = 4_096


def reference(name: str) -> Schema:
    """Return the schema that stands for a component."""
    return {"$ref": REFERENCE.format(name=name)}


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema of an object that may have more fields than these: a newer server adds some."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }


def listing(item: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": item}


def body(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema of a request's body, which has no other fields."""
    return {**record(required, optional), "additionalProperties": False}


def _own_classes() -> dict[str, Schema]:
    """Return the schemas of classes that answers are made of, and of those within them, by class name."""
    _, components = msgspec.json.schema_components(
        (ToolList, ModelShown, CommandSamples, KeptConversation), ref_template=REFERENCE
    )
    return {name: _complete(schema) for name, schema in components.items()}


def _complete(schema: Mapping[str, Any]) -> Schema:
    """Return a class's schema as it is sent: with every field, and without defaults."""
    if "properties" not in schema:
        return schema
    fields = {
        name: {key: value for key, value in field.items() if key != "default"}
        for name, field in schema["properties"].items()
    }
    return {**schema, "properties": fields, "required": list(fields)}


HEALTH: Final = ("healthy", "degraded", "unhealthy")
COMPONENTS: Final[Mapping[str, Schema]] = {
    **_own_classes(),
    "Error": {**record({"error": TEXT}), "description": "One sentence that says what is wrong."},
    "ApiError": record(
        {
            "error": record(
                {
                    "message": TEXT,
                    "type": {"enum": ["invalid_request_error", "server_error"]},
                    "param": {"type": ["string", "null"]},
                    "code": {"type": ["string", "null"]},
                }
            )
        }
    ),
    "ListenError": record({"err_code": TEXT, "err_msg": TEXT, "request_id": TEXT}),
    "Actor": record({"id": TEXT, "state": TEXT, "children": listing(reference("Actor"))}),
    "Status": record(
        {
            "name": {"const": "sayso"},
            "version": TEXT,
            "roles": listing(TEXT),
            "timestamp": TEXT,
            "uptime_s": {**NUMBER, "minimum": 0},
            "sessions": {**WHOLE, "minimum": 0},
            "all_places_taken": FLAG,
            "load_level": {**WHOLE, "minimum": 0, "maximum": 5},
            "load": ANY_OBJECT,
            "stopping": FLAG,
            "drain": record({"phase": TEXT}),
            "listening": listing(TEXT),
            "tree": reference("Actor"),
        }
    ),
    "Health": record({"status": TEXT}, {"missing": listing(TEXT), "roles": listing(TEXT)}),
    "Component": record({"status": {"enum": list(HEALTH)}}, {"reason": TEXT}),
    "DetailedHealth": record(
        {
            "status": {"enum": list(HEALTH)},
            "timestamp": TEXT,
            "components": {"type": "object", "additionalProperties": reference("Component")},
        }
    ),
    "OpenAiModel": record({"id": TEXT, "object": {"const": "model"}, "created": WHOLE, "owned_by": TEXT}),
    "Turn": {"type": "object", "description": "What was said and done, by the names of the table of turns."},
    "Session": record({"id": TEXT, "state": TEXT}),
    "Notice": record({"number": WHOLE, "kind": TEXT}),
    "Deleted": record({"deleted": {**WHOLE, "minimum": 0}, "is_all": FLAG}),
    "Figures": record(
        {"unit": TEXT, "values": listing({"type": ["number", "null"]})},
    ),
    "Scope": {"enum": [scope.value for scope in Scope]},
}
SCOPES: Final = {**listing(reference("Scope")), "uniqueItems": True}
AUDIT_ENTRY: Final = record(
    {"kind": TEXT, "what": TEXT, "who": TEXT, "key_id": {"type": ["string", "null"]}, "at": NUMBER, "count": WHOLE}
)
NAME: Final = body({"name": TEXT})
ANSWERS: Final[Mapping[tuple[str, str, int], Schema]] = {
    ("get", "/health", 200): reference("Health"),
    ("get", "/health", 503): reference("Health"),
    ("get", "/health/live", 200): reference("Health"),
    ("get", "/health/live", 503): reference("Health"),
    ("get", "/health/ready", 200): reference("Health"),
    ("get", "/health/ready", 503): reference("Health"),
    ("get", "/health/detailed", 200): reference("DetailedHealth"),
    ("get", "/health/detailed", 503): reference("DetailedHealth"),
    ("get", "/api/status", 200): {"anyOf": [reference("Status"), reference("Actor")]},
    ("get", "/api/tools", 200): reference("ToolList"),
    ("get", "/api/commands", 200): record(
        {"languages": listing(TEXT), "commands": listing(reference("CommandSamples")), "left_out": WHOLE}
    ),
    ("get", "/api/audit", 200): record({"entries": listing(AUDIT_ENTRY)}),
    ("post", "/api/login", 200): record({"user": TEXT, "scopes": SCOPES, "expires_at": WHOLE}),
    ("post", "/api/logout", 200): ANY_OBJECT,
    ("post", "/api/tokens", 200): record({"token": TEXT, "scopes": SCOPES, "expires_at": WHOLE}),
    ("get", "/api/models", 200): record({"models": listing(reference("ModelShown"))}),
    ("post", "/api/models/load", 200): reference("ModelShown"),
    ("post", "/api/models/unload", 200): reference("ModelShown"),
    ("get", "/api/status/history", 200): record(
        {
            "range": TEXT,
            "step_s": NUMBER,
            "newest_age_s": NUMBER,
            "figures": {"type": "object", "additionalProperties": reference("Figures")},
        }
    ),
    ("get", "/api/notices", 200): record({"notices": listing(reference("Notice"))}),
    ("get", "/api/turns", 200): record({"turns": listing(reference("Turn"))}),
    ("get", "/api/sessions", 200): record({"sessions": listing(reference("Session")), "count": WHOLE, "found": WHOLE}),
    ("get", "/api/sessions/{session_id}", 200): reference("Session"),
    ("get", "/api/access", 200): record(
        {"user": TEXT, "scopes": {"anyOf": [SCOPES, {"type": "null"}]}, "may_operate": FLAG}
    ),
    ("get", "/api/actors", 200): record({"actors": listing(TEXT)}),
    ("post", "/api/actors/{actor_id}/restart", 202): record({"id": TEXT, "state": TEXT}),
    ("get", "/api/conversations", 200): record(
        {"next": OPTIONAL_TEXT},
        {"turns": listing(reference("Turn")), "conversations": listing(reference("KeptConversation")), "note": TEXT},
    ),
    ("delete", "/api/conversations", 200): reference("Deleted"),
    ("get", "/api/conversations/{session_id}", 200): record(
        {"session_id": TEXT, "turns": listing(reference("Turn")), "next": OPTIONAL_TEXT}
    ),
    ("delete", "/api/conversations/{session_id}", 200): reference("Deleted"),
    ("get", "/v1/audio/voices", 200): record({"voices": listing(record({"id": TEXT, "name": TEXT, "language": TEXT}))}),
    ("post", "/api/drain", 202): record({"phase": TEXT}, {"reason": TEXT, "deadline_in_s": NUMBER}),
    ("get", "/v1/models", 200): record({"object": {"const": "list"}, "data": listing(reference("OpenAiModel"))}),
    ("get", "/v1/models/{name}", 200): reference("OpenAiModel"),
    ("post", "/v1/audio/transcriptions", 200): record({"text": TEXT}, {"segments": listing(ANY_OBJECT)}),
    ("post", "/v1/audio/translations", 200): record({"text": TEXT}, {"segments": listing(ANY_OBJECT)}),
    ("post", "/v1/listen", 200): record({"metadata": ANY_OBJECT, "results": ANY_OBJECT}),
    ("get", "/openapi.json", 200): record({"openapi": TEXT, "info": ANY_OBJECT, "paths": ANY_OBJECT}),
    ("get", "/asyncapi.json", 200): record({"asyncapi": TEXT, "info": ANY_OBJECT, "channels": ANY_OBJECT}),
}
"""By method, path and status: the JSON of an answer."""
BODIES: Final[Mapping[tuple[str, str], Schema]] = {
    ("post", "/api/login"): body({"key": TEXT}),
    ("post", "/api/tokens"): body(
        {}, {"scopes": SCOPES, "expires_in_s": {**NUMBER, "minimum": 1, "maximum": 3_600}, "single_use": FLAG}
    ),
    ("post", "/api/models/load"): NAME,
    ("post", "/api/models/unload"): NAME,
    ("post", "/api/drain"): body({}, {"deadline_s": {"type": ["number", "null"], "minimum": 0, "maximum": 3_600}}),
    ("post", "/v1/audio/transcriptions"): record(
        {"file": {"type": "string", "format": "binary"}},
        {
            "model": TEXT,
            "language": TEXT,
            "response_format": {"enum": list(TRANSCRIPT_FORMATS)},
            "timestamp_granularities[]": listing({"enum": ["word", "segment"]}),
            "stream": FLAG,
        },
    ),
    ("post", "/v1/audio/translations"): record(
        {"file": {"type": "string", "format": "binary"}},
        {"model": TEXT, "response_format": {"enum": list(TRANSCRIPT_FORMATS)}, "stream": FLAG},
    ),
    ("post", "/v1/listen"): {"type": "string", "format": "binary"},
    ("post", "/v1/audio/speech"): record(
        {"input": {**TEXT, "minLength": 1, "maxLength": MAX_INPUT_CHARS}},
        {
            "model": TEXT,
            "voice": {"anyOf": [TEXT, body({"id": TEXT})]},
            "response_format": {"enum": list(SPEECH_FORMATS)},
            "speed": {**NUMBER, "minimum": 0.25, "maximum": 4},
            "stream_format": {"enum": ["audio", "sse"]},
        },
    ),
}
"""By method and path."""
OPTIONAL_BODIES: Final = frozenset({("post", "/api/drain"), ("post", "/api/tokens")})
PARAMETERS: Final[Mapping[tuple[str, str], Schema]] = {
    ("/api/conversations", "limit"): {**WHOLE, "minimum": 1, "maximum": 500},
    ("/api/conversations", "by"): {"enum": ["turn", "session"]},
    ("/api/conversations", "format"): {"enum": ["json", "jsonl"]},
    ("/api/conversations/{session_id}", "limit"): {**WHOLE, "minimum": 1, "maximum": 500},
    ("/api/notices", "after"): {**WHOLE, "minimum": 0, "maximum": 999_999_999},
    ("/api/turns", "after"): {**WHOLE, "minimum": 0, "maximum": 999_999_999},
    ("/api/sessions", "limit"): {**WHOLE, "minimum": 1, "maximum": 100},
    ("/api/sessions", "offset"): {**WHOLE, "minimum": 0, "maximum": 1_000_000},
    ("/api/status/history", "range"): {"enum": ["5m", "1h", "24h"]},
    ("/api/status", "sessions"): {"enum": ["summary", "full"]},
}
"""By path and name, where a parameter's values are bounded."""
