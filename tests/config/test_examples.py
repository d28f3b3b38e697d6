import sys
from pathlib import Path

import attrs
import pytest

from config.examples import Example, ExampleError, examples, with_example
from config.load import load
from config.settings import Settings

HOME = {"HOME": "/home/ada"}


@pytest.fixture
def settings() -> Settings:
    return load(None, HOME, {}).settings


@pytest.fixture
def toy() -> Example:
    return Example("toy", Path("/examples/toy"), "a toy", "ring", {"open_safe": "confirm", "ring": "deny"})


def test_the_examples_of_the_checkout_are_found_with_what_they_are() -> None:
    home = examples()["home"]
    assert home.folder.name == "home"
    assert home.summary.startswith("a toy house")
    assert home.policy == {"unlock_door": "confirm"}


def test_an_example_adds_its_server_its_sentences_and_its_policy(settings: Settings, toy: Example) -> None:
    with_toy, _ = with_example(settings, "toy", {"toy": toy})
    assert with_toy.tools.servers["toy"] == {"command": sys.executable, "args": ["/examples/toy/server.py"]}
    assert with_toy.dialogue.more_commands_dirs == ("/examples/toy/commands",)
    assert with_toy.dialogue.commands_dir == settings.dialogue.commands_dir
    assert with_toy.tools.policy == {"toy/open_safe": "confirm", "toy/ring": "deny"}


def test_what_the_settings_say_stays_beside_an_example(settings: Settings, toy: Example) -> None:
    tools = attrs.evolve(
        settings.tools, servers={"mine": {"url": "http://a"}}, policy={"toy/ring": "allow", "*": "deny"}
    )
    dialogue = attrs.evolve(settings.dialogue, more_commands_dirs=("/shared",))
    with_toy, _ = with_example(attrs.evolve(settings, tools=tools, dialogue=dialogue), "toy", {"toy": toy})
    assert list(with_toy.tools.servers) == ["mine", "toy"]
    assert with_toy.tools.policy == {"toy/open_safe": "confirm", "toy/ring": "allow", "*": "deny"}
    assert with_toy.dialogue.more_commands_dirs == ("/shared", "/examples/toy/commands")


def test_a_wrong_name_is_answered_with_the_right_ones(settings: Settings, toy: Example) -> None:
    with pytest.raises(ExampleError, match=r"^there is no example 'joy'; there are: toy \(a toy\)$"):
        with_example(settings, "joy", {"toy": toy})


def test_without_any_example_the_error_says_so(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match="none is installed"):
        with_example(settings, "home", examples(tmp_path))


def test_a_server_of_the_same_name_is_never_replaced(settings: Settings, toy: Example) -> None:
    tools = attrs.evolve(settings.tools, servers={"toy": {"url": "http://a"}})
    with pytest.raises(ExampleError, match="rename that one"):
        with_example(attrs.evolve(settings, tools=tools), "toy", {"toy": toy})


def test_a_policy_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "example.toml").write_text('summary = "a"\nsay = "ring"\n[policy]\nring = "maybe"\n')
    with pytest.raises(ExampleError, match=r"must be allow, confirm or deny, not \{'ring': 'maybe'\}"):
        examples(tmp_path)
