import pytest

from protocol.language.samples import handful, help_text
from protocol.messages.understanding import CommandSamples


def said(server: str, tool: str, *samples: str, language: str = "en") -> CommandSamples:
    return CommandSamples(language, tool.title(), server, tool, samples)


HOME = tuple(said("home", f"h{number}", f"home {number}") for number in range(6))
BUILTIN = tuple(said("sayso-tools", f"b{number}", f"builtin {number}") for number in range(4))


def test_sentences_come_from_each_server_in_turn_and_from_all_over_its_tools() -> None:
    assert handful((*HOME, *BUILTIN), "en") == ("home 0", "builtin 0", "home 2", "builtin 2", "home 4")


def test_a_tool_is_told_once() -> None:
    assert handful((said("home", "a", "one"), said("home", "a", "two"), said("home", "b", "three")), "en") == (
        "one",
        "three",
    )


def test_a_server_with_few_tools_leaves_its_places_to_the_others() -> None:
    assert handful((*HOME, said("sayso-tools", "b", "builtin")), "en") == (
        "home 0",
        "builtin",
        "home 2",
        "home 4",
        "home 1",
    )


def test_free_text_and_long_sentences_are_not_told() -> None:
    assert handful((said("home", "a", "note …", "x" * 61, "short"), said("home", "b", "note …")), "en") == ("short",)


@pytest.mark.parametrize("count", range(12))
def test_never_more_than_wanted_and_none_twice(count: int) -> None:
    told = handful((*HOME, *BUILTIN), "en", count)
    assert len(told) == len(set(told)) == min(count, 10)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", 'You can say, for example: "turn it on" or "turn it off".'),
        ("de-AT", 'Du kannst zum Beispiel sagen: "mach an".'),
        ("fr", None),
    ],
)
def test_the_answer_is_in_the_language_of_the_session(language: str, told: str | None) -> None:
    samples = (
        said("home", "on", "turn it on"),
        said("home", "off", "turn it off"),
        said("home", "on", "mach an", language="de"),
    )
    assert help_text(samples, language) == told
