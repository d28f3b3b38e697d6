"""Small things kept in JSON files: written atomically, set aside when damaged, never deleted."""

import json
import logging
import os
from pathlib import Path
from typing import Any

log = logging.getLogger("sayso.tools_server")


class JsonFile:
    """One JSON value in one file; the folder is made on the first write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Any:
        """Return the value, or None if there is none; a damaged file is renamed and counts as none."""
        try:
            return json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            aside = self._free_name()
            self.path.rename(aside)
            log.error("%s is damaged; it was set aside as %s", self.path, aside.name)  # noqa: TRY400 - says all
            return None

    def write(self, value: Any) -> None:
        """Replace the file by ``value``: after a crash there is the old file or the new one, whole. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(f".{os.getpid()}.tmp")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)

    def _free_name(self) -> Path:
        number = 1
        while (aside := self.path.with_suffix(f".damaged-{number}")).exists():
            number += 1
        return aside
