import re
from random import Random

import pytest

from protocol.messages.errors import CloseCode
from sayso_client import ReconnectPolicy
from sayso_client.reconnection import BY_CLOSE_CODE, Return, Tries
from tests.source_tree import ROOT

POLICY = ReconnectPolicy()


def documented() -> dict[int, str]:
    """Return the last column of the table of close codes in docs/protocol.md, by code."""
    rows = re.findall(r"^\| ([\d, ]+) \|.*\| ([^|]+) \|$", (ROOT / "docs/protocol.md").read_text(), flags=re.MULTILINE)
    return {int(code): text for codes, text in rows for code in codes.split(", ")}


def test_the_table_of_close_codes_is_that_of_the_documentation() -> None:
    told = documented()
    assert set(told) <= set(BY_CLOSE_CODE)
    for code, text in told.items():
        expected = (
            Return.SOON if text.startswith("yes") else Return.AS_TOLD if text.startswith("after its `retry") else None
        )
        expected = Return.AS_TOLD if text.startswith("after `retry_after_ms`") else expected
        assert BY_CLOSE_CODE[code] is (expected or Return.NEVER), f"{code}: {text}"


def test_every_close_code_that_the_server_sends_is_in_the_table() -> None:
    reserved = {CloseCode.UNSUPPORTED_DATA, CloseCode.QUOTA_EXCEEDED}
    assert set(CloseCode) - reserved <= set(BY_CLOSE_CODE)


def test_waits_double_up_to_a_bound_and_are_spread_over_all_of_it() -> None:
    for tries, bound_s in [(0, 0.5), (1, 1.0), (2, 2.0), (6, 20.0), (1_000, 20.0)]:
        waits = [POLICY.wait_s(1006, None, tries=tries, away_s=0, rng=Random(seed)) for seed in range(200)]
        assert all(wait is not None and 0 <= wait <= bound_s for wait in waits)
        assert min(filter(None, waits)) < 0.1 * bound_s
        assert max(filter(None, waits)) > 0.9 * bound_s


def test_the_servers_own_wait_is_kept() -> None:
    for seed in range(50):
        wait_s = POLICY.wait_s(1013, 7.0, tries=0, away_s=0, rng=Random(seed))
        assert wait_s is not None
        assert 7.0 <= wait_s <= 7.5


def test_a_server_that_is_replaced_is_left_alone_for_5_to_30_seconds() -> None:
    waits = [POLICY.wait_s(1012, None, tries=0, away_s=0, rng=Random(seed)) for seed in range(200)]
    assert all(wait is not None and 5 <= wait <= 30 for wait in waits)


@pytest.mark.parametrize("code", [1000, 1002, 1007, 1008, 1009, 4008, 4090, 4001, 3000])
def test_some_closes_are_final(code: int) -> None:
    assert POLICY.wait_s(code, 1.0, tries=0, away_s=0, rng=Random(1)) is None


def test_after_its_time_it_gives_up() -> None:
    assert POLICY.wait_s(1006, None, tries=3, away_s=299, rng=Random(1)) is not None
    assert POLICY.wait_s(1006, None, tries=3, away_s=300, rng=Random(1)) is None


def lose(tries: Tries, now: float, code: int = 1006) -> float | None:
    tries.lost(code, None, now)
    return tries.due_at


def test_a_series_of_tries_ends_with_a_connection_that_lasts() -> None:
    tries = Tries(ReconnectPolicy(give_up_after_s=20.0, stable_s=10.0), Random(1))
    tries.opened(0.0)
    assert lose(tries, 100.0) is not None
    assert lose(tries, 110.0) is not None
    tries.opened(111.0)
    assert tries.due_at is None
    assert lose(tries, 121.0) is not None, "it lasted 10 s, so this is a new series"
    assert lose(tries, 140.0) is not None


def test_a_connection_that_is_lost_at_once_continues_the_series() -> None:
    tries = Tries(ReconnectPolicy(give_up_after_s=20.0, stable_s=10.0), Random(1))
    tries.opened(0.0)
    for second in range(100, 120, 2):
        assert lose(tries, second) is not None
        tries.opened(second + 1)
    assert lose(tries, 120.0) is None


def test_without_a_policy_there_is_no_try() -> None:
    assert lose(Tries(None, Random(1)), 0.0) is None
