"""Speech to text: the table of providers, and the one that the settings choose."""

import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from assembly.providers.model_check import check_model
from assembly.providers.provider import Finding, Provider, ProviderKind, State, with_fallback
from assembly.providers.rest import rest_after_s
from assembly.providers.server_check import check_openai
from backends.jobs import TranscribeClips
from backends.machine import available_cpus
from backends.protocols import JobPool
from backends.speech.models import WHISPER, resolve_whisper
from backends.speech.remote import RemoteRecogniser
from backends.speech.remote_pool import RemoteFirst
from backends.speech.whisper_params import whisper_params
from config.settings import OpenAITranscriptionSettings, Settings, WhisperSettings
from protocol.admission.loaded_models import expected_bytes
from runtime.workers.pool import Pool, Rest, WorkerLimits, WorkerSpec

IMPORT_TIMEOUT_S: Final = 30.0
SPARE_AFTER_S: Final = 3.0  # the spare is loaded when the voice and the small models are
MakeRecogniser = Callable[[Settings, JobPool | None, Callable[[], bool]], JobPool]
"""From the settings, the pool to fall back to, and a function that says whether processes may be replaced now."""


def recognisers_in_use(settings: Settings) -> tuple[str, ...]:
    """Return the provider and the one that it falls back to."""
    return with_fallback(settings.transcription.provider, "embedded", has_fallback=settings.transcription.fallback)


def recogniser_pool(settings: Settings, may_recycle: Callable[[], bool]) -> JobPool:
    """Return the default model's pool of recognisers; processes are replaced only when ``may_recycle()``."""
    first, *behind = recognisers_in_use(settings)
    pool: JobPool | None = None
    for name in reversed(behind):
        pool = RECOGNISERS[name].make(settings, pool, may_recycle)
    return RECOGNISERS[first].make(settings, pool, may_recycle)


def whisper_pool(settings: Settings, model: str | None = None) -> Pool:
    """Return the pool of Whisper processes for the default model, or for another one."""
    ours = settings.transcription
    is_usual = model is None
    if model is not None:
        ours = attrs.evolve(ours, model=model)
    whisper = ours.embedded
    spec = WorkerSpec(
        name="stt" if is_usual else f"stt {model}",
        target="backends.speech.whisper:WhisperWorker",
        params=whisper_params(ours, settings.supervisor.models_dir),
        start_timeout_s=ours.start_timeout_s,
        threads=threads_within(whisper.cpu_threads),
    )
    limits = WorkerLimits(
        max_jobs=whisper.max_jobs,
        max_jobs_jitter=whisper.max_jobs_jitter,
        memory_bytes=whisper.worker_memory_mb << 20,
        is_data_limited=not may_use_gpu(whisper.device),
    )
    if not is_usual:
        return Pool(spec, ours.model_workers, limits=limits)
    rest = Rest(after_s=rest_after_s(settings), keeps=ours.workers, wakes_after_s=SPARE_AFTER_S)
    return Pool(spec, ours.workers, spares=whisper.spare_workers, limits=limits, rest=rest)


def standing_pool(settings: Settings, model: str) -> Pool:
    """Return a pool like that of the default model, with as many processes, for a model that does its work."""
    ours = attrs.evolve(settings.transcription, model=model)
    return whisper_pool(attrs.evolve(settings, transcription=ours))


def may_use_gpu(device: str) -> bool:
    """Return whether a worker may reserve a GPU's addresses: asked of the driver's files, because CUDA stays out."""
    return device == "cuda" or (device == "auto" and Path("/dev/nvidiactl").exists())


def threads_within(wanted: int) -> int:
    """Return how many threads a worker should have: more than there are processors only wait for each other."""
    return max(1, min(wanted, math.floor(available_cpus())))


def _embedded_pool(settings: Settings, _behind: JobPool | None, may_recycle: Callable[[], bool]) -> Pool:
    pool = whisper_pool(settings)
    pool.set_may_recycle(may_recycle)
    return pool


def _remote_pool(
    settings: Settings, behind: JobPool | None, _may_recycle: Callable[[], bool]
) -> RemoteFirst[TranscribeClips]:
    server = settings.transcription.openai
    work = {str(url): RemoteRecogniser.from_settings(server, url).transcribe for url in server.url}
    return RemoteFirst(TranscribeClips, work, behind, within_s=server.timeout_s, at_once=server.at_once)


# --- what sayso doctor looks for -----------------------------------------------------------------


def _check_embedded(settings: Settings) -> Iterator[Finding]:
    name, smaller = settings.transcription.model, settings.transcription.smaller_model
    yield _check_whisper("whisper model", name, settings)
    if smaller:
        yield _check_whisper("smaller whisper model", smaller, settings)
        yield from _check_smaller(smaller, name)
    yield _check_cuda(settings.transcription.embedded.device)


def _check_whisper(title: str, name: str, settings: Settings) -> Finding:
    if name in WHISPER or Path(name).expanduser().exists():
        return check_model(title, "fail", resolve_whisper, name, settings)
    return Finding(title, "warn", f"{name} is fetched from the hub at the first start, if it is not there")


def _check_smaller(smaller: str, usual: str) -> Iterator[Finding]:
    mine, others = expected_bytes(smaller, 1), expected_bytes(usual, 1)
    if mine and others and mine >= others:
        trouble = f"{smaller} takes no less memory than {usual} (transcription.smaller_model)"
        yield Finding("smaller whisper model", "warn", trouble, "name a smaller one, or none")


def _check_cuda(wanted: str) -> Finding:
    """Look at what CTranslate2 can run on, in a process of its own: a broken driver may end it."""
    command = [sys.executable, "-c", "import ctranslate2; print(ctranslate2.get_cuda_device_count())"]
    try:
        asked = subprocess.run(command, check=True, capture_output=True, text=True, timeout=IMPORT_TIMEOUT_S)
        count = int(asked.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        return Finding("cuda", "fail", f"CTranslate2 does not load: {error}", "install it again: make clean serve")
    if wanted == "cuda" and not count:
        fix = "set transcription.embedded.device = auto, or install the NVIDIA driver and the CUDA 12 libraries"
        trouble = "transcription.embedded.device is cuda, but CTranslate2 sees no such device"
        return Finding("cuda", "fail", trouble, fix)
    chosen = "GPU" if count and wanted != "cpu" else "CPU"
    return Finding("cuda", "ok", f"{count} device(s) seen by CTranslate2; Whisper runs on the {chosen}")


def _check_remote(settings: Settings) -> Iterator[Finding]:
    server = settings.transcription.openai
    missing: State = "warn" if settings.transcription.fallback or len(server.url) > 1 else "fail"
    for url in server.url:
        yield from check_openai("transcription openai", url, server.api_key, missing)


RECOGNISERS: Final[Mapping[str, Provider[MakeRecogniser]]] = {
    "embedded": Provider(settings=WhisperSettings, make=_embedded_pool, check=_check_embedded),
    "openai": Provider(settings=OpenAITranscriptionSettings, make=_remote_pool, check=_check_remote),
}
KIND: Final = ProviderKind("transcription", RECOGNISERS, recognisers_in_use)
