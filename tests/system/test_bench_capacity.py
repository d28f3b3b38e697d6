"""``sayso bench capacity``: which loads it offers, how it judges and draws them; and the design it compares with."""

import asyncio
import errno
import json
import os
import resource
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench import open_files
from bench.capacity.benchmark import cells, judged, none_fits, picture
from bench.capacity.drawing import Scale
from bench.capacity.kinds import KINDS, figures, silent_figures, words_wrong
from bench.capacity.ladder import Ladder, climb
from bench.capacity.silent import Silence, hold
from bench.capacity.usage import OTHER, SERVER, Usage, family, pools
from bench.load.callers import Crowds
from bench.load.clips import clip
from bench.load.records import Call, Plan, Turn
from bench.peers import process
from bench.peers.process import PeerError, install, peer_running, python_for
from bench.text import plain_words
from cli.sound import Sound
from tests.system.server_fixtures import ROOT, Server, need_models

pytestmark = pytest.mark.system

LADDER = Ladder(first=1.0, growth=2.0, most=16.0, halvings=2, target_ms=1_000.0, is_whole=False)
Row = Mapping[str, Any]


def row(load: float, p95_ms: float | None, served: int = 100, *troubles: str) -> dict[str, Any]:
    return {"load": load, "offered": 100, "served": served, "p95_ms": p95_ms, "troubles": list(troubles)}


def carries(most: Mapping[str, float], offers: list[tuple[str, float]]) -> Callable[[str, float], Row]:
    """Return servers that carry so much each, and note what they are offered."""

    def offer(name: str, load: float) -> Row:
        offers.append((name, load))
        return row(load, 500 if load <= most[name] else 5_000)

    return offer


# --- the ladder ----------------------------------------------------------------------------------


def test_both_get_each_load_by_turns_until_it_breaks_and_then_the_halves() -> None:
    offers: list[tuple[str, float]] = []
    *_, rows = climb(LADDER, ["ours", "peer"], carries({"ours": 5.0, "peer": 1.5}, offers))
    assert offers == [
        *(("ours", 1.0), ("peer", 1.0), ("peer", 2.0), ("ours", 2.0), ("ours", 4.0), ("ours", 8.0)),
        *(("ours", 5.66), ("peer", 1.41), ("peer", 1.68), ("ours", 4.76)),
    ]
    assert {name: LADDER.capacity(own) for name, own in rows.items()} == {"ours": 4.76, "peer": 1.41}
    assert LADDER.ended_by(rows["ours"]) == "late"


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (row(1, 1_000), "held"),
        (row(1, 1_001), "late"),
        (row(1, None), "late"),
        (row(1, 500, 98), "held"),
        (row(1, 500, 97), "not served"),
        (row(1, 500, 50, f"no server at 127.0.0.1:1 ({os.strerror(errno.EMFILE)})"), "no open files"),
    ],
)
def test_a_load_holds_where_almost_all_are_served_in_time(found: Row, verdict: str) -> None:
    assert LADDER.verdict(found) == verdict


def test_a_load_that_needs_more_open_files_than_there_are_is_not_offered() -> None:
    tight = Ladder(10, 2.0, 1_000, 2, 1_000.0, is_whole=True, affordable=lambda load: load <= 50)
    offers: list[tuple[str, float]] = []
    *_, rows = climb(tight, ["ours"], carries({"ours": 10_000}, offers))
    assert [load for _, load in offers] == [10, 20, 40]
    assert (tight.capacity(rows["ours"]), tight.ended_by(rows["ours"])) == (40, "no open files")


def test_a_ladder_that_never_broke_says_so() -> None:
    *_, rows = climb(LADDER, ["ours"], carries({"ours": 99}, []))
    assert (LADDER.capacity(rows["ours"]), LADDER.ended_by(rows["ours"])) == (16, "the most that was offered")


def test_whole_loads_are_rounded_up_and_never_halved_onto_themselves() -> None:
    whole = Ladder(8, 1.5, 20, 2, 1_000.0, is_whole=True)
    assert list(whole.loads()) == [8, 12, 18]
    assert whole.between([row(8, 500), row(9, 5_000)]) is None
    assert whole.between([row(8, 500), row(18, 5_000)]) == 12


def test_why_no_load_can_be_offered_is_said_with_what_helps() -> None:
    assert none_fits(LADDER, 0) == "a first load of 1 needs more connections than the 0 that fit: raise ulimit -Hn"
    high = Ladder(20, 2.0, 16, 2, 1_000.0, is_whole=False)
    assert none_fits(high, 9) == "--first 20 must be <= 16, the most that is offered"


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [(1_024, 4_096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _what: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _what, wanted: limits.append(wanted))
    assert open_files.raised() == 4_096 - open_files.SPARE_FILES
    assert limits[-1] == (4_096, 4_096)


# --- figures -------------------------------------------------------------------------------------


def test_latencies_are_those_of_the_stage_and_troubles_are_told_once() -> None:
    quick = Turn("x", outcome="done", client_ms={"transcript": 100.0, "first_audio": 900.0})
    calls = [Call(0.0, 1, turns=[quick]), Call(0.0, 1, refused_ms=2.0), Call(0.0, 1, trouble="gone")]
    calls.append(Call(0.0, 1, trouble="gone"))
    found = figures(calls, "first_audio")
    assert (found["served"], found["refused"], found["lost"], found["p99_ms"]) == (1, 1, 2, 900.0)
    assert found["troubles"] == ["gone"]
    silent = silent_figures(Silence(5, served=3, refused=1, pongs_ms=[1.0, 2.0, 30.0], troubles=["full"]))
    assert (silent["lost"], silent["p50_ms"], silent["p99_ms"]) == (1, 2.0, 30.0)


def test_processors_and_memory_are_summed_by_what_the_processes_do() -> None:
    usage = Usage(dict)
    for spent_s in (10.0, 11.0, 12.0):
        usage.note(1, SERVER, spent_s)
        usage.note(2, "transcription", 2 * spent_s)
    usage.note(3, "transcription", 5.0)
    usage._peak_bytes |= {SERVER: 300 << 20, "transcription": 100 << 20}
    assert usage.seen(4.0) == {
        SERVER: {"cpu_s": 2.0, "cores": 0.5, "memory_mb": 300},
        "transcription": {"cpu_s": 4.0, "cores": 1.0, "memory_mb": 100},
    }


def test_a_process_that_has_ended_and_a_server_that_does_not_answer_are_left_out() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    usage = Usage(lambda: {gone.pid: OTHER})
    usage.look()
    assert usage.seen(1.0) == {}

    def no_answer() -> Mapping[int, str]:
        raise ConnectionRefusedError

    silent = Usage(no_answer)
    silent.look()
    assert silent.seen(1.0) == {}


def test_workers_are_named_by_their_pool() -> None:
    workers = [{"pid": 7}, {"pid": None}]
    leaf = {"id": "speech", "children": [], "statistics": {"pool": {"workers": workers}}}
    tree = {"id": "root", "children": [leaf, {"id": "load", "children": [], "statistics": None}]}
    assert pools(tree) == {7: "speech"}
    assert family(os.getpid(), {})[os.getpid()] == SERVER


# --- the report ----------------------------------------------------------------------------------


def full(load: float, p95_ms: float | None) -> dict[str, Any]:
    used = {SERVER: {"cpu_s": 1.5, "cores": 0.25, "memory_mb": 200}}
    more = {"sessions": load, "refused": 0, "lost": 0, "p50_ms": p95_ms, "p99_ms": p95_ms, "processes": used}
    return {**row(load, p95_ms), **more, "others": 0.5}


def test_a_report_has_each_servers_capacity_and_why_it_ended() -> None:
    found = judged(LADDER, {"ours": [full(2, 5_000), full(1, 500)], "peer": [full(1, None)]})
    assert {name: one["capacity"] for name, one in found["servers"].items()} == {"ours": 1, "peer": 0.0}
    assert [one["verdict"] for one in found["servers"]["ours"]["rows"]] == ["held", "late"]
    assert cells(found["servers"]["ours"]["rows"][0])[-5:] == ["held", "server 1.5", "server 0.25", "server 200", "50%"]


def test_the_picture_has_a_curve_for_each_percentile_of_each_server_within_its_frame() -> None:
    found = judged(LADDER, {"ours": [full(1, 500), full(4, 20_000)], "<peer>": [full(1, None)]})
    drawing = ET.fromstring(picture(KINDS["commands"], found))
    curves = drawing.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(curves) == 6
    places = [tuple(map(float, point.split(","))) for curve in curves for point in (curve.get("points") or "").split()]
    assert all(0 <= x <= 760 and 0 <= y <= 400 for x, y in places)
    assert [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")][-1] == "<peer> p99"


def test_latencies_are_higher_up_the_longer_they_are() -> None:
    scale = Scale(10.0, [5.0, 20_000.0])
    assert scale.y(5) > scale.y(50) > scale.y(20_000)
    assert scale.x(0) < scale.x(5) < scale.x(10)


# --- real servers --------------------------------------------------------------------------------


def bench_capacity(*flags: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "bench", "capacity", "--dry", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_silent_sessions_are_held_and_answer_pings(small_server: Server) -> None:
    found = hold(small_server.url, 5, 0.3)
    assert (found.served, found.refused, len(found.pongs_ms), found.troubles) == (5, 0, 15, [])


def test_silent_sessions_that_find_no_server_are_lost_with_the_reason() -> None:
    found = hold("ws://127.0.0.1:1/ws", 2, 0.1)
    assert (found.served, silent_figures(found)["lost"]) == (0, 2)
    assert all("no server at 127.0.0.1:1" in trouble for trouble in found.troubles)


def test_a_server_that_runs_already_is_measured(small_server: Server) -> None:
    flags = "--kind idle --first 3 --most 3 --step 0.3 --target-ms 100000"
    done = bench_capacity("--url", small_server.url, *flags.split())
    assert done.returncode == 0, done.stderr
    assert "sayso: 3 sessions within 100000 ms; ended by: the most that was offered" in done.stdout


def test_flags_that_cannot_be_used_end_it_with_the_reason() -> None:
    both = bench_capacity("--peer", "guide", "--url", "ws://127.0.0.1:1/ws")
    assert (both.returncode, "--peer and --url do not go together" in both.stderr) == (1, True)
    high = bench_capacity("--kind", "idle", "--url", "ws://127.0.0.1:1/ws", "--first", "9", "--most", "3")
    assert (high.returncode, "--first 9 must be <= 3" in high.stderr) == (1, True)


def test_a_peer_that_is_not_installed_is_said_with_what_helps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "PACKAGES", {"guide": ("fastapi", "no_such_package")})
    monkeypatch.setattr(process, "ENVIRONMENT", tmp_path)
    told = "the peer guide needs no_such_package: sayso bench capacity --peer guide --install"
    with pytest.raises(PeerError, match=told), peer_running("guide", ""):
        pass


def test_a_peer_runs_in_the_environment_that_was_made_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(process, "PACKAGES", {"guide": ("json",)})
    assert python_for("guide") == sys.executable, "ours has the packages"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch()
    install()  # there is one, so none is made
    assert python_for("guide") == str(tmp_path / "bin/python")


def need_peer(name: str = "guide") -> None:
    need_models()
    try:
        python_for(name)
    except PeerError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", ["guide", "wyoming"])
def test_a_peer_hears_the_same_callers(name: str, spoken: Callable[[str], bytes]) -> None:
    need_peer(name)
    said = clip("time", Sound(spoken("What time is it?"), 16_000))
    with peer_running(name, "tiny.en") as peer, Crowds(1) as crowds:
        calls = crowds.run(Plan(peer.url, [0.0, 0.2], [[said], [said]], limit_s=120.0))
        quiet = crowds.apply(hold, peer.url, 2, 0.3)
    heard = [plain_words(turn.transcripts[0]) for call in calls for turn in call.turns]
    assert heard == [["what", "time", "is", "it"]] * 2
    assert [call.result for call in calls] == ["served", "served"]
    assert (quiet.served, quiet.troubles) == (2, [])


def test_the_guides_design_cuts_utterances_by_their_energy() -> None:
    need_peer()
    from bench.peers.guide import CHUNK_BYTES, END_S, Utterances

    loud, silent = b"\x00\x10" * (CHUNK_BYTES // 2), bytes(CHUNK_BYTES)

    def cut(pieces: Sequence[bytes]) -> list[int]:
        utterances = Utterances()
        return [len(found) // CHUNK_BYTES for piece in pieces for found in utterances.add(piece)]

    until_end = round(END_S * 32_000 / CHUNK_BYTES) + 1
    assert cut([silent] * 20 + [loud] * 10 + [silent] * until_end) != []
    assert cut([silent] * 100) == []
    assert cut([loud] + [silent] * until_end) == [], "a click is no speech"
    assert len(cut(([loud] * 10 + [silent] * until_end) * 3)) == 3
    whole = b"".join([loud] * 10 + [silent] * until_end)
    odd = [whole[at : at + 999] for at in range(0, len(whole), 999)]
    assert len(cut(odd)) == 1, "pieces of any size"


def test_an_utterance_is_asked_about_as_wyomings_own_library_reads_and_writes_it() -> None:
    need_peer()
    from wyoming.asr import Transcribe, Transcript
    from wyoming.audio import AudioChunk, AudioStart, AudioStop
    from wyoming.event import Event, async_read_event

    from bench.peers.wyoming import heard, question

    pcm = bytes(range(250)) * 20

    async def events_of(data: bytes) -> list[Event]:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return [event async for event in aiter_of(reader)]

    async def aiter_of(reader: asyncio.StreamReader) -> AsyncIterator[Event]:
        while (event := await async_read_event(reader)) is not None:
            yield event

    async def words_of(*events: Event) -> str:
        reader = asyncio.StreamReader()
        for event in events:
            data = json.dumps(event.data).encode()
            head = {"type": event.type, "version": "1.8", "data_length": len(data)}
            reader.feed_data(json.dumps(head).encode() + b"\n" + data)
        reader.feed_eof()
        return await heard(reader)

    first, second, *chunks, last = asyncio.run(events_of(question(pcm)))
    assert (Transcribe.from_event(first).language, AudioStart.from_event(second).rate) == ("en", 16_000)
    assert b"".join(AudioChunk.from_event(chunk).audio for chunk in chunks) == pcm
    assert AudioStop.is_type(last.type)
    said = Transcript("What time is it?", language="en").event()
    assert asyncio.run(words_of(Event("info", {}), said)) == "What time is it?"
    with pytest.raises(EOFError, match="without a transcript"):
        asyncio.run(words_of(Event("info", {})))


def test_wrong_words_are_counted_where_digits_stand_for_number_words() -> None:
    def call(said: str, *heard: str) -> Call:
        return Call(0.0, 1, turns=[Turn(said, is_heard=True, transcripts=list(heard), outcome="done")])

    calls = [call("What is twelve times seven?", "What is 12 times 7?"), call("What time is it?", "What dime is it?")]
    assert words_wrong(calls) == "1 of 9"
    assert words_wrong([*calls, call("What time is it?")]) == "1 of 9", "of what was not answered nothing is known"
