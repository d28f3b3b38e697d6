"""Brings what older versions kept in JSON files into the store, once, for the one user that there was.

A file is renamed when it was imported. A server that dies between the two finds the file again, and the note of its
import in the store.
"""

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from backends.builtin.notes import ITEM, MAX_ITEM_CHARS, MAX_NOTE_CHARS, NOTE
from backends.builtin.owned import Body, OwnedStore
from backends.builtin.timers import KIND as TIMER
from backends.builtin.timers import MAX_NAME_CHARS
from protocol.messages.identity import LOCAL_USER

log = logging.getLogger("sayso.tools_server")
NAMES: Final = ("timers.json", "notes.json", "lists.json")


def import_old_files(folder: Path, store: OwnedStore) -> None:
    """Import the files of ``folder``; what cannot be read is logged, renamed and left out.

    Raises ``StoreBusy`` or ``StoreFailed``, and OSError if a file cannot be read or renamed.
    """
    for name in NAMES:
        path = folder / name
        try:
            text = path.read_text("utf-8")
            found = path.stat()
        except FileNotFoundError:
            continue
        except UnicodeDecodeError:
            text, found = "", path.stat()
        try:
            things = list(_things(name, json.loads(text)))
        except ValueError as error:
            aside = _renamed(path, "damaged")
            log.error("%s is damaged (%s); it was set aside as %s", path, error, aside)  # noqa: TRY400 - told whole
            continue
        is_new = store.import_once(f"{path}#{found.st_mtime_ns}", LOCAL_USER, things)
        aside = _renamed(path, "imported")
        what = "were brought into the database" if is_new else "had been brought into the database before"
        log.warning("%d things of %s %s; it is now %s", len(things), path, what, aside)


def _renamed(path: Path, ending: str) -> str:
    """Rename a file to the first free name with this ending, unless another server has; return the name."""
    number = 1
    while (aside := path.with_suffix(f".{ending}-{number}")).exists():
        number += 1
    with contextlib.suppress(FileNotFoundError):
        path.rename(aside)
    return aside.name


def _things(name: str, kept: Any) -> Iterator[tuple[str, Body]]:
    """Yield what a file holds; entries that are something else are left out with a line in the log."""
    if name == "lists.json" and isinstance(kept, dict):
        for title, items in kept.items():
            for item in items if isinstance(items, list) else ():
                yield ITEM, {"list": str(title), "item": str(item)[:MAX_ITEM_CHARS]}
        return
    for entry in kept if isinstance(kept, list) else ():
        if name == "notes.json":
            yield NOTE, {"text": str(entry)[:MAX_NOTE_CHARS]}
            continue
        try:
            yield TIMER, _timer(entry)
        except (KeyError, TypeError, ValueError):
            log.warning("a kept timer that is none is dropped: %.200r", entry)


def _timer(entry: Any) -> Body:
    left_s = entry.get("left_s") if isinstance(entry, dict) else None
    return {
        "name": str(entry["name"])[:MAX_NAME_CHARS],
        "seconds": float(entry["seconds"]),
        "due_s": float(entry["due_s"]),
        "left_s": None if left_s is None else float(left_s),
        "session": str(entry["session_id"]),
        "language": str(entry.get("language", "en")),
    }
