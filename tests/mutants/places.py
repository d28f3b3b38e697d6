"""Finds every place of a source file where one small change makes another program, and what the change is.

Left out is what no test should depend on: log lines, annotations, docstrings, ``__repr__``, assertions that must never
be reached, and the numbers of a module's constants, which are tuned and where one more or less is no fault.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

LOGGERS: Final = frozenset({"log", "logger", "_log"})
UNTESTED_FUNCTIONS: Final = frozenset({"__repr__"})
TYPES_ONLY: Final = frozenset({"annotation", "returns", "decorator_list", "type_params", "bases"})
DANGEROUS_CALLS: Final = frozenset({"os.kill", "os.killpg", "shutil.rmtree"})  # another argument hits another task
TYPE_CALLS: Final = frozenset({"TypeVar", "NewType", "ParamSpec", "cast"})

COMPARISONS: Final[Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: Final[Mapping[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
OPPOSITES: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}


@attrs.frozen(order=True)
class Place:
    """One change: the bytes from ``start`` up to ``end`` of a source file become ``after``."""

    line: int
    start: int
    end: int
    before: str
    after: str

    def applied_to(self, source: str) -> str:
        """Return the changed source."""
        data = source.encode()
        return (data[: self.start] + self.after.encode() + data[self.end :]).decode()


def places_in(source: str) -> list[Place]:
    """Return every change of a source file, in its order."""
    data = source.encode()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = set()
    for node, after in _changes(ast.parse(source), is_constant=True):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        before = ast.unparse(node)
        if before != ast.unparse(ast.parse(after)):
            found.add(Place(node.lineno, start, end, before, after))
    return sorted(found)


Change = tuple[Any, str]  # an expression or a statement, and what stands there instead


def _changes(node: ast.AST, *, is_constant: bool) -> Iterator[Change]:
    """Yield what can be changed in ``node``; ``is_constant`` at the level of a module, where numbers are tuned."""
    for child in _tested_children(node):
        if not (is_constant and isinstance(child, ast.Constant | ast.UnaryOp | ast.BinOp)):
            yield from _changes_of(child)
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        yield from _changes(child, is_constant=is_constant and not inside)


def _tested_children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of ``node`` that tests have to do with."""
    for name, value in ast.iter_fields(node):
        if name in TYPES_ONLY or (name == "keywords" and isinstance(node, ast.ClassDef)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_left_out(child):
                yield child


def _is_left_out(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Assert() | ast.Expr(value=ast.Constant()):
            is_left_out = True  # words for people; names of types
        case ast.Raise(exc=ast.Call(func=ast.Name(id="AssertionError"))):
            is_left_out = True
        case ast.FunctionDef(name=name, decorator_list=decorators):
            is_left_out = name in UNTESTED_FUNCTIONS or "overload" in map(ast.unparse, decorators)
        case ast.ClassDef(bases=bases):
            is_left_out = any(ast.unparse(base).partition("[")[0] == "Protocol" for base in bases)
        case ast.If(test=test):
            is_left_out = ast.unparse(test) == "TYPE_CHECKING"
        case ast.Call(func=func):
            is_left_out = _is_log(func) or ast.unparse(func) in TYPE_CALLS | DANGEROUS_CALLS
        case ast.Expr(value=value):
            is_left_out = _is_left_out(value)
        case _:
            is_left_out = False
    return is_left_out


def _is_log(func: ast.expr) -> bool:
    return isinstance(func, ast.Attribute) and ast.unparse(func.value).rpartition(".")[2] in LOGGERS


# --- what a node can become ----------------------------------------------------------------------


def _changes_of(node: Any) -> Iterator[Change]:
    for test in _bare_tests(node):
        yield test, f"(not {_bracketed(test)})"
    for kind, become in BECOMES.items():
        if isinstance(node, kind):
            yield from ((node, after) for after in become(node))


def _bare_tests(node: ast.AST) -> list[ast.expr]:
    """Return the conditions of ``node`` that nothing below would turn into their opposite."""
    tests = node.ifs if isinstance(node, ast.comprehension) else [getattr(node, "test", None)]
    return [test for test in tests if isinstance(test, ast.Name | ast.Attribute | ast.Call | ast.NamedExpr)]


def _compare(node: ast.Compare) -> Iterator[str]:
    if len(node.ops) == 1:
        for operator in COMPARISONS[type(node.ops[0])]:
            yield _bracketed(ast.Compare(node.left, [operator()], node.comparators))


def _arithmetic(node: ast.BinOp) -> Iterator[str]:
    operator = ARITHMETIC.get(type(node.op))
    if operator is not None and not any(map(_is_text, (node.left, node.right))):
        yield _bracketed(ast.BinOp(node.left, operator(), node.right))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def _either(node: ast.BoolOp) -> Iterator[str]:
    yield _bracketed(ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values))


def _unary(node: ast.UnaryOp) -> Iterator[str]:
    if isinstance(node.op, ast.Not | ast.USub):
        yield _bracketed(node.operand)


def _constant(node: ast.Constant) -> Iterator[str]:
    if isinstance(node.value, bool):
        yield repr(not node.value)
    elif isinstance(node.value, int | float):
        yield from (f"({node.value + step!r})" for step in (1, -1))


def _return(node: ast.Return) -> Iterator[str]:
    if node.value is not None:
        yield "return None"


def _condition(node: ast.IfExp) -> Iterator[str]:
    yield _bracketed(ast.IfExp(node.test, node.orelse, node.body))


def _call(node: ast.Call) -> Iterator[str]:
    if isinstance(node.func, ast.Name) and node.func.id in OPPOSITES:
        yield _bracketed(ast.Call(ast.Name(OPPOSITES[node.func.id]), node.args, node.keywords))
    elif len(node.args) > 1 and not any(isinstance(one, ast.Starred) for one in node.args[:2]):
        first, second, *others = node.args
        yield _bracketed(ast.Call(node.func, [second, first, *others], node.keywords))


def _removed(_: ast.AST) -> Iterator[str]:
    yield "pass"


def _assigned(node: ast.Assign | ast.AugAssign) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if isinstance(node, ast.AugAssign) or all(isinstance(one, ast.Attribute | ast.Subscript) for one in targets):
        yield "pass"  # without a name of its own what follows would only fail to find it


def _augmented(node: ast.AugAssign) -> Iterator[str]:
    yield from _assigned(node)
    operator = ARITHMETIC.get(type(node.op))
    if operator is not None:
        yield ast.unparse(ast.AugAssign(node.target, operator(), node.value))


def _bracketed(node: ast.expr) -> str:
    return f"({ast.unparse(ast.fix_missing_locations(node))})"


BECOMES: Final[Mapping[type[ast.AST], Callable[..., Iterator[str]]]] = {
    ast.Compare: _compare,
    ast.BinOp: _arithmetic,
    ast.BoolOp: _either,
    ast.UnaryOp: _unary,
    ast.Constant: _constant,
    ast.Return: _return,
    ast.IfExp: _condition,
    ast.Call: _call,
    ast.Expr: _removed,
    ast.Raise: _removed,
    ast.Continue: _removed,
    ast.Break: _removed,
    ast.Delete: _removed,
    ast.Assign: _assigned,
    ast.AugAssign: _augmented,
}
