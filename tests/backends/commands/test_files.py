import pytest

from backends.commands.files import AskedSlot, CommandFileError, load_files

GOOD = """\
language: en
intents:
  OrderDrink:
    tool: coffee/order
    arguments: {drink: "{drink}", size: "{size}", from: voice}
    data:
      - sentences:
          - "(order|get me) [a] [{size}] {drink}"
  Say:
    server: home
    tool: say
    vocabulary: ["say it loud"]
    data:
      - sentences: ["say {words} aloud"]
lists:
  drink: {values: [espresso, {in: "(white coffee|latte)", out: latte}]}
  size: {values: [small, "twenty-ounce"]}
  words: {wildcard: true, type: text}
skip_words: [please]
"""
BAD = """\
language: en
intents:
  NoTool:
    data:
      - sentences: ["do it"]
  BadTool:
    tool: lamp
    data:
      - sentences: ["light on {room}", "light (on", "{text}", "go <away>", 5]
  BadSlot:
    tool: a/b
    arguments: {x: "{colour}"}
    colour: red
    data:
      - sentences: ["paint it"]
  NoData:
    tool: a/b
lists:
  nothing: {}
  both: {values: [a], wildcard: true}
  range: {range: {from: 5, to: 1}}
  odd: {wildcard: true, type: colour}
  yes_no: {values: [on, {in: "x"}]}
extra: 1
"""


def write(tmp_path, *texts):
    paths = []
    for number, text in enumerate(texts):
        paths.append(tmp_path / f"{number}.yaml")
        paths[-1].write_text(text)
    return paths


def test_a_good_file_is_read(tmp_path):
    (file,) = load_files(write(tmp_path, GOOD), extra_lists={"program": ["editor"]})

    order, say = file.commands["OrderDrink"], file.commands["Say"]
    assert (order.server, order.tool, order.phrases) == ("coffee", "order", ("order a espresso",))
    assert (say.server, say.tool, say.arguments, say.phrases) == ("home", "say", None, ("say it loud",))
    assert file.language == "en"
    assert file.slot_types["words"] == "text"
    assert {"order", "espresso", "latte", "coffee", "20", "ounce", "aloud"} <= file.words
    assert file.values == ("espresso", "white coffee", "small", "twenty-ounce")


def test_all_problems_are_reported_at_once_each_with_its_line(tmp_path):
    with pytest.raises(CommandFileError) as caught:
        load_files(write(tmp_path, BAD), extra_lists={})

    problems = [problem.partition(".yaml:")[2] for problem in caught.value.problems]
    for expected in [
        "24: unknown key 'extra'",
        "19: a list must have either values, or a range, or wildcard: true",
        "20: a list must have either values",
        "21: a range must have whole numbers from <= to, not 5, 1",
        "22: type must be one of text, number,",
        "23: quote it: on and off are true and false in YAML",
        "23: a value must be a text, or have in and out, not {'in': 'x'}",
        "3: NoTool must have a tool as server/tool, not None",
        "7: BadTool must have a tool as server/tool, not 'lamp'",
        "9: quote it: 5 is a number in YAML",
        "9: there is no list {room}; there are: ",
        "9: 'light (on' cannot be read",
        "9: a sentence must have a word besides its slots, not only '{text}'",
        "9: there is no expansion rule <away>",
        "13: unknown key 'colour'",
        "12: no sentence has the slot {colour}; there are: none",
        "16: data must be a list of blocks with sentences",
    ]:
        assert any(problem.startswith(expected) for problem in problems), (expected, problems)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("intents: {}", "language must be a code such as en, not None"),
        ("language: English", "language must be a code such as en, not 'English'"),
        ("language: en", "must have at least one intent"),
        ("- a\n- b", "the file must be a mapping of names, not a list"),
        ("language: en\nintents: [a]", "intents must be a mapping of names"),
        ("language: [", "must be closed"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path, text, problem):
    with pytest.raises(CommandFileError, match=problem):
        load_files(write(tmp_path, text), extra_lists={})


def test_the_same_name_in_two_files_is_refused_and_both_are_named(tmp_path):
    with pytest.raises(CommandFileError, match=r"1\.yaml:3: 'OrderDrink' is already defined in .*0\.yaml:3"):
        load_files(write(tmp_path, GOOD, GOOD), extra_lists={})


def test_the_same_name_in_two_languages_is_two_commands(tmp_path):
    files = load_files(write(tmp_path, GOOD, GOOD.replace("language: en", "language: de-AT")), extra_lists={})

    assert [file.language for file in files] == ["en", "de"]


def test_what_cannot_be_asked_for_is_told_with_its_line(tmp_path):
    text = GOOD.replace(
        "    arguments: {drink", '    asks: {drink: 5,\n      colour: "Which?", size: " "}\n    arguments: {drink', 1
    )
    with pytest.raises(CommandFileError) as caught:
        load_files(write(tmp_path, text), extra_lists={})

    assert [problem.partition(".yaml:")[2] for problem in caught.value.problems] == [
        "5: a question must be a text such as 'How long?', not 5",
        "6: no sentence fills the slot 'colour' from a list; there are: drink, size",
        "6: a question must be a text such as 'How long?', not ' '",
    ]


def test_slots_are_asked_for_in_the_order_of_the_questions(tmp_path):
    text = GOOD.replace(
        "    arguments: {drink", '    asks: {size: "Which size?", drink: "What?"}\n    arguments: {drink', 1
    )
    (file,) = load_files(write(tmp_path, text), extra_lists={})

    assert file.commands["OrderDrink"].asks == (
        AskedSlot("size", "Which size?", ("size",)),
        AskedSlot("drink", "What?", ("drink",)),
    )
    assert file.commands["Say"].asks == ()


SAMPLED = """\
language: en
intents:
  Light:
    tool: home/light
    data:
      - sentences:
          - "turn on [the] {room} light"
          - "turn on [the] light in [the] {room}"
          - "(switch|turn) on [the] {room} light"
          - "turn on [the] {other} light"
          - "light in [the] {room} on"
          - "{room} light"
  Say:
    tool: home/say
    data:
      - sentences: ["say {other} aloud", "say {other} {count} times", "call {other}", "read {other}"]
lists:
  room: {values: [kitchen, hall]}
  other: {wildcard: true}
  count: {range: {from: 2, to: 9}}
"""


def test_samples_are_the_first_sentences_with_other_values_each(tmp_path):
    (file,) = load_files(write(tmp_path, SAMPLED), extra_lists={})

    assert file.commands["Light"].samples == (
        "turn on the kitchen light",
        "turn on the light in the hall",
        "switch on the kitchen light",
    )


def test_free_text_in_samples_is_shown_as_such_where_there_is_no_sentence_without(tmp_path):
    (file,) = load_files(write(tmp_path, SAMPLED), extra_lists={})

    assert file.commands["Say"].samples == ("say … aloud", "say … 2 times", "call …")


BASE = "language: en\nintents:\n  A:\n    tool: a/b\n    data:\n      - sentences: [do it]\n"  # six lines
ON_OFF = "quote it: on and off are true and false in YAML"
YES_NO = "quote it: yes and no are true and false in YAML"
OF_TOO_MUCH = "a file may hold 100000 values at most, those that aliases stand for included"
TOO_DEEP = "lists and mappings may lie 32 deep within each other at most"
BOMB = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"b{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]\n" for number in range(1, 9)
)
CHAIN = "a: &a0 [x]\n" + "".join(f"b{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60))
RULES = "".join(f"  r{n}: '{' '.join([f'<r{n + 1}>'] * 9)}'\n" for n in range(6)) + "  r6: x\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # nesting, aliases
        (BASE + "lists: " + "[" * 5_000, f":7: {TOO_DEEP}"),
        (BASE + "lists: " + "{a: " * 5_000, f":7: {TOO_DEEP}"),
        (BASE + "lists:\n" + "".join(" " * n + "a:\n" for n in range(1, 200)), f":38: {TOO_DEEP}"),
        (BASE + "lists: &a [*a]\n", ":7: *a must not be used within what it stands for"),
        (BASE + "lists: &a\n  b:\n    - c: *a\n", ":9: *a must not be used within what it stands for"),
        (BOMB, f":5: {OF_TOO_MUCH}"),
        (CHAIN, f":32: {TOO_DEEP}"),
        (BASE.replace("do it", "(" * 5_000), ":6: a sentence may have 4000 letters at most, not 5000"),
        (BASE.replace("do it", "'" + "[" * 500 + "a" + "]" * 500 + "'"), ":6: brackets may lie 12 deep within each"),
        (BASE + "expansion_rules:\n  a: x <b>\n  b: y <a>\n", ":8: the rule <a> must not name itself, directly or"),
        (BASE + "expansion_rules:\n" + RULES, "the rule <r2> may have 5000 parts at most"),
        # what YAML does not take as a text
        (BASE.replace("A:", "on:"), f":3: {ON_OFF}"),
        (BASE.replace("A:", "No:"), f":3: {YES_NO}"),
        (BASE.replace("A:", "12:"), ":3: quote it: 12 is a number in YAML"),
        (BASE.replace("A:", "null:"), ":3: quote it: null is nothing in YAML"),
        (BASE.replace("A:", "2026-02-30:"), ":3: quote it: 2026-02-30 is a date in YAML"),
        (BASE.replace("A:", "{b: c}:"), ":3: a name must be a text: quote a text that begins with { or ["),
        (BASE.replace("A:", "? [b]\n  :"), ":3: a name must be a text: quote a text that begins with { or ["),
        (BASE + "lists:\n  off: {values: [a]}\n", f":8: {ON_OFF}"),
        (BASE + "lists:\n  state:\n    values:\n      - on\n", f":10: {ON_OFF}"),
        (BASE + "lists:\n  state:\n    values:\n      - {in: out, out: off}\n", f":10: {ON_OFF}"),
        (BASE + "lists:\n  state:\n    values:\n      - {in: yes, out: x}\n", f":10: {YES_NO}"),
        (BASE + "lists:\n  state:\n    values:\n      - 7\n", ":10: quote it: 7 is a number in YAML"),
        (BASE + "lists:\n  state:\n    values:\n      - {in: true, out: x}", ":10: quote it: true and false are true"),
        (BASE + "lists:\n  state:\n    values:\n      - {in: x, out: [1]}", ":10: a value must be a text, or have"),
        (BASE.replace("do it", "2026-02-30"), ":6: quote it: 2026-02-30 is a date in YAML"),
        (BASE.replace("do it", "2026-02-03"), ":6: quote it: 2026-02-03 is a date in YAML"),
        (BASE.replace("do it", "no"), f":6: {YES_NO}"),
        (BASE.replace("do it", "~"), ":6: quote it: ~ is nothing in YAML"),
        (
            BASE.replace("do it", "{drink}"),
            ":6: sentences must be text, not a mapping; quote a text that begins with {",
        ),
        (BASE + "    arguments: {n: .inf}\n", ":7: quote it: .inf is a number in YAML"),
        (BASE + "    arguments: {n: " + "9" * 5_000 + "}\n", ":7: quote it: 9999"),
        (BASE + "    arguments: {n: 1" + ":1" * 5_000 + "}\n", ":7: quote it: 1:1:"),
        (BASE + "    arguments: {n: !!int x}\n", ":7: a text that begins with ! must be quoted"),
        (BASE + "    arguments: !!python/object:os.system x\n", ":7: a text that begins with ! must be quoted"),
        # no text
        (BASE.replace("do it", "d\0 it"), ":6: the file must be UTF-8 text without control characters: remove U+0000"),
        (
            BASE.replace("do it", "d\x1b it"),
            ":6: the file must be UTF-8 text without control characters: remove U+001B",
        ),
        (BASE.encode("utf-16"), ":1: the file must be UTF-8 text, not UTF-16: save it as UTF-8"),
        (BASE.replace("do it", "öffne").encode("latin-1"), ":6: the file must be UTF-8 text: the byte 0xf6 is not"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), ":1: the file must be UTF-8 text: the byte 0x89 is not"),
        (BASE + "#" * 2**20, ".yaml: a command file may have 1 MiB at most: split it or shorten it"),
        # no YAML
        (BASE.replace("      -", "\t-"), ":6: use spaces instead of tabs to indent"),
        (BASE.replace("a/b", "{a}/b"), ":4: quote a value that begins with {"),
        (BASE.replace("[do it]", "\n        - {a} please"), ":7: quote a value that begins with {"),
        (BASE.replace("[do it]", "\n        - [a] light"), ":7: quote a value that begins with ["),
        (BASE.replace("do it]", "do it"), ":6: the [ that begins here must be closed with ]"),
        (BASE + "lists: {a: {values: [b]}\nskip_words: [c]\n", ":7: the { that begins here must be closed with }"),
        (BASE.replace("do it", "'do it"), ":6: the quotation mark that begins here must be closed"),
        (BASE.replace("do it", '"do \\w"'), ":6: write a backslash between double quotes twice, or use single quotes"),
        (BASE.replace("a/b", "@b"), ":4: quote a value that begins with @"),
        (BASE.replace("a/b", "}b"), ":4: quote a value that begins with }"),
        (BASE.replace("a/b", "*b*"), ":4: quote a text that begins with * or &"),
        (BASE.replace("a/b", "*b"), ":4: quote a text that begins with *"),
        (BASE.replace("a/b", "a: b"), ":4: a colon is not expected here: quote a text that has a colon"),
        (BASE.replace("a/b", "'it's'"), ":4: the text goes on after its end: put quotes around all of it"),
        (BASE + "   skip_words: [x]\n", ":7: the indentation must be that of the lines that belong together"),
        (BASE + "skip\n", ":7: a name must be followed by a colon and a space"),
        (BASE + "---\na: 1\n", ":7: a file must have one document only: remove the line ---"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_place_and_what_to_do(tmp_path, text, expected):
    path = tmp_path / "commands.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CommandFileError) as caught:
        load_files([path], extra_lists={})

    problems = [problem.removeprefix(str(tmp_path)) for problem in caught.value.problems]
    assert any(expected in problem for problem in problems), problems
    assert all("\n" not in problem and len(problem) < 220 for problem in problems)


def test_numbers_and_true_and_false_are_values_where_they_are_written_so(tmp_path):
    text = BASE + "lists:\n  level:\n    values: [{in: low, out: 1}, {in: loud, out: true}]\n"
    (file,) = load_files(write(tmp_path, text), extra_lists={})

    assert [value["out"] for value in file.document["lists"]["level"]["values"]] == [1, True]


def test_the_first_of_very_many_problems_are_told(tmp_path):
    with pytest.raises(CommandFileError) as caught:
        load_files(write(tmp_path, BASE + "".join(f"k{number}: 1\n" for number in range(70))), extra_lists={})

    assert len(caught.value.problems) == 51
    assert caught.value.problems[-1] == "and 20 more problems"
