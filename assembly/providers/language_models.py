"""Language models: the table of providers, and those that the settings choose."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import attrs

from assembly.providers.model_check import check_model
from assembly.providers.provider import Finding, Provider, ProviderKind, State
from assembly.providers.rest import rest_after_s
from assembly.providers.server_check import check_openai, get_json
from backends.llm import llamacpp
from backends.llm.guarded import GuardedModel
from backends.llm.ollama import OllamaModel
from backends.llm.openai import OpenAIModel, with_version
from backends.protocols import LanguageModel
from backends.speech.models import LLM, resolve_llm
from config.settings import EmbeddedModelSettings, InferenceSettings, OllamaSettings, OpenAIModelSettings, Settings
from runtime.workers.pool import Pool, Rest, WorkerSpec

MODEL_AFTER_S: Final = 1.0  # a question takes longer to be said


@attrs.frozen
class EmbeddedModelAdapter:
    """The model that runs in a worker process of ours, reached over its own HTTP server."""

    pool: Pool
    connect: Callable[[str], LanguageModel]


def models_in_use(settings: Settings) -> tuple[str, ...]:
    """Return the providers in the order in which they are asked."""
    inference = settings.inference
    wanted = tuple(KIND.providers) if inference.provider == "auto" else (inference.provider,)
    missing = set() if inference.openai.url else {"openai"}
    if inference.embedded.use == "off":
        missing.add("embedded")
    return tuple(name for name in wanted if name in KIND.providers and name not in missing)


def language_models(settings: Settings) -> list[GuardedModel]:
    """Return the models behind addresses, in the order in which they are asked."""
    return [
        _guarded(settings.inference, SERVED[name].make(settings)) for name in models_in_use(settings) if name in SERVED
    ]


def embedded_model(settings: Settings) -> EmbeddedModelAdapter | None:
    """Return the embedded model, if it may be used."""
    return EMBEDDED.make(settings) if "embedded" in models_in_use(settings) else None


def _guarded(settings: InferenceSettings, model: LanguageModel) -> GuardedModel:
    return GuardedModel(model, max_at_once=settings.num_parallel, timeout_s=settings.request_timeout_s)


def _connect_embedded(settings: InferenceSettings, url: str) -> LanguageModel:
    return _guarded(settings, llamacpp.connect(settings, url))


def _make_embedded(settings: Settings) -> EmbeddedModelAdapter:
    inference = settings.inference
    spec = WorkerSpec(
        name="llm",
        target="backends.llm.llamacpp:LlamaWorker",
        params=llamacpp.worker_params(inference, settings.supervisor.models_dir),
        start_timeout_s=inference.start_timeout_s,
        nice=llamacpp.NICE,
    )
    rest = Rest(after_s=rest_after_s(settings), wakes_after_s=MODEL_AFTER_S)
    return EmbeddedModelAdapter(Pool(spec, 1, rest=rest), partial(_connect_embedded, inference))


# --- what sayso doctor looks for -----------------------------------------------------------------


def _severity(settings: Settings, name: str) -> State:
    """Return the severity of a missing provider: with the automatic choice another one answers."""
    return "fail" if settings.inference.provider == name else "warn"


def _check_embedded(settings: Settings) -> Iterator[Finding]:
    for model in LLM:
        yield check_model("embedded language model", _severity(settings, "embedded"), resolve_llm, model, settings)


def _check_openai(settings: Settings) -> Iterator[Finding]:
    server = settings.inference.openai
    yield from check_openai("inference openai", with_version(server.url), server.api_key, _severity(settings, "openai"))


def _check_ollama(settings: Settings) -> Iterator[Finding]:
    """Check that Ollama answers and has the model."""
    ollama, state = settings.inference.ollama, _severity(settings, "ollama")
    try:
        names = [model["name"] for model in get_json(f"{ollama.url}/api/tags")["models"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        fix = "install and start Ollama (ollama serve); until then the small embedded model answers"
        yield Finding("ollama", state, f"no answer at {ollama.url}: {error}", fix)
        return
    if ollama.model in names or f"{ollama.model}:latest" in names:
        yield Finding("ollama", "ok", f"{ollama.model} at {ollama.url}")
    else:
        yield Finding("ollama", state, f"has {', '.join(names) or 'none'}", f"ollama pull {ollama.model}")


SERVED: Final[Mapping[str, Provider[Callable[[Settings], LanguageModel]]]] = {
    "ollama": Provider(
        settings=OllamaSettings, make=lambda settings: OllamaModel(settings.inference), check=_check_ollama
    ),
    "openai": Provider(
        settings=OpenAIModelSettings,
        make=lambda settings: OpenAIModel.from_settings(settings.inference),
        check=_check_openai,
    ),
}
"""Models behind an address; where the choice is automatic, they are asked in this order."""
EMBEDDED: Final = Provider(settings=EmbeddedModelSettings, make=_make_embedded, check=_check_embedded)
KIND: Final = ProviderKind("inference", {**SERVED, "embedded": EMBEDDED}, models_in_use)
