import pytest

from backends.commands.templates import check_rules, example, literal_words, normalised_template, parsed, slots_of, walk


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Set [a] timer[s] for {duration}", "set [a] timer[s] for {duration}"),
        ("What's (on|in) my to-do list?", "whats (on|in) my to do list"),
        ("order (twenty-five|one hundred) <Extra>", "order (25|100) <Extra>"),
        ("to[-]do", "to[ ]do"),
        ("{A_b:c} Twenty", "{A_b:c} 20"),
        ("(a|b);(c|d)", "(a|b);(c|d)"),
    ],
)
def test_templates_are_written_as_spoken_text_is(template, expected):
    assert normalised_template(template, "en") == expected


@pytest.mark.parametrize("template", ["set (a timer", "set [a timer", "what {is", "a) b"])
def test_a_template_that_cannot_be_read_is_shown(template):
    with pytest.raises(ValueError, match="cannot be read"):
        parsed(template)


def test_rules_are_entered_for_words_and_slots():
    rules = {"verb": parsed("(order|get me)"), "what": parsed("[a] {size} {drink:kind}")}
    sentence = parsed("<verb> <what> please")

    assert literal_words(sentence, rules, "en") == {"order", "get", "me", "a", "please"}
    assert [slot.slot_name for slot in slots_of(sentence, rules)] == ["size", "kind"]


def test_rules_that_name_each_other_end():
    rules = {"a": parsed("x <b>"), "b": parsed("y <a>")}

    assert len(list(walk(parsed("<a>"), rules))) < 200
    assert example(parsed("<a>"), rules, {}).startswith("x y")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("(set|start) [a|the] [egg] timer for {duration}", "set a timer for ten minutes"),
        ("turn on [<article>] light", "turn on the light"),
        ("<verb> it [now]", "switch it"),
        ("add {unknown} to it", "add to it"),
        ("<nowhere> b", "b"),
    ],
)
def test_an_example_takes_the_first_choices_and_of_options_articles_only(template, expected):
    rules = {"verb": parsed("(switch|turn)"), "article": parsed("(the|a)")}

    assert example(parsed(template), rules, {"duration": "ten minutes"}) == expected


def test_a_slot_without_an_example_may_be_marked():
    assert example(parsed("note {text} down"), {}, {"text": ""}, "…") == "note … down"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("x" * 4_001, "a sentence may have 4000 letters at most, not 4001"),
        ("(" * 13 + "a" + ")" * 13, "brackets may lie 12 deep"),
    ],
)
def test_a_template_that_is_too_long_or_too_deep_is_refused(template, problem):
    with pytest.raises(ValueError, match=problem):
        parsed(template)


def test_brackets_of_the_greatest_depth_are_read():
    assert example(parsed("(" * 12 + "a" + ")" * 12), {}, {}) == "a"


def test_rules_in_a_ring_too_deep_or_too_long_are_told():
    ring = {"a": parsed("x <b>"), "b": parsed("y <a>"), "c": parsed("<unknown> z")}
    deep = {f"r{number}": parsed(f"<r{number + 1}>") for number in range(11)} | {"r11": parsed("x")}
    long = {f"r{number}": parsed(f"<r{number + 1}>" * 9) for number in range(5)} | {"r5": parsed("x")}

    assert check_rules(ring) == {
        "a": "the rule <a> must not name itself, directly or through other rules",
        "b": "the rule <b> must not name itself, directly or through other rules",
    }
    assert "rules may name each other 10 deep at most" in check_rules(deep)["r0"]
    assert "may have 5000 parts at most" in check_rules(long)["r0"]
