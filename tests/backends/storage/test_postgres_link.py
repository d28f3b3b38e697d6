"""Addresses and errors of PostgreSQL; tests/system/test_postgres.py breaks connections off."""

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from backends.storage.postgres_link import COMMON, conninfo, in_words, is_lost, is_unreachable, named


def test_what_an_address_says_itself_is_not_changed() -> None:
    text = conninfo("postgresql+psycopg://ada:s3cret@a:1,b:2/talk?connect_timeout=9", {"target_session_attrs": "any"})
    assert {"connect_timeout=9", "host=a,b", "port=1,2", "target_session_attrs=any"} <= set(text.split())
    assert f"tcp_user_timeout={COMMON['tcp_user_timeout']}" in text
    assert named("postgresql://ada:s3cret@a,b/talk") == "PostgreSQL talk at a,b"
    assert named("postgresql://[") == "PostgreSQL"


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (psycopg.OperationalError("server closed the connection unexpectedly"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.ConnectionFailure(), True),
        (psycopg.errors.ReadOnlySqlTransaction(), True),
        (psycopg.errors.DiskFull(), False),
        (psycopg.errors.LockNotAvailable(), False),
        (psycopg.errors.NotNullViolation(), False),
    ],
)
def test_only_a_connection_that_is_gone_or_leads_to_a_replica_is_made_anew(error: psycopg.Error, lost: bool) -> None:
    assert is_lost(error) is lost


def test_what_is_not_there_may_come_and_what_is_wrong_stays_so() -> None:
    assert is_unreachable(psycopg.OperationalError("connection refused"))
    assert not is_unreachable(psycopg.errors.UndefinedTable())
    assert not is_lost(PoolTimeout("no connection in time"))


def test_an_error_is_one_line() -> None:
    assert in_words(psycopg.OperationalError("a\n  b\tc\n")) == "a b c"
    assert in_words(psycopg.errors.DiskFull()) == "DiskFull"
