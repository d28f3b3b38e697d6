"""The operations of the HTTP API, one row each; ``openapi_document.py`` makes the document of them."""

from typing import Final

import attrs

from backends.speech.encoding import FORMATS as SPEECH_FORMATS

SCALARS: Final = {kind: {"type": kind} for kind in ("integer", "number", "string")}


@attrs.frozen
class Operation:
    """One operation of the API: a row of the table."""

    path: str
    summary: str
    answers: dict[int, str]
    content_types: tuple[str, ...] = ("application/json",)
    """Content type of the answers below 400; errors are JSON."""
    query: dict[str, tuple[str, str]] = attrs.field(factory=dict)
    """Each parameter's type (a key of ``SCALARS``) and meaning."""
    in_path: dict[str, tuple[str, str]] = attrs.field(factory=dict)
    """The same of the parts of the path in braces."""
    method: str = "get"
    body: str | None = None
    """The request body's content type."""


TRANSCRIPT_TYPES: Final = ("application/json", "text/plain", "text/vtt", "application/x-subrip", "text/event-stream")
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
        "The same once a second, and each notice and turn, as Server-Sent Events, until the server leaves.",
        {200: "Events called `status`, `notice`, `turn`.", 503: "Enough listen already."},
        content_types=("text/event-stream",),
    ),
    Operation(
        "/api/status/history",
        "Figures of the past, in steps of 1, 10 or 60 seconds, oldest first; kept in memory since the server's start.",
        {200: "`range`, `step_s`, `newest_age_s`, `figures`: unit and values of each.", 400: "A bad query."},
        query={
            "range": ("string", "`5m`, `1h` or `24h`; five minutes without it."),
            "figures": ("string", "Names with commas between them; all without it."),
        },
    ),
    Operation(
        "/api/notices",
        "What happened: restarts, changes of the load level, refusals in bulk, drains; the newest 200.",
        {200: "`notices`, oldest first.", 400: "A bad `after`."},
        query={"after": ("integer", "Only those with a higher number.")},
    ),
    Operation(
        "/api/turns",
        "The turns that ended last, with their tool calls and times; words for operators and those who said them.",
        {200: "`turns`, 200 at most, oldest first.", 400: "A bad `after`."},
        query={"after": ("integer", "Only those with a higher number.")},
    ),
    Operation(
        "/api/sessions",
        "The sessions as people know them, newest first.",
        {200: "`sessions`, `count` (of all), `found` (by the search).", 400: "A bad query."},
        query={
            "search": ("string", "A part of an id, a user, a client or an address."),
            "offset": ("integer", "How many to leave out."),
            "limit": ("integer", "How many, 1 to 100."),
        },
    ),
    Operation(
        "/api/sessions/{session_id}",
        "One session, with its actors and its last turns.",
        {200: "The session.", 404: "No such session."},
        in_path={"session_id": ("string", "Its id.")},
    ),
    Operation(
        "/api/access",
        "Who sends this request, and whether what changes the server is allowed.",
        {200: "`user`, `scopes` (null where no keys are needed), `may_operate`."},
    ),
    Operation("/api/actors", "The actors that may be restarted now.", {200: "`actors`, a list of ids."}),
    Operation(
        "/api/actors/{actor_id}/restart",
        "Restart one actor: its present work is given up, what waits is done afterwards. From this machine only.",
        {202: "It has been ordered.", 403: "Not from here.", 409: "Not that one.", 503: "Not now."},
        in_path={"actor_id": ("string", "Its id, such as `transcription` or `tools.home`.")},
        method="post",
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
        "What was said and done: turns with their tool calls, newest first, of the sender's own user; an operator sees "
        "everybody's.",
        {
            200: "`turns`, or `conversations` with `by=session`; `next`, to be sent as `after`; a `note` if it is off.",
            400: "A parameter that cannot be read, or is not known.",
            403: "The history of another user.",
            503: "The history is not available just now.",
        },
        content_types=("application/json", "application/x-ndjson"),
        query={
            "limit": ("integer", "How many, 1 to 500; 50 without it."),
            "after": ("string", "`next` of the page before."),
            "q": ("string", "Words that all were heard or replied."),
            "user": ("string", "Of this user only."),
            "session": ("string", "Of this session only."),
            "by": ("string", "`turn`, or `session` for a list of conversations."),
            "format": ("string", "`json`, or `jsonl` for one turn a line; then `Link` has the next page."),
        },
    ),
    Operation(
        "/api/conversations",
        "Delete what fits all given conditions, of which there must be one. For operators.",
        {
            200: "`deleted`, how many records; `is_all` is false if there are more: ask again.",
            400: "No condition, or one that cannot be read.",
            403: "Not by this sender.",
            503: "The history is not available just now.",
        },
        query={
            "user": ("string", "Of this user."),
            "session": ("string", "Of this session."),
            "older_than_days": ("number", "From before so many days."),
        },
        method="delete",
    ),
    Operation(
        "/api/conversations/{session_id}",
        "One conversation: its newest turns, in their order.",
        {
            200: "`session_id`, `turns`, and `next` for older ones.",
            400: "A parameter that cannot be read, or is not known.",
            404: "There is none, or it is another user's.",
            503: "The history is not available just now.",
        },
        query={
            "limit": ("integer", "How many turns, 1 to 500; 50 without it."),
            "after": ("string", "`next` of the page before."),
        },
        in_path={"session_id": ("string", "The session's id.")},
    ),
    Operation(
        "/api/conversations/{session_id}",
        "Delete one conversation. For operators.",
        {
            200: "`deleted`, how many records; `is_all` is false if there are more: ask again.",
            400: "There are no parameters here.",
            403: "Not by this sender.",
            503: "The history is not available just now.",
        },
        in_path={"session_id": ("string", "The session's id.")},
        method="delete",
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
        "/v1/audio/voices",
        "The voices that speak, the default first.",
        {200: "`voices`: a list of `id`, `name`, `language`."},
    ),
    Operation(
        "/v1/audio/transcriptions",
        "OpenAI's transcription: a recording of up to an hour to text.",
        {
            200: "`text`, or the wanted form; with `stream` OpenAI's events, a delta for each segment.",
            400: "No recording that can be decoded, or a bad field.",
            404: "No such model.",
            413: "The upload is too large.",
            503: "Under load, or busy; come back later.",
        },
        content_types=TRANSCRIPT_TYPES,
        method="post",
        body="multipart/form-data",
    ),
    Operation(
        "/v1/audio/translations",
        "OpenAI's translation: a recording in any language that a model hears to English text.",
        {
            200: "`text`, or the wanted form.",
            400: "No recording that can be decoded, a bad field, or no model that translates.",
            404: "No such model.",
            413: "The upload is too large.",
            503: "Come back later.",
        },
        content_types=TRANSCRIPT_TYPES,
        method="post",
        body="multipart/form-data",
    ),
    Operation(
        "/v1/listen",
        "Deepgram's transcription: a recording as the body to text. A stream is a WebSocket at the same path.",
        {
            200: "`metadata`, and `results` with the words of the recording.",
            400: "No recording that can be decoded, or a parameter that is wrong or not served.",
            404: "No such model.",
            413: "The recording is too large.",
            503: "Under load, or busy; come back later.",
        },
        query={
            "model": ("string", "One of `/v1/models`, or any name of Deepgram's for the usual one."),
            "language": ("string", "A code such as `de`; found out without it."),
            "keyterm": ("string", "A word worth expecting; may be given several times."),
            "utterances": ("string", "`true` for a list of utterances."),
            "encoding": ("string", "Of samples without a container: `linear16`, `linear32`, `mulaw`, `alaw`."),
            "sample_rate": ("string", "Of these samples, in Hz."),
            "channels": ("string", "Of these samples: 1 or 2."),
        },
        method="post",
        body="application/octet-stream",
    ),
    Operation(
        "/v1/audio/speech",
        "OpenAI's speech: a text to sound.",
        {
            200: "The sound, as mp3 unless `response_format` says otherwise, sent sentence by sentence; with"
            " `stream_format` sse as OpenAI's events.",
            400: "A bad field.",
            413: "The text is too long.",
            503: "Come back later.",
        },
        content_types=tuple(dict.fromkeys(form.content_type for form in SPEECH_FORMATS.values())),
        method="post",
        body="application/json",
    ),
)
