"""The weights of an ONNX file, written here by hand as onnx.proto3 has them."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.speech.onnx_tensors import BadOnnx, float_tensors


def counted(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def varint(value: int) -> bytes:
    made = b""
    while value > 0x7F:
        made += bytes([value & 0x7F | 0x80])
        value >>= 7
    return made + bytes([value])


def tensor(name: str, shape: tuple[int, ...], raw: bytes, kind: int = 1) -> bytes:
    dimensions = b"".join(number(1, size) for size in shape)
    return counted(5, dimensions + number(2, kind) + counted(8, name.encode()) + counted(9, raw))


def model(*tensors: bytes) -> bytes:
    return number(1, 8) + counted(2, b"maker") + counted(7, counted(1, b"node") + b"".join(tensors))


def test_float_tensors_come_with_their_names_and_shapes() -> None:
    weights, bias = np.arange(300, dtype="<f4"), np.ones(2, "<f4")
    found = float_tensors(model(tensor("w", (2, 150), weights.tobytes()), tensor("b", (2,), bias.tobytes())))
    assert list(found) == ["w", "b"]
    assert np.array_equal(found["w"], weights.reshape(2, 150))
    assert np.array_equal(found["b"], bias)


def test_a_tensor_without_dimensions_is_one_number() -> None:
    found = float_tensors(model(tensor("x", (), np.float32(3).tobytes())))
    assert found["x"].shape == ()


def test_tensors_of_other_types_are_left_out() -> None:
    assert float_tensors(model(tensor("n", (1,), bytes(8), kind=7))) == {}


def test_fields_of_other_kinds_are_passed_over() -> None:
    fixed = varint(90 << 3 | 1) + bytes(8) + varint(91 << 3 | 5) + bytes(4)
    assert list(float_tensors(fixed + model(tensor("x", (1,), bytes(4))))) == ["x"]


@pytest.mark.parametrize(
    ("damaged", "problem"),
    [
        (model(tensor("w", (3,), bytes(8))), r"tensor w must have the numbers of its shape \(3,\), not 8 bytes"),
        (model(tensor("w", (1,), bytes(4)))[:-1], "must end within its message, not 1 later"),
        (b"\x80", "a number must end within its message"),
        (b"\x08" + b"\xff" * 10, "at most 64 bits"),
        (b"\x0f\x00", "wire type 0, 1, 2 or 5, not 7"),
    ],
)
def test_what_is_damaged_is_told(damaged: bytes, problem: str) -> None:
    with pytest.raises(BadOnnx, match=problem):
        float_tensors(damaged)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_being_refused(data: bytes) -> None:
    with suppress(BadOnnx):
        assert isinstance(float_tensors(data), dict)
