"""What ``sayso doctor`` finds of PostgreSQL: whether each address answers, what is there, and whether it has room."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg

from backends.storage.postgres_link import READING, WRITING, conninfo, deadline, in_words, named
from config.settings import HistorySettings

WITHIN_S: Final = 3.0
OLDEST: Final = 13  # of PostgreSQL; below 14 a server that is asked for a primary is slower to say so
QUESTION: Final = """SELECT current_setting('server_version_num')::int / 10000, pg_is_in_recovery(),
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"""


def findings(settings: HistorySettings) -> Iterator[tuple[bool, str, str]]:
    """Yield for each address whether all is well, what was found, and what to do."""
    yield _finding(settings, settings.url, WRITING)
    if settings.read_url:
        yield _finding(settings, settings.read_url, READING)


def _finding(settings: HistorySettings, url: str, more: Mapping[str, Any]) -> tuple[bool, str, str]:
    name = named(url)
    try:
        with psycopg.connect(conninfo(url, more), autocommit=True) as connection, deadline(connection, WITHIN_S):
            version, is_replica, places = connection.execute(QUESTION).fetchone() or (0, False, 0)
    except psycopg.Error as error:
        return False, f"{name}: {in_words(error)}", "start PostgreSQL, or mend history.url; records wait in memory"
    what = f"{name}: version {version}, {'a replica' if is_replica else 'the primary'}"
    if version < OLDEST:
        return False, what, f"use PostgreSQL {OLDEST} or newer"
    most = settings.postgres.max_size
    if most > places:
        fix = "lower history.postgres.max_overflow, or raise max_connections of PostgreSQL"
        return False, f"{what}, which has {places} connections; this server alone may open {most}", fix
    return True, f"{what}, with room for {places // most} servers of {most} connections", ""
