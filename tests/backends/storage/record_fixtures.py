"""Records of one session, and what a store has of them."""

from typing import Any

import attrs

from backends.protocols import Store
from protocol.messages.history import TurnQuery
from protocol.messages.records import SessionRecord, ToolRecord, TurnRecord

SESSION = SessionRecord("s1", "anna", 1_000.0, "phone")
TURN = TurnRecord(
    session_id="s1",
    turn_id="t1",
    user_id="anna",
    timestamp=1_001.0,
    heard="Turn on the kitchen light",
    replied="The light is on.",
    outcome="done",
    source="command",
    latency_ms={"stt": 120.5, "total": 300.0},
    language="en",
    confidence=0.75,
)
CALL = ToolRecord(
    session_id="s1",
    turn_id="t1",
    call_id="c1",
    timestamp=1_001.5,
    server="home",
    tool="light",
    arguments={"on": True, "rooms": ["Küche"]},
    ok=True,
    result="on",
    duration_ms=12.5,
    transcript="Turn on the kitchen light",
    confidence=0.9,
    user_id="anna",
)


def turn(number: int, **changes: Any) -> TurnRecord:
    """Return the turn of a number: the higher, the later."""
    return attrs.evolve(attrs.evolve(TURN, turn_id=f"t{number}", timestamp=1_000.0 + number), **changes)


async def found(store: Store, **wanted: Any) -> list[str]:
    """Return the ids of the turns that fit, newest first."""
    return [kept.record.turn_id for kept in await store.turns(TurnQuery(**{"limit": 1_000} | wanted))]
