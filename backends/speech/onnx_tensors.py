"""Reads the weights of an ONNX file, without a library: numbers and their shapes, nothing of the graph.

An ONNX file is one message of protocol buffers. Field 7 of a model is its graph, field 5 of a graph is a tensor; of a
tensor, field 1 is a dimension, 2 the type, 8 the name and 9 the numbers (onnx.proto3 of the ONNX project).
"""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
MODEL_GRAPH: Final = 7
GRAPH_TENSOR: Final = 5
FLOAT32: Final = 1
VARINT, EIGHT_BYTES, COUNTED, FOUR_BYTES = 0, 1, 2, 5
"""The wire types of protocol buffers."""


class BadOnnx(ValueError):
    """The bytes are no ONNX model."""


def float_tensors(model: bytes) -> Mapping[str, Floats]:
    """Return the float32 weights of an ONNX model by their names; raises ``BadOnnx``.

    Tensors of other types are left out, and so are those whose numbers are not kept as raw bytes.
    """
    found: dict[str, Floats] = {}
    for graph in _messages(memoryview(model), MODEL_GRAPH):
        for tensor in _messages(graph, GRAPH_TENSOR):
            shape, kind, name, numbers = _tensor(tensor)
            if kind != FLOAT32 or numbers is None:
                continue
            if len(numbers) != 4 * np.prod(shape, dtype=np.int64):
                raise BadOnnx(f"tensor {name} must have the numbers of its shape {shape}, not {len(numbers)} bytes")
            found[name] = np.frombuffer(numbers, "<f4").reshape(shape)
    return found


def _tensor(message: memoryview) -> tuple[tuple[int, ...], int, str, memoryview | None]:
    shape, kind, name, numbers = [], 0, "", None
    for field, value in _fields(message):
        match field, value:
            case (1, int()):
                shape.append(value)
            case (2, int()):
                kind = value
            case (8, memoryview()):
                name = str(value, "utf-8", "replace")
            case (9, memoryview()):
                numbers = value
    return tuple(shape), kind, name, numbers


def _messages(message: memoryview, wanted: int) -> Iterator[memoryview]:
    for field, value in _fields(message):
        if field == wanted and isinstance(value, memoryview):
            yield value


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the fields of a message: integers, and bytes of all other kinds."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        field, wire = key >> 3, key & 7
        if wire == VARINT:
            number, at = _varint(message, at)
            yield field, number
            continue
        if wire == COUNTED:
            size, at = _varint(message, at)
        elif wire in {EIGHT_BYTES, FOUR_BYTES}:
            size = 8 if wire == EIGHT_BYTES else 4
        else:
            raise BadOnnx(f"a field must have wire type 0, 1, 2 or 5, not {wire}")
        if at + size > len(message):
            raise BadOnnx(f"a field of {size} bytes must end within its message, not {at + size - len(message)} later")
        yield field, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number at ``at`` and the position after it."""
    number = 0
    for shift in range(0, 64, 7):
        if at >= len(message):
            raise BadOnnx("a number must end within its message")
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return number, at
    raise BadOnnx("a number must have at most 64 bits")
