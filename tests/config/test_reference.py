import tomllib
from pathlib import Path

import pytest

from config.aliases import ALIASES
from config.load import DEFAULTS
from config.reference import BadDefaults, Row, reference, sections

PAGE = Path(__file__).parents[2] / "docs/configuration.md"


def test_the_page_is_what_the_defaults_say() -> None:
    assert PAGE.read_text() == reference(DEFAULTS.read_text()), "run: sayso config reference > docs/configuration.md"


def test_no_setting_is_missing_and_each_default_is_the_files() -> None:
    text = DEFAULTS.read_text()
    found = {f"{section.name}.{row.key}": row.default for section in sections(text) for row in section.rows}
    wanted: dict[str, object] = {}

    def flatten(name: str, table: dict[str, object]) -> None:
        for key, value in table.items():
            if isinstance(value, dict):
                flatten(f"{name}{key}.", value)
            else:
                wanted[name + key] = value

    flatten("", tomllib.loads(text))
    assert {key: tomllib.loads(f"value = {default}")["value"] for key, default in found.items()} == wanted


def test_every_setting_has_its_reason() -> None:
    silent = [
        f"{section.name}.{row.key}"
        for section in sections(DEFAULTS.read_text())
        for row in section.rows
        if not row.what
    ]
    assert not silent


def test_every_name_of_the_guide_stands_beside_its_setting() -> None:
    page = reference(DEFAULTS.read_text())
    assert [alias.variable for alias in ALIASES if f"`{alias.variable}`" not in page] == []


def test_a_comment_above_or_below_belongs_to_its_setting() -> None:
    (section,) = sections(
        '# of doors\n[door]\n# says who\nname = "a b" # one\n    # and two\n\nwidth = [1, 2] # both\n'
    )
    assert section.about == "of doors"
    assert section.rows == [Row("name", '"a b"', "says who one and two"), Row("width", "[1, 2]", "both")]


def test_signs_of_the_page_in_a_reason_stay_text() -> None:
    assert "a \\| b &lt;c>" in reference("[door]\nwidth = 1 # a | b <c>\n")


def test_a_line_that_is_not_understood_is_named() -> None:
    with pytest.raises(BadDefaults, match=r"line 2 is neither .*: width"):
        list(sections("[door]\nwidth\n"))
