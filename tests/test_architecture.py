"""The rules of docs/architecture.md as tests: imports, names and sizes."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.source_tree import (
    ROOT,
    UNITS,
    classes,
    functions,
    imported_modules,
    is_third_party,
    parsed,
    python_files,
    unit_of,
)

OURS: Mapping[str, frozenset[str]] = {
    "config": frozenset(),
    "protocol": frozenset(),
    "runtime": frozenset(),
    "sayso_client": frozenset(),
    "backends": frozenset({"config", "protocol", "runtime"}),
    "actors": frozenset({"config", "protocol", "runtime", "backends.protocols", "backends.jobs"}),
    "assembly": frozenset({"config", "protocol", "runtime", "backends", "actors"}),
    "supervisor": frozenset({"config", "protocol", "runtime", "backends", "actors", "assembly"}),
    "cli": frozenset({"config", "protocol", "runtime", "backends", "actors", "assembly", "supervisor", "sayso_client"}),
}  # besides its own files
THEIRS: Mapping[str, frozenset[str]] = {
    "config": frozenset({"attrs"}),
    "protocol": frozenset({"attrs", "msgspec", "unicode_rbnf"}),
    "runtime": frozenset({"attrs", "msgspec", "trio"}),
    "sayso_client": frozenset({"anyio", "attrs", "msgspec", "websockets"}),
    "actors": frozenset({"attrs", "trio"}),
    "assembly": frozenset({"attrs", "trio"}),
    "supervisor": frozenset({"attrs", "trio"}),
    "cli": frozenset({"attrs", "click", "httpx2", "rich", "segno", "structlog", "trio"}),
}
NOT_IN_BACKENDS = frozenset({"click", "rich", "structlog", "trio_websocket"})  # those are for people and for clients
FORBIDDEN_NAMES = frozenset(
    {"utils", "util", "common", "helpers", "helper", "core", "managers", "manager", "services", "misc", "lib", "tools_"}
)

MODULE_LINES = 500
ROOT_LINES = 200  # of supervisor.py: the tree as data, serve, signals and drain
FUNCTION_LINES = 60
CLASS_LINES = 350
CLASS_METHODS = 20
FIELDS = 10
ATTRIBUTES = 15
# what travels or is configured is as wide as its subject
WIDE_FILES = frozenset(
    {
        f"config/settings/{name}.py"
        for name in ("__init__", "audio", "gateway", "history", "inference", "speech", "transcription")
    }
    | {f"protocol/messages/{name}.py" for name in ("events", "hearing", "records", "session", "understanding")}
    | {"protocol/turns/moving.py"}  # a record of all that moves
)
# classes that hold more than others do, each for a reason: folding fields together would only hide it
FULL_CLASSES = frozenset(
    {
        ("actors/audio.py", "Audio"),  # a session's whole audio path: decoder, detector, endpointer and three clocks
    }
)
# where an exception is turned into data on purpose: the supervision seam, and its twin in a worker's process
BROAD_EXCEPT_FILES = frozenset({"runtime/supervision/outcome.py", "runtime/workers/child_process.py"})


def is_within(module: str, allowed: frozenset[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in allowed)


def check(problems: Iterator[str]) -> None:
    found = sorted(set(problems))
    assert not found, "\n".join(["", *found])


def test_imports_of_our_own_point_down_only() -> None:
    def problems() -> Iterator[str]:
        for path in python_files():
            unit = unit_of(path)
            for module, line in imported_modules(path):
                top = module.partition(".")[0]
                if top in UNITS and top != unit and not is_within(module, OURS[unit]):
                    yield f"{path}:{line}: {unit} must not import {module}"

    check(problems())


ROOMS: Mapping[str, tuple[str, ...]] = {
    "protocol": ("messages", "admission", "audio", "language", "dialects", "turns"),
    "runtime": ("messaging", "policies", "workers", "supervision"),
}
"""The folders of a unit; each may import those before it."""


def test_the_rooms_of_a_unit_point_down_only() -> None:
    def problems() -> Iterator[str]:
        for unit, rooms in ROOMS.items():
            for path in python_files(unit):
                if len(path.parts) == 2:
                    if path.name != "__init__.py":
                        yield f"{path}: belongs into one of the folders {', '.join(rooms)}"
                    continue
                below = {f"{unit}.{room}" for room in rooms[: rooms.index(path.parts[1]) + 1]}
                for module, line in imported_modules(path):
                    if is_within(module, frozenset({unit})) and not is_within(module, frozenset(below)):
                        yield f"{path}:{line}: {unit}/{path.parts[1]} must not import {module}"

    check(problems())


def test_no_actor_imports_another() -> None:
    parts = frozenset({"actors.admission", "actors.connection", "actors.stt", "actors.turn"})
    actors = frozenset({"actors.connection.connection"})  # that lie beside their parts

    def problems() -> Iterator[str]:
        for path in python_files("actors"):
            for module, line in imported_modules(path):
                is_part = is_within(module, parts) and not is_within(module, actors)
                if is_within(module, frozenset({"actors"})) and not is_part:
                    yield f"{path}:{line}: an actor must not import {module}; references are handed out"

    check(problems())


def test_each_unit_uses_its_own_libraries_only() -> None:
    def problems() -> Iterator[str]:
        for path in python_files():
            unit = unit_of(path)
            for module, line in imported_modules(path):
                top = module.partition(".")[0]
                if not is_third_party(module):
                    continue
                if top in NOT_IN_BACKENDS if unit == "backends" else top not in THEIRS[unit]:
                    yield f"{path}:{line}: {unit} must not import {top}"

    check(problems())


FFMPEG_FILES = frozenset({"backends/speech/media.py", "backends/speech/opus.py", "backends/speech/encoding.py"})
FFMPEG_WORKER = "backends.speech.media"


def test_uploaded_recordings_are_decoded_in_a_process_of_their_own() -> None:
    """Native code on a client's bytes can crash, hang or hold the interpreter's lock: docs/decisions/0015."""

    def problems() -> Iterator[str]:
        for path in python_files():
            for module, line in imported_modules(path):
                if is_within(module, frozenset({"av"})) and path.as_posix() not in FFMPEG_FILES:
                    yield f"{path}:{line}: imports {module}"
                if is_within(module, frozenset({FFMPEG_WORKER})):
                    yield f"{path}:{line}: imports {module}, which is for a worker process"

    check(problems())


def test_a_server_whose_clients_send_samples_never_loads_ffmpeg() -> None:
    program = "import sys, cli.serve, supervisor; sys.exit('av' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)


def test_tests_and_benchmarks_are_not_imported_by_the_product() -> None:
    def problems() -> Iterator[str]:
        for path in python_files():
            for module, line in imported_modules(path):
                if is_within(module, frozenset({"tests", "bench", "examples"})):
                    yield f"{path}:{line}: imports {module}"

    check(problems())


def test_no_file_or_folder_has_a_name_for_leftovers() -> None:
    def problems() -> Iterator[str]:
        for path in python_files(*UNITS, "bench", "examples", "tests"):
            if {part.removesuffix(".py") for part in path.parts} & FORBIDDEN_NAMES:
                yield f"{path}: a name must say what is inside"

    check(problems())


def test_there_are_no_code_folders_but_those_of_the_table() -> None:
    tops = {path.parts[0] for path in python_files(*UNITS, "bench", "examples", "tests") if len(path.parts) > 1}
    assert tops == {*UNITS, "bench", "examples", "tests"} - {"supervisor"}
    loose = {file.name for file in ROOT.glob("*.py")}
    assert loose == {"supervisor.py"}


def reprs_in(node: ast.AST) -> Iterator[int]:
    """Yield the lines that make a ``repr``, by its name or as ``!r``."""
    for inner in ast.walk(node):
        match inner:
            case ast.Call(func=ast.Name(id="repr")) | ast.FormattedValue(conversion=114):  # "r"
                yield inner.lineno


def test_statistics_hold_numbers_and_words_that_a_console_can_read_and_no_reprs() -> None:
    def problems() -> Iterator[str]:
        for path in python_files():
            for node in functions(path):
                if node.name == "statistics":
                    yield from (f"{path}:{line}: statistics are shown as JSON" for line in reprs_in(node))

    check(problems())


# --- sizes ---------------------------------------------------------------------------------------


def lines_of(node: ast.stmt) -> int:
    return int(node.end_lineno or node.lineno) - node.lineno + 1


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = lines_of(node.body[0]) if ast.get_docstring(node, clean=False) is not None else 0
    return lines_of(node) - docstring


def methods_of(node: ast.ClassDef) -> list[str]:
    """Return the names of what is called: properties and special methods are not."""
    return [
        inner.name
        for inner in node.body
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
        and not (inner.name.startswith("__") and inner.name.endswith("__"))
        and not any("property" in ast.unparse(decorator) for decorator in inner.decorator_list)
    ]


def fields_of(node: ast.ClassDef) -> list[str]:
    """Return what the constructor takes: an attrs class's fields, or the parameters of ``__init__``."""
    for inner in node.body:
        if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
            arguments = [*inner.args.posonlyargs, *inner.args.args, *inner.args.kwonlyargs]
            return [argument.arg for argument in arguments[1:]]
    if not any("attrs." in ast.unparse(decorator) for decorator in node.decorator_list):
        return []
    return [
        ast.unparse(inner.target)
        for inner in node.body
        if isinstance(inner, ast.AnnAssign) and "init=False" not in ast.unparse(inner)
    ]


def attributes_of(node: ast.ClassDef) -> set[str]:
    """Return every name that is assigned on ``self`` in the class, and the fields of an attrs class that can change."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store) and ast.unparse(inner.value) == "self":
            found.add(inner.attr)
    if any("attrs.define" in ast.unparse(decorator) for decorator in node.decorator_list):
        found |= {ast.unparse(inner.target) for inner in node.body if isinstance(inner, ast.AnnAssign)}
    return found


def test_no_module_is_too_long() -> None:
    def problems() -> Iterator[str]:
        for path in python_files(*UNITS, "bench", "examples", "tests"):
            count = len((ROOT / path).read_text().splitlines())
            limit = ROOT_LINES if path == Path("supervisor.py") else MODULE_LINES
            if count > limit:
                yield f"{path}: {count} lines, at most {limit}"

    check(problems())


def test_no_function_is_too_long() -> None:
    def problems() -> Iterator[str]:
        for path in python_files(*UNITS, "bench", "examples", "tests"):
            for node in functions(path):
                if body_lines(node) > FUNCTION_LINES:
                    yield f"{path}:{node.lineno}: {node.name} has {body_lines(node)} lines, at most {FUNCTION_LINES}"

    check(problems())


def test_no_class_is_too_large() -> None:
    def problems() -> Iterator[str]:
        for path in python_files():
            for node in classes(path):
                if lines_of(node) > CLASS_LINES:
                    yield f"{path}:{node.lineno}: {node.name} has {lines_of(node)} lines, at most {CLASS_LINES}"
                if len(methods_of(node)) > CLASS_METHODS:
                    count = len(methods_of(node))
                    yield f"{path}:{node.lineno}: {node.name} has {count} methods, at most {CLASS_METHODS}"

    check(problems())


def test_no_constructor_takes_too_much_and_no_object_holds_too_much() -> None:
    def problems() -> Iterator[str]:
        for path in python_files():
            if path.as_posix() in WIDE_FILES:
                continue
            for node in classes(path):
                is_view = node.name.endswith("Statistics")  # as wide as its subject
                if len(fields_of(node)) > FIELDS and not is_view:
                    yield f"{path}:{node.lineno}: {node.name} takes {len(fields_of(node))} values, at most {FIELDS}"
                if len(attributes_of(node)) > ATTRIBUTES and (path.as_posix(), node.name) not in FULL_CLASSES:
                    count = len(attributes_of(node))
                    yield f"{path}:{node.lineno}: {node.name} holds {count} attributes, at most {ATTRIBUTES}"

    check(problems())


# --- habits --------------------------------------------------------------------------------------


def catches_everything(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(kind) in {"Exception", "BaseException"} for kind in kinds)


def is_raised_again(handler: ast.ExceptHandler) -> bool:
    return isinstance(handler.body[-1], ast.Raise)


def test_no_module_swallows_every_exception() -> None:
    def problems() -> Iterator[str]:
        for path in python_files(*UNITS, "bench"):
            if path.as_posix() in BROAD_EXCEPT_FILES:
                continue
            for node in ast.walk(parsed(path)):
                if isinstance(node, ast.ExceptHandler) and catches_everything(node) and not is_raised_again(node):
                    yield f"{path}:{node.lineno}: a broad except must raise again"

    check(problems())


def test_nothing_is_left_to_do_in_a_comment() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X:")

    def problems() -> Iterator[str]:
        for path in python_files(*UNITS, "bench", "examples", "tests"):
            for number, line in enumerate((ROOT / path).read_text().splitlines(), start=1):
                if any(mark in line for mark in marks):
                    yield f"{path}:{number}: {line.strip()}"

    check(problems())


def sleeps(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "asyncio.sleep", "trio.sleep"}:
            yield node.lineno, ast.unparse(node.func)


def test_no_test_sleeps_in_real_time() -> None:
    def problems() -> Iterator[str]:
        for path in python_files("tests"):
            if "system" in path.parts or not path.name.startswith("test_"):
                continue  # what a test starts may sleep: that is often what it is for
            has_virtual_clock = "clock" in (ROOT / path).read_text()
            for line, function in sleeps(path):
                if function != "trio.sleep" or not has_virtual_clock:
                    yield f"{path}:{line}: {function} where no clock jumps"

    check(problems())


def test_protocol_takes_the_time_as_an_argument() -> None:
    def problems() -> Iterator[str]:
        for path in python_files("protocol", "config"):
            for module, line in imported_modules(path):
                if module in {"time", "random", "socket", "threading", "asyncio", "subprocess"}:
                    yield f"{path}:{line}: {unit_of(path)} is pure and must not import {module}"

    check(problems())


def test_the_runtime_reads_no_wall_clock() -> None:
    def problems() -> Iterator[str]:
        for path in python_files("runtime"):
            for node in ast.walk(parsed(path)):
                if isinstance(node, ast.Attribute) and ast.unparse(node) in {
                    "time.time",
                    "datetime.now",
                    "dt.datetime",
                }:
                    yield f"{path}:{node.lineno}: {ast.unparse(node)} jumps when somebody sets the clock"

    check(problems())


# --- the rules can fail --------------------------------------------------------------------------


def parse_class(text: str) -> ast.ClassDef:
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.ClassDef)
    return node


def test_sizes_are_counted_as_the_table_says() -> None:
    node = parse_class(
        "@attrs.define\n"
        "class A:\n"
        "    x: int\n"
        "    y: int = attrs.field(init=False)\n"
        "    def f(self):\n"
        '        """Two\n        lines."""\n'
        "        self.z = 1\n"
        "    @property\n"
        "    def g(self): ...\n"
        "    def __repr__(self): ...\n"
    )
    assert methods_of(node) == ["f"]
    assert fields_of(node) == ["x"]
    assert attributes_of(node) == {"x", "y", "z"}
    function = next(inner for inner in node.body if isinstance(inner, ast.FunctionDef))
    assert body_lines(function) == 2


def test_a_repr_is_seen() -> None:
    node = ast.parse("def statistics(self):\n    return {\n'a': repr(self),\n'b': f'{self!r}',\n'c': f'{self}'}")
    assert list(reprs_in(node)) == [3, 4]


@pytest.mark.parametrize(
    ("text", "is_swallowed"),
    [
        ("try: f()\nexcept Exception: pass", True),
        ("try: f()\nexcept: pass", True),
        ("try: f()\nexcept (KeyError, BaseException): log()", True),
        ("try: f()\nexcept BaseException:\n    g()\n    raise", False),
        ("try: f()\nexcept KeyError: pass", False),
    ],
)
def test_a_swallowed_exception_is_seen(text: str, is_swallowed: bool) -> None:
    (handler,) = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ExceptHandler))
    assert (catches_everything(handler) and not is_raised_again(handler)) is is_swallowed


@pytest.mark.parametrize(
    ("module", "unit", "is_allowed"),
    [
        ("backends.protocols", "actors", True),
        ("backends.storage.sqlite", "actors", False),
        ("runtime.workers.pool", "backends", True),
        ("actors.audio", "backends", False),
        ("protocol.messages.events", "config", False),
    ],
)
def test_ranks_are_as_the_table_says(module: str, unit: str, is_allowed: bool) -> None:
    assert is_within(module, OURS[unit]) is is_allowed
