import hashlib
from importlib import resources

import numpy as np
import pytest
import yaml

from backends.understanding.head import FILE, Head, HeadWeights, head_sha256, load_head
from backends.understanding.vectors import WIDTH


def head(columns: tuple[str, ...], *rows: int) -> Head:
    """Return a head with a column for each name, which likes the dimension of the same number in ``rows``."""
    weights = np.zeros((WIDTH, len(columns)), "<f2")
    weights[list(rows), range(len(columns))] = 10
    return Head(HeadWeights(columns, weights.tobytes(), np.zeros(len(columns), "<f2").tobytes()))


def one(dimension: int) -> np.ndarray:
    found = np.zeros((1, WIDTH), np.float32)
    found[0, dimension] = 1
    return found


def test_the_likeliest_class_is_that_of_the_column_with_most() -> None:
    [found] = head(("time", "talk", "none"), 0, 1, 2).likeliest(one(1), 2)
    assert next(iter(found)) == "talk"
    assert len(found) == 2
    assert found["talk"] > 0.99


def test_the_columns_of_a_class_are_added() -> None:
    [found] = head(("time", "none", "none", "talk"), 0, 5, 6, 7).likeliest(one(1), 3)
    assert found == {"none": pytest.approx(0.5), "talk": pytest.approx(0.25), "time": pytest.approx(0.25)}


def test_probabilities_add_up_to_one() -> None:
    assert head(("a", "b"), 0, 1).probabilities(np.ones((3, WIDTH), np.float32)).sum(1) == pytest.approx([1, 1, 1])


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="reshape"):
        Head(HeadWeights(("a", "b"), bytes(2 * WIDTH), bytes(4)))


def test_the_shipped_head_can_be_loaded_and_its_note_is_about_it() -> None:
    assert {"set_timer", "get_time", "order", "none"} <= set(load_head().classes)
    folder = resources.files("backends.understanding")
    assert head_sha256() == hashlib.sha256(folder.joinpath(FILE).read_bytes()).hexdigest()
    note = folder.joinpath("head.yaml").read_text()
    assert yaml.safe_load(note)["sha256"] == head_sha256()
    assert "CC BY 3.0" in note
