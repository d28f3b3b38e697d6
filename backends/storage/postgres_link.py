"""How PostgreSQL is reached: its address with what is added to it, what its errors mean, and a deadline for each use.

Rules kept here:

* Hosts are chosen by libpq: the one that can be written to, or for looking up a replica at random.
* Nothing is added that the address says itself.
* A server that is frozen never answers, and its own time limits do not count then: the connection is broken off by us.
* No error shows the password.
"""

import contextlib
import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import PoolTimeout

CONNECT_TIMEOUT_S: Final = 3  # of one host; libpq counts in whole seconds
COMMON: Final[Mapping[str, Any]] = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives_idle": 5,  # s: a host that has lost its power is noticed within about 11 s, and not after two hours
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # ms that what was sent may go without an acknowledgement
    "application_name": "sayso",
}
WRITING: Final[Mapping[str, Any]] = {"target_session_attrs": "read-write"}
READING: Final[Mapping[str, Any]] = {"target_session_attrs": "prefer-standby", "load_balance_hosts": "random"}
LOST: Final = ("08", "57P")  # classes of SQLSTATE: connection exceptions; a server that shuts down or starts up
READ_ONLY: Final = "25006"  # it was the primary until just now


def conninfo(url: str, more: Mapping[str, Any]) -> str:
    """Return libpq's text for an address; raises ``psycopg.ProgrammingError`` for a bad one.

    The driver's name of SQLAlchemy's addresses (``postgresql+psycopg://``) is ignored.
    """
    given = conninfo_to_dict(re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url))
    return make_conninfo(**{**COMMON, **more, **given})


def named(url: str) -> str:
    """Return an address for messages: hosts and database, without user, password and options."""
    try:
        given = conninfo_to_dict(conninfo(url, {}))
    except psycopg.ProgrammingError:
        return "PostgreSQL"
    return f"PostgreSQL {given.get('dbname', '')} at {given.get('host', 'this machine')}"


def is_lost(error: psycopg.Error) -> bool:
    """Return whether an error means that a new connection may succeed: the old one is gone, or leads to a replica."""
    if isinstance(error, PoolTimeout) or not isinstance(error, psycopg.OperationalError | psycopg.InternalError):
        return False
    code = error.sqlstate
    return code is None or code.startswith(LOST) or code == READ_ONLY


def is_unreachable(error: psycopg.Error) -> bool:
    """Return whether there is no server now: that may pass, as a wrong password or a missing table does not."""
    return isinstance(error, psycopg.OperationalError)


def in_words(error: psycopg.Error) -> str:
    """Return an error in one line."""
    text = str(error).strip() or type(error).__name__
    return " ".join(text.split())


@contextlib.contextmanager
def deadline(connection: "psycopg.Connection[Any]", within_s: float) -> Iterator[None]:
    """Break the connection off unless the block ends in time; it then gets an ``OperationalError``."""
    timer = threading.Timer(within_s, break_off, (connection,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def break_off(connection: "psycopg.Connection[Any]") -> None:
    """End the connection's socket under whoever waits for it; callable from any thread."""
    with contextlib.suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
