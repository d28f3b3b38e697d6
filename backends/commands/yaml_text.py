"""YAML with the line of every value, so that a mistake in a file is reported with its line.

Rules kept here:

* A file is bounded before it is read: its size, how deep it is nested, and how much its aliases stand for.
* Data are texts, numbers, true, false, null, lists, and mappings of texts: tags, dates and other keys are mistakes.
* A message is one line of ``MAX_MESSAGE`` characters at most, after the file and the line.
"""

import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import yaml
from yaml.reader import Reader

from backends.commands.yaml_errors import REFUSED, YamlMistake, mistake_of

Way = tuple[str | int, ...]
MAX_FILE_BYTES: Final = 1024 * 1024  # the built-in sentences have 22 KB; PyYAML reads this much in some seconds
MAX_DEPTH: Final = 32  # lists and mappings within each other; a command file needs 7
MAX_VALUES: Final = 100_000  # with what aliases stand for, as often as they are used
MAX_MESSAGE: Final = 200  # characters
_MAX_SHOWN: Final = 60  # characters of a wrong value in a message
_MAX_NUMBER: Final = 40  # characters; Python takes long numbers in quadratic time
_TAG: Final = "tag:yaml.org,2002:"
_NOT_DATA: Final = {"timestamp": "a date", "value": "a sign", "merge": "a sign"}
_SPOKEN_BOOL: Final = {"on": "on and off", "off": "on and off", "yes": "yes and no", "no": "yes and no"}


@attrs.frozen
class Document:
    """One file's content."""

    file: str
    data: Any
    lines: Mapping[Way, int]
    """Where each value begins, counted from one; keys are the ways to the values."""
    plain: Mapping[Way, str] = attrs.field(factory=dict)
    """How each value is written that is no text, such as "off" for ``False``."""

    def line(self, path: Way) -> int:
        """Return the line of a value, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


@attrs.define
class Problems:
    """All that is wrong, in the order in which it was found."""

    found: list[str] = attrs.field(factory=list)

    def add(self, document: Document, path: Way, message: str) -> None:
        """Note a problem at a place."""
        self.add_at(document.file, document.line(path), message)

    def add_at(self, file: str, line: int | None, message: str) -> None:
        """Note a problem in a line, or in the whole file."""
        words = " ".join(message.split())
        place = file if line is None else f"{file}:{line}"
        self.found.append(f"{place}: {words if len(words) <= MAX_MESSAGE else words[: MAX_MESSAGE - 1] + '…'}")


def read_document(path: Path, problems: Problems) -> Document | None:
    """Return the file's content, or None after noting why it cannot be read."""
    try:
        text = _text_of(path)
    except OSError as error:
        problems.add_at(str(path), None, f"cannot be read: {error.strerror or error}")
        return None
    except _UnreadableFileError as error:
        problems.add_at(str(path), error.line, str(error))
        return None
    loader = _BoundedLoader(text)
    try:
        node = loader.get_single_node()
        doubled = [] if node is None else list(_doubled(node, ()))
        data = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mistake = mistake_of(error, text)
        problems.add_at(str(path), mistake.line, mistake.message)
        return None
    for mistake in loader.mistakes:
        problems.add_at(str(path), mistake.line, mistake.message)
    if node is None:
        return Document(str(path), None, {})
    document = Document(str(path), data, dict(_lines(node, ())), dict(_plain(node, ())))
    for way, key in doubled:
        problems.add(document, way, f"the key {shown(key)} is there twice")
    return document


def _text_of(path: Path) -> str:
    """Return the text of a file; raises ``_UnreadableFileError`` and ``OSError``."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise _UnreadableFileError(None, "cannot be read: it must be a regular file")
    with path.open("rb") as opened:
        content = opened.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise _UnreadableFileError(None, "a command file may have 1 MiB at most: split it or shorten it")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _UnreadableFileError(1, "the file must be UTF-8 text, not UTF-16: save it as UTF-8")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = _line_at(content[: error.start].decode())
        bad = f"the byte 0x{content[error.start]:02x} is not"
        raise _UnreadableFileError(line, f"the file must be UTF-8 text: {bad}") from error
    control = Reader.NON_PRINTABLE.search(text)
    if control is not None:
        name = f"U+{ord(control.group()):04X}"
        message = f"the file must be UTF-8 text without control characters: remove {name}"
        raise _UnreadableFileError(_line_at(text[: control.start()]), message)
    return text


class _UnreadableFileError(ValueError):
    """A file that holds no text, with the line where that is known."""

    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.line = line


def _line_at(before: str) -> int:
    """Return the line, as editors count, of what comes after ``before``."""
    return len(re.findall(r"\r\n|[\r\n]", before)) + 1


@attrs.frozen
class _Extent:
    """What a node holds, itself and all aliases included."""

    values: int
    depth: int


class _BoundedLoader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Refuses what is too deep, too much, or no plain data; notes wrong names and reads them as texts.

    Raises ``yaml.MarkedYAMLError`` for what cannot be read on.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.mistakes: list[YamlMistake] = []
        self._open: list[str | None] = []
        self._extents: dict[yaml.Node, _Extent] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node, checked; PyYAML calls it for every key and every value."""
        event = self.peek_event()
        is_alias = isinstance(event, yaml.AliasEvent)
        if is_alias and event.anchor in self._open:
            raise _refused(event.start_mark, f"*{event.anchor} must not be used within what it stands for")
        if not is_alias and event.tag not in (None, "!", f"{_TAG}str"):
            raise _refused(
                event.start_mark, "a text that begins with ! must be quoted; types after ! are not understood"
            )
        if len(self._open) >= MAX_DEPTH:
            raise _refused(event.start_mark, f"lists and mappings may lie {MAX_DEPTH} deep within each other at most")
        self._open.append(None if is_alias else event.anchor)
        node = super().compose_node(parent, index)
        self._open.pop()
        if isinstance(node, yaml.ScalarNode) and not is_alias:
            self._check_scalar(node, is_name=isinstance(parent, yaml.MappingNode) and index is None)
        elif isinstance(parent, yaml.MappingNode) and index is None and not isinstance(node, yaml.ScalarNode):
            raise _refused(event.start_mark, "a name must be a text: quote a text that begins with { or [")
        self._measure(node, event.start_mark)
        return node

    def _check_scalar(self, node: yaml.ScalarNode, *, is_name: bool) -> None:
        """Note a value that is no data; make such a value, and every name, a text."""
        kind = node.tag.removeprefix(_TAG)
        if kind == "str" or (is_name and kind == "merge"):
            return
        is_number = kind in ("int", "float")
        is_odd = kind in _NOT_DATA or (is_number and not _is_sound(node.value))
        if is_odd or is_name:
            self.mistakes.append(YamlMistake(node.start_mark.line + 1, quote_it(node.value, kind)))
            node.tag = f"{_TAG}str"

    def _measure(self, node: yaml.Node | None, mark: yaml.Mark) -> None:
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        if node not in self._extents:
            inner = [self._extents[part] for part in parts]
            self._extents[node] = _Extent(
                1 + sum(extent.values for extent in inner), 1 + max((extent.depth for extent in inner), default=0)
            )
        if self._extents[node].values > MAX_VALUES:
            raise _refused(mark, f"a file may hold {MAX_VALUES} values at most, those that aliases stand for included")
        if self._extents[node].depth > MAX_DEPTH:
            raise _refused(mark, f"lists and mappings may lie {MAX_DEPTH} deep within each other at most")


def _is_sound(number: str) -> bool:
    """Return whether a number is one for JSON too, and short enough to be read."""
    return len(number) <= _MAX_NUMBER and not re.search(r"inf|nan|[:_]", number.lower())


def _refused(mark: yaml.Mark, message: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(context=REFUSED, problem=message, problem_mark=mark)


def quote_it(written: str, kind: str = "") -> str:
    """Return what to do about a value that YAML does not take as a text.

    ``kind`` is YAML's type, such as "int"; without, it is that of ``written``.
    """
    kind = kind or yaml.SafeLoader("").resolve(yaml.ScalarNode, written, (True, False)).removeprefix(_TAG)
    if kind == "bool":
        return f"quote it: {_SPOKEN_BOOL.get(written.lower(), 'true and false')} are true and false in YAML"
    if kind == "null":
        return f"quote it: {written} is nothing in YAML" if written else "there is nothing here: write a text"
    words = {"int": "a number", "float": "a number", **_NOT_DATA}.get(kind, "no text")
    return f"quote it: {shown(written)[1:-1]} is {words} in YAML"


def shown(value: Any) -> str:
    """Return a value for a message, shortened."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 2]}…{text[-1]}"


def _lines(node: Any, path: Way) -> Iterator[tuple[Way, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, (*path, str(key.value)))
            yield (*path, str(key.value)), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*path, index))


def _plain(node: Any, path: Way) -> Iterator[tuple[Way, str]]:
    """Yield the values that are no texts, as they are written."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _plain(value, (*path, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _plain(item, (*path, index))
    elif node.tag != f"{_TAG}str":
        yield path, node.value


def _doubled(node: Any, path: Way) -> Iterator[tuple[Way, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield (*path, name), name
            seen.add(name)
            yield from _doubled(value, (*path, name))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _doubled(item, (*path, index))


def as_mapping(document: Document, path: Way, value: Any, problems: Problems) -> Mapping[str, Any]:
    """Return a mapping; anything else is noted and counts as empty."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    problems.add(document, path, f"{_name(path)} must be a mapping of names, not {_kind(value)}")
    return {}


def as_texts(document: Document, path: Way, value: Any, problems: Problems) -> Sequence[str]:
    """Return a list of texts; anything else is noted and left out."""
    if not isinstance(value, list):
        problems.add(document, path, f"{_name(path)} must be a list of texts, not {_kind(value)}")
        return []
    for index, item in enumerate(value):
        if not isinstance(item, str):
            problems.add(document, (*path, index), not_a_text(document, (*path, index), item))
    return [item for item in value if isinstance(item, str)]


def not_a_text(document: Document, path: Way, value: Any) -> str:
    """Return what to do about a value that must be a text and is none."""
    if path in document.plain:
        return quote_it(document.plain[path])
    holder = next((str(part) for part in reversed(path) if isinstance(part, str)), "the file")
    return f"{holder} must be text, not {_kind(value)}; quote a text that begins with {{ or ["


def check_keys(
    document: Document, path: Way, value: Mapping[str, Any], known: Sequence[str], problems: Problems
) -> None:
    """Report the keys that are not read."""
    for key in value:
        if key not in known:
            problems.add(document, (*path, key), f"unknown key {shown(key)}; expected one of: {', '.join(known)}")


def _name(path: Way) -> str:
    return shown(str(path[-1]))[1:-1] if path else "the file"


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "the text", bool: "yes or no", type(None): "nothing"}
    name = names.get(type(value), type(value).__name__)
    return f"{name} {shown(value)}" if isinstance(value, (str, bool, int, float)) else name
