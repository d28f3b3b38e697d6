from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from assembly import wyoming
from assembly.providers.shared_stores import MissingExtra
from protocol.messages.understanding import CommandMatch, CommandSamples
from tests.backends.ingress.ingress_fixtures import gateway_settings

MATCH = CommandMatch("On", "home", "HassTurnOn", {}, 1.0, "lamp on")
GRAMMAR: Any = SimpleNamespace(
    samples=lambda: [CommandSamples(language, "On", "home", "HassTurnOn", ()) for language in ("en", "de", "en")],
    match=lambda texts, language: MATCH if (texts, language) == (("lamp on",), "en") else None,
)


def audio(**more: Any) -> Any:
    """Return the audio API's functions."""
    common = {
        "synthesise": None,
        "models": lambda: ("tiny.en", "base"),
        "hearing_problem": lambda language, model: "no" if model == "tiny.en" and language != "en" else None,
        "voices": lambda: ("de_DE-thorsten-medium",),
    }
    return SimpleNamespace(**common | more)


def test_what_is_offered_follows_from_models_voices_and_commands() -> None:
    offer = wyoming.offer_of("1.2", audio(), GRAMMAR)
    assert offer.models["tiny.en"] == ["en"]
    assert {"de", "en", "fr"} <= set(offer.models["base"])
    assert offer.voices == {"de_DE-thorsten-medium": ["de_DE", "de"]}
    assert (offer.languages, offer.version) == (["de", "en"], "1.2")


def test_a_server_whose_voices_are_not_known_has_the_one_of_its_settings() -> None:
    assert wyoming.offer_of("1", audio(voices=lambda: None), GRAMMAR).voices == {"default": ["en"]}
    assert wyoming.offer_of("1", audio(voices=tuple), GRAMMAR).voices == {}


def test_a_text_is_matched_by_the_grammar() -> None:
    services = wyoming.wyoming_services(gateway_settings(), "1", audio(), GRAMMAR)
    assert services.match("lamp on", "en") is MATCH
    assert services.match("lamp on", "de") is None
    assert services.announce is None, "no name is set"
    assert services.offer().version == "1"


def test_a_name_is_announced_at_the_addresses_that_may_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[object, ...]] = []
    monkeypatch.setattr(wyoming, "announced", lambda *given: seen.append(given))
    monkeypatch.setattr(wyoming, "addresses_of_this_machine", lambda: ("192.0.2.1",))
    for networks in ((), ("192.0.2.0/24",)):
        settings = gateway_settings(wyoming_name="sayso", wyoming_networks=networks)
        announce = wyoming.wyoming_services(settings, "1", audio(), GRAMMAR).announce
        assert announce is not None
        announce(10_300)
    assert seen == [("sayso", 10_300, ("127.0.0.1",)), ("sayso", 10_300, ("192.0.2.1",))]


def test_a_name_needs_the_library_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = gateway_settings(wyoming_port=10_300, wyoming_name="sayso")
    monkeypatch.setattr(wyoming, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match=r"gateway\.wyoming_name needs .* run `pip install 'sayso\[zeroconf\]'`"):
        wyoming.check(settings)
    wyoming.check(attrs.evolve(settings, wyoming_port=0))
    wyoming.check(attrs.evolve(settings, wyoming_name=""))
