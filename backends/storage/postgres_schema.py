"""The schema of the history in PostgreSQL, version by version, and how servers bring it up together.

Rules kept here:

* A step is never changed once it was released: a change of the schema is a further step.
* Servers of two versions run side by side while they are replaced. So a step suits the version before it: it adds, and
  what is no longer used is dropped a release later. ``fits`` says which versions it still suits.
* Of servers that start together, one takes each step, and the others wait for it (an advisory lock).
"""

from collections.abc import Sequence
from typing import Any, Final

import attrs
import psycopg

from backends.protocols import StoreError

LOCK: Final = 0x7361_7973_6F  # any number of our own: "sayso"
SEARCHED_CHARS: Final = 100_000  # of each text: an index entry has a limit of 1 MB


@attrs.frozen
class SchemaStep:
    """A change of the schema; its number is its place, counted from 1."""

    fits: int
    """The oldest version of the program that works with it: that knows so many steps."""
    statements: tuple[str, ...]


STEPS: Final = (
    SchemaStep(
        1,
        (
            """CREATE TABLE sessions (
                session_id text PRIMARY KEY,
                user_id text NOT NULL,
                started_at double precision NOT NULL,
                client_id text NOT NULL)""",
            "CREATE INDEX idx_session_user ON sessions (user_id)",
            "CREATE INDEX idx_session_started ON sessions (started_at)",
            f"""CREATE TABLE conversations (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                session_id text NOT NULL,
                turn_id text NOT NULL,
                user_id text NOT NULL,
                timestamp double precision NOT NULL,
                heard text NOT NULL,
                replied text NOT NULL,
                outcome text NOT NULL,
                source text,
                latency_ms text NOT NULL,
                language text,
                confidence double precision,
                words tsvector GENERATED ALWAYS AS (to_tsvector('simple',
                    left(heard, {SEARCHED_CHARS}) || ' ' || left(replied, {SEARCHED_CHARS}))) STORED,
                UNIQUE (session_id, turn_id))""",
            "CREATE INDEX idx_conversation_timestamp ON conversations (timestamp, id)",
            "CREATE INDEX idx_conversation_user ON conversations (user_id, timestamp)",
            "CREATE INDEX idx_conversation_words ON conversations USING gin (words)",
            """CREATE TABLE tool_calls (
                session_id text NOT NULL,
                turn_id text NOT NULL,
                call_id text NOT NULL,
                timestamp double precision NOT NULL,
                server text NOT NULL,
                tool text NOT NULL,
                arguments text NOT NULL,
                ok boolean NOT NULL,
                result text NOT NULL,
                duration_ms double precision NOT NULL,
                transcript text NOT NULL,
                confidence double precision NOT NULL,
                user_id text NOT NULL,
                PRIMARY KEY (session_id, call_id))""",
            "CREATE INDEX idx_tool_call_timestamp ON tool_calls (timestamp)",
            "CREATE INDEX idx_tool_call_user ON tool_calls (user_id, timestamp)",
            "CREATE INDEX idx_tool_call_turn ON tool_calls (session_id, turn_id)",
        ),
    ),
)


def migrate(connection: "psycopg.Connection[Any]", part: str, steps: Sequence[SchemaStep]) -> None:
    """Bring the tables of one ``part`` of the program to its version, all or nothing.

    Raises ``StoreError`` if they are of a version that this program is too old for, ``psycopg.Error`` if a step fails,
    which then has no effect.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        connection.execute(
            """CREATE TABLE IF NOT EXISTS sayso_schema (
                part text NOT NULL, version integer NOT NULL, fits integer NOT NULL, PRIMARY KEY (part, version))"""
        )
        found = connection.execute(
            "SELECT coalesce(max(version), 0), coalesce(max(fits), 0) FROM sayso_schema WHERE part = %s", (part,)
        ).fetchone()
        version, fits = found or (0, 0)
        if fits > len(steps):
            raise StoreError(
                f"the database has schema version {version} of {part}, which needs a sayso that knows version {fits}, "
                f"and this one knows {len(steps)}: use a newer sayso"
            )
        for number, step in enumerate(steps[version:], start=version + 1):
            for statement in step.statements:
                connection.execute(statement.encode())
            connection.execute("INSERT INTO sayso_schema VALUES (%s, %s, %s)", (part, number, step.fits))
