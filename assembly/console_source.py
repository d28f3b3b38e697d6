"""What the console asks beside the status: the past, the sessions as people know them, and a restart of one actor.

Rules kept here:

* Words are for those who may see them (``protocol.admission.identity.may_see_words``).
* A page of sessions costs what it shows. A search looks at all of them, and lets others run in between.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import trio

from actors.session import SessionStatistics
from assembly.status_source import SESSIONS, StatusSource, permanent_actors
from protocol.admission.figure_history import FIGURES
from protocol.admission.identity import may_see_words
from protocol.admission.restarts import is_tool_server, may_restart
from protocol.messages.identity import Identity
from runtime import Child, ChildState, ChildStatus, Ref, RestartChild, SupervisorMessage

AT_ONCE: Final = 32  # sessions looked at without a pause: a millisecond


class ConsoleSource:
    """The console's questions (``backends.ingress.http_console.ConsoleFigures``)."""

    def __init__(self, status: StatusSource, tool_servers: Ref[SupervisorMessage]) -> None:
        self._status = status
        self._past = status.board.past
        self._tool_servers = tool_servers

    # --- the past --------------------------------------------------------------------------------

    def history(self, range_name: str, names: Sequence[str]) -> Mapping[str, Any]:
        """Return figures of the past, oldest first; raises ``KeyError`` for an unknown range or figure."""
        part = self._past.figures.part(trio.current_time(), range_name, names)
        return {
            "range": range_name,
            "step_s": part.step_s,
            "newest_age_s": part.newest_age_s,
            "figures": {
                one.name: {"unit": one.unit, "fold": one.fold.value, "values": part.values[one.name]}
                for one in FIGURES
                if one.name in part.values
            },
        }

    def notices(self, after: int) -> Sequence[Mapping[str, Any]]:
        """Return the notices that are newer than a number, oldest first."""
        return [notice.shown() for notice in self._past.notices.after(after)]

    def turns(self, after: int, reader: Identity) -> Sequence[Mapping[str, Any]]:
        """Return the turns that are newer than a number, oldest first, with the words that the reader may see."""
        return [
            turn.shown(has_words=may_see_words(reader, turn.record.user_id)) for turn in self._past.turns.after(after)
        ]

    def newest(self) -> tuple[int, int]:
        """Return the numbers of the newest notice and of the newest turn."""
        return self._past.notices.last, self._past.turns.last

    # --- sessions --------------------------------------------------------------------------------

    async def sessions(self, search: str, offset: int, limit: int, reader: Identity) -> Mapping[str, Any]:
        """Return some sessions, newest first: those whose id, user, client or address has ``search`` in it."""
        below = self._below()
        found = below if search == "" else await _matching(below, search.lower())
        shown = found[offset : offset + limit]
        return {
            "count": len(below),
            "found": len(found),
            "sessions": [self._row(child.status(), reader) for child in shown],
        }

    def session(self, session_id: str, reader: Identity) -> Mapping[str, Any] | None:
        """Return one session with its actors and its last turns; ``None`` if there is none of that id."""
        child = next((one for one in self._below() if one.id == session_id), None)
        node = self._status.session(session_id)
        if child is None or node is None:
            return None
        turns = [
            turn.shown(has_words=may_see_words(reader, turn.record.user_id))
            for turn in self._past.turns.of_session(session_id)
        ]
        return {**self._row(child.status(), reader), "tree": node, "last_turns": turns}

    def _below(self) -> Sequence[Child]:
        running = self._status.board.tree.latest
        sessions = None if running is None else running.find(SESSIONS)
        return () if sessions is None else sessions.below[::-1]

    def _row(self, session: ChildStatus, reader: Identity) -> Mapping[str, Any]:
        own = session.statistics
        row: dict[str, Any] = {"id": session.id, "state": session.state.value}
        for actor in session.children:
            figures = attrs.asdict(actor.statistics)
            row |= {name: figures[key] for key, name in SHOWN.get(actor.id.rpartition(".")[2], ()) if key in figures}
        if not isinstance(own, SessionStatistics):
            return row
        names = ("user", "peer", "client_id", "mode", "language", "age_s", "reconnects", "is_lost")
        row |= {name: getattr(own, name) for name in names}
        last = self._past.turns.of_session(session.id)[-1:]
        if last and may_see_words(reader, own.user):
            row["last_words"] = {"heard": last[0].record.heard, "replied": last[0].record.replied}
        return row

    # --- restarts --------------------------------------------------------------------------------

    def restartable(self) -> Sequence[str]:
        """Return the ids of the actors that may be restarted and are ready."""
        actors = permanent_actors(self._status.board.tree.latest)
        return [actor.id for actor in actors if may_restart(actor.id) and actor.state is ChildState.READY]

    def restart(self, actor_id: str) -> bool:
        """Order the restart of one of ``restartable``; return whether the order was taken."""
        tree = self._status.board.tree.latest
        if tree is None:
            return False
        supervisor = self._tool_servers if is_tool_server(actor_id) else tree.ref
        return supervisor.tell_nowait(RestartChild(actor_id, stops=True))


SHOWN: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "connection": (("phase", "phase"),),
    "dialogue": (("state", "doing"),),
    "vault": (("turns", "turns"),),
}
"""By an actor of a session: its figures, and their names in a row."""


async def _matching(sessions: Sequence[Child], search: str) -> Sequence[Child]:
    found = []
    for number, child in enumerate(sessions):
        if number % AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        own = child.status(is_deep=False).statistics
        known = (own.user, own.client_id or "", own.peer or "") if isinstance(own, SessionStatistics) else ()
        if any(search in one.lower() for one in (child.id, *known)):
            found.append(child)
    return found
