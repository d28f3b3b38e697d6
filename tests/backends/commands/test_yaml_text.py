# mypy: disable-error-code="arg-type"
import os

import pytest

from backends.commands.yaml_text import (
    MAX_FILE_BYTES,
    MAX_MESSAGE,
    Problems,
    as_mapping,
    as_texts,
    check_keys,
    not_a_text,
    read_document,
)

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


def test_a_key_that_is_there_twice_is_reported_with_its_second_line(tmp_path, problems):
    read_document(write(tmp_path, "a: 1\nb: 2\na: 3\n"), problems)

    assert [found.partition(".yaml:")[2] for found in problems.found] == ["3: the key 'a' is there twice"]


def test_a_value_that_is_no_text_is_known_as_it_was_written(tmp_path, problems):
    document = read_document(write(tmp_path, "a: off\nb: [x, 0x10, '5']\n"), problems)

    assert document.plain == {("a",): "off", ("b", 1): "0x10"}
    assert not_a_text(document, ("a",), False) == "quote it: on and off are true and false in YAML"
    assert not_a_text(document, ("b", 1), 16) == "quote it: 0x10 is a number in YAML"


def test_aliases_stand_for_what_they_name_and_what_is_merged_may_be_changed(tmp_path, problems):
    document = read_document(write(tmp_path, "a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}\n"), problems)

    assert document.data == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 2}, "c": {"x": 1, "y": 3}}
    assert problems.found == []


def test_a_file_of_the_greatest_size_is_read(tmp_path, problems):
    assert read_document(write(tmp_path, "a: 1\n#" + "x" * (MAX_FILE_BYTES - 6)), problems) is not None
    assert read_document(write(tmp_path, "a: 1\n#" + "x" * (MAX_FILE_BYTES - 5)), problems) is None
    assert [found.partition(".yaml: ")[2] for found in problems.found] == [
        "a command file may have 1 MiB at most: split it or shorten it"
    ]


def test_what_is_no_file_is_reported_and_not_waited_for(tmp_path, problems):
    os.mkfifo(tmp_path / "pipe.yaml")

    assert read_document(tmp_path / "none.yaml", problems) is None
    assert read_document(tmp_path / "pipe.yaml", problems) is None
    assert [found.partition(".yaml: ")[2] for found in problems.found] == [
        "cannot be read: No such file or directory",
        "cannot be read: it must be a regular file",
    ]


def test_a_long_message_is_cut_and_a_message_has_one_line(problems):
    problems.add_at("x.yaml", 3, "a\nb " + "c" * 300)

    (found,) = problems.found
    assert found.startswith("x.yaml:3: a b ccc")
    assert len(found) == len("x.yaml:3: ") + MAX_MESSAGE


def test_an_empty_file_has_no_content(tmp_path, problems):
    document = read_document(write(tmp_path, ""), problems)

    assert document.data is None
    assert as_mapping(document, (), document.data, problems) == {}


def test_wrong_kinds_are_reported_and_left_out(tmp_path, problems):
    document = read_document(write(tmp_path, TEXT), problems)

    assert as_mapping(document, ("intents",), ["x"], problems) == {}
    assert as_texts(document, ("intents",), "x", problems) == []
    assert as_texts(document, ("intents",), ["x", True], problems) == ["x"]
    check_keys(document, (), {"colour": 1}, ("language", "intents"), problems)
    assert [found.partition(".yaml:")[2] for found in problems.found] == [
        "2: intents must be a mapping of names, not a list",
        "2: intents must be a list of texts, not the text 'x'",
        "2: intents must be text, not yes or no True; quote a text that begins with { or [",
        "1: unknown key 'colour'; expected one of: language, intents",
    ]
