"""Renamed keys: an old key still works, with a notice of the new one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from config.sources import SettingEntry, variable_of

_WHISPER: Final = (
    *("device", "compute_type", "flash_attention", "spare_vram", "cpu_threads", "beam_size", "hypotheses"),
    *("max_jobs", "max_jobs_jitter", "spare_workers", "worker_memory_mb"),
)
_NEW_SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "transcription.embedded": {f"transcription.{name}": name for name in _WHISPER},
    "transcription.openai": {f"transcription.openai_{name}": name for name in ("url", "model", "api_key", "timeout_s")},
    "inference.ollama": {
        "inference.ollama_url": "url",
        "inference.ollama_model": "model",
        "inference.keep_alive_s": "keep_alive_s",
        "inference.max_loaded_models": "max_loaded_models",
    },
    "inference.openai": {f"inference.openai_{name}": name for name in ("url", "model", "api_key")},
    "inference.embedded": {"inference.embedded": "use", "inference.cpu_threads": "cpu_threads"},
    "speech.piper": {f"speech.{name}": name for name in ("voice", "workers", "spare_workers", "worker_memory_mb")},
    "speech.openai": {f"speech.openai_{name}": name for name in ("url", "model", "voice", "api_key", "timeout_s")},
    "history.sqlite": {f"history.{name}": name for name in ("path", "cache_pages", "mmap_bytes")},
}
MOVED: Final[Mapping[str, str]] = {
    old: f"{section}.{new}" for section, names in _NEW_SECTIONS.items() for old, new in names.items()
}
"""Old key to new key."""


def under_new_keys(entries: Sequence[SettingEntry]) -> list[SettingEntry]:
    """Return the entries with the keys that they have now, in the same order."""
    return [attrs.evolve(entry, key=MOVED.get(entry.key, entry.key)) for entry in entries]


def notices(entries: Sequence[SettingEntry]) -> Iterator[str]:
    """Yield a line for each entry that has an old key."""
    for entry in entries:
        new = MOVED.get(entry.key)
        if new is not None:
            yield f"{entry.origin}: {entry.key} is now {new} (or {variable_of(new)}); the old name still works"
