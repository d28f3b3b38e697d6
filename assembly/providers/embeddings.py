"""The sentence embedding behind the meaning of sentences: its worker, and what ``sayso doctor`` looks for."""

from collections.abc import Iterator

from actors.meaning import Examples
from assembly.providers.provider import Finding
from assembly.providers.rest import rest_after_s
from backends.speech.models import ModelError
from backends.understanding.embedding_files import NAME, SHA256, WEIGHTS, check_embedding
from backends.understanding.examples import ExampleIndex
from backends.understanding.head import head_sha256
from config.settings import Settings
from runtime.workers.pool import Pool, Rest, WorkerSpec


def meaning_pool(settings: Settings) -> Pool | None:
    """Return the process that reads what sentences mean, ``None`` if that is off."""
    if not settings.understanding.meaning:
        return None
    spec = WorkerSpec(
        name="meaning",
        target="backends.understanding.worker:MeaningWorker",
        params={"models_dir": str(settings.supervisor.models_dir)},
        start_timeout_s=settings.understanding.start_timeout_s,
        threads=1,
    )
    return Pool(spec, 1, rest=Rest(after_s=rest_after_s(settings)))


def make_examples() -> Examples:
    """Return an empty index of the user's own commands."""
    return ExampleIndex()


def check_meaning(settings: Settings) -> Iterator[Finding]:
    """Check that the embedding is there, and undamaged where it has been unpacked."""
    if not settings.understanding.meaning:
        yield Finding("meaning", "ok", "off (understanding.meaning)")
        return
    try:
        path = check_embedding(NAME, settings.supervisor.models_dir)
    except ModelError as error:
        yield Finding("meaning", "warn", f"{NAME} cannot be used; the grammar goes on without it", str(error))
        return
    hashes = f"sha-256 {SHA256[WEIGHTS][:12]}, head {head_sha256()[:12]}"
    yield Finding("meaning", "ok", f"{NAME}, {hashes} ({path})")
