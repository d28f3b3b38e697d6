import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.home_assistant.sentences import SentenceBlock, load_sentences
from backends.home_assistant.wording import FAILURES, Wording, response_key
from tests.unreadable_json import UNREADABLE_JSON

WORDING = Wording({language: load_sentences(language) for language in ("en", "de")})
CONSTRAINTS = "constraints=MatchTargetsConstraints(name=None, area_name='Kitchen', domains={domains}, states=None)"
LIGHTS = {"area": "Kitchen", "domain": "light"}
HEATING = {"area": "Hall", "temperature": 21}


def done(*ids: str, failed: tuple[str, ...] = (), kind: str = "action_done") -> str:
    success = [{"name": each, "type": "entity" if "." in each else "area", "id": each} for each in ids]
    lost = [{"name": each, "type": "entity", "id": each} for each in failed]
    return json.dumps(
        {"speech": {}, "response_type": kind, "data": {"targets": [], "success": success, "failed": lost}}
    )


def error(reason: str, domains: str = "None", name: str | None = None) -> str:
    found = f"no_match_reason=<MatchFailedReason.{reason}: 1>, states=[], no_match_name={name!r}, areas=[], floors=[]"
    result = f"MatchTargetsResult(is_match=False, {found})"
    return f"Error calling tool: <MatchFailedError result={result}, {CONSTRAINTS.format(domains=domains)}>"


@pytest.mark.parametrize(
    ("intent", "arguments", "content", "language", "told"),
    [
        ("HassTurnOn", {"name": "Lamp"}, done("light.a"), "en", "Turned on the light."),
        ("HassTurnOn", {"name": "Lamp"}, done("light.a"), "de-CH", "Licht eingeschaltet."),
        (
            "HassTurnOff",
            {"area": "Kitchen", "domain": "light"},
            done("kitchen", "light.a"),
            "en",
            "Turned off the lights.",
        ),
        ("HassTurnOn", {"name": "Blind"}, done("cover.a"), "en", "Opening."),
        (
            "HassTurnOn",
            {"area": "Hall", "domain": "cover", "device_class": "blind"},
            done("hall", "cover.a"),
            "en",
            "Opening the blind.",
        ),
        ("HassTurnOff", {"name": "Front Door"}, done("lock.a"), "en", "Unlocking."),
        ("HassLightSet", {"name": "Lamp", "brightness": 30}, done("light.a"), "en", "Brightness set."),
        ("HassTurnOn", {"name": "Siren"}, done("number.a"), "en", "Done."),
        ("HassTurnOn", {"name": "Lamp"}, done("light.a"), "fr", "Done."),
        ("HassNoSuch", {"name": "Lamp"}, done("light.a"), "de", "Erledigt."),
        (
            "HassClimateSetTemperature",
            HEATING,
            done("climate.a"),
            "de",
            "Temperatur auf 21 Grad gestellt.",
        ),
    ],
)
def test_a_result_is_told_in_a_short_sentence(
    intent: str, arguments: dict[str, object], content: str, language: str, told: str
) -> None:
    assert WORDING.success(intent, arguments, content, language) == told


def test_what_did_not_work_among_others_is_told() -> None:
    told = WORDING.success("HassTurnOn", {"area": "Hall", "domain": "light"}, done("light.a", failed=("Lamp",)), "en")
    assert told == "Turned on the lights. It did not work for: Lamp."


def test_a_result_of_nothing_but_failures_is_none() -> None:
    assert WORDING.success("HassTurnOn", {"name": "Lamp"}, done(failed=("Lamp",)), "en") is None
    assert WORDING.success("HassTurnOn", {"name": "Lamp"}, done(kind="error"), "en") is None


def test_a_result_that_was_cut_is_still_one() -> None:
    content = done(*(f"light.l{number}" for number in range(200)))[:4_000] + " [cut]"
    assert WORDING.success("HassTurnOff", {"domain": "light"}, content, "en") == "Turned off all of the lights."


@pytest.mark.parametrize(
    "content",
    ["It is on.", *(data.decode(errors="surrogateescape") for data in UNREADABLE_JSON)],
    ids=lambda content: repr(content[:12]),
)
def test_a_result_of_another_kind_stays_as_it_is(content: str) -> None:
    assert WORDING.success("HassTurnOn", {}, content, "en") == content


@pytest.mark.parametrize(
    ("reason", "arguments", "language", "told"),
    [
        (error("NAME"), {"name": "Sauna"}, "en", "Sorry, I am not aware of any device called Sauna."),
        (error("NAME"), {"name": "Sauna", "area": "Hall"}, "de", "Sauna ist im Bereich Hall nicht vorhanden."),
        (
            error("INVALID_AREA", name="Sauna"),
            {"area": "Sauna"},
            "en",
            "Sorry, I am not aware of any area called Sauna.",
        ),
        (error("ASSISTANT"), {"name": "Sauna"}, "en", "Sorry, Sauna is not exposed."),
        (error("DUPLICATE_NAME"), {"name": "Lamp"}, "de", "Es wurden mehrere Lamp gefunden."),
        (
            error("AREA", "{'climate'}"),
            {"area": "Hall", "temperature": 20},
            "en",
            "Sorry, I am not aware of any climate in the Hall area.",
        ),
        (error("AREA"), {"area": "Hall"}, "en", "Sorry, that did not work in Home Assistant."),
        ("Input validation error: 'x' is not of type 'array'", {}, "en", "Sorry, that did not work in Home Assistant."),
        (error("NEW_REASON"), {}, "en", "Sorry, that did not work in Home Assistant."),
    ],
)
def test_an_error_is_told_in_words(reason: str, arguments: dict[str, object], language: str, told: str) -> None:
    assert WORDING.failure(arguments, reason, language) == told


@pytest.mark.parametrize("reason", FAILURES)
@pytest.mark.parametrize("language", ["en", "de"])
def test_no_error_is_told_by_its_python(reason: str, language: str) -> None:
    told = WORDING.failure({"name": "Lamp", "area": "Hall", "domain": "light"}, error(reason), language)
    assert not set(told) & set("<>{}=_'")


@given(st.text(max_size=300), st.dictionaries(st.sampled_from(["name", "area", "domain"]), st.text(max_size=20)))
@settings(deadline=None)
def test_whatever_is_answered_something_is_said(text: str, arguments: dict[str, str]) -> None:
    assert WORDING.failure(arguments, text, "en")
    assert WORDING.success("HassTurnOn", arguments, text, "en") == text


def test_a_name_is_never_a_template() -> None:
    told = WORDING.failure({"name": "{{ 7 * 7 }}{% raw %}"}, error("NAME"), "en")
    assert told == "Sorry, I am not aware of any device called {{ 7 * 7 }}{% raw %}."


def test_the_answer_is_that_of_the_sentences_with_just_these_slots() -> None:
    blocks = [
        SentenceBlock(frozenset({"area", "domain"}), {"domain": "light"}, frozenset(), "lights"),
        SentenceBlock(frozenset({"name"}), {}, frozenset({"light", "switch"}), "some"),
        SentenceBlock(frozenset({"name"}), {}, frozenset({"light"}), "light"),
    ]
    assert response_key(blocks, {"area": "A", "domain": ["light"]}, "light") == "lights"
    assert response_key(blocks, {"area": "A", "domain": "fan"}, "fan") == "default"
    assert response_key(blocks, {"name": "A"}, "light") == "light"
    assert response_key(blocks, {"name": "A"}, "switch") == "some"
    assert response_key([], {"name": "A"}, "light") == "default"


def test_several_of_one_name_are_told() -> None:
    assert WORDING.duplicates("Lamp", "en") == "Sorry, there are multiple devices called Lamp."
    assert WORDING.cannot("de") == "Entschuldigung, das kann Home Assistant nicht."
