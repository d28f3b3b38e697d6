import pytest
import trio
from trio.testing import MockClock

from runtime.messaging.spans import SPANS_MAX, Span, SpanRecorder, add_span, record_spans, recorded_spans, span


async def recorded(work) -> SpanRecorder:
    """Return what is recorded of some work in a task of its own."""
    found = []

    async def run() -> None:
        found.append(record_spans())
        await work()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
    return found[0]


async def test_a_span_knows_when_it_was_and_what_it_is_a_part_of(autojump_clock: MockClock) -> None:
    start_s = trio.current_time()

    async def work() -> None:
        with span("model", size=3) as noted:
            await trio.sleep(1)
            with span("tool"):
                await trio.sleep(2)
            noted["ok"] = True
        add_span("queue", start_s, start_s + 0.5)

    recorder = await recorded(work)
    assert recorder.spans == (
        Span(2, 1, "tool", start_s + 1, start_s + 3),
        Span(1, 0, "model", start_s, start_s + 3, {"size": 3, "ok": True}),
        Span(3, 0, "queue", start_s, start_s + 0.5),
    )


async def test_spans_of_tasks_that_are_started_are_parts_of_the_one_in_which_they_were_started(
    autojump_clock: MockClock,
) -> None:
    async def sing(name: str) -> None:
        with span(name):
            await trio.sleep(1)

    async def work() -> None:
        with span("answer"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sing, "one")
                nursery.start_soon(sing, "two")

    recorder = await recorded(work)
    [answer] = [found for found in recorder.spans if found.name == "answer"]
    assert sorted(found.name for found in recorder.spans if found.parent == answer.number) == ["one", "two"]


async def test_nothing_is_kept_of_a_task_that_records_nothing() -> None:
    with span("understand") as noted:
        noted["ok"] = True
    add_span("queue", 0.0, 1.0)
    assert recorded_spans() is None


async def test_a_span_that_is_left_by_an_error_is_kept_and_does_not_hide_it() -> None:
    async def work() -> None:
        with pytest.raises(KeyError), span("tool"):
            raise KeyError("x")
        add_span("after", 0.0, 0.0)

    recorder = await recorded(work)
    assert [(found.name, found.parent) for found in recorder.spans] == [("tool", 0), ("after", 0)]


async def test_a_span_that_would_end_before_its_start_has_no_length() -> None:
    async def work() -> None:
        add_span("queue", 5.0, 4.0)

    recorder = await recorded(work)
    assert [(found.start_s, found.end_s) for found in recorder.spans] == [(5.0, 5.0)]


async def test_further_spans_than_there_is_room_for_are_counted() -> None:
    async def work() -> None:
        for number in range(SPANS_MAX + 3):
            add_span(f"span {number}", 0.0, 0.0)

    recorder = await recorded(work)
    assert (len(recorder.spans), recorder.dropped) == (SPANS_MAX, 3)
    assert recorder.spans[-1].name == f"span {SPANS_MAX - 1}"
