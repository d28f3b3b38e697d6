import pytest
import yaml

from backends.commands.yaml_errors import REFUSED, YamlMistake, mistake_of


def error_of(text: str) -> yaml.MarkedYAMLError:
    with pytest.raises(yaml.MarkedYAMLError) as caught:
        yaml.safe_load(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a:\n\tb: 2\n", 2, "use spaces instead of tabs to indent"),
        ("a: \tb: 2\n", 1, "use spaces instead of tabs to indent"),
        ("a:\r\n  - x\r\n  - {y} z\r\n", 3, "quote a value that begins with {"),
        ("a: 1\nb: [1, 2\nc: 3\n", 2, "the [ that begins here must be closed with ]"),
        ("a: 1\n\nb: 'x\nc: 2\n", 3, "the quotation mark that begins here must be closed"),
        ("a: `x`", 1, "quote a value that begins with `"),
        ("- a\nb: 1", 2, "the indentation must be that of the lines that belong together"),
        ("a: -\n  b", 1, "put - or ? at the beginning of a line, or quote the text"),
        ("a: | x\n", 1, "is no YAML: expected a comment or a line break, but found 'x'"),
    ],
)
def test_what_is_no_yaml_is_told_in_plain_words_with_its_line(text, line, message):
    mistake = mistake_of(error_of(text), text)

    assert mistake.line == line
    assert mistake.message.startswith(message)


def test_an_error_with_a_message_to_show_keeps_it():
    mark = yaml.Mark("x", 0, 4, 0, None, None)

    error = yaml.MarkedYAMLError(context=REFUSED, problem="too much", problem_mark=mark)

    assert mistake_of(error, "\ta: 1\n") == YamlMistake(5, "too much")


def test_an_error_without_a_place_is_of_the_first_line():
    assert mistake_of(yaml.MarkedYAMLError(problem="odd"), "") == YamlMistake(1, "is no YAML: odd")
