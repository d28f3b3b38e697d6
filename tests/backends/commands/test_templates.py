import pytest

from backends.commands.templates import example, literal_words, normalised_template, parsed, slots_of, walk


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
