"""What the server tells a Whisper worker; apart from it, because the server must not load the worker's libraries."""

from pathlib import Path
from typing import Any

from config.settings import TranscriptionSettings


def whisper_params(settings: TranscriptionSettings, models_dir: Path) -> dict[str, Any]:
    """Return ``WhisperWorker``'s parameters, fit for a ``WorkerSpec``."""
    return {
        "model": settings.model,
        "models_dir": str(models_dir),
        "device": settings.device,
        "compute_type": settings.compute_type,
        "flash_attention": settings.flash_attention,
        "spare_vram": settings.spare_vram,
        "cpu_threads": settings.cpu_threads,
        "beam_size": settings.beam_size,
        "hypotheses": settings.hypotheses,
        "language": settings.language,
    }
