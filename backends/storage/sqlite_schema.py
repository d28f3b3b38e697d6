"""The schema of the history file, version by version; ``PRAGMA user_version`` says which one a file has.

A step is never changed once it was released: a change of the schema is a further step.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from backends.protocols import StoreError
from config.settings import SqliteSettings

STEPS: Final[Sequence[Sequence[str]]] = (
    (
        """CREATE TABLE sessions (
            session_id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL,
            started_at REAL NOT NULL)""",
        "CREATE INDEX idx_session_user ON sessions(user_id)",
        """CREATE TABLE conversations (
            id INTEGER PRIMARY KEY,
            turn_id TEXT NOT NULL,
            session_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            timestamp REAL NOT NULL,
            heard TEXT NOT NULL,
            replied TEXT NOT NULL,
            outcome TEXT NOT NULL,
            source TEXT,
            latency_ms TEXT NOT NULL,
            UNIQUE (session_id, turn_id))""",
        "CREATE INDEX idx_conversation_timestamp ON conversations(timestamp)",
        """CREATE TABLE tool_calls (
            call_id TEXT NOT NULL,
            session_id TEXT NOT NULL,
            turn_id TEXT NOT NULL,
            timestamp REAL NOT NULL,
            server TEXT NOT NULL,
            tool TEXT NOT NULL,
            arguments TEXT NOT NULL,
            ok INTEGER NOT NULL,
            result TEXT NOT NULL,
            duration_ms REAL NOT NULL,
            transcript TEXT NOT NULL,
            confidence REAL NOT NULL,
            PRIMARY KEY (session_id, call_id))""",
        "CREATE INDEX idx_tool_call_timestamp ON tool_calls(timestamp)",
        # the index of words has no copy of the text; the triggers are those of https://sqlite.org/fts5.html, 4.4.3
        """CREATE VIRTUAL TABLE conversations_fts USING fts5 (
            heard, replied, content="conversations", content_rowid="id")""",  # sqlite-utils looks for these quotes
        """CREATE TRIGGER conversations_ai AFTER INSERT ON conversations BEGIN
            INSERT INTO conversations_fts (rowid, heard, replied) VALUES (new.id, new.heard, new.replied);
        END""",
        """CREATE TRIGGER conversations_ad AFTER DELETE ON conversations BEGIN
            INSERT INTO conversations_fts (conversations_fts, rowid, heard, replied)
                VALUES ('delete', old.id, old.heard, old.replied);
        END""",
        """CREATE TRIGGER conversations_au AFTER UPDATE ON conversations BEGIN
            INSERT INTO conversations_fts (conversations_fts, rowid, heard, replied)
                VALUES ('delete', old.id, old.heard, old.replied);
            INSERT INTO conversations_fts (rowid, heard, replied) VALUES (new.id, new.heard, new.replied);
        END""",
    ),
    (  # what was the user's name until here is what a client calls itself; whose words those were is not known
        "ALTER TABLE sessions ADD COLUMN client_id TEXT NOT NULL DEFAULT ''",
        "UPDATE sessions SET client_id = user_id, user_id = ''",
        "CREATE INDEX idx_session_started ON sessions(started_at)",
        "DROP TRIGGER conversations_au",
        "UPDATE conversations SET user_id = ''",
        """CREATE TRIGGER conversations_au AFTER UPDATE OF heard, replied ON conversations BEGIN
            INSERT INTO conversations_fts (conversations_fts, rowid, heard, replied)
                VALUES ('delete', old.id, old.heard, old.replied);
            INSERT INTO conversations_fts (rowid, heard, replied) VALUES (new.id, new.heard, new.replied);
        END""",
        "ALTER TABLE conversations ADD COLUMN language TEXT",
        "ALTER TABLE conversations ADD COLUMN confidence REAL",
        "CREATE INDEX idx_conversation_user ON conversations(user_id, timestamp)",
        "ALTER TABLE tool_calls ADD COLUMN user_id TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX idx_tool_call_user ON tool_calls(user_id, timestamp)",
        "CREATE INDEX idx_tool_call_turn ON tool_calls(session_id, turn_id)",
    ),
)


def settings_of_connection(settings: SqliteSettings) -> tuple[str, ...]:
    """Return the pragmas that every connection needs; only the journal's mode is stored in the file."""
    return (
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = NORMAL",  # with WAL a crash of the machine may lose the last transactions, never the file
        f"PRAGMA cache_size = {settings.cache_pages}",
        "PRAGMA temp_store = MEMORY",
        "PRAGMA secure_delete = ON",  # what was pruned cannot be read from the free pages
        f"PRAGMA mmap_size = {settings.mmap_bytes}",
    )


def migrate(database: Database, path: Path, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Bring the file to the newest version, each step in a transaction of its own.

    Raises ``StoreError`` for a file of a newer version, ``sqlite3.Error`` if a step fails, which then has no effect.
    """
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > len(steps):
        raise StoreError(
            f"{path} has schema version {version}, and this sayso knows versions up to {len(steps)}: "
            "use a newer sayso or another file"
        )
    for number in range(version, len(steps)):
        with database.atomic():
            for statement in steps[number]:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {number + 1}")
