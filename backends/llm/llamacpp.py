"""The embedded language model: llama.cpp's own HTTP server (xllamacpp) inside a worker process.

Rules kept here:

* The server listens on 127.0.0.1 under a secret path: other users of the machine and pages in a browser cannot
  reach the model without it.
* Memory is bounded: llama.cpp would keep up to 8 GiB of old prompts.
* The worker is ready once a completion has come back over HTTP.

The completions themselves do not pass through the worker's frames: ``connect`` gives a client for the address.
"""

import http.client
import json
import os
import secrets
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from backends.jobs import LocateModel, ModelAddress
from backends.llm.http_model import CompletionTimeouts, LlmServer
from backends.llm.messages import Sampling
from backends.llm.openai import OpenAIModel
from backends.speech.models import ModelError, resolve_llm
from config.settings import InferenceSettings

NAME: Final = "embedded"
MODEL: Final = "smollm2-135m-instruct"
NICE: Final = 5  # lower priority than speech recognition and synthesis
PROMPT_CACHE_MIB: Final = 64
WARM_UP_TIMEOUT_S: Final = 30.0
TEMPERATURE_MAX: Final = 0.0  # a model of 135 million parameters goes off topic with any more
WAIT_POLICY: Final = "passive"  # threads that spin at each layer's end make two of them ten times slower on a busy core
ERRORS_ONLY: Final = 1  # llama.cpp's verbosity: at 3 it describes every request


class LlamaWorker:
    """Target of a worker process: one model behind one HTTP server.

    ``params``: ``model`` (an embedded model's name or a GGUF file), ``models_dir``, ``context_size`` in tokens a
    request, ``parallel`` requests at once, ``cpu_threads``, ``gpu_layers``.
    """

    jobs = (LocateModel,)

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Find, check, load and warm up the model; raises ``ModelError`` if it is missing or damaged."""
        path = resolve_llm(params["model"], Path(params["models_dir"]))
        prefix = f"/{secrets.token_urlsafe(24)}"
        self._server = start_server(path, params, prefix)
        self._url = f"{self._server.listening_address}{prefix}/v1"
        warm_up(self._url)

    def handle(self, _job: LocateModel, _blob: bytes | memoryview) -> tuple[ModelAddress, bytes]:
        """Say where the server listens."""
        return ModelAddress(self._url), b""

    def close(self) -> None:
        """Stop the server and free the model."""
        del self._server


def worker_params(settings: InferenceSettings, models_dir: Path) -> dict[str, Any]:
    """Return ``LlamaWorker``'s parameters, fit for a ``WorkerSpec``."""
    return {
        "model": MODEL,
        "models_dir": str(models_dir),
        "context_size": settings.context_size,
        "parallel": settings.num_parallel,
        "cpu_threads": settings.embedded.cpu_threads,
        "gpu_layers": max(0, settings.gpu_layers),
    }


def connect(settings: InferenceSettings, url: str) -> OpenAIModel:
    """Return the client for the server at ``url``; a model this small is offered no tools."""
    sampling = Sampling.from_settings(settings)
    return OpenAIModel(
        NAME,
        LlmServer(url, patience=CompletionTimeouts(total_s=settings.request_timeout_s)),
        NAME,
        attrs.evolve(sampling, temperature=min(sampling.temperature, TEMPERATURE_MAX)),
        extras={"top_k": sampling.top_k},
        offers_tools=False,
    )


def start_server(path: Path, params: Mapping[str, Any], prefix: str) -> Any:
    """Load the model and return an ``xllamacpp.Server`` that listens on a free port of 127.0.0.1, under ``prefix``.

    Raises ``ModelError`` if llama.cpp cannot load the file; why is on stderr.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", WAIT_POLICY)  # read when the library is loaded
    import xllamacpp  # noqa: PLC0415 - native; only the worker process loads it

    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(path)
    wanted.model_alias = {NAME}
    wanted.n_ctx = params["context_size"] * params["parallel"]  # llama.cpp shares it out among the requests
    wanted.n_parallel = params["parallel"]
    wanted.n_gpu_layers = params["gpu_layers"]
    wanted.fit_params = False  # it would change these numbers without a word
    wanted.cpuparams.n_threads = params["cpu_threads"]
    wanted.cpuparams_batch.n_threads = params["cpu_threads"]
    wanted.hostnames = ["127.0.0.1"]
    wanted.port = 0
    wanted.api_prefix = prefix
    wanted.cors_origins = ""
    wanted.ui = False
    wanted.endpoint_slots = False  # it shows the prompts of all clients
    wanted.cache_ram_mib = PROMPT_CACHE_MIB
    wanted.verbosity = ERRORS_ONLY
    try:
        return xllamacpp.Server(wanted)
    except RuntimeError as error:
        raise ModelError(f"llama.cpp cannot load {path}: {error}") from error


def warm_up(url: str) -> None:
    """Ask for one token over HTTP; raises ``RuntimeError`` if none comes."""
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=WARM_UP_TIMEOUT_S)
    try:
        body = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1})
        connection.request("POST", f"{address.path}/chat/completions", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"llama.cpp must answer its first question, but it said {answer.status}: {said[:200]!r}")
