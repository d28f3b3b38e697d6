"""Text to speech: the table of providers, and the one that the settings choose."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from assembly.providers.model_check import check_model
from assembly.providers.provider import Extra, Finding, Provider, ProviderKind, with_fallback
from assembly.providers.rest import rest_after_s
from assembly.providers.server_check import check_openai
from backends.jobs import SpeakText
from backends.protocols import JobPool
from backends.speech import piper
from backends.speech.models import resolve_voice, voice_names
from backends.speech.remote import RemoteSynthesiser
from backends.speech.remote_pool import RemoteFirst
from config.settings import OpenAISpeechSettings, PiperSettings, Settings
from runtime.workers.pool import Pool, Rest, WorkerLimits, WorkerSpec

MakeSynthesiser = Callable[[Settings, JobPool | None], JobPool]
"""From the settings and the pool to fall back to."""


@attrs.frozen(kw_only=True)
class Synthesiser(Provider[MakeSynthesiser]):
    """A provider of speech."""

    voices: Callable[[Settings], Sequence[str] | None]
    """Returns the voices that clients may name; ``None`` for any. May read the disk."""


def synthesisers_in_use(settings: Settings) -> tuple[str, ...]:
    """Return the provider and the one that it falls back to; none if speech is off."""
    speech = settings.speech
    if speech.provider == "none":
        return ()
    return with_fallback(speech.provider, "piper", has_fallback=speech.fallback)


def synthesiser_pool(settings: Settings) -> JobPool | None:
    """Return the pool of synthesisers, ``None`` if speech is off."""
    pool: JobPool | None = None
    for name in reversed(synthesisers_in_use(settings)):
        pool = SYNTHESISERS[name].make(settings, pool)
    return pool


def voices(settings: Settings) -> Sequence[str] | None:
    """Return the voices that clients may name; ``None`` for any, with a remote server. Reads the disk."""
    names = synthesisers_in_use(settings)
    return SYNTHESISERS[names[0]].voices(settings) if names else ()


def check(settings: Settings) -> None:
    """Raise ``ModelError`` if Piper is to speak with a missing or damaged voice, which is loaded after the start."""
    if "piper" in synthesisers_in_use(settings):
        resolve_voice(settings.speech.piper.voice, settings.supervisor.models_dir)


def piper_pool(settings: Settings, _behind: JobPool | None = None) -> Pool:
    """Return the pool of Piper processes."""
    ours = settings.speech.piper
    spec = WorkerSpec(
        name="tts",
        target="backends.speech.piper:PiperWorker",
        params=piper.worker_params(ours, settings.supervisor.models_dir),
        start_timeout_s=settings.speech.start_timeout_s,
        threads=1,
    )
    limits = WorkerLimits(memory_bytes=ours.worker_memory_mb << 20)
    rest = Rest(after_s=rest_after_s(settings))
    return Pool(spec, ours.workers, spares=ours.spare_workers, limits=limits, rest=rest)


def _remote_pool(settings: Settings, behind: JobPool | None) -> RemoteFirst[SpeakText]:
    server, usual = settings.speech.openai, settings.speech.piper.voice
    work = {str(url): RemoteSynthesiser.from_settings(server, url, usual).speak for url in server.url}
    return RemoteFirst(SpeakText, work, behind, within_s=server.timeout_s, at_once=server.at_once)


def _check_piper(settings: Settings) -> Iterator[Finding]:
    yield check_model("voice", "warn", resolve_voice, settings.speech.piper.voice, settings)


def _check_remote(settings: Settings) -> Iterator[Finding]:
    server = settings.speech.openai
    for url in server.url:
        yield from check_openai("speech openai", url, server.api_key, "warn")


SYNTHESISERS: Final[Mapping[str, Synthesiser]] = {
    "piper": Synthesiser(
        settings=PiperSettings,
        make=piper_pool,
        check=_check_piper,
        extra=Extra("piper", "piper"),
        voices=lambda settings: voice_names(settings.speech.piper.voice, settings.supervisor.models_dir),
    ),
    "openai": Synthesiser(
        settings=OpenAISpeechSettings, make=_remote_pool, check=_check_remote, voices=lambda _settings: None
    ),
}
KIND: Final = ProviderKind("speech", SYNTHESISERS, synthesisers_in_use)
