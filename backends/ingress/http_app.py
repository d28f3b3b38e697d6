"""The HTTP API, as a quart-trio app.

Rules kept here:

* The app asks actors through the callables that it is given; an actor that is busy or down is a 503 with a reason.
* Every error is JSON with one sentence under ``error``; what went wrong inside is in the log, never in the answer.
* The matched route is left in the scope, so that metrics count routes and not paths.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, cast

import attrs
import msgspec
from quart import Response, jsonify, request
from quart.wrappers.response import DataBody
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from backends.ingress.answer_cache import NOT_KEPT, NOT_MODIFIED, RULES, etag_of, has_etag
from backends.ingress.audio_services import AudioServices
from backends.ingress.compression import compressed, is_compressible
from backends.ingress.http_access import AccessRoutes, add_access_routes
from backends.ingress.http_answers import admitted, failure
from backends.ingress.http_audio import MODELS, SPEECH, TRANSCRIPTIONS, TRANSLATIONS, VOICES, AudioApi
from backends.ingress.http_commands import CommandRoute, add_command_route
from backends.ingress.http_console import ConsoleFigures, ConsoleNews, ConsoleRoutes, add_console_routes
from backends.ingress.http_history import HistoryRoutes, add_history_routes
from backends.ingress.http_listen import LISTEN, ListenApi
from backends.ingress.http_models import ModelServices, add_model_routes
from backends.ingress.hypercorn_bridge import ROUTE_KEY, UNMATCHED
from backends.ingress.json_body import BadBody, read_json
from backends.ingress.openapi_document import document
from backends.ingress.status_stream import StatusStream
from backends.ingress.uploads import Storage, upload_request
from protocol.admission.identity import operator_refusal
from protocol.admission.scopes import READING
from protocol.dialects.asyncapi import asyncapi_document
from protocol.messages.understanding import ToolList
from runtime.messaging.errors import AskError, MailboxError

log = logging.getLogger("sayso.http")

BODIES: Final = frozenset({LISTEN})
"""Paths that take a recording as the body."""
UPLOADS: Final = frozenset({TRANSCRIPTIONS, TRANSLATIONS, LISTEN})  # paths that take recordings
OK: Final = 200
MAX_DRAIN_S: Final = 3_600
RETRY_AFTER_S: Final = 1.0
MAX_BODY_BYTES: Final = 65_536  # of routes that take no recording


class DrainBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a drain request."""

    deadline_s: float | None = None


@attrs.frozen
class HttpServices:
    """The server's functions that the app calls."""

    history: HistoryRoutes
    tools: Callable[[], Awaitable[ToolList]]
    version: str
    drain: Callable[[float | None], Mapping[str, object]]
    """Begins a drain, within so many seconds or the configured time; returns its state."""
    status: Callable[[], Mapping[str, Any]]
    """Returns the server's status as JSON types."""
    models: ModelServices
    commands: CommandRoute
    access: AccessRoutes | None = None
    """Logins and tokens; ``None`` where there are no keys."""
    cache_ttl_s: float = 300.0
    """How long clients may keep answers that seldom change."""
    console: ConsoleFigures | None = None
    """The past and the sessions; ``None`` where nobody asks for them."""


@attrs.frozen
class ApiRoutes:
    """The routes of the HTTP API."""

    services: HttpServices

    async def openapi(self) -> Response:
        """Return the OpenAPI document."""
        return jsonify(document(self.services.version))

    async def asyncapi(self) -> Response:
        """Return the AsyncAPI document of the native protocol."""
        return jsonify(asyncapi_document(self.services.version))

    async def tools(self) -> Response:
        """List the tools that can be called now, what their servers have besides, and which servers are missing."""
        return jsonify(attrs.asdict(await self.services.tools()))

    async def drain(self) -> Response:
        """Begin a drain: only for requests from this machine, and not from web pages open on it."""
        refusal = operator_refusal(admitted().identity, "a drain")
        if refusal is not None:
            return failure(403, refusal)
        try:
            deadline_s = drain_deadline(await request.get_data(as_text=False))
        except ValueError as error:
            return failure(400, str(error))
        response = jsonify(dict(self.services.drain(deadline_s)))
        response.status_code = 202
        return response


def drain_deadline(body: str | bytes) -> float | None:
    """Return the wanted deadline, ``None`` for the usual; raises ``ValueError`` with a sentence for the client."""
    if not body.strip():
        return None
    try:
        deadline_s = read_json(body, DrainBody).deadline_s
    except BadBody as error:
        raise ValueError(f'the body must be empty or like {{"deadline_s": 60}}: {error}') from error
    if deadline_s is not None and not 0 <= deadline_s <= MAX_DRAIN_S:
        raise ValueError(f"deadline_s must be from 0 to {MAX_DRAIN_S}, not {deadline_s:g}")
    return deadline_s


async def on_http_error(error: HTTPException) -> Response:
    """Return the framework's own errors as JSON, with their headers."""
    status = error.code or 500
    response = failure(
        status, {404: f"there is nothing at {request.path}"}.get(status, error.description or error.name)
    )
    response.headers.extend((name, value) for name, value in error.get_headers() if name.lower() != "content-type")
    return response


async def on_actor_failure(error: Exception) -> Response:
    """Answer 503 when an actor is busy, down or too late."""
    retry_after_s = getattr(error, "retry_after_s", None) or RETRY_AFTER_S
    log.warning("%s: %s", request.path, error)
    response = failure(503, str(error))
    response.headers["Retry-After"] = str(max(1, round(retry_after_s)))
    return response


@attrs.frozen
class AnswerFinish:
    """What is done with each answer at last."""

    cache_ttl_s: float

    async def finish(self, response: Response) -> Response:
        """Leave the route for the metrics, say how long the answer may be kept, and compress what is worth it."""
        route = UNMATCHED if request.url_rule is None else request.url_rule.rule
        cast("dict[str, object]", request.scope)[ROUTE_KEY] = route
        content_type = response.content_type or ""
        if not isinstance(response.response, DataBody):  # a stream, whose end may be far
            response.headers.setdefault("Cache-Control", NOT_KEPT)
            return response
        body = await response.get_data(as_text=False)
        if self._is_known(response, route, body):
            return response
        if is_compressible(content_type, body):
            response.vary.add("Accept-Encoding")
        coded = compressed(body, content_type, request.headers.get("Accept-Encoding", ""))
        if coded is not None:
            coding, data = coded
            response.set_data(data)
            response.headers["Content-Encoding"] = coding
        return response

    def _is_known(self, response: Response, route: str, body: bytes) -> bool:
        """Say how long the answer may be kept; return whether the client has it, and empty it if so."""
        rule = RULES.get(route) if request.method in READING and response.status_code == OK else None
        if rule is None:
            response.headers.setdefault("Cache-Control", NOT_KEPT)
            return False
        etag = etag_of(body)
        response.headers.extend([("ETag", etag), *rule.headers(self.cache_ttl_s)])
        if not has_etag(request.headers.get("If-None-Match", ""), etag):
            return False
        response.status_code = NOT_MODIFIED
        response.set_data(b"")
        response.headers.remove("Content-Length")
        return True


def make_app(services: HttpServices, audio: AudioServices) -> QuartTrio:
    """Return the app."""
    app = QuartTrio(__name__, static_folder=None)
    app.request_class = upload_request(UPLOADS - BODIES, Storage(), BODIES)
    app.url_map.merge_slashes = False  # else /api//tools would be redirected, and clients would come to rely on it
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["BODY_TIMEOUT"] = None  # the bridge bounds how slowly bodies arrive (hypercorn_bridge.py)
    pages = ApiRoutes(services)
    for path, view in (
        ("/openapi.json", pages.openapi),
        ("/asyncapi.json", pages.asyncapi),
        ("/api/tools", pages.tools),
    ):
        app.add_url_rule(path, endpoint=path, view_func=view, methods=["GET"])
    add_model_routes(app, services.models)
    add_command_route(app, services.commands)
    add_history_routes(app, services.history)
    if services.access is not None:
        add_access_routes(app, services.access)
    app.add_url_rule("/api/drain", endpoint="/api/drain", view_func=pages.drain, methods=["POST"])
    console = services.console
    if console is not None:
        add_console_routes(app, ConsoleRoutes(console))
    stream = StatusStream(services.status, None if console is None else partial(ConsoleNews, console))
    app.add_url_rule("/api/status/stream", endpoint="/api/status/stream", view_func=stream.open, methods=["GET"])
    api = AudioApi(audio)
    app.add_url_rule(TRANSCRIPTIONS, endpoint=TRANSCRIPTIONS, view_func=api.transcriptions, methods=["POST"])
    app.add_url_rule(TRANSLATIONS, endpoint=TRANSLATIONS, view_func=api.translations, methods=["POST"])
    app.add_url_rule(LISTEN, endpoint=LISTEN, view_func=ListenApi(api, audio).listen, methods=["POST"])
    app.add_url_rule(SPEECH, endpoint=SPEECH, view_func=api.speech, methods=["POST"])
    app.add_url_rule(VOICES, endpoint=VOICES, view_func=api.voices, methods=["GET"])
    app.add_url_rule(MODELS, endpoint=MODELS, view_func=api.models, methods=["GET"])
    app.add_url_rule(f"{MODELS}/<path:name>", endpoint=f"{MODELS}/{{name}}", view_func=api.model, methods=["GET"])
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(AskError, on_actor_failure)
    app.register_error_handler(MailboxError, on_actor_failure)
    app.after_request(AnswerFinish(services.cache_ttl_s).finish)
    return app
