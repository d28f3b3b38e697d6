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
        "23: a value must be a text, or have in and out, not True; quote it",
        "23: a value must be a text, or have in and out, not {'in': 'x'}",
        "3: NoTool must have a tool as server/tool, not None",
        "7: BadTool must have a tool as server/tool, not 'lamp'",
        "9: sentences must hold texts, not int 5; quote it",
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
        ("language: [", "is no YAML"),
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
