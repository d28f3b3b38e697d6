"""The calls that a client of OpenAI's Realtime API makes itself, and their outputs.

Rules kept here:

* An output waits for the client's next ``response.create``: until then clients expect no answer.
* A call is open until its output goes to the session, or the session goes on without it.
"""

import attrs

from protocol.messages import events
from protocol.messages.event_values import CLIENT_SERVER


@attrs.define
class ClientCalls:
    """The call that is open: a turn makes one at a time."""

    _open: events.ToolCall | None = attrs.field(default=None, init=False)
    _output: events.ToolOutput | None = attrs.field(default=None, init=False)

    @property
    def is_open(self) -> bool:
        """Whether a turn waits for the client."""
        return self._open is not None

    def awaits(self, call_id: str) -> bool:
        """Return whether this call has no output yet."""
        return self._open is not None and self._open.call_id == call_id and self._output is None

    def hold(self, output: events.ToolOutput) -> None:
        """Keep an output for the next answer."""
        self._output = output

    def take(self) -> events.ToolOutput | None:
        """Return the output with which the turn goes on; ``None`` if there is none."""
        output = self._output
        if output is not None:
            self._close()
        return output

    def note(self, event: events.ServerEvent) -> None:
        """Take what the session tells of its calls."""
        match event:
            case events.ToolCall(server=server) if server == CLIENT_SERVER:
                self._open, self._output = event, None
            case events.ToolResult(call_id=call_id) if self._open is not None and self._open.call_id == call_id:
                self._close()
            case events.TurnCompleted(turn_id=turn_id) if self._open is not None and self._open.turn_id == turn_id:
                self._close()

    def _close(self) -> None:
        self._open = self._output = None
