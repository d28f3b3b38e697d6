# mypy: disable-error-code="arg-type"
import pytest

from backends.commands.yaml_text import Problems, as_mapping, as_texts, check_keys, read_document

TEXT = """\
language: en
intents:
  A:
    data:
      - sentences:
          - one
          - two
"""


@pytest.fixture
def problems():
    return Problems()


def write(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_every_value_knows_its_line(tmp_path, problems):
    document = read_document(write(tmp_path, TEXT), problems)

    assert document.data["intents"]["A"]["data"][0]["sentences"] == ["one", "two"]
    assert document.line(("language",)) == 1
    assert document.line(("intents", "A", "data", 0, "sentences", 1)) == 7
    assert problems.found == []


def test_what_is_missing_is_reported_at_what_is_around_it(tmp_path, problems):
    document = read_document(write(tmp_path, TEXT), problems)

    assert document.line(("intents", "A", "tool")) == 3
    assert document.line(("nowhere",)) == 1


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: [1, 2\nb: 3\n", 2, "is no YAML"),
        ("a: 1\n\tb: 2\n", 2, "is no YAML"),
        ("a: !!python/object:os.system x\n", 1, "could not determine a constructor"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is there twice"),
    ],
)
def test_bad_yaml_is_reported_with_its_line(tmp_path, problems, text, line, what):
    read_document(write(tmp_path, text), problems)

    (found,) = problems.found
    assert f"x.yaml:{line}: " in found
    assert what in found


def test_a_file_that_cannot_be_read_is_reported(tmp_path, problems):
    assert read_document(tmp_path / "none.yaml", problems) is None
    assert read_document(write(tmp_path, b"\xff\xfe\xff"), problems) is None
    assert all("cannot be read" in found for found in problems.found)
    assert len(problems.found) == 2


def test_an_empty_file_has_no_content(tmp_path, problems):
    document = read_document(write(tmp_path, ""), problems)

    assert document.data is None
    assert as_mapping(document, (), document.data, problems) == {}


def test_wrong_kinds_are_reported_and_left_out(tmp_path, problems):
    document = read_document(write(tmp_path, TEXT), problems)

    assert as_mapping(document, ("intents",), ["x"], problems) == {}
    assert as_mapping(document, ("intents",), {1: 2}, problems) == {}
    assert as_texts(document, ("intents",), "x", problems) == []
    assert as_texts(document, ("intents",), ["x", True], problems) == ["x"]
    check_keys(document, (), {"colour": 1}, ("language", "intents"), problems)
    assert [found.partition(".yaml:")[2] for found in problems.found] == [
        "2: intents must be a mapping of names, not a list",
        "2: intents must be a mapping of names, not a mapping",
        "2: intents must be a list of texts, not the text 'x'",
        "2: intents must hold texts, not yes or no True; quote it",
        "1: unknown key 'colour'; expected one of: language, intents",
    ]
