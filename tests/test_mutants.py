"""Random mutants: what can be changed, that a seed always draws the same, and how each is judged."""

import ast
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mutants import __main__ as tool
from tests.mutants import drawing, judging
from tests.mutants.drawing import Mutant, all_mutants, drawn, mutants_of, nearest_tests
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.judging import Verdict, judge, red_at_rest
from tests.mutants.places import places_in
from tests.mutations import running
from tests.source_tree import ROOT

TOY = "def larger(a, b):\n    return a if a > b else b\n"


def changes(source: str) -> set[tuple[str, str]]:
    return {(place.before, place.after) for place in places_in(source)}


@pytest.mark.parametrize(
    ("body", "before", "after"),
    [
        ("return a < b", "a < b", "(a <= b)"),
        ("return a < b", "a < b", "(a >= b)"),
        ("return a is None", "a is None", "(a is not None)"),
        ("return a + b", "a + b", "(a - b)"),
        ("return a and b", "a and b", "(a or b)"),
        ("return not a", "not a", "(a)"),
        ("return 7", "7", "(8)"),
        ("return 7", "7", "(6)"),
        ("return True", "True", "False"),
        ("return a", "return a", "return None"),
        ("return a if b else c", "a if b else c", "(c if b else a)"),
        ("return min(a, b)", "min(a, b)", "(max(a, b))"),
        ("return f(a, b)", "f(a, b)", "(f(b, a))"),
        ("if a.is_old: return", "a.is_old", "(not (a.is_old))"),
        ("return [c for b in a if b.d]", "b.d", "(not (b.d))"),
        ("a.forget()", "a.forget()", "pass"),
        ("a.count += 1", "a.count += 1", "pass"),
        ("a.count += 1", "a.count += 1", "a.count -= 1"),
        ("a.count = b", "a.count = b", "pass"),
        ("raise KeyError", "raise KeyError", "pass"),
    ],
)
def test_this_becomes_that(body, before, after):
    source = f"def f(a, b, c):\n    {body}\n"
    assert (before, after) in changes(source)
    (place,) = (place for place in places_in(source) if (place.before, place.after) == (before, after))
    assert place.line == 2
    assert (
        ast.unparse(ast.parse(place.applied_to(source)))
        == ast.unparse(ast.parse(f"def f(a, b, c):\n    {body.replace(before, after)}"))
        or body.count(before) > 1
    )


@pytest.mark.parametrize(
    "source",
    [
        "LIMIT = 1 << 18",
        "def f(a: 'int' = None) -> 'dict[str, 1]': pass",
        "def f():\n    'A docstring.'",
        "def f(log):\n    log.info('seen', count=1 + 1)",
        "def f(a):\n    a._log.info('seen')",
        "def f(a):\n    raise AssertionError(a + 1)",
        "def f(a):\n    assert a > 1",
        "class A:\n    def __repr__(self):\n        return 1",
        "class A(Protocol):\n    def f(self):\n        return 1",
        "if TYPE_CHECKING:\n    f(1, 2)",
        "import a",
        "def f(a):\n    os.kill(a, 9)",
        "def f(a):\n    b = a",
        "@attrs.define(eq=False)\nclass A: pass",
    ],
)
def test_what_no_test_should_depend_on_is_left_alone(source):
    assert changes(source) == set()


def test_words_beyond_ascii_move_nothing():
    source = 'def f(a):\n    return "Grüße — ", a + 1\n'
    (place,) = (place for place in places_in(source) if place.after == "(a - 1)")
    assert place.applied_to(source) == 'def f(a):\n    return "Grüße — ", (a - 1)\n'


def test_every_mutant_of_a_file_is_python():
    path = Path("protocol/audio/endpointing.py")
    source = (ROOT / path).read_text()
    found = list(mutants_of(path))
    assert len(found) > 50
    for mutant in found:
        compile(mutant.place.applied_to(source), mutant.file, "exec", dont_inherit=True)


def test_a_seed_always_draws_the_same_mutants():
    mutants = all_mutants("protocol/audio/captions")
    assert drawn(1, 9, mutants) == drawn(1, 9, all_mutants("protocol/audio/captions"))
    assert drawn(1, 9, mutants) != drawn(2, 9, mutants)
    assert len(set(drawn(1, 9, mutants))) == 9
    assert set(drawn(1, 9**9, mutants)) == set(mutants)


def test_what_is_known_to_change_nothing_is_not_drawn(monkeypatch):
    path = Path("protocol/audio/captions.py")
    first, *others = mutants_of(path)
    line = (ROOT / path).read_text().splitlines()[first.place.line - 1].strip()
    monkeypatch.setattr(drawing, "EQUIVALENT", {(first.file, line, first.place.after): "as if it changed nothing"})
    assert list(mutants_of(path)) == others


def test_what_is_known_to_change_nothing_still_exists():
    for file, line, after in EQUIVALENT:
        source = (ROOT / file).read_text()
        lines = source.splitlines()
        assert any((lines[place.line - 1].strip(), place.after) == (line, after) for place in places_in(source)), (
            f"{file} has no line {line!r} that can become {after!r}"
        )


def test_the_tests_of_a_file_come_before_those_of_its_folder_and_those_that_import_it():
    tests = nearest_tests("protocol/admission/load.py")
    assert tests[0] == "tests/protocol/admission/test_load.py"
    assert tests.index("tests/protocol/admission/test_places.py") < tests.index("tests/actors/test_load.py")
    assert all((ROOT / test).is_file() for test in tests)
    assert not any(test.startswith("tests/system/") or test == "tests/test_mutations.py" for test in tests)


# --- how one is judged ---------------------------------------------------------------------------


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A tree of one module; a test is the program that stands for pytest."""

    @contextmanager
    def tree():
        (tmp_path / "toy.py").write_text(TOY)
        yield tmp_path

    def with_test(program: str) -> None:
        monkeypatch.setattr(running, "PYTEST", ("-c", program))

    monkeypatch.setattr(judging, "copied_tree", tree)
    monkeypatch.setattr(judging, "nearest_tests", lambda file: ("tests/test_toy.py",))
    return with_test


def mutant(after: str) -> Mutant:
    (place,) = (place for place in places_in(TOY) if place.after == after)
    return Mutant("toy.py", place)


def test_a_mutant_that_a_test_notices_is_noticed(toy):
    toy("import toy; assert toy.larger(1, 2) == 2")
    assert judge(mutant("(b if a > b else a)")).verdict is Verdict.NOTICED
    assert judge(mutant("return None")).is_noticed


def test_a_mutant_that_no_test_notices_survives(toy):
    toy("import toy; assert toy.larger(1, 2) == 2")
    judged = judge(mutant("(a >= b)"))
    assert (judged.verdict, judged.is_noticed) == (Verdict.SURVIVED, False)


def test_a_mutant_whose_tests_hang_is_noticed(toy, monkeypatch):
    toy("import threading; threading.Event().wait()")
    monkeypatch.setattr(judging, "TIMEOUT_S", 0.2)
    judged = judge(mutant("(a >= b)"))
    assert (judged.verdict, judged.is_noticed) == (Verdict.HUNG, True)


def test_a_file_without_tests_lets_every_mutant_survive(toy, monkeypatch):
    toy("assert False")
    monkeypatch.setattr(judging, "nearest_tests", lambda file: ())
    assert judge(mutant("return None")).verdict is Verdict.SURVIVED


def test_tests_that_are_red_at_rest_say_nothing(toy):
    toy("raise SystemExit('1 failed')")
    assert "1 failed" in red_at_rest([mutant("return None")])
    toy("")
    assert red_at_rest([mutant("return None")]) == ""


@pytest.mark.parametrize(("program", "status"), [("", 1), ("import toy; assert toy.larger(1, 2)", 0)])
def test_the_tool_names_what_survived_and_ends_with_one(toy, monkeypatch, capsys, program, status):
    toy(program)
    monkeypatch.setattr(tool, "red_at_rest", lambda mutants: "")
    monkeypatch.setattr(tool, "all_mutants", lambda only: [mutant("return None")])
    assert tool.main(["--seed", "3", "--count", "5", "--processes", "2"]) == status
    said = capsys.readouterr().out
    assert "toy.py:2  return a if a > b else b  ->  return None" in said
    assert said.count("toy.py:2") == 1 + status
    assert said.splitlines()[1].startswith("seed 3: 1 mutants in ")
    assert said.splitlines()[1].endswith(f" s, {status} survived")


def test_the_tool_judges_nothing_while_tests_are_red(toy, monkeypatch, capsys):
    toy("raise SystemExit('1 failed')")
    monkeypatch.setattr(tool, "all_mutants", lambda only: [mutant("return None")])
    assert tool.main([]) == 1
    assert "tests fail although nothing is changed" in capsys.readouterr().out
