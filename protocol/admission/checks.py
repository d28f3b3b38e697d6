"""Admission checks that may wait for another server: how long, and what happens without an answer. Pure.

Rules kept here:

* A check that is late, or whose server is down, is decided by this table.
* A check that protects the server from too much work fails open: a lost limit costs less than a server that refuses
  all requests. A check that protects users from each other fails closed.
"""

import enum
from collections.abc import Mapping
from typing import Final

import attrs


class CheckKind(enum.Enum):
    """The kinds of checks."""

    RATE = "rate"  # whether this sender has asked too often
    CREDENTIALS = "credentials"  # whether this sender's identity is proved


@attrs.frozen
class CheckRule:
    """How one kind of check is asked."""

    deadline_s: float
    admits_without_answer: bool


CHECK_RULES: Final[Mapping[CheckKind, CheckRule]] = {
    # an answer takes under 1 ms; at 50 ms its server has a problem, and people would notice the wait
    CheckKind.RATE: CheckRule(0.05, admits_without_answer=True),
    # may take a round trip to another site; a person waits as long for a slow page
    CheckKind.CREDENTIALS: CheckRule(1.0, admits_without_answer=False),
}
