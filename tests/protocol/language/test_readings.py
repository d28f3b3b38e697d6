"""How figures are read aloud."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.language.readings import powers_aloud, read_aloud


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("It is 3:00 PM in Tokyo.", "It is three PM in Tokyo."),
        ("It is 12:00 AM.", "It is twelve AM."),
        ("It is 3:05 p.m. now", "It is three oh five PM now"),
        ("at 10:45am", "at ten forty-five AM"),
        ("at 9:00", "at nine o'clock"),
        ("at 15:00 or 0:00", "at fifteen hundred or midnight"),
        ("at 17:30", "at seventeen thirty"),
        ("It costs $45.50.", "It costs forty-five dollars and fifty cents."),
        ("$1", "one dollar"),
        ("$1.01", "one dollar and one cent"),
        ("$0.99", "ninety-nine cents"),
        ("$1,234.50", "1,234 dollars and fifty cents"),
        ("US$ 20", "twenty dollars"),
        ("$5 million", "five million dollars"),
        ("$1.5 billion", "1.5 billion dollars"),
        ("5 € or 45.50€", "five euros or forty-five euros and fifty cents"),
        ("£1.01 and £3", "one pound and one penny and three pounds"),
        ("\u00a5500", "500 yen"),
        ("1/2 cup", "one half cup"),
        ("3/4 and 2/3", "three quarters and two thirds"),
        ("2 1/2 cups", "two and one half cups"),
        ("1\u00bd cups, \u00bc cup", "one and one half cups, one quarter cup"),
        ("24/7", "24 7"),
        ("Wind is 5 km/h.", "Wind is five kilometers per hour."),
        ("1 km/h", "one kilometer per hour"),
        ("12 °C, -5°C, 70°F", "twelve degrees Celsius, minus five degrees Celsius, seventy degrees Fahrenheit"),
        ("20-30 km", "20 to thirty kilometers"),
        ("384,400 km", "384,400 kilometers"),
        ("3.5 kg", "3.5 kilograms"),
        ("16 GB at 3.2 GHz", "sixteen gigabytes at 3.2 gigahertz"),
        ("10 m² and 2 m³", "ten square meters and two cubic meters"),
        ("11/27/2026", "November 27th, 2026"),
        ("27/11/2026", "November 27th, 2026"),
        ("2026-11-01", "November 1st, 2026"),
        ("27.11.2026", "November 27th, 2026"),
        ("3 * 4, 6\u00d77, 8 \u00f7 2", "3 times 4, 6 times 7, 8 divided by 2"),
        ("5² and x³", "5 squared and x cubed"),
        ("john.doe@example.com", "john dot doe at example dot com"),
    ],
)
def test_figures_are_read_in_english(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Es ist 15:05 Uhr.", "Es ist fünfzehn Uhr fünf."),
        ("um 1:00 Uhr", "um ein Uhr"),
        ("um 21:21", "um einundzwanzig Uhr einundzwanzig"),
        ("Das kostet 45,50 €.", "Das kostet fünfundvierzig Euro fünfzig."),
        ("1 €", "ein Euro"),
        ("1.234,50 €", "1.234 Euro fünfzig"),
        ("3,5 Millionen €", "3,5 Millionen Euro"),
        ("£3 und $4", "drei Pfund und vier Dollar"),
        ("1/2 Tasse", "eine halbe Tasse"),
        ("3/4 und 1/3", "drei Viertel und ein Drittel"),
        ("2 1/2 Stunden", "zweieinhalb Stunden"),
        ("5 km/h und 12 °C", "fünf Kilometer pro Stunde und zwölf Grad Celsius"),
        ("-3 °C", "minus drei Grad Celsius"),
        ("1,5 kg", "1,5 Kilogramm"),
        ("1 h und 2 h", "eine Stunde und zwei Stunden"),
        ("27.11.2026", "siebenundzwanzigster November 2026"),
        ("3 * 4", "3 mal 4"),
    ],
)
def test_figures_are_read_in_german(written: str, read: str) -> None:
    assert read_aloud(written, "de") == read


@pytest.mark.parametrize(
    "text",
    [
        "99/99/2026",
        "a 5G network",
        "It is 25 degrees.",
        "I have 3 more meters.",
        "1/1",
        "in 2026",
        "in 1500 meters turn left",
        "Take 5 500 mg tablets".replace(" mg", ""),
        "May 10 people come?",
        "Vitamin C and the LCD",
        "mix IV fluids",
        "7-Eleven",
        "node.js, main.py and /usr/bin",
        "x-1",
        'He said "I am 27" and left.',
        "covid-19 and the F-16",
    ],
)
def test_what_is_read_rightly_already_stays(text: str) -> None:
    assert read_aloud(text, "en") == text


def test_another_language_is_left_alone() -> None:
    assert read_aloud("Il est 15:00, 5 km/h", "fr") == "Il est 15:00, 5 km/h"
    assert powers_aloud("2**10", "fr") == "2**10"


@pytest.mark.parametrize(
    ("text", "language", "read"),
    [
        ("2**10 is 1024", "en", "two to the power of ten is 1024"),
        ("2^10", "en_US", "two to the power of ten"),
        ("x^-2", "en", "x to the power of minus two"),
        ("2 ** 100", "en", "two to the power of 100"),
        ("2**10", "de", "zwei hoch zehn"),
        ("a **5** b", "en", "a **5** b"),
        ("**2**10**", "en", "**2**10**"),
    ],
)
def test_powers_are_told_from_bold_text(text: str, language: str, read: str) -> None:
    assert powers_aloud(text, language) == read


@given(
    st.text(st.sampled_from("0123456789.,:/-$€@ apmkh°C*^½²IVX#()=+<>'\"Stv"), max_size=120),
    st.sampled_from(["en", "de"]),
)
def test_any_text_can_be_read(text: str, language: str) -> None:
    assert isinstance(read_aloud(powers_aloud(text, language), language), str)
