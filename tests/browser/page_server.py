"""The server behind the page in tests: it has a voice and no language model, and asks before one of its calls."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.system.server_fixtures import Server, need_models, running_server

HTML: Final = "<img src=x onerror=alert(1)><b>bold</b>"
COMMANDS: Final = f"""
language: en
intents:
  Strange:
    tool: sayso-tools/add_note
    arguments: {{text: "{HTML}"}}
    data:
      - sentences: ["write the strange note"]
"""
POLICY: Final = """
[tools.policy]
"sayso-tools/delete_note" = "confirm"
"""


@pytest.fixture(scope="session")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all pages that break nothing."""
    need_models(speech=True)
    folder: Path = tmp_path_factory.mktemp("page-server")
    (folder / "commands").mkdir()
    (folder / "commands" / "strange.yaml").write_text(COMMANDS)
    (folder / "sayso.toml").write_text(POLICY)
    settings = {
        "dialogue.commands_dir": folder / "commands",
        "transcription.workers": 1,
        "transcription.embedded.spare_workers": 0,
        "inference.provider": "none",
    }
    with running_server(folder, settings) as server:
        yield server
