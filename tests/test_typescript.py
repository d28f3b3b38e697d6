"""The client in TypeScript: generated from the server's events, compiled for the page, and right by its own tests."""

import json
import subprocess
from pathlib import Path
from typing import Final

import pytest

from protocol.dialects.native_schema import native_schema
from tests.node import need_node
from tests.source_tree import ROOT

CLIENT: Final = ROOT / "clients" / "typescript"
LIMIT_S: Final = 120


def run_node(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run ``node`` in the client's folder; the test fails with what it printed."""
    need_node()
    done = subprocess.run(
        ["node", *arguments], cwd=CLIENT, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_schema_of_the_client_is_that_of_the_server() -> None:
    kept = json.loads((CLIENT / "schema.json").read_text(encoding="utf-8"))
    assert kept == native_schema(), "run `sayso schema > clients/typescript/schema.json` and `npm run generate` there"


def test_the_unit_tests_of_the_client_pass() -> None:
    done = run_node("--test", *sorted((CLIENT / "test").glob("*.test.mjs")))
    assert "# fail 0" in done.stdout


def test_what_the_page_uses_is_what_the_sources_give() -> None:
    if not (CLIENT / "node_modules").is_dir():
        pytest.skip("needs the compiler: run `npm ci` in clients/typescript")
    run_node("build-page.mjs", "--check")
