"""The routes of the history: turns and conversations by page, their export as JSON Lines, and their deletion.

Rules kept here:

* A sender sees its own user's history only, unless it is an operator (``protocol/admission/history_access.py``).
* Only an operator deletes, and never without saying what: a request without a condition is refused.
* A parameter that is not known is refused: a misspelt one would show, or delete, more than was meant.
"""

import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import attrs
from quart import Response, jsonify, request
from quart_trio import QuartTrio

from backends.ingress.http_answers import admitted, failure
from backends.storage.json_lines import lines_of, shown_turn
from protocol.admission.history_access import NotTheirs, visible_user
from protocol.admission.identity import operator_refusal
from protocol.messages.history import (
    BadPosition,
    ConversationQuery,
    Deleted,
    Deletion,
    KeptConversation,
    KeptTurn,
    Position,
    TurnQuery,
    position_of,
)

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500
MAX_WORDS_CHARS: Final = 1_000
MAX_NAME_CHARS: Final = 200
MAX_DAYS: Final = 36_525.0
DAY_S: Final = 86_400.0
JSON_LINES: Final = "application/x-ndjson"
OFF_NOTE: Final = "history is off (history.enabled = false): no turn is kept"
PATH: Final = "/api/conversations"
SHOWN: Final = frozenset({"user", "session", "q", "limit", "after", "by", "format"})
DELETED_BY: Final = frozenset({"user", "session", "older_than_days"})


class BadQuery(ValueError):
    """A parameter cannot be read; the message is for the client."""


@attrs.frozen
class HistoryRoutes:
    """The routes, and what they ask of the server."""

    find: Callable[[TurnQuery], Awaitable[tuple[KeptTurn, ...]]]
    conversations: Callable[[ConversationQuery], Awaitable[tuple[KeptConversation, ...]]]
    delete: Callable[[Deletion], Awaitable[Deleted]]
    is_kept: bool = True
    unix_time: Callable[[], float] = time.time

    async def page(self) -> Response:
        """List turns or conversations, newest first."""
        try:
            asked = read_query(request.args, SHOWN)
            user = visible_user(admitted().identity, asked.get("user"))
            if asked.get("by", "turn") == "session":
                return await self._conversations(asked, user)
            return await self._turns(turn_query(asked, user), is_lines=asked.get("format") == "jsonl")
        except (BadQuery, BadPosition) as error:
            return failure(400, str(error))
        except NotTheirs as error:
            return failure(403, str(error))

    async def _turns(self, wanted: TurnQuery, *, is_lines: bool) -> Response:
        found = await self.find(wanted)
        after = found[-1].position if len(found) == wanted.limit else None
        response = (
            Response(lines_of(found), mimetype=JSON_LINES)
            if is_lines
            else jsonify(self._noted({"turns": [shown_turn(turn) for turn in found], "next": _text(after)}))
        )
        return _with_next(response, after)

    async def _conversations(self, asked: Mapping[str, str], user: str | None) -> Response:
        if asked.get("q") or asked.get("session") or asked.get("format") == "jsonl":
            raise BadQuery("q, session and format are for turns, not for by=session")
        wanted = ConversationQuery(user_id=user, after=_after(asked), limit=limit_of(asked.get("limit")))
        found = await self.conversations(wanted)
        after = found[-1].position if len(found) == wanted.limit else None
        page = {"conversations": [attrs.asdict(conversation) for conversation in found], "next": _text(after)}
        return _with_next(jsonify(self._noted(page)), after)

    def _noted(self, page: dict[str, Any]) -> dict[str, Any]:
        return page if self.is_kept else page | {"note": OFF_NOTE}

    async def conversation(self, session_id: str) -> Response:
        """Show one conversation: its newest turns, in the order in which they were."""
        try:
            asked = read_query(request.args, frozenset({"limit", "after"}))
            user = visible_user(admitted().identity, None)
            wanted = turn_query({**asked, "session": session_id}, user)
        except (BadQuery, BadPosition) as error:
            return failure(400, str(error))
        found = await self.find(wanted)
        if not found and wanted.after is None:
            return failure(404, "there is no such conversation")
        after = found[-1].position if len(found) == wanted.limit else None
        page = {
            "session_id": session_id,
            "turns": [shown_turn(turn) for turn in reversed(found)],
            "next": _text(after),
        }
        return _with_next(jsonify(page), after)

    async def forget(self) -> Response:
        """Delete what fits all conditions of the query: for operators."""
        try:
            return await self._forget(deletion_of(read_query(request.args, DELETED_BY), self.unix_time()))
        except BadQuery as error:
            return failure(400, str(error))

    async def forget_conversation(self, session_id: str) -> Response:
        """Delete one conversation: for operators."""
        try:
            read_query(request.args, frozenset())
        except BadQuery as error:
            return failure(400, str(error))
        return await self._forget(Deletion(session_id=session_id))

    async def _forget(self, what: Deletion) -> Response:
        refusal = operator_refusal(admitted().identity, "deleting history")
        if refusal is not None:
            return failure(403, refusal)
        deleted = await self.delete(what)
        return jsonify({"deleted": deleted.count, "is_all": deleted.is_all})


def read_query(given: Mapping[str, str], known: Iterable[str]) -> dict[str, str]:
    """Return a query's parameters; raises ``BadQuery`` for one that is not known, or too long."""
    names = sorted(known)
    asked = dict(given.items())
    for name, value in asked.items():
        if name not in names:
            what = f"only {', '.join(names)}" if names else "none"
            raise BadQuery(f"there is no parameter {name[:40]!r} here, {what}")
        longest = MAX_WORDS_CHARS if name == "q" else MAX_NAME_CHARS
        if len(value) > longest:
            raise BadQuery(f"{name} must have at most {longest} characters, not {len(value)}")
    for name, values in (("by", ("turn", "session")), ("format", ("json", "jsonl"))):
        if asked.get(name, values[0]) not in values:
            raise BadQuery(f"{name} must be {' or '.join(values)}, not {asked[name][:40]!r}")
    return asked


def turn_query(asked: Mapping[str, str], user: str | None) -> TurnQuery:
    """Return which turns a query wants; raises ``BadQuery`` and ``BadPosition``."""
    return TurnQuery(
        user_id=user,
        session_id=asked.get("session"),
        words=asked.get("q", ""),
        after=_after(asked),
        limit=limit_of(asked.get("limit")),
    )


def limit_of(text: str | None) -> int:
    """Return the wanted length of a page; raises ``BadQuery``."""
    if text is None:
        return DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_LIMIT:
        return int(text)
    raise BadQuery(f"limit must be a whole number from 1 to {MAX_LIMIT}, not {text[:20]!r}")


def deletion_of(asked: Mapping[str, str], now_s: float) -> Deletion:
    """Return what a query wants deleted; ``now_s`` is Unix time. Raises ``BadQuery``."""
    days = asked.get("older_than_days")
    before_s = None if days is None else now_s - _days(days) * DAY_S
    what = Deletion(user_id=asked.get("user"), session_id=asked.get("session"), before_s=before_s)
    if what.is_of_everything:
        raise BadQuery(f"say what to delete: {', '.join(sorted(DELETED_BY))}")
    return what


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = math.nan
    if not 0 <= days <= MAX_DAYS:  # as NaN is not
        raise BadQuery(f"older_than_days must be a number from 0 to {MAX_DAYS:g}, not {text[:20]!r}")
    return days


def _after(asked: Mapping[str, str]) -> Position | None:
    return position_of(asked["after"]) if "after" in asked else None


def _text(position: Position | None) -> str | None:
    return None if position is None else str(position)


def _with_next(response: Response, after: Position | None) -> Response:
    """Say where the next page is (RFC 8288), and let no cache keep what people said."""
    response.headers["Cache-Control"] = "no-store"
    if after is not None:
        query = urlencode({**request.args, "after": str(after)})
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def add_history_routes(app: QuartTrio, routes: HistoryRoutes) -> None:
    """Add the routes to the app."""
    one, shown = f"{PATH}/<session_id>", f"{PATH}/{{session_id}}"
    for path, name, view, method in (
        (PATH, PATH, routes.page, "GET"),
        (PATH, f"DELETE {PATH}", routes.forget, "DELETE"),
        (one, shown, routes.conversation, "GET"),
        (one, f"DELETE {shown}", routes.forget_conversation, "DELETE"),
    ):
        app.add_url_rule(path, endpoint=name, view_func=view, methods=[method])
