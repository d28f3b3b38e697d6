"""How addresses, telephone numbers, versions, abbreviations and Roman numbers are read aloud."""

import pytest

from protocol.language.readings import read_aloud


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("+49 30 123456", "plus four nine, three zero, one two three four five six"),
        ("Call (212) 555-7890 now.", "Call two one two, five five five, seven eight nine zero now."),
        ("555-1234", "five five five, one two three four"),
        ("1-800-555-0199", "one, eight zero zero, five five five, zero one nine nine"),
        ("0171/1234567", "zero one seven one, one two three four five six seven"),
        ("Dial 112", "Dial one one two"),
        ("The code is 4821", "The code is four eight two one"),
        ("I call 20 people", "I call 20 people"),
    ],
)
def test_telephone_numbers_are_read_digit_by_digit(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("john_doe+tag@mail.example.co.uk", "john underscore doe plus tag at mail dot example dot co dot uk"),
        ("example.com", "example dot com"),
        ("@john likes #music", "at john likes hashtag music"),
        ("v1.2.3 and 17.4.1", "version 1 point 2 point 3 and 17 point 4 point 1"),
        ("192.168.1.1", "192 dot 168 dot 1 dot 1"),
        ("#1, No. 5 and \u00a7 5", "number 1, number 5 and section 5"),
        ("AT&T", "AT and T"),
        ("C# and CO\u2082", "C sharp and C O 2"),
        ("he/she and TCP/IP and and/or", "he or she and TCP IP and and or"),
        ("a -> b \u2192 c", "a, b, c"),
        ("w/o sugar, w/ milk", "without sugar, with milk"),
    ],
)
def test_addresses_and_signs_are_spelled(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Dr. Smith of St. Paul", "Doctor Smith of Saint Paul"),
        ("on Main St.", "on Main Street"),
        ("e.g. this, approx. 5", "for example this, approximately 5"),
        ("Fish vs. meat", "Fish versus meat"),
        ("He is Smith Jr.", "He is Smith Junior."),
        ("5 min. later", "five minutes later"),
    ],
)
def test_abbreviations_are_words_without_a_pause(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Henry VIII", "Henry the eighth"),
        ("Queen Elizabeth II", "Queen Elizabeth the second"),
        ("Elizabeth I of England", "Elizabeth the first of England"),
        ("World War II", "World War two"),
        ("Chapter V, Act I", "Chapter five, Act one"),
        ("Super Bowl LVIII", "Super Bowl fifty-eight"),
        ("Malcolm X", "Malcolm X"),
        ("Elizabeth I think", "Elizabeth I think"),
        ("Louis IIII", "Louis IIII"),
    ],
)
def test_roman_numbers_are_ordinals_behind_names_of_rulers(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("z. B. Äpfel, d.h. Obst, usw.", "zum Beispiel Äpfel, das heißt Obst, und so weiter."),
        ("Nr. 7, S. 12", "Nummer 7, Seite 12"),
        ("Goethestr. 12", "Goethestraße 12"),
        ("ca. 5 Mio. Menschen", "circa 5 Millionen Menschen"),
        ("Wilhelm II. war Kaiser.", "Wilhelm der Zweite war Kaiser."),
        ("Elisabeth II. starb.", "Elisabeth die Zweite starb."),
        ("v2.1.0", "Version 2 Punkt 1 Punkt 0"),
        ("1.000.000", "1.000.000"),
        ("info@beispiel.de", "info ät beispiel Punkt de"),
        ("Ruf 112 an.", "Ruf eins eins zwei an."),
    ],
)
def test_signs_are_read_in_german(written: str, read: str) -> None:
    assert read_aloud(written, "de") == read
