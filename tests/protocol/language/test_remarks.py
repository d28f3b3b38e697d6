import pytest

from protocol.language.remarks import Remark, chosen, remark_of

TIMERS = ("pasta timer", "pizza timer", "ten-minute timer")


@pytest.mark.parametrize("text", ["Never mind.", "cancel", "Stop!", "OK, forget it", "stop, please"])
def test_never_mind_drops_in_english(text):
    assert remark_of(text, "en") is Remark.DROP


@pytest.mark.parametrize("text", ["Abbrechen", "vergiss es", "Lass gut sein.", "stopp bitte"])
def test_never_mind_drops_in_german(text):
    assert remark_of(text, "de-AT") is Remark.DROP


@pytest.mark.parametrize(
    ("text", "language"), [("no", "en"), ("Nothing.", "en"), ("nein danke", "de"), ("nichts", "de")]
)
def test_a_no_drops_a_question_and_means_nothing_without_one(text, language):
    assert remark_of(text, language, is_answer=True) is Remark.DROP
    assert remark_of(text, language) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [("Repeat that.", "en"), ("say that again please", "en"), ("Wie bitte?", "de"), ("sag das nochmal", "de")],
)
def test_what_was_said_is_repeated(text, language):
    assert remark_of(text, language) is Remark.REPEAT


@pytest.mark.parametrize("text", ["stop the pasta timer", "cancel my flight", "repeat the song", "no idea", ""])
def test_a_sentence_that_says_more_is_no_remark(text):
    assert remark_of(text, "en", is_answer=True) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Undo that.", "en"),
        ("take it back, please", "en"),
        ("Mach das rückgängig!", "de"),
        ("nimm das zurück", "de-AT"),
    ],
)
def test_what_was_done_is_taken_back(text, language):
    assert remark_of(text, language) is Remark.TAKE_BACK


def test_a_language_without_a_table_has_no_remarks():
    assert remark_of("stop", "fr") is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("the pizza one", 1),
        ("pizza", 1),
        ("the pizza timer", 1),
        ("the first one", 0),
        ("the second", 1),
        ("number two", 1),
        ("the last one", 2),
        ("the ten minutes one", 2),
        ("the 10 minute timer", 2),
        ("I meant the pasta one", 0),
    ],
)
def test_one_of_several_is_chosen_by_its_name_or_its_place(text, at):
    assert chosen(text, TIMERS, "en") == at


@pytest.mark.parametrize("text", ["the fourth", "timer", "both", "the soup one", "", "pasta and pizza"])
def test_words_that_choose_none_or_several_choose_nothing(text):
    assert chosen(text, ("pasta timer", "pizza timer"), "en") is None


def test_one_of_several_is_chosen_in_german():
    assert chosen("den ersten", ("Nudeltimer", "Pizza-Timer"), "de") == 0
    assert chosen("die Pizza", ("Nudeltimer", "Pizza-Timer"), "de") == 1
    assert chosen("den letzten bitte", ("Nudeltimer", "Pizza-Timer"), "de") == 1
