"""Speakers at the replicas of one command, which are all replaced while they speak.

Redis and PostgreSQL are started here, and ``sayso serve`` with several replicas behind its own HAProxy. First one
session alone says every order: what it is understood to say is right. Then all speak, and ``sayso restart --rolling``
replaces the replicas, one after the other.

    sayso bench rolling                                three replicas, thirty speakers
    sayso bench rolling --speakers 4 --replicas 2        smaller
"""

import argparse
from collections.abc import Iterator, Sequence
from random import Random
from time import monotonic, sleep
from typing import Final

import trio

from bench.load.options import SEED
from bench.load.records import Clip
from bench.moves.orders import entries, orders
from bench.moves.replicas import (
    AFTER_S,
    BEFORE_S,
    CAPABILITIES,
    WRITTEN_S,
    endless,
    figures,
    heard_alone,
    kept_turns,
    show,
)
from bench.moves.speakers import Speaker
from bench.moves.surroundings import Group, group
from bench.part import Flag, Part, Report, at_least_one

PAUSE_S: Final = (2.0, 8.0)  # thirty who spoke without a pause would be too many for two cores, without any restart
SETTINGS: Final = {"gateway.rate.enabled": False}


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Run all, and print what was lost, wrong or done twice."""
    clips = orders()
    with group(options.replicas, SETTINGS) as around:
        alone = trio.run(heard_alone, around.server.url, clips)
        numbers = range(options.speakers)
        url, seed = around.server.url, options.seed
        speakers = [Speaker(url, CAPABILITIES, Random(f"{seed} {one}"), PAUSE_S) for one in numbers]
        trio.run(speak_while_replaced, around, speakers, clips)
        sleep(WRITTEN_S)
        kept = kept_turns(around.database, around.database_url)
        report = figures([one.history for one in speakers], alone, entries(around.folder), kept)
    show(f"{options.replicas} replicas, all replaced", report)
    yield report


async def speak_while_replaced(around: Group, speakers: Sequence[Speaker], clips: Sequence[Clip]) -> None:
    """Let all speak until the replicas were replaced, and all were answered."""
    is_over = trio.Event()
    async with trio.open_nursery() as nursery:
        for number, speaker in enumerate(speakers):
            nursery.start_soon(speaker.talk, endless(clips, number, is_over))
        await trio.sleep(BEFORE_S)
        begun_s = monotonic()
        await trio.to_thread.run_sync(around.restart)
        print(f"  all replaced in {monotonic() - begun_s:.1f} s", flush=True)
        await trio.sleep(AFTER_S)
        is_over.set()


PART: Final = Part(
    "rolling",
    measure,
    (
        SEED,
        Flag("--replicas", 3, "of the command", at_least_one),
        Flag("--speakers", 30, "clients", at_least_one),
    ),
    ("coredis", "psycopg", "trio"),
)
