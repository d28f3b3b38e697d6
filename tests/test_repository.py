"""What must never be committed: places that exist on one machine only, weights, secrets."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source_tree import ROOT, committed_files

INDEX = r"(?:--(?:extra-)?index-url\b|--find-links\b|\bpypi\.org/simple|\bfiles\.pythonhosted\.org)"
MACHINE = r"(?:/home/(?!ada\b)[a-z]|/root/|/Users/[A-Za-z]|/work/|\b[A-Z]:\\Users)"
SECRET = r"(?:\bsk-[A-Za-z0-9]{20}|\bghp_[A-Za-z0-9]{30}|BEGIN (?:RSA |EC )?PRIVATE KEY|\bAKIA[0-9A-Z]{16})"
RULES = {
    "the name of a package index": (INDEX, frozenset({"tests/test_repository.py", "Makefile"})),
    "a path of one machine": (MACHINE, frozenset({"tests/test_repository.py"})),
    "a secret": (SECRET, frozenset({"tests/test_repository.py"})),
}  # and the files that must name it: these rules, and the switch that keeps it out
WEIGHTS = frozenset(
    {".bin", ".onnx", ".gguf", ".safetensors", ".pt", ".pth", ".ckpt", ".tflite", ".npz", ".wav", ".mp3", ".flac"}
)
RECORDINGS = Path("tests/system/recordings")  # what the tests say; its index has the licence
RECORDINGS_BYTES = 3 << 20
LARGEST_BYTES = 512 * 1024


def texts() -> Iterator[tuple[Path, str]]:
    for path in committed_files():
        try:
            yield path, (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture


def found(pattern: str, excused: frozenset[str]) -> list[str]:
    return [
        f"{path}:{text[: match.start()].count(chr(10)) + 1}: {match[0]}"
        for path, text in texts()
        if path.as_posix() not in excused
        for match in re.finditer(pattern, text)
    ]


@pytest.mark.parametrize("what", RULES)
def test_nothing_committed_holds(what: str) -> None:
    pattern, excused = RULES[what]
    assert found(pattern, excused) == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("the name of a package index", "--index-url https://example.org"),
        ("the name of a package index", "https://pypi.org/simple/trio"),
        ("a path of one machine", "see /home/someone/notes"),
        ("a secret", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_the_rules_see_what_they_forbid(what: str, text: str) -> None:
    assert re.search(RULES[what][0], text)


def test_no_weights_are_committed_and_no_recordings_but_those_of_the_tests() -> None:
    assert [str(path) for path in committed_files() if path.suffix in WEIGHTS and path.parent != RECORDINGS] == []


def test_the_recordings_of_the_tests_are_few_and_in_their_index() -> None:
    kept = [path for path in committed_files() if path.parent == RECORDINGS]
    index = json.loads((ROOT / RECORDINGS / "index.json").read_text(encoding="utf-8"))
    assert {path.name for path in kept} == {clip["file"] for clip in index["clips"].values()} | {"index.json"}
    assert index["licence"] == "CC0-1.0"
    assert sum((ROOT / path).stat().st_size for path in kept) < RECORDINGS_BYTES


def test_no_file_is_too_large_to_read() -> None:
    large = {str(path): (ROOT / path).stat().st_size for path in committed_files()}
    assert {name: size for name, size in large.items() if size > LARGEST_BYTES} == {}


def test_the_licence_is_the_one_that_the_package_names() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
