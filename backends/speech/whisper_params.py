"""Parameters of a Whisper worker; a module of its own, because the server must not load the worker's libraries."""

from pathlib import Path
from typing import Any

from config.settings import TranscriptionSettings


def whisper_params(settings: TranscriptionSettings, models_dir: Path) -> dict[str, Any]:
    """Return ``WhisperWorker``'s parameters, fit for a ``WorkerSpec``."""
    return {
        "model": settings.model,
        "models_dir": str(models_dir),
        "device": settings.embedded.device,
        "compute_type": settings.embedded.compute_type,
        "flash_attention": settings.embedded.flash_attention,
        "spare_vram": settings.embedded.spare_vram,
        "cpu_threads": settings.embedded.cpu_threads,
        "beam_size": settings.embedded.beam_size,
        "hypotheses": settings.embedded.hypotheses,
        "language": settings.language,
    }
