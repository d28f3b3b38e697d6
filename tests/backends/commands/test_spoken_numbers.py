import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.commands.number_words import ENGLISH, GERMAN
from backends.commands.spoken_numbers import Token, counted, normalise, number_words, pointed, tokenise
from protocol.language.numerals import number_in_words

ENGLISH_TEXTS = [
    ("set a timer for twenty-five minutes", "set a timer for 25 minutes"),
    ("Twenty five", "25"),
    ("25", "25"),
    ("one hundred and five", "105"),
    ("a hundred", "100"),
    ("two thousand five hundred", "2500"),
    ("one hundred twenty three thousand four hundred and fifty six", "123456"),
    ("one thousand and one", "1001"),
    ("two million", "2000000"),
    ("2.5 million", "2500000"),
    ("nineteen hundred", "1900"),
    ("one point five", "1.5"),
    ("three point one four", "3.14"),
    ("zero point zero five", "0.05"),
    ("two and a half minutes", "2.5 minutes"),
    ("1,000 and 1.5", "1000 and 1.5"),
    ("5km", "5 km"),
    ("ten percent", "10 percent"),
    ("10%", "10 percent"),
    ("12 \u00d7 7", "12 times 7"),
    ("12 x 7", "12 times 7"),
    ("3x4", "3 times 4"),
    ("12 - 7", "12 minus 7"),
    ("-5 plus 3", "minus 5 plus 3"),
    ("set a timer for .5 hours", "set a timer for 0.5 hours"),
    (".5 plus .25", "0.5 plus 0.25"),
    ("-.5", "minus 0.5"),
    ("2*.5", "2 times 0.5"),
    ("oh point five", "0.5"),
    ("nought point five", "0.5"),
    ("a dozen", "12"),
    ("two dozen eggs", "24 eggs"),
    ("half a dozen", "6"),
    ("three point oh five", "3.05"),
    ("1,234.5", "1234.5"),
    ("1.234,5", "1234.5"),
    ("1.234.567", "1234567"),
    ("1,00,000", "100000"),
    ("0,500", "0.500"),
    ("2,5 miles", "2.5 miles"),
    ("1 000 plus 1", "1000 plus 1"),
    ("1 234 567.5", "1234567.5"),
    ("1'000", "1000"),
    ("1\u202f000", "1000"),
    ("two point five million", "2500000"),
    ("two and a half million", "2500000"),
    ("half a million", "500000"),
    ("a thousand million", "1000000000"),
    ("two billion three hundred million", "2300000000"),
    ("one trillion", "1000000000000"),
    ("five hundred thousand", "500000"),
    ("2 thousand 500", "2500"),
    ("5 hundred and 20", "520"),
    ("2 million 500 thousand", "2500000"),
    ("two and a quarter", "2.25"),
    ("two and three quarters", "2.75"),
    ("5.5km", "5.5 km"),
    ("100 km/h", "100 km h"),
    ("6/2", "6 divided by 2"),
    ("2\u00bd cups", "2 1 divided by 2 cups"),
    ("5\u00b2", "5 squared"),
    ("2**10", "2 to the power of 10"),
    ("3 \u00b7 4", "3 times 4"),
    ("3 - -2", "3 minus minus 2"),
    ("12 \u2013 7", "12 minus 7"),
    ("5'11\"", "5 feet 11 inches"),
    ("5'11 tall", "5 feet 11 inches tall"),
    ("two and three quarters million", "2750000"),
    ("five and a million", "5 and 1000000"),
    ("two thousand and a million", "2000 and 1000000"),
    ("a million and five", "1000005"),
    ("one million two hundred thousand one hundred and one and a half", "1200101.5"),
]
BRACKETS = [
    ("(2 + 3) * 4", "( 2 plus 3 ) times 4"),
    ("2 * (5 + 5)", "2 times ( 5 plus 5 )"),
    ("3 * (2 + 2) - 1", "3 times ( 2 plus 2 ) minus 1"),
    ("-(5+3)", "minus ( 5 plus 3 )"),
    ("((two plus three)) x 4", "( ( 2 plus 3 ) ) times 4"),
    ("(2+3", "( 2 plus 3"),
    ("[2 + 3] * {4 - 1}", "( 2 plus 3 ) times ( 4 minus 1 )"),
    ("milk (2 bottles)", "milk 2 bottles"),
    ("mac (big) and 2+2", "mac big and 2 plus 2"),
    ("(555) 1234", "555 1234"),
    ("5 + 5 :)", "5 plus 5"),
]
NO_NUMBERS = [
    ("two three", "2 3"),
    ("room seven zero", "room 7 0"),
    ("zero zero seven", "0 0 7"),
    ("twenty and three", "20 and 3"),
    ("a twenty second timer", "a 20 second timer"),
    ("the third of may", "the third of may"),
    ("twenty ten", "20 10"),
    ("ten five", "10 5"),
    ("one hundred ten five", "110 5"),
    ("nineteen eighty four", "19 84"),
    ("go to point five", "go to point 5"),
    ("1.2.3", "1.2.3"),
    ("0 800 123", "0 800123"),
    ("555 1234", "555 1234"),
    ("wait...5", "wait 5"),
    ("it's 5 o'clock", "its 5 oclock"),
    ("and/or", "and or"),
    ("12:30", "12 30"),
    ("3 : 4", "3 4"),
    ("half a cup", "half a cup"),
    ("five and six", "5 and 6"),
    ("hundred and", "100 and"),
    ("a minute and a half", "a minute and a half"),
    ("half an hour", "half an hour"),
    ("well-known to-do list", "well known to do list"),
    ("What's up, I'd go!", "whats up id go"),
    ("mp3 player x", "mp3 player x"),
    ("", ""),
    ("?!…", ""),
]
GERMAN_TEXTS = [
    ("fünfundzwanzig Minuten", "25 minuten"),
    ("zweitausenddreihundertvier", "2304"),
    ("einhundertfünf", "105"),
    ("hunderteins", "101"),
    ("1,5 plus 1.000", "1.5 plus 1000"),
    ("anderthalb Stunden", "1.5 stunden"),
    ("zweieinhalb", "2.5"),
    ("drei Komma eins vier", "3.14"),
    ("eine Minute", "eine minute"),
    ("eine Million plus eins", "1000000 plus 1"),
    ("eine halbe Million", "500000"),
    ("anderthalb Millionen", "1500000"),
    ("zwei Komma fünf Millionen", "2500000"),
    ("zwei Millionen dreihunderttausend", "2300000"),
    ("drei Milliarden", "3000000000"),
    ("ein Dutzend", "12"),
    ("1.234,5", "1234.5"),
    ("1,234.5", "1234.5"),
    ("2.5", "2.5"),
    (",5 Liter", "0.5 liter"),
    (".5 Liter", "0.5 liter"),
    ("zehn fünf", "10 5"),
    ("dreihundertvier", "304"),
    ("siebenhunderteintausendeinhundertfünf", "701105"),
    ("fünf und zwanzig", "5 und 20"),
    ("null null vier", "0 0 4"),
    ("ein Timer", "ein timer"),
    ("achte auf die dritte", "achte auf die dritte"),
    *((word.lower(), word.lower()) for word in ("Jahrhundert", "Tausendfüßler", "hundertmal", "Haus")),
    ("10 : 2", "10 geteilt durch 2"),
    ("2 * (5 + 5)", "2 mal ( 5 plus 5 )"),
    ("2\u00b2", "2 zum quadrat"),
]


@pytest.mark.parametrize(("text", "expected"), ENGLISH_TEXTS)
def test_spoken_and_written_english_numbers_become_digits(text, expected):
    assert normalise(text, "en") == expected


@pytest.mark.parametrize(("text", "expected"), BRACKETS)
def test_brackets_are_kept_in_a_calculation_only(text, expected):
    assert normalise(text, "en") == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("point 5 hours", "0.5 hours"),
        ("minus point 2 5", "minus 0.25"),
        ("5 point", "5 point"),
        ("2.5 point 5", "2.5 point 5"),
        ("the point", "the point"),
    ],
)
def test_a_leading_point_is_a_number_within_a_slot(words, expected):
    assert " ".join(pointed(words.split(), "en")) == expected
    assert pointed(("point", "5"), "fr") == ("point", "5")


@pytest.mark.parametrize(("text", "expected"), NO_NUMBERS)
def test_what_is_not_one_number_stays_as_it_is(text, expected):
    assert normalise(text, "en") == expected


@pytest.mark.parametrize(("text", "expected"), GERMAN_TEXTS)
def test_german_numbers_become_digits(text, expected):
    assert normalise(text, "de") == expected


def test_a_language_without_numbers_is_split_into_words_only():
    assert normalise("Twenty-five, 25 minutes!", "xx") == "twenty five 25 minutes"
    assert number_words("xx") == frozenset()


def test_a_language_without_a_table_has_its_numbers_read_and_its_articles_kept():
    assert normalise("Vingt-cinq minutes, 25 lampes!", "fr") == "25 minutes 25 lampes"
    assert normalise("une lampe et trois virgule cinq", "fr") == "une lampe et 3.5"
    assert normalise("zéro zéro sept", "fr") == "0 0 7"


def test_a_token_knows_where_it_came_from():
    text = "Buy Twenty-Five Eggs"

    tokens = tokenise(text, "en")

    assert [text[token.start : token.end] for token in tokens] == ["Buy", "Twenty-Five", "Eggs"]
    assert tokens[1].text == "25"


def test_words_that_were_exchanged_are_counted_again():
    tokens = (Token("twenty", 0, 6), Token("five", 7, 11))

    assert counted(tokens, "en") == (Token("25", 0, 11),)


@given(st.integers(0, 999_999_999), st.sampled_from(["en", "de"]))
def test_every_number_below_a_milliard_is_understood(value, language):
    assert normalise(number_in_words(value, language), language) == str(value)


@pytest.mark.parametrize("language", ["da", "es", "fr", "it", "nl", "pt"])
def test_whole_numbers_in_further_languages_become_digits(language):
    assert [normalise(number_in_words(value, language), language) for value in (2, 16, 31, 99)] == [
        "2",
        "16",
        "31",
        "99",
    ]


@given(st.text(alphabet="0123456789 .,'()/-+x", max_size=60), st.sampled_from(["en", "de", "xx"]))
def test_any_figures_give_tokens_that_lie_within_them(text, language):
    assert all(token.text and 0 <= token.start < token.end <= len(text) for token in tokenise(text, language))


@given(st.integers(0, 10**12), st.sampled_from([",", " ", "'", "\u202f"]))
def test_thousands_may_be_parted_in_many_ways(value, mark):
    assert normalise(f"{value:,}".replace(",", mark), "en") == str(value)


@given(st.text(max_size=60), st.sampled_from(["en", "de", "fr", "xx"]))
def test_any_text_gives_tokens_that_lie_within_it(text, language):
    for token in tokenise(text, language):
        assert token.text
        assert 0 <= token.start < token.end <= len(text)


@given(
    st.lists(st.sampled_from([*sorted(number_words("en")), "a", "and", "half", "second", "third", "2.5", "007"])),
    st.sampled_from(["en", "de", "xx"]),
)
def test_any_number_words_in_any_order_give_tokens(words, language):
    assert "".join(normalise(" ".join(words), language).split()) or not words


def test_the_tables_hold_each_number_below_one_hundred():
    assert {normalise(word, "en") for word in ENGLISH.small} == set(map(str, [*range(20), *range(20, 100, 10)]))
    assert {normalise(word, "de") for word in GERMAN.small} == set(map(str, range(100)))
