"""The real sentence embedding with the shipped head, in this process."""

import pytest

from backends.jobs import ReadSentences
from backends.understanding.vectors import WIDTH
from backends.understanding.worker import MeaningWorker
from tests.system.model_fixtures import models_dir

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def reader() -> MeaningWorker:
    return MeaningWorker({"models_dir": str(models_dir())})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("could you find out what time we have at the moment", "get_time"),
        ("i would like to know everything that is on the shopping list", "read_list"),
        ("will it be raining in boston later", "weather"),
        ("please get us a pizza delivered", "order"),
    ],
)
def test_a_sentence_in_other_words_than_the_grammars_has_its_class(reader: MeaningWorker, text: str, name: str) -> None:
    readings, blob = reader.handle(ReadSentences((text,)), b"")
    assert next(iter(readings.sentences[0].classes)) == name
    assert len(blob) == 4 * WIDTH
