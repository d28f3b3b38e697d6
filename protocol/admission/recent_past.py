"""What a server remembers of itself for its operators: figures, notices and turns.

Rules kept here:

* One actor writes it (``actors/monitor.py``); it has no logic that can fail, and outlives a crash of that actor.
* It is bounded, in memory, and ends with the process.
"""

import attrs

from protocol.admission.figure_history import FigureHistory
from protocol.admission.notices import Notices, NoticeTally
from protocol.admission.turn_log import TurnLog


@attrs.frozen
class RecentPast:
    """The parts, each bounded by itself."""

    figures: FigureHistory = attrs.field(factory=FigureHistory)
    notices: Notices = attrs.field(factory=Notices)
    turns: TurnLog = attrs.field(factory=TurnLog)
    tally: NoticeTally = attrs.field(factory=NoticeTally)
