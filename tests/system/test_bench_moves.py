"""The benchmark of moving sessions: cuts are where they are drawn, what is wrong is seen, and a few real cuts."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest
import trio

from bench.load.clips import clip
from bench.load.server import running
from bench.moves import limits, replicas
from bench.moves.cuts import Run, Runs, Uncut, cut_runs, figures, judged
from bench.moves.cutting import Cut, Traffic, cutting_proxy, draw_cuts
from bench.moves.orders import Entry, made_twice, write_config
from bench.moves.speakers import History, Saying
from bench.moves.surroundings import missing
from cli.sound import Sound
from sayso_client import Capability
from tests.system.model_fixtures import models_dir
from tests.system.server_fixtures import SMALL, need_models

pytestmark = pytest.mark.system

LIMIT_S = 120.0
CUTS = 3
QUIET: tuple[Capability, ...] = ("stt", "llm", "tools")
APPLES = "Write down green apples."


# --- cutting -------------------------------------------------------------------------------------


def test_cuts_are_drawn_anywhere_in_the_traffic_and_the_same_for_the_same_seed() -> None:
    drawn = [draw_cuts(Random(seed), Traffic(1_000, 100)) for seed in range(400)]
    assert drawn == [draw_cuts(Random(seed), Traffic(1_000, 100)) for seed in range(400)]
    first = [cuts[0] for cuts in drawn]
    assert {cut.is_upstream for cut in first} == {True, False}
    assert all(1 <= cut.after_bytes < (1_000 if cut.is_upstream else 100) for cut in first)
    assert max(cut.after_bytes for cut in first) > 900
    assert {len(cuts) for cuts in drawn} == {1, 2, 3}
    assert any(cut.silent_s == 0 for cut in first)
    assert any(cut.silent_s > 0 for cut in first)


async def test_a_connection_is_cut_behind_the_byte_and_the_next_one_passes() -> None:
    taken: list[bytearray] = []

    async def echo(stream: trio.SocketStream) -> None:
        taken.append(bytearray())
        with suppress(trio.BrokenResourceError):
            async for chunk in stream:
                taken[-1].extend(chunk)
                await stream.send_all(chunk)

    with trio.fail_after(LIMIT_S):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), echo, 0)
            async with cutting_proxy(int(listeners[0].socket.getsockname()[1])) as proxy:
                stream = await trio.open_tcp_stream("127.0.0.1", proxy.port)
                await stream.send_all(b"before")
                assert await heard(stream, 6) == b"before"
                proxy.arm([Cut(True, 3)])
                await stream.send_all(b"12345")
                assert await heard(stream, 5) in {b"", b"123"}, "what was on its way back may be lost"
                whole = await trio.open_tcp_stream("127.0.0.1", proxy.port)
                await whole.send_all(b"12345")
                assert await heard(whole, 5) == b"12345"
                assert proxy.traffic() == Traffic(5, 5)
                await whole.aclose()
                await stream.aclose()
            assert proxy.made == 1
            assert taken == [b"before123", b"12345"]
            nursery.cancel_scope.cancel()


async def heard(stream: trio.SocketStream, size: int) -> bytes:
    """Return ``size`` bytes, or those before the end."""
    found = b""
    try:
        while len(found) < size and (chunk := await stream.receive_some()):
            found += chunk
    except trio.BrokenResourceError:
        pass
    return found


# --- judging -------------------------------------------------------------------------------------


def entry(at_s: float, what: str = "green apples", call: str = "c1", session: str = "s") -> Entry:
    return Entry(at_s, session, call, what)


def test_a_call_belongs_to_the_order_said_last_and_a_second_one_is_too_many() -> None:
    said = [(APPLES, 1.0), ("Write down red candles.", 5.0), ("What is twelve times seven?", 9.0)]
    right = [entry(2.0), entry(6.0, "red candles", "c2")]
    assert made_twice(said, right) == []
    assert made_twice(said, [*right, entry(7.0, "red candles", "c3")]) == [entry(7.0, "red candles", "c3")]
    assert made_twice(said, [*right, entry(9.5, "red candles", "c3")]) == [entry(9.5, "red candles", "c3")]
    assert made_twice(said, [entry(0.5)]) == [entry(0.5)], "nothing was said yet"


def said_well(**changes: Any) -> Saying:
    saying = Saying(APPLES, 1.0, texts=["Write down green apples."], tools=["enter"], call_ids=["c1"])
    saying.replies, saying.outcomes = ["I wrote down green apples."], {"t1": "done"}
    return attrs.evolve(saying, **changes)


KNOWN = Uncut("Write down green apples.", ["enter"], ["I wrote down green apples."], Traffic(1, 1))


def run_of(saying: Saying, ledger: list[Entry] | None = None, **history: Any) -> Run:
    past = History([saying], [0.5], {"s"}, **history)
    return judged(APPLES, [], past, KNOWN, [entry(2.0)] if ledger is None else ledger, made=1)


def test_a_run_that_equals_the_uncut_one_is_not_different() -> None:
    run = run_of(said_well())
    assert not run.is_different
    found = figures([run])
    assert (found["runs"], found["missed"], found["longest wait after one cut, ms"]) == (1, [], 500.0)


@pytest.mark.parametrize(
    ("changes", "ledger", "figure"),
    [
        ({"texts": ["Write down green"]}, None, "words different"),
        ({"texts": ["Write down green apples."] * 2}, None, "words different"),
        ({}, [entry(2.0), entry(3.0, call="c2")], "calls twice"),
        ({"call_ids": ["c1", "c2"]}, None, "calls twice"),
        ({"call_ids": [], "tools": []}, [], "calls missing"),
        ({"replies": []}, None, "answers lost"),
        ({"outcomes": {"t1": "failed"}}, None, "answers lost"),
    ],
)
def test_what_differs_from_the_uncut_run_is_counted(
    changes: dict[str, Any], ledger: list[Entry] | None, figure: str
) -> None:
    found = figures([run_of(said_well(**changes), ledger)])
    assert found[figure] == 1
    assert found["missed"]


def test_a_run_that_the_machine_was_too_slow_for_is_no_difference() -> None:
    slow = run_of(said_well(texts=[], tools=[], call_ids=[], replies=["Sorry."], outcomes={"t1": "failed"}), [])
    found = figures([slow, run_of(said_well())])
    assert (found["runs"], found["not transcribed in time, and repeated"], found["missed"]) == (1, 1, [])


def test_turns_at_two_replicas_are_judged_by_one_session_alone_and_by_what_was_done() -> None:
    alone = {APPLES: "Write down green apples"}
    failed = said_well(outcomes={"t2": "failed"}, begun_s=10.0, call_ids=["c2"])
    well = History([said_well(), failed], [0.3], {"s"}, {"t1", "t2"}, resumed=1)
    ledger = [entry(2.0), entry(11.0, call="c2")]
    found = replicas.figures([well], alone, ledger, {("s", "t1")})
    assert found["missed"] == []
    assert (found["turns"], found["turns answered"], found["turns that had acted and failed"]) == (2, 1, 1)
    assert (found["turns told as done"], found["of these in PostgreSQL"]) == (1, 1)
    bad = History([said_well(texts=["Right down"]), said_well(texts=[], begun_s=10.0)], [2.5], {"s"}, forgotten=1)
    found = replicas.figures([bad], alone, [entry(2.0), entry(3.0), entry(11.0)], set())
    assert (found["words wrong"], found["turns lost"], found["calls twice"]) == (1, 1, 1)
    assert len(found["missed"]) == 5
    assert json.loads(json.dumps(found)), "it is written as JSON"


def test_limits_are_judged_for_both_replicas_together_while_redis_answers() -> None:
    passed = {"Redis answers": {200: 110, 429: 90}, "Redis is frozen": {200: 200}}
    assert limits.figures(passed, [1.0], [2.0], 1.0)["missed"] == []
    found = limits.figures({"Redis answers": {200: 150, 429: 49, 503: 1}}, [1.0], [12.0], 1.0)
    assert len(found["missed"]) == 2


def test_what_is_missing_is_told_with_the_command_that_brings_it() -> None:
    assert missing(lambda _: True) == []
    assert "haproxy is missing: apt-get install haproxy" in missing(lambda name: name != "haproxy")
    assert len(missing(lambda _: False)) == 5


# --- with a real server --------------------------------------------------------------------------


def test_words_calls_and_answers_are_those_of_an_uncut_run(tmp_path: Path, spoken: Callable[[str], bytes]) -> None:
    need_models()
    clips = [clip("sum", Sound(spoken("What is twelve times seven?"), 16_000))]
    settings = SMALL | {"supervisor.models_dir": models_dir(), "load.enabled": False}
    with running(settings, config=write_config(tmp_path)) as server:
        runs = trio.run(cut_runs, server.port, lambda proxy: Runs(proxy, tmp_path, QUIET).make(clips, CUTS, seed=7))
    found = figures(runs)
    assert found["missed"] == [] or found["runs"] == 0, found
    assert found["cuts"] >= found["runs"]
