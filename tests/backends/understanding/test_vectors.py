import numpy as np

from backends.understanding.vectors import WIDTH, Floats


def test_embeddings_are_rows_of_single_precision() -> None:
    found: Floats = np.zeros((2, WIDTH), np.float32)
    assert found.nbytes == 2 * 4 * 384
