"""A session's subtree, which closes its socket at its end.

Rules kept here:

* A crash inside is reported with the part and the class of the error: its message may hold words that somebody said.
* The recovery is reported when all parts are ready again, once for all crashes that it follows.
"""

from collections.abc import Callable, Sequence
from typing import Literal, Never

import attrs
import trio

from protocol.dialects.client_memory import ClientView
from protocol.messages.errors import CloseCode
from runtime import AutoShutdown, Backoff, ChildSpec, ChildState, Exit, Intensity, Strategy, Supervisor
from runtime.messaging.exits import blamed
from runtime.supervision.errors import RestartIntensityExceeded
from runtime.supervision.status import SupervisorStatistics


@attrs.frozen
class SessionFault:
    """A crash inside a session, or what came of it."""

    event: Literal["crashed", "recovered", "failed"]
    part: str = ""
    """The actor that crashed: ``connection``, ``audio`` or ``dialogue``."""
    cause: str = ""
    """The class of its error, or the kind of its end."""


@attrs.frozen(kw_only=True)
class SessionStatistics(SupervisorStatistics):
    """A moment's view of a session and its client.

    * ``user``: the owner of what the session keeps
    * ``peer``: the client's address, by its current or last socket; ``None`` before the first
    * ``client_id``: the name that the client has given itself; ``None`` before the handshake, as mode and language
    * ``mode``: ``hands_free`` or ``push_to_talk``
    * ``language``: of the speech; ``None`` for the server's setting
    * ``age_s``: seconds since the session began
    * ``reconnects``: how often the client has come back with another socket
    * ``is_lost``: whether it is awaited now
    """

    user: str
    peer: str | None
    client_id: str | None
    mode: str | None
    language: str | None
    age_s: float
    reconnects: int
    is_lost: bool


class Session(Supervisor):
    """A session's subtree; at its end, in order or not, its socket is closed."""

    def __init__(
        self,
        client: ClientView,
        children: Sequence[ChildSpec[Never]],
        intensity: Intensity,
        *,
        on_fault: Callable[[SessionFault], None],
    ) -> None:
        super().__init__(
            children, Strategy.REST_FOR_ONE, intensity, Backoff(), auto_shutdown=AutoShutdown.ANY_SIGNIFICANT
        )
        self._client = client
        self._on_fault = on_fault
        self._is_broken = False
        self._began_s = trio.current_time()

    async def on_start(self) -> None:
        """Start the children, and a task that closes the socket at the end."""
        self.context.nursery.start_soon(self._hold_socket)
        await super().on_start()

    def statistics(self) -> SessionStatistics:
        """Return the session as people know it, too."""
        client, options = self._client, self._client.options
        return SessionStatistics(
            **attrs.asdict(super().statistics()),
            user=client.user,
            peer=None if client.identity is None else client.identity.peer,
            client_id=None if options is None else options.client_id,
            mode=None if options is None else options.mode,
            language=None if options is None else options.language,
            age_s=round(trio.current_time() - self._began_s, 1),
            reconnects=client.reconnects,
            is_lost=client.is_lost,
        )

    def child_crashed(self, child_id: str, ended: Exit) -> None:
        """Report the crash."""
        self._is_broken = True
        self._on_fault(fault_of("crashed", child_id, ended))

    def child_restarted(self) -> None:
        """Report the recovery, if this was the last part that was not ready."""
        if self._is_broken and all(child.state is ChildState.READY for child in self.which_children()):
            self._is_broken = False
            self._on_fault(SessionFault("recovered"))

    async def _hold_socket(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            self._close(CloseCode.INTERNAL_ERROR, "the session failed")

    async def on_stop(self) -> None:
        """Stop the children, then close the socket if it is open."""
        code, reason = CloseCode.INTERNAL_ERROR, "the session failed"
        try:
            await super().on_stop()
            code, reason = CloseCode.SERVICE_RESTART, "the server is stopping"
        except RestartIntensityExceeded as error:
            self._on_fault(fault_of("failed", error.child_id, error.last_exit))
            raise
        finally:
            self._close(code, reason)

    def _close(self, code: CloseCode, reason: str) -> None:
        if self._client.socket is not None:  # it may be lost, or belong to another session by now
            self._client.socket.start_close(code, reason)


def fault_of(event: Literal["crashed", "failed"], child_id: str, ended: Exit) -> SessionFault:
    """Return what is reported of the end of a session's actor, whose id ends in its part."""
    cause = ended.kind.value if ended.error is None else type(blamed(ended.error)).__name__
    return SessionFault(event, child_id.rpartition(".")[2], cause)
