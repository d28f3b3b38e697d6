import socket

import pytest

from assembly.providers import language_models as tables
from assembly.providers.language_models import embedded_model, language_models, models_in_use
from tests.assembly.providers.provider_fixtures import answering, settings, states

OPENAI = {"inference__openai__url": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ({}, ("ollama", "embedded")),
        (OPENAI, ("ollama", "openai", "embedded")),
        (OPENAI | {"inference__embedded__use": "off"}, ("ollama", "openai")),
        (OPENAI | {"inference__provider": "openai"}, ("openai",)),
        ({"inference__provider": "embedded"}, ("embedded",)),
        ({"inference__provider": "embedded", "inference__embedded__use": "off"}, ()),
        ({"inference__provider": "none"}, ()),
    ],
)
def test_an_automatic_choice_asks_each_that_is_configured(flags: dict[str, str], names: tuple[str, ...]) -> None:
    chosen = settings(**flags)
    assert models_in_use(chosen) == names
    assert (embedded_model(chosen) is not None) is ("embedded" in names)


async def test_models_behind_an_address_are_made_in_that_order() -> None:
    models = language_models(settings(**OPENAI))
    assert [model.name for model in models] == ["ollama", "openai"]
    for model in models:
        await model.aclose()


def test_ollama_is_fine_when_it_has_the_model() -> None:
    with answering("/api/tags", {"models": [{"name": "llama3.2:latest"}]}) as url:
        assert states(tables.SERVED["ollama"].check(settings(inference__ollama__url=url))) == {"ollama": "ok"}


def test_ollama_without_the_model_says_how_to_get_it() -> None:
    with answering("/api/tags", {"models": [{"name": "llama3.2:latest"}]}) as url:
        chosen = settings(inference__ollama__url=url, inference__ollama__model="mistral")
        (finding,) = tables.SERVED["ollama"].check(chosen)
    assert (finding.state, finding.fix) == ("warn", "ollama pull mistral")


@pytest.mark.parametrize(("provider", "state"), [("auto", "warn"), ("ollama", "fail")])
def test_a_missing_ollama_matters_as_much_as_it_is_wanted(provider: str, state: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    chosen = settings(inference__ollama__url=url, inference__provider=provider)
    assert states(tables.SERVED["ollama"].check(chosen)) == {"ollama": state}


def test_what_is_unwanted_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "get_json", None)
    findings = states(tables.KIND.findings(settings(inference__provider="none")))
    assert findings == {"inference ollama": "ok", "inference openai": "ok", "inference embedded": "ok"}


def test_the_versions_path_is_added_where_it_is_missing() -> None:
    with answering("/v1/models", {"data": []}) as url:
        chosen = settings(inference__openai__url=url, inference__provider="openai")
        assert states(tables.SERVED["openai"].check(chosen)) == {"inference openai": "ok"}
