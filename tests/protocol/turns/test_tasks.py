import pytest

from protocol.turns.tasks import model_for, task_of


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("Write a Python function that sorts a list", "coding"),
        ("how do I debug this", "coding"),
        ("Kannst du das programmieren?", "coding"),
        ("Compare tea and coffee", "analysis"),
        ("please summarize my day", "analysis"),
        ("Vergleiche Tee mit Kaffee", "analysis"),
        ("What is the capital of France?", "conversation"),
        ("tell me about the zip code of my town, no, forget it", "coding"),
        ("decode", "conversation"),
        ("", "conversation"),
    ],
)
def test_a_question_is_told_by_its_words(text, task):
    assert task_of(text) == task


MODELS = {"coding": "codellama", "conversation": "llama3.2"}


@pytest.mark.parametrize(
    ("task", "text", "model"),
    [
        (None, "debug this", "codellama"),
        (None, "hello", "llama3.2"),
        ("conversation", "debug this", "llama3.2"),
        ("poetry", "debug this", None),
        (None, "compare them", None),
    ],
)
def test_the_clients_own_word_counts_before_the_guess(task, text, model):
    assert model_for(task, text, MODELS) == model


def test_without_a_table_nothing_is_guessed():
    assert model_for(None, "debug this", {}) is None
