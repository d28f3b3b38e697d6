"""Free text whose place in a sentence is plain: what is taken, and what is left to be asked for."""

from collections.abc import Mapping

import pytest

from backends.commands.carriers import CARRIERS, MAX_LETTERS, carried
from backends.commands.families import FAMILIES

ADD, TAKE, REMIND = "add_to_list", "remove_from_list", "set_reminder"


@pytest.mark.parametrize(
    ("name", "text", "slots"),
    [
        (ADD, "could you get Milk onto my shopping list", {"item": "Milk"}),
        (ADD, "put oat milk on the list since the carton is empty", {"item": "oat milk"}),
        (ADD, "on the hardware list please add two hinges", {"item": "two hinges"}),
        (ADD, "we ran out of flour so add that to the list", {"item": "flour"}),
        (ADD, "are lemons on my list, if not add them", {"item": "lemons"}),
        (ADD, "add soap if it isn't on my shopping list yet", {"item": "soap"}),
        (ADD, "sweeping the porch needs to go on my chores list", {"item": "sweeping the porch"}),
        (ADD, "my list should have figs on it", {"item": "figs"}),
        (ADD, "i want plums added to my list", {"item": "plums"}),
        (TAKE, "have the rope taken off my hardware list", {"item": "the rope"}),
        (TAKE, "i no longer need figs on my list", {"item": "figs"}),
        (TAKE, "update my shopping list and delete figs", {"item": "figs"}),
        (TAKE, "i finished mopping the floor so cross that off", {"item": "mopping the floor"}),
        (REMIND, "i want to be reminded to lock the shed", {"text": "lock the shed"}),
        (REMIND, "i could use a reminder for the recital", {"text": "the recital"}),
        (REMIND, "make sure i remember to lock the shed", {"text": "lock the shed"}),
        (REMIND, "have a reminder to remind me to lock the shed", {"text": "lock the shed"}),
        (REMIND, "i need a reminder about the shed at 5 pm", {"text": "the shed", "when": "at 5 pm"}),
    ],
)
def test_free_text_behind_a_plain_carrier_is_taken(name: str, text: str, slots: Mapping[str, str]) -> None:
    assert carried(name, text).slots == slots


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (ADD, "put something on my list"),
        (ADD, "add it to my list"),
        (ADD, "the list has grown"),
        (ADD, "add what we talked about to my list"),
        (ADD, "add one two three four five six seven to my list"),
        (TAKE, "take everything off my list"),
        (TAKE, "my list is too long"),
        (REMIND, "i need a reminder"),
        (REMIND, "remind me to do this"),
        (REMIND, "set a reminder for me"),
        (REMIND, "a reminder for tomorrow at 4 am please"),
        ("get_time", "add milk to my list"),
        (ADD, f"add {'very ' * MAX_LETTERS}ripe figs to my list"),
    ],
)
def test_text_whose_place_is_not_plain_is_left(name: str, text: str) -> None:
    assert carried(name, text).slots == {}


def test_the_time_is_no_part_of_what_is_said() -> None:
    found = carried(REMIND, "i need a reminder about the shed at 5 pm")
    assert found.said == {"text": "the shed"}


def test_every_carrier_belongs_to_a_family() -> None:
    assert set(CARRIERS) <= set(FAMILIES)
