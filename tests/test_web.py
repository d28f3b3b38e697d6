"""The pages in ``web/``: small, without anything from elsewhere, and right by its own unit tests."""

import gzip
import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Final, get_args

import pytest

from protocol.admission.notices import NoticeKind
from tests.node import need_node
from tests.source_tree import ROOT, committed_files

WEB: Final = ROOT / "web"
BROWSER: Final = ROOT / "tests" / "browser"
LIMIT_S: Final = 120
LOADED: Final = {
    "index.html": (("page/talk.css", "page/talk-chunk.js", "page/talk.js", "icon.svg", "app.webmanifest"), 25 << 10),
    "console.html": (("page/console.css", "page/console.js", "icon.svg"), 40 << 10),
}
"""What a browser loads of each page at first, and how many bytes that may be when compressed."""
TEXTS: Final = {"index.html": ("page/talk-en.js", "page/talk-de.js"), "console.html": ()}
"""Of these the browser loads one, for its language."""
ON_DEMAND: Final = {"page/talk-dialogs.js": 4 << 10}
"""What comes when a dialog is opened (commands, settings, events for developers): no part of the first load."""
LIBRARIES: Final = "7b2b5d9409ca16ec73f7effa20cb3bd1d1b0e365fdb50603935a15df8f01578e"
"""SHA-256 of vendor/preact-htm.js; another build of it must be meant."""


def page_files() -> list[Path]:
    return [ROOT / path for path in committed_files() if path.parts[0] == "web"]


@pytest.mark.parametrize("index", LOADED)
def test_a_page_is_small_enough_for_a_phone_far_away(index: str) -> None:
    files, most = LOADED[index]
    sizes, texts = (
        {name: len(gzip.compress((WEB / name).read_bytes(), 6)) for name in names}
        for names in ((index, *files), TEXTS[index])
    )
    assert sum(sizes.values()) + max(texts.values(), default=0) <= most, (sizes, texts)


def test_the_dialogs_and_the_events_for_developers_are_loaded_on_demand_only() -> None:
    first = {name for files, _ in LOADED.values() for name in files}
    scripts = {f"page/{path.name}" for path in page_files() if path.parent == WEB / "page" and path.suffix == ".js"}
    assert scripts - first - {name for names in TEXTS.values() for name in names} == set(ON_DEMAND)
    for name, most in ON_DEMAND.items():
        assert len(gzip.compress((WEB / name).read_bytes(), 6)) <= most
        main = (WEB / "page" / "talk.js").read_text(encoding="utf-8")
        assert f'import("./{Path(name).name}")' in main
        assert not re.search(rf'from ?"\./{Path(name).name}"', main)


@pytest.mark.parametrize("index", LOADED)
def test_a_page_has_nothing_inline_and_names_files_that_exist(index: str) -> None:
    text = (WEB / index).read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", text) == []
    named = re.findall(r'(?:src|href)="web/([^"]+)"', text)
    assert set(named) == set(LOADED[index][0])
    assert [name for name in named if not (WEB / name).is_file()] == []


def test_every_module_that_a_module_imports_is_there() -> None:
    missing = [
        (path.name, name)
        for path in page_files()
        if path.suffix == ".js"
        for name in re.findall(r"from '([^']+)'", path.read_text(encoding="utf-8"))
        if not (path.parent / name).is_file()
    ]
    assert missing == []


def test_the_console_has_words_for_each_kind_of_notice() -> None:
    text = (WEB / "console" / "texts.js").read_text(encoding="utf-8")
    named = [set(re.findall(r"(\w+): '", kinds)) for kinds in re.findall(r"  kinds: \{(.+)\},\n", text)]
    assert named == [set(get_args(NoticeKind))] * 2


def test_no_file_of_the_page_names_another_host() -> None:
    known = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml", "http://www.w3.org/1998/Math/MathML"}
    found = {
        (path.name, url)
        for path in page_files()
        if path.suffix != ".txt"
        for url in re.findall(r"\bhttps?://[\w./-]+", path.read_text(encoding="utf-8"))
    }
    assert {(name, url) for name, url in found if url not in known} == set()


def test_the_libraries_are_those_that_were_read_with_their_versions_and_licences() -> None:
    library = (WEB / "vendor" / "preact-htm.js").read_bytes()
    licences = (WEB / "vendor" / "LICENSES.txt").read_text(encoding="utf-8")
    package = json.loads((ROOT / "clients" / "typescript" / "package.json").read_text(encoding="utf-8"))
    assert hashlib.sha256(library).hexdigest() == LIBRARIES
    for name in ("preact", "htm"):
        version = package["devDependencies"][name]
        assert f"{name} {version}" in library[:200].decode()
        assert f"--- {name} {version} ---" in licences


def test_the_unit_tests_of_the_pages_pass() -> None:
    need_node()
    files = sorted((BROWSER / "unit").glob("*.test.mjs"))
    done = subprocess.run(["node", "--test", *files], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout


@pytest.mark.parametrize("folder", [BROWSER, ROOT / "clients" / "typescript"])
def test_what_npm_brings_for_tests_is_pinned_and_its_lock_names_no_registry(folder: Path) -> None:
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    assert "dependencies" not in package
    assert all(version[0].isdigit() for version in package["devDependencies"].values())
    lock = (folder / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert '"integrity"' in lock
