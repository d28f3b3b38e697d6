import numpy as np
import pytest

from backends.understanding.examples import ExampleIndex
from backends.understanding.vectors import WIDTH
from protocol.messages.meaning import OwnSentence


def unit(*dimensions: int) -> np.ndarray:
    found = np.zeros(WIDTH, np.float32)
    found[list(dimensions)] = len(dimensions) ** -0.5
    return found


def test_the_nearest_example_of_each_intent_counts() -> None:
    index = ExampleIndex()
    examples = [OwnSentence("Lights", "a"), OwnSentence("Lights", "b"), OwnSentence("Blinds", "c")]
    index.replace(examples, np.stack([unit(0), unit(1), unit(2)]).tobytes())
    assert len(index) == 3
    assert index.nearness(unit(1, 2).tobytes()) == {
        "Lights": pytest.approx(0.5**0.5),
        "Blinds": pytest.approx(0.5**0.5),
    }
    assert index.nearness(unit(0).tobytes()) == {"Lights": pytest.approx(1.0), "Blinds": 0.0}


def test_an_empty_index_is_near_to_nothing() -> None:
    index = ExampleIndex()
    assert (len(index), index.nearness(unit(0).tobytes())) == (0, {})


def test_embeddings_that_do_not_fit_their_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="reshape"):
        ExampleIndex().replace([OwnSentence("A", "a")], bytes(8))
