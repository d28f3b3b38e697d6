from typing import get_args

import attrs
import pytest

from assembly.providers import language_models, recognisers, stores, synthesisers
from assembly.providers.provider import Extra, Finding, Provider, ProviderKind, with_fallback
from config.settings import LanguageModelName, RecogniserName, Settings, StoreName, SynthesiserName
from tests.assembly.providers.provider_fixtures import settings

TABLES = (
    (recognisers.KIND, RecogniserName),
    (language_models.KIND, LanguageModelName),
    (synthesisers.KIND, SynthesiserName),
    (stores.KIND, StoreName),
)


@pytest.mark.parametrize(("kind", "names"), TABLES)
def test_a_table_has_an_entry_for_each_name_that_the_settings_take(kind: ProviderKind, names: object) -> None:
    assert tuple(kind.providers) == get_args(names)


@pytest.mark.parametrize(("kind", "_names"), TABLES)
def test_the_section_of_a_provider_has_its_name_and_its_class(kind: ProviderKind, _names: object) -> None:
    section = attrs.fields_dict(type(getattr(settings(), kind.section)))
    assert {name: provider.settings for name, provider in kind.providers.items()} == {
        name: section[name].type for name in kind.providers
    }


def test_one_that_stands_in_is_used_where_it_may_and_is_another() -> None:
    assert with_fallback("openai", "piper", has_fallback=True) == ("openai", "piper")
    assert with_fallback("openai", "piper", has_fallback=False) == ("openai",)
    assert with_fallback("piper", "piper", has_fallback=True) == ("piper",)


def table(extra: Extra | None, *wanted: str) -> ProviderKind:
    def check(_settings: Settings) -> list[Finding]:
        return [Finding("voice", "ok", "is there")]

    provider = Provider(settings=object, make=None, check=lambda chosen: iter(check(chosen)), extra=extra)
    return ProviderKind("speech", {"piper": provider}, lambda _settings: wanted)


def test_the_extra_and_then_the_check_of_a_provider_that_is_wanted_are_told() -> None:
    missing = Extra("piper", "no_such_module")
    assert list(table(missing, "piper").findings(settings())) == [
        Finding("speech piper", "warn", "piper is not installed", "pip install 'sayso[piper]'"),
        Finding("voice", "ok", "is there"),
    ]
    installed = Extra("piper", "json")
    assert next(table(installed, "piper").findings(settings())) == Finding("speech piper", "ok", "piper is installed")


def test_of_a_provider_that_is_not_wanted_the_setting_is_told_that_chose_another() -> None:
    [finding] = table(Extra("piper", "no_such_module")).findings(settings(speech__provider="none"))
    assert finding == Finding("speech piper", "ok", "not used (speech.provider = none)")
