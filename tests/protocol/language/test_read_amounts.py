"""How money, measures, ranges, fractions and sums are read aloud."""

import pytest

from protocol.language.read_amounts import closed_up
from protocol.language.reading_tables import READING_WORDS
from protocol.language.readings import read_aloud


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("45,50 EUR or USD 20", "forty-five euros and fifty cents or twenty dollars"),
        ("\u20ac1.234,50", "1,234 euros and fifty cents"),
        ("CHF 30 and 100 GBP", "thirty Swiss francs and 100 pounds"),
        ("CA$20, A$15 and NZ$3", "twenty Canadian dollars, fifteen Australian dollars and three New Zealand dollars"),
        ("\u20b9500 and \u20bd300", "500 rupees and 300 rubles"),
        ("-$5.00", "minus five dollars"),
        ("$3.5k, $2M and $1.2B", "3.5 thousand dollars, two million dollars and 1.2 billion dollars"),
        ("$.50 and 5\u00a2", "fifty cents and five cents"),
        ("$9.99/mo or $5/month", "nine dollars and ninety-nine cents per month or five dollars per month"),
        ("\u20ac3 per kg", "three euros per kilogram"),
        ("$10-$20", "ten dollars to twenty dollars"),
        ("$100-150", "100 to 150 dollars"),
    ],
)
def test_money_has_the_name_of_its_currency(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("30% or 0.5 %", "thirty percent or 0.5 percent"),
        ("5-10%", "5 to ten percent"),
        ("-3.5%", "minus 3.5 percent"),
        ("10 kWh/day at 12 V", "ten kilowatt hours per day at twelve volts"),
        ("9.8 m/s\u00b2 and 12 kg/m\u00b2", "9.8 meters per second squared and twelve kilograms per square meter"),
        ("3 GB/s", "three gigabytes per second"),
        ("60 beats/min", "60 beats per minute"),
        ("20 \u00b5m and 10 \u03bcg", "twenty micrometers and ten micrograms"),
        ("3 tbsp and 2 tsp", "three tablespoons and two teaspoons"),
        ("6 ft 2 in", "six feet two inches"),
        ("5 in the morning, 3 in a row", "5 in the morning, 3 in a row"),
        ("2h 30m 15s", "two hours thirty minutes fifteen seconds"),
        ("1 hr 20 min", "one hour twenty minutes"),
        ("He is 5'11\" tall.", "He is five feet eleven inches tall."),
        ('A 27" monitor', "A twenty-seven inch monitor"),
        ('8.5" x 11"', "8.5 by 11 inches"),
        ("1920x1080", "1920 by 1080"),
        ("3 x 4 x 5 cm", "3 times 4 times five centimeters"),
        ("2,5 km", "2.5 kilometers"),
        (".5 miles and .5 mi", "0.5 miles and 0.5 miles"),
        ("25\u00b0C (77\u00b0F)", "twenty-five degrees Celsius (seventy-seven degrees Fahrenheit)"),
        ("5 km\u00b2, so m\u00b2", "five square kilometers, so square meters"),
        ("2.3M users, 10k", "2.3 million users, 10 thousand"),
    ],
)
def test_a_unit_is_a_word_where_it_is_one(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("pages 10-12", "pages 10 to 12"),
        ("ages 3\u20135", "ages 3 to 5"),
        ("in 10-15 minutes", "in 10 to 15 minutes"),
        ("10 - 20 people", "10 to 20 people"),
        ("10 - 3 = 7", "10 minus 3 equals 7"),
        ("10-3=7", "10 minus 3 equals 7"),
        ("5 - 3", "5 minus 3"),
        ("between -5 \u00b0C and 3 \u00b0C", "between minus five degrees Celsius and three degrees Celsius"),
        ("a temperature of -40", "a temperature of minus 40"),
        ("the score is 3:1", "the score is 3 to 1"),
        ("16:9", "16 to 9"),
        ("1-2-3", "1-2-3"),
    ],
)
def test_a_stroke_between_numbers_is_a_range_or_a_minus(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("3/7 and 7/12", "three sevenths and seven twelfths"),
        ("\u215d inch, 1\u2154 cups", "five eighths inch, one and two thirds cups"),
        ("1-1/2 cups", "one and one half cups"),
        ('5/8"', "five eighths inch"),
        ("3/2", "three halves"),
        ("8/10 and 95/100", "eight out of ten and ninety-five out of 100"),
        ("4/5 stars", "four out of five stars"),
        ("page 3/4", "page 3 of 4"),
        ("24/7 and 50/50", "24 7 and 50 50"),
    ],
)
def test_fractions_have_names(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1 + 1 = 2", "1 plus 1 equals 2"),
        ("2+2", "2 plus 2"),
        ("10\u2076 and 10\u207b\u00b3", "10 to the power of six and 10 to the power of minus three"),
        ("6.02e23", "6.02 times ten to the power of twenty-three"),
        ("1.5e-3", "1.5 times ten to the power of minus three"),
        ("x >= 5 and y != z", "x is at least 5 and y does not equal z"),
        ("< 5", "less than 5"),
        ("~20 minutes", "about 20 minutes"),
        ("\u00b15", "plus or minus 5"),
        ("\u221a16", "square root of 16"),
        ("2x faster, 1.5x", "two times faster, 1.5 times"),
        ("100+ people", "100 plus people"),
        ("x - 1", "x minus 1"),
        ("UTC+2", "UTC plus 2"),
        ("C++", "C++"),
    ],
)
def test_signs_of_sums_have_names(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("45.50 \u20ac und 0,99 \u20ac", "fünfundvierzig Euro fünfzig und neunundneunzig Cent"),
        ("3 Mrd. \u20ac", "drei Milliarden Euro"),
        ("5 \u20ac/Monat", "fünf Euro pro Monat"),
        ("50 %, 5-10 %", "fünfzig Prozent, 5 bis zehn Prozent"),
        ("120 kWh/Jahr", "120 Kilowattstunden pro Jahr"),
        ("3 EL Öl, 1 TL Salz", "drei Esslöffel Öl, ein Teelöffel Salz"),
        ("1 Min. und 30 Sek. noch", "eine Minute und dreißig Sekunden noch"),
        ("1 1/2 Stunden", "eineinhalb Stunden"),
        ("10 - 4 = 6", "10 minus 4 ist gleich 6"),
        ("16:9", "16 zu 9"),
        ("\u2265 5", "mindestens 5"),
    ],
)
def test_amounts_are_read_in_german(written: str, read: str) -> None:
    assert read_aloud(written, "de") == read


@pytest.mark.parametrize(
    ("written", "closed"),
    [
        ("1 000 000", "1,000,000"),
        ("1 000", "1,000"),
        ("12\u202f345", "12,345"),
        ("1'500", "1,500"),
        ("take 5 500 times", "take 5 500 times"),
        ("1 800 555 0199", "1 800 555 0199"),
    ],
)
def test_thousands_that_are_parted_by_blanks_are_one_number(written: str, closed: str) -> None:
    assert closed_up(written, READING_WORDS["en"]) == closed
