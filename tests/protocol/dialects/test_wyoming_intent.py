from protocol.dialects.wyoming_intent import intent_event
from protocol.messages.understanding import CommandMatch

MATCH = CommandMatch("On", "home", "HassTurnOn", {"name": "Lamp", "domain": ["light"]}, 1.0, "lamp on")


def test_a_command_is_an_intent_with_its_arguments() -> None:
    event = intent_event(MATCH, "Lamp on")
    assert event.type == "intent"
    assert event.data["name"] == "HassTurnOn"
    assert {entity["name"]: entity["value"] for entity in event.data["entities"]} == MATCH.arguments


def test_other_words_are_not_recognised() -> None:
    assert intent_event(None, "the moon").type == "not-recognized"
