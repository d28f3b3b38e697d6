from typing import Any

import attrs
import pytest

from actors.stt.report import QueueReport, TranscriptionReport
from protocol.admission.capacity import Capacity
from protocol.language.speech_models import SpeechModels
from runtime.workers.queue import QueueDelay

IDLE = QueueReport(delay=QueueDelay(), oldest_s=None, awaited=(), capacity=Capacity(), is_started=True, ready=2, size=2)


def test_a_queue_stands_longer_while_nothing_new_is_published() -> None:
    stuck = attrs.evolve(IDLE, oldest_s=10.0)
    assert [stuck.delay_s(now_s) for now_s in (10.0, 11.5, 20.0)] == [0.0, 1.5, 10.0]


def test_a_wait_that_was_published_is_forgotten_after_two_seconds() -> None:
    busy = attrs.evolve(IDLE, delay=QueueDelay().noted(0.7, 10.0))
    assert busy.delay_s(10.5) == 0.7
    assert busy.delay_s(13.0) == 0.0


def test_speakers_and_waiting_utterances_are_counted_by_tenant() -> None:
    report = attrs.evolve(IDLE, capacity=Capacity().learnt(1.0, 0.5), awaited=("a",), ready=1)
    demand = report.demand(["a", "b"])
    assert demand is not None
    assert demand.busy == {"a": 2, "b": 1}
    assert demand.share == 0.75


@pytest.mark.parametrize(
    "unknown", [{"capacity": Capacity()}, {"ready": 0}], ids=["nothing was learnt", "no worker is ready"]
)
def test_without_figures_no_demand_is_known(unknown: dict[str, Any]) -> None:
    known = attrs.evolve(IDLE, capacity=Capacity().learnt(1.0, 0.5))
    assert known.demand(["a"]) is not None
    assert attrs.evolve(known, **unknown).demand(["a"]) is None


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, 0.0),
        ({"ready": 1}, 0.5),
        ({"ready": 0}, 1.0),
        ({"ready": 0, "is_started": False}, None),
        ({"ready": 0, "size": 0}, None),
    ],
)
def test_the_share_of_missing_workers_is_known_once_there_was_one(
    changes: dict[str, Any], missing: float | None
) -> None:
    assert attrs.evolve(IDLE, **changes).workers_missing == missing


def test_the_longest_queue_counts() -> None:
    slow = attrs.evolve(IDLE, oldest_s=5.0)
    assert TranscriptionReport(SpeechModels(("base",)), IDLE, (slow,)).delay_s(7.0) == 2.0
