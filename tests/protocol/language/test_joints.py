import pytest

from protocol.language.joints import MAX_PIECES, pieces_of, without_lead


def cut(text, language="en"):
    return [text[start:end] for start, end in pieces_of(text, language)]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("turn on the light", ["turn on the light"]),
        ("turn on the light and set a timer", ["turn on the light", "set a timer"]),
        ("Turn on the light, and then set a timer.", ["Turn on the light", "set a timer"]),
        ("What time is it? And what's the date?", ["What time is it", "what's the date"]),
        ("add 3.5 and 1,000", ["add 3.5", "1,000"]),
        ("sand and land", ["sand", "land"]),
        ("and set a timer", ["set a timer"]),
        ("and", ["and"]),
        ("", []),
    ],
)
def test_a_sentence_is_cut_at_its_joints(text, pieces):
    assert cut(text) == pieces


def test_german_has_its_own_joints():
    assert cut("Mach das Licht an und dann stell einen Timer, danach Tee.", "de-AT") == [
        "Mach das Licht an",
        "stell einen Timer",
        "Tee",
    ]
    assert cut("einundzwanzig", "de") == ["einundzwanzig"]


def test_in_another_language_only_the_ends_of_sentences_count():
    assert cut("Allume la lampe. Quelle heure est-il et puis", "fr") == [
        "Allume la lampe",
        "Quelle heure est-il et puis",
    ]


def test_dictation_is_not_cut():
    assert len(cut(" and ".join("x" * MAX_PIECES))) == MAX_PIECES
    assert cut(" and ".join("x" * (MAX_PIECES + 1))) == []
    assert without_lead(" and ".join("x" * (MAX_PIECES + 1)), "en").startswith("x and")


def test_a_word_before_a_sentence_is_left_out():
    assert without_lead("And thirty minutes", "en") == "thirty minutes"
    assert without_lead("thirty and one", "en") == "thirty and one"
    assert without_lead("", "en") == ""
