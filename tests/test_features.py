"""The page docs/features.md: each feature that is marked as ours has a test, and each of these tests exists."""

import re
from collections.abc import Sequence
from typing import Final

import pytest

from tests.source_tree import ROOT

TEXT: Final = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
COMPARED, TESTS = (
    [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")][2:]
    for part in TEXT.split("\n## ")
)
NAMED: Final = [(name.strip(), cell.strip(" `")) for name, cell in TESTS]


def features(rows: Sequence[Sequence[str]]) -> list[str]:
    return [row[0].strip() for row in rows]


def test_every_feature_of_ours_names_its_test_and_no_other() -> None:
    ours = [row for row in COMPARED if row[-1].strip().startswith("✓")]
    assert len(ours) > 20
    assert features(ours) == [name for name, _ in NAMED]


def test_each_feature_is_there_or_admitted_to_be_missing() -> None:
    assert {row[-1].strip()[0] for row in COMPARED} <= {"✓", "\N{EN DASH}"}


@pytest.mark.parametrize(("feature", "test"), NAMED)
def test_the_test_of_a_feature_exists(feature: str, test: str) -> None:
    path, _, name = test.partition("::")
    text = (ROOT / path).read_text(encoding="utf-8")
    found = rf"^(async )?def {name}\(" if path.endswith(".py") else rf"^test\('{re.escape(name)}'"
    assert re.search(found, text, re.MULTILINE), f"{feature}: there is no {name} in {path}"
