from pathlib import Path

import numpy as np
import pytest

from backends.speech.model_file import ModelFileError, floats, read_model
from tests.backends.speech.model_files import packed, text

ARRAYS = {
    "decoder/wide": np.arange(6, dtype="<f2").reshape(2, 3),
    "decoder/number": np.array(7, dtype="<i2"),
    "encoder/other": np.ones(3, dtype="<f4"),
}


def written(folder: Path, content: bytes) -> Path:
    path = folder / "model.bin"
    path.write_bytes(content)
    return path


def test_the_arrays_of_a_part_are_read_by_their_names_without_it(tmp_path: Path) -> None:
    path = written(tmp_path, packed(ARRAYS, {"decoder/again": "decoder/wide", "encoder/x": "encoder/other"}))
    found = read_model(path, "decoder/")
    assert set(found) == {"wide", "number", "again"}
    assert found["wide"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["again"] is found["wide"]
    assert int(found["number"]) == 7


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = packed(ARRAYS, {"decoder/again": "decoder/wide"})
    for size in range(len(whole)):
        with pytest.raises(ModelFileError, match="model"):
            read_model(written(tmp_path, whole[:size]), "decoder/")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (packed(ARRAYS, {}, version=5), "binary version 6, not 5"),
        (b"\6\0\0\0" + text("S") + b"\1\0\0\0" + b"\xff\xff\xff\xff", "100000 arrays at most"),
        (b"\6\0\0\0" + text("S") + b"\1\0\0\0\1\0\0\0" + text("x") + b"\x09", "8 dimensions at most, not 9"),
        (
            b"\6\0\0\0" + text("S") + b"\1\0\0\0\1\0\0\0" + text("x") + b"\1\2\0\0\0\5\4\0\0\0",
            "known type of numbers, not of number 5",
        ),
        (
            b"\6\0\0\0" + text("S") + b"\1\0\0\0\1\0\0\0" + text("x") + b"\1\xff\xff\xff\xff\0\4\0\0\0" + bytes(4),
            "must have 17179869180 bytes, not 4",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_rule(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(ModelFileError, match=problem):
        read_model(written(tmp_path, content), "")


def test_int8_weights_are_divided_by_the_scale_of_their_row() -> None:
    arrays = {"w": np.array([[10, 20], [30, 40]], dtype="<i1"), "w_scale": np.array([10, 20], dtype="<f4")}
    assert floats(arrays, "w").tolist() == [[1, 2], [1.5, 2]]


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({}, "has no w"),
        ({"w": np.zeros(2, dtype="<i1")}, "no scale for w"),
        ({"w": np.zeros(2, dtype="<i2")}, "floats or int8, not int16"),
    ],
)
def test_what_is_no_weights_is_refused(arrays: dict[str, np.ndarray], problem: str) -> None:
    with pytest.raises(ModelFileError, match=problem):
        floats(arrays, "w")
