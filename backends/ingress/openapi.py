"""The operations of the HTTP API, one row each; ``openapi_document.py`` makes the document of them."""

from typing import Final

import attrs

from backends.speech.encoding import FORMATS as SPEECH_FORMATS

SCALARS: Final = {"integer": {"type": "integer"}, "string": {"type": "string"}}


@attrs.frozen
class Operation:
    """One operation of the API: a row of the table."""

    path: str
    summary: str
    answers: dict[int, str]
    content_types: tuple[str, ...] = ("application/json",)
    """Content type of the answers below 400; errors are JSON."""
    query: dict[str, tuple[str, str]] = attrs.field(factory=dict)
    """Each parameter's type (``integer`` or ``string``) and meaning."""
    in_path: dict[str, tuple[str, str]] = attrs.field(factory=dict)
    """The same of the parts of the path in braces."""
    method: str = "get"
    body: str | None = None
    """The request body's content type."""


METRICS_TYPES: Final = ("text/plain", "application/openmetrics-text")
OPERATIONS: Final = (
    Operation("/openapi.json", "This document.", {200: "OpenAPI 3.1."}),
    Operation("/asyncapi.json", "The native protocol of `/ws`, as AsyncAPI 3.", {200: "The document."}),
    Operation("/health", "For load balancers.", {200: "Able to serve existing work.", 503: "Draining, or down."}),
    Operation("/health/live", "For orchestrators.", {200: "The event loop is alive.", 503: "It is not."}),
    Operation("/health/ready", "For orchestrators.", {200: "New sessions are welcome.", 503: "What is not ready."}),
    Operation(
        "/health/detailed",
        "Each component's health, for operators.",
        {200: "`status`, `timestamp`, `components`.", 503: "The same; a component is unhealthy."},
    ),
    Operation(
        "/api/status",
        "The supervision tree as it stands.",
        {200: "Actors, workers, load, sessions; or one session.", 400: "A bad `sessions`.", 404: "No such session."},
        query={
            "sessions": ("string", "`full` for every session; else some, and a `summary`."),
            "session": ("string", "The id of a session: it alone."),
        },
    ),
    Operation(
        "/api/status/stream",
        "The same once a second, as Server-Sent Events, until the server leaves.",
        {200: "Events called `status`.", 503: "Enough listen already."},
        content_types=("text/event-stream",),
    ),
    Operation("/metrics", "For Prometheus.", {200: "Text or OpenMetrics."}, content_types=METRICS_TYPES),
    Operation("/api/tools", "The tools of the MCP servers that are up.", {200: "`tools`, a list."}),
    Operation(
        "/api/commands",
        "What can be said: sample sentences of each intent of the command files that are in force.",
        {200: "`languages`, `commands` (a list), `left_out` (how many there are beyond it).", 400: "A bad `language`."},
        query={"language": ("string", "A code such as `de`; every language without it.")},
    ),
    Operation(
        "/api/audit",
        "Who did what: logins, refusals, tokens, changes of keys, requests of operators; the newest 500.",
        {200: "`entries`, newest first.", 403: "Not from here."},
    ),
    Operation(
        "/api/login",
        "Take a key, and give a page's browser a cookie in its place.",
        {200: "`user`, `scopes`, `expires_at`.", 400: "A bad body.", 401: "No such key.", 429: "Too many wrong keys."},
        method="post",
        body="application/json",
    ),
    Operation("/api/logout", "Take the cookie away.", {200: "Done."}, method="post"),
    Operation(
        "/api/tokens",
        "Make a short-lived token with the key of the request, for a browser or device that is not to have the key.",
        {
            200: "`token`, `scopes`, `expires_at`.",
            400: "A bad body.",
            403: "Not with a token, and for no more than the key.",
            409: "No keys are needed here.",
        },
        method="post",
        body="application/json",
    ),
    Operation("/api/models", "The speech models that are loaded or offered.", {200: "`models`, a list."}),
    Operation(
        "/api/models/load",
        "Load a speech model, by any name that `transcription.model` takes. From this machine only.",
        {200: "The model, ready.", 400: "A bad body.", 403: "Not from here.", 503: "Why it cannot be loaded."},
        method="post",
        body="application/json",
    ),
    Operation(
        "/api/models/unload",
        "Put a speech model away. From this machine only.",
        {200: "The model, as it is now.", 400: "A bad body.", 403: "Not from here.", 503: "It is in use, or unknown."},
        method="post",
        body="application/json",
    ),
    Operation(
        "/api/conversations",
        "The newest turns, newest first.",
        {
            200: "`turns`, a list, and a `note` where history is off.",
            400: "A bad `limit`.",
            503: "The history is not available just now.",
        },
        query={"limit": ("integer", "How many turns, 1 to 500; 50 without it.")},
    ),
    Operation(
        "/api/drain",
        "Drain: refuse new clients, finish running turns, stop. From this machine only.",
        {202: "It has begun.", 400: "A bad `deadline_s`.", 403: "Not from here."},
        method="post",
        body="application/json",
    ),
    Operation("/v1/models", "OpenAI's list of models.", {200: "`object`, `data`: a list of models."}),
    Operation(
        "/v1/models/{name}",
        "One of these models.",
        {200: "`id`, `object`, `created`, `owned_by`.", 404: "No such model."},
        in_path={"name": ("string", "Its name; it may have slashes.")},
    ),
    Operation(
        "/v1/audio/transcriptions",
        "OpenAI's transcription: a recording of up to an hour to text.",
        {
            200: "`text`, or the wanted form.",
            400: "No recording that can be decoded, or a bad field.",
            404: "No such model.",
            413: "The upload is too large.",
            503: "Under load, or busy; come back later.",
        },
        content_types=("application/json", "text/plain", "text/vtt", "application/x-subrip", "text/event-stream"),
        method="post",
        body="multipart/form-data",
    ),
    Operation(
        "/v1/audio/speech",
        "OpenAI's speech: a text to sound.",
        {
            200: "The sound, as mp3 unless `response_format` says otherwise.",
            400: "A bad field.",
            413: "The text is too long.",
            503: "Come back later.",
        },
        content_types=tuple(dict.fromkeys(form.content_type for form in SPEECH_FORMATS.values())),
        method="post",
        body="application/json",
    ),
)
