"""YAML with the line of every value, so that a mistake in a file is reported with its line."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import yaml

Way = tuple[str | int, ...]


@attrs.frozen
class Document:
    """One file's content."""

    file: str
    data: Any
    lines: Mapping[Way, int]
    """Where each value begins, counted from one; keys are the ways to the values."""

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
        self.found.append(f"{document.file}:{document.line(path)}: {message}")


def read_document(path: Path, problems: Problems) -> Document | None:
    """Return the file's content, or None after noting why it cannot be read."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problems.found.append(f"{path}: cannot be read: {error}")
        return None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        data = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        problems.found.append(f"{path}:{1 if mark is None else mark.line + 1}: is no YAML: {what}")
        return None
    document = Document(str(path), data, {} if node is None else dict(_lines(node, ())))
    for way, key in [] if node is None else _doubled(node, ()):
        problems.add(document, way, f"the key {key!r} is there twice")
    return document


def _lines(node: Any, path: Way) -> Iterator[tuple[Way, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, (*path, str(key.value)))
            yield (*path, str(key.value)), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*path, index))


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
    """Return a mapping with text keys; anything else is noted and counts as empty."""
    if value is None:
        return {}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
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
            problems.add(document, (*path, index), f"{_name(path)} must hold texts, not {_kind(item)}; quote it")
    return [item for item in value if isinstance(item, str)]


def check_keys(
    document: Document, path: Way, value: Mapping[str, Any], known: Sequence[str], problems: Problems
) -> None:
    """Report the keys that are not read."""
    for key in value:
        if key not in known:
            problems.add(document, (*path, key), f"unknown key {key!r}; expected one of: {', '.join(known)}")


def _name(path: Way) -> str:
    return str(path[-1]) if path else "the file"


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "the text", bool: "yes or no", type(None): "nothing"}
    name = names.get(type(value), type(value).__name__)
    return f"{name} {value!r}" if isinstance(value, (str, bool, int, float)) else name
