"""CTranslate2's file of a model, ``model.bin``: the names and arrays in it.

The format is that of ``ctranslate2/specs/model_spec.py`` (binary version 6): little-endian, each string with a 16-bit
length and a final zero, each array with its dimensions, the number of its type and its size in bytes; then aliases.
"""

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
VERSION: Final = 6
MAX_VARIABLES: Final = 100_000
MAX_DIMENSIONS: Final = 8
TYPES: Final[Mapping[int, np.dtype[Any]]] = {
    0: np.dtype("<f4"),
    1: np.dtype("<i1"),
    2: np.dtype("<i2"),
    3: np.dtype("<i4"),
    4: np.dtype("<f2"),
}
"""CTranslate2's numbers of types; bfloat16, its 5, has no counterpart in numpy."""
SCALE: Final = "_scale"


class ModelFileError(ValueError):
    """The file is no model of this format, or has another type of numbers; the message says which."""


def read_model(path: Path, prefix: str) -> dict[str, Array]:
    """Return the arrays whose names begin with ``prefix``, without it, as they lie in the file; nothing is copied.

    Raises ``ModelFileError`` and ``OSError``.
    """
    with path.open("rb") as file:
        whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
    reader = _Reader(whole, path)
    try:
        return reader.arrays(prefix)
    except (struct.error, UnicodeDecodeError) as error:
        raise ModelFileError(f"{path} must be a model of CTranslate2, and is cut off or damaged: {error}") from error


def floats(arrays: Mapping[str, Array], name: str) -> npt.NDArray[np.float32]:
    """Return an array as float32; of int8 ones each row is divided by its scale. Raises ``ModelFileError``."""
    found = arrays.get(name)
    if found is None:
        raise ModelFileError(f"the model has no {name}")
    if found.dtype == np.int8:
        scale = arrays.get(name + SCALE)
        if scale is None:
            raise ModelFileError(f"the model has no scale for {name}")
        return np.asarray(found / scale.astype(np.float32).reshape(-1, *[1] * (found.ndim - 1)), dtype=np.float32)
    if found.dtype.kind != "f":
        raise ModelFileError(f"{name} must be of floats or int8, not {found.dtype}")
    return np.asarray(found, dtype=np.float32)


@attrs.define
class _Reader:
    """Reads a file from its beginning."""

    content: mmap.mmap | bytes
    path: Path
    _at: int = 0

    def arrays(self, prefix: str) -> dict[str, Array]:
        version = self._number("I")
        if version != VERSION:
            raise ModelFileError(f"{self.path} must have the binary version {VERSION}, not {version}")
        self._text()  # the name of its kind
        self._number("I")
        found: dict[str, Array] = {}
        for _ in range(self._count()):
            name, array = self._variable()
            if name.startswith(prefix):
                found[name.removeprefix(prefix)] = array
        for _ in range(self._count()):
            alias, name = self._text(), self._text()
            if alias.startswith(prefix) and name.removeprefix(prefix) in found:
                found[alias.removeprefix(prefix)] = found[name.removeprefix(prefix)]
        return found

    def _variable(self) -> tuple[str, Array]:
        name = self._text()
        dimensions = self._number("B")
        if dimensions > MAX_DIMENSIONS:
            raise ModelFileError(f"{name} must have {MAX_DIMENSIONS} dimensions at most, not {dimensions}")
        shape = [self._number("I") for _ in range(dimensions)]
        kind, size_bytes = self._number("B"), self._number("I")
        dtype = TYPES.get(kind)
        if dtype is None:
            raise ModelFileError(f"{name} must be of a known type of numbers, not of number {kind}")
        count = int(np.prod(shape, dtype=np.int64))
        if count * dtype.itemsize != size_bytes:
            raise ModelFileError(f"{name} must have {count * dtype.itemsize} bytes, not {size_bytes}")
        if self._at + size_bytes > len(self.content):
            raise ModelFileError(f"{self.path} is cut off within {name}")
        array = np.frombuffer(self.content, dtype, count, self._at).reshape(shape)
        self._at += size_bytes
        return name, array

    def _count(self) -> int:
        count = self._number("I")
        if count > MAX_VARIABLES:
            raise ModelFileError(f"{self.path} must have {MAX_VARIABLES} arrays at most, not {count}")
        return count

    def _number(self, kind: str) -> int:
        (value,) = struct.unpack_from(f"<{kind}", self.content, self._at)
        self._at += struct.calcsize(f"<{kind}")
        return int(value)

    def _text(self) -> str:
        size = self._number("H")
        if size < 1 or self._at + size > len(self.content):
            raise ModelFileError(f"{self.path} has a name that is not within the file")
        text = bytes(self.content[self._at : self._at + size - 1]).decode()
        self._at += size
        return text
