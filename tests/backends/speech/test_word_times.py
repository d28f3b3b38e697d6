from backends.speech.word_times import Timed, word_times


def test_each_word_lies_where_its_first_token_was_attended_to() -> None:
    words = [" Turn", " it", " on", ".", ""]
    tokens = [[10], [11], [12, 13], [14], [99]]
    alignment = [(0, 20), (0, 25), (1, 30), (2, 40), (3, 50), (4, 60), (5, 65)]

    found = word_times(words, tokens, alignment, [0.9, 0.8, 0.6, 0.4, 1.0, 1.0])

    assert found == [
        Timed("Turn", 400, 600, 0.9),
        Timed("it", 600, 800, 0.8),
        Timed("on.", 800, 1_200, 0.5),
    ]


def test_a_first_word_that_is_drawn_to_the_beginning_is_shortened() -> None:
    words = [" Turn", " it", " on", ""]
    tokens = [[1], [2], [3], [99]]
    alignment = [(0, 0), (1, 50), (2, 60), (3, 70)]

    first, *_ = word_times(words, tokens, alignment, [0.9, 0.9, 0.9, 1.0])

    assert (first.start_ms, first.end_ms) == (600, 1_000)


def test_without_words_there_are_no_times() -> None:
    assert word_times([""], [[99]], [(0, 0)], [1.0]) == []
