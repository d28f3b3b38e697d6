"""The trace of a turn: begun with it, and sent when it has ended, if traces are wanted."""

import trio

from actors.turn.turn_context import TurnContext, TurnPeers
from protocol.messages.events import Outcome
from protocol.messages.traces import TurnTrace
from protocol.turns.turn_report import TurnReport
from runtime.messaging.spans import record_spans, recorded_spans


def begin_trace(peers: TurnPeers) -> None:
    """Record the spans of this task and of those that it starts, if there is somebody to send them to."""
    if peers.traces is not None:
        record_spans()


def send_trace(context: TurnContext, report: TurnReport, outcome: Outcome) -> None:
    """Send what was recorded of the turn that this task runs; without waiting."""
    traces, recorder = context.peers.traces, recorded_spans()
    if traces is None or recorder is None:
        return
    now_s = trio.current_time()
    traces.tell_nowait(
        TurnTrace(
            session_id=context.client_view.session_id,
            turn_id=report.turn_id,
            outcome=outcome,
            source=report.source,
            language=report.language,
            start_s=report.origin_s,
            end_s=now_s,
            unix_offset_s=context.unix_time() - now_s,
            spans=recorder.spans,
            dropped_spans=recorder.dropped,
        )
    )
