"""Some thousand damaged inputs for every parser, the same in each run; ``sayso bench fuzz`` makes more of them."""

import random
from contextlib import suppress
from pathlib import Path

import pytest

from bench.hostile.codecs import Codec, Refused, codecs
from bench.hostile.fuzz import NAMES, fuzzed
from bench.hostile.mutation import LARGEST, mutated

COUNT = 1_500


@pytest.fixture(params=NAMES)
def codec(request: pytest.FixtureRequest, tmp_path: Path) -> Codec:
    return next(one for one in codecs(tmp_path) if one.name == request.param)


def test_a_damaged_input_is_taken_or_refused(codec: Codec) -> None:
    found = fuzzed(codec, max(20, round(COUNT * codec.share)), seed=1)
    assert found.crashes == []
    assert found.refused > 0


def test_the_inputs_that_are_changed_are_good_ones(codec: Codec) -> None:
    for sample in codec.samples:
        with suppress(Refused):  # of a token: its key is not known
            codec.parse(sample)


def test_the_same_seed_gives_the_same_inputs() -> None:
    samples = (b"abc" * 50, b"x")
    made = [[mutated(random.Random(7), samples) for _ in range(3)] for _ in range(2)]
    assert made[0] == made[1]
    assert max(map(len, made[0])) <= LARGEST


def test_what_a_parser_may_not_raise_is_a_crash() -> None:
    def parse(data: bytes) -> None:
        if len(data) % 2:
            raise Refused
        raise ZeroDivisionError(data)

    found = fuzzed(Codec("broken", (b"ab", b"abc"), parse, (Refused,)), 100, seed=1)
    assert (found.count, found.refused + len(found.crashes)) == (100, 100)
    assert found.causes == {"ZeroDivisionError": len(found.crashes)}
    assert found.crashes
