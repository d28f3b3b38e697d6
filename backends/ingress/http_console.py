"""The routes of the console: the past, sessions as people know them, and the restart of one actor.

Rules kept here:

* Reading needs the scope ``read``; words are shown to operators and to those who said them.
* A restart is an operator's request, like a drain; only actors whose restart loses nothing but their present work.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import attrs
from quart import Response, jsonify, request
from quart_trio import QuartTrio

from backends.ingress.http_answers import admitted, failure
from protocol.admission.figure_history import FIGURES, RANGES
from protocol.admission.identity import operator_refusal
from protocol.messages.identity import Identity, Scope

MAX_SHOWN: Final = 100  # sessions of one answer
MAX_OFFSET: Final = 1_000_000
MAX_SEARCH_CHARS: Final = 100
FIGURE_NAMES: Final = tuple(one.name for one in FIGURES)
RANGE_NAMES: Final = tuple(one.name for one in RANGES)


class ConsoleFigures(Protocol):
    """What the routes ask; ``assembly.console_source.ConsoleSource`` in production."""

    def history(self, range_name: str, names: Sequence[str]) -> Mapping[str, Any]:
        """Return figures of the past, oldest first."""

    def notices(self, after: int) -> Sequence[Mapping[str, Any]]:
        """Return the notices that are newer than a number, oldest first."""

    def turns(self, after: int, reader: Identity) -> Sequence[Mapping[str, Any]]:
        """Return the turns that are newer than a number, oldest first, as the reader may see them."""

    def newest(self) -> tuple[int, int]:
        """Return the numbers of the newest notice and of the newest turn."""

    async def sessions(self, search: str, offset: int, limit: int, reader: Identity) -> Mapping[str, Any]:
        """Return some sessions, newest first, and how many there are."""

    def session(self, session_id: str, reader: Identity) -> Mapping[str, Any] | None:
        """Return one session with its actors and last turns; ``None`` if there is none of that id."""

    def restartable(self) -> Sequence[str]:
        """Return the ids of the actors that may be restarted now."""

    def restart(self, actor_id: str) -> bool:
        """Order a restart; return whether the order was taken."""


def whole_number(name: str, text: str | None, usual: int, least: int, most: int) -> int:
    """Return a number of the query; raises ``ValueError`` with a sentence for the client."""
    if text is None:
        return usual
    if text.isascii() and text.isdigit() and least <= int(text[:9]) <= most:
        return int(text)
    raise ValueError(f"{name} must be a whole number from {least} to {most}, not {text[:20]!r}")


def wanted_figures(text: str | None) -> Sequence[str]:
    """Return the figures of a list with commas, all without one; raises ``ValueError`` with a sentence."""
    if text is None:
        return FIGURE_NAMES
    names = text.split(",")
    unknown = [name for name in names if name not in FIGURE_NAMES]
    if unknown:
        raise ValueError(f"figures must be of {', '.join(FIGURE_NAMES)}, not {unknown[0][:40]!r}")
    return names


def wanted_range(text: str | None) -> str:
    """Return a range's name, five minutes without one; raises ``ValueError`` with a sentence."""
    if text is None:
        return RANGE_NAMES[0]
    if text not in RANGE_NAMES:
        raise ValueError(f"range must be {', '.join(RANGE_NAMES)}, not {text[:20]!r}")
    return text


@attrs.frozen
class ConsoleRoutes:
    """The routes."""

    figures: ConsoleFigures

    async def access(self) -> Response:
        """Tell who the reader is, and what of the console may be used."""
        reader = admitted().identity
        grant = reader.grant
        page: dict[str, Any] = {"user": reader.user, "scopes": None, "may_operate": False}
        if grant is not None:
            page["scopes"] = [scope.value for scope in Scope if scope in grant.scopes]
            page["may_operate"] = Scope.OPERATE in grant.scopes
        return fresh(page)

    async def history(self) -> Response:
        """Return figures of the past."""
        try:
            names, range_name = wanted_figures(request.args.get("figures")), wanted_range(request.args.get("range"))
        except ValueError as error:
            return failure(400, str(error))
        return fresh(self.figures.history(range_name, names))

    async def notices(self) -> Response:
        """List what happened."""
        return self._after(lambda number: {"notices": self.figures.notices(number)})

    async def turns(self) -> Response:
        """List the turns that ended last."""
        reader = admitted().identity
        return self._after(lambda number: {"turns": self.figures.turns(number, reader)})

    def _after(self, page: Callable[[int], Mapping[str, Any]]) -> Response:
        try:
            return fresh(page(whole_number("after", request.args.get("after"), 0, 0, 999_999_999)))
        except ValueError as error:
            return failure(400, str(error))

    async def sessions(self) -> Response:
        """List sessions."""
        search = request.args.get("search", "")[:MAX_SEARCH_CHARS].strip()
        try:
            offset = whole_number("offset", request.args.get("offset"), 0, 0, MAX_OFFSET)
            limit = whole_number("limit", request.args.get("limit"), MAX_SHOWN, 1, MAX_SHOWN)
        except ValueError as error:
            return failure(400, str(error))
        return fresh(await self.figures.sessions(search, offset, limit, admitted().identity))

    async def session(self, session_id: str) -> Response:
        """Show one session in depth."""
        found = self.figures.session(session_id, admitted().identity)
        return failure(404, f"there is no session {session_id[:40]!r}") if found is None else fresh(found)

    async def restartable(self) -> Response:
        """List the actors that may be restarted."""
        return fresh({"actors": self.figures.restartable()})

    async def restart(self, actor_id: str) -> Response:
        """Restart one actor: answered when that has been ordered."""
        refusal = operator_refusal(admitted().identity, "a restart")
        if refusal is not None:
            return failure(403, refusal)
        able = self.figures.restartable()
        if actor_id not in able:
            return failure(409, f"{actor_id[:80]!r} cannot be restarted now; these can: {', '.join(able)}")
        if not self.figures.restart(actor_id):
            return failure(503, "the supervisor takes no orders now")
        response = fresh({"id": actor_id, "state": "restarting"})
        response.status_code = 202
        return response


def fresh(page: Mapping[str, Any]) -> Response:
    """Return a page that caches must not keep."""
    response = jsonify(page)
    response.headers["Cache-Control"] = "no-store"
    return response


def add_console_routes(app: QuartTrio, routes: ConsoleRoutes) -> None:
    """Add the routes to the app."""
    views: Sequence[tuple[str, Callable[..., Awaitable[Response]], str]] = (
        ("/api/access", routes.access, "GET"),
        ("/api/actors", routes.restartable, "GET"),
        ("/api/actors/<actor_id>/restart", routes.restart, "POST"),
        ("/api/notices", routes.notices, "GET"),
        ("/api/sessions", routes.sessions, "GET"),
        ("/api/sessions/<session_id>", routes.session, "GET"),
        ("/api/status/history", routes.history, "GET"),
        ("/api/turns", routes.turns, "GET"),
    )
    for path, view, method in views:
        endpoint = path.replace("<", "{").replace(">", "}")
        app.add_url_rule(path, endpoint=endpoint, view_func=view, methods=[method])


@attrs.define
class ConsoleNews:
    """What is new since the last look, for one reader of the status stream (``status_stream.News``)."""

    _figures: ConsoleFigures
    _reader: Identity
    _notice: int = attrs.field(init=False)
    _turn: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._notice, self._turn = self._figures.newest()

    def take(self) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Return the names and pages of the events since the last call."""
        notices = self._figures.notices(self._notice)
        turns = self._figures.turns(self._turn, self._reader)
        self._notice, self._turn = self._figures.newest()
        return [*(("notice", one) for one in notices), *(("turn", one) for one in turns)]
