"""What is wrong with a text that is no YAML, in words for somebody who does not know YAML; pure."""

import re
from typing import Final

import attrs
import yaml

REFUSED: Final = "not allowed in a command file"
"""The context of errors with messages that are to be shown as they are."""
_REASONS: Final = (
    (
        r"expected ',' or '\]'",
        "the [ that begins here must be closed with ], with commas between; quote a text with [ in it",
    ),
    (
        r"expected ',' or '\}'",
        "the { that begins here must be closed with }, with commas between; quote a text with { in it",
    ),
    (r"unexpected (end of stream|document separator)", "the quotation mark that begins here must be closed"),
    (r"unknown escape character", "write a backslash between double quotes twice, or use single quotes"),
    (
        r"mapping values are not allowed",
        "a colon is not expected here: quote a text that has a colon, or mend the indentation",
    ),
    (r"could not find expected ':'", "a name must be followed by a colon and a space"),
    (r"found undefined alias", "quote a text that begins with *"),
    (r"found another document|document start", "a file must have one document only: remove the line ---"),
    (
        r"node content, but found '<stream end>'",
        "a [ or { must be closed with ] or }, and a quotation mark with another",
    ),
    (r"found '<scalar>'", "the text goes on after its end: put quotes around all of it"),
    (r"expected <block end>", "the indentation must be that of the lines that belong together"),
    (r"(sequence entries|mapping keys) are not allowed", "put - or ? at the beginning of a line, or quote the text"),
)
"""What PyYAML says, and what to do about it; the first that fits."""
_OPENED: Final = ("flow sequence", "flow mapping", "quoted scalar", "simple key")
"""What PyYAML is in when something that was opened is not closed: told where it begins."""
_BRACE: Final = re.compile(r"^\s*(?:-\s+)*(?:[\w.-]+:\s+)?(?P<opening>[{\[])")
_FORBIDDEN_FIRST: Final = re.compile(r"character '(\\t|[^'])' that cannot start|node content, but found '(.)'")


@attrs.frozen
class YamlMistake:
    """What is wrong, and in which line, counted from one."""

    line: int
    message: str


def mistake_of(error: yaml.MarkedYAMLError, text: str) -> YamlMistake:
    """Return what ``error``, which PyYAML raised for ``text``, means."""
    mark = error.problem_mark or error.context_mark
    line = 1 if mark is None else mark.line + 1
    if error.context == REFUSED:
        return YamlMistake(line, str(error.problem))
    problem = error.problem or error.context or "it cannot be read"
    if error.context_mark is not None and any(part in (error.context or "") for part in _OPENED):
        line = error.context_mark.line + 1
    lines = re.split(r"\r\n|[\r\n\x85\u2028\u2029]", text)  # as PyYAML counts them
    source = lines[line - 1] if line <= len(lines) else ""
    brace = _BRACE.match(source)
    if brace is not None and "expected <block end>" in problem and mark.column > brace.start("opening"):
        return YamlMistake(line, f"quote a value that begins with {brace['opening']}")
    return YamlMistake(line, _message(problem, error.context or "", source))


def _message(problem: str, context: str, line: str) -> str:
    first = _FORBIDDEN_FIRST.search(problem)
    if "\t" in line[: len(line) - len(line.lstrip())] or (first is not None and first[1] == "\\t"):
        return "use spaces instead of tabs to indent"
    if "scanning an alias" in context or "scanning an anchor" in context:
        return "quote a text that begins with * or &"
    if first is not None:
        return f"quote a value that begins with {first[1] or first[2]}"
    for pattern, reason in _REASONS:
        if re.search(pattern, problem):
            return reason
    return f"is no YAML: {problem}"
