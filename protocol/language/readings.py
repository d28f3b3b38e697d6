"""How written figures are read aloud: times, money, fractions, dates, units, addresses and signs; pure.

Rules kept here:

* Only what a speech synthesiser reads wrongly is rewritten; a plain number stays in digits.
* English and German have rules; in another language the text stays as it is.
* What is one kind of figure is read before what may be part of it: a telephone number before a range, a date before a
  fraction, money before measures.
* Every repetition in a pattern is bounded, so that no text makes matching slow.
"""

from protocol.language.languages import primary
from protocol.language.read_amounts import closed_up, powers, read_amounts
from protocol.language.read_dates import read_dates
from protocol.language.read_signs import read_signs
from protocol.language.reading_tables import READING_WORDS


def read_aloud(text: str, language: str) -> str:
    """Return ``text`` without Markdown as it is read aloud in ``language`` ("en", "de-AT")."""
    words = READING_WORDS.get(primary(language))
    if words is None:
        return text
    for read in (closed_up, read_signs, read_dates, read_amounts):
        text = read(text, words)
    return " ".join(text.split())


def powers_aloud(text: str, language: str) -> str:
    """Return ``text`` with its powers in words; the rest may still be Markdown."""
    words = READING_WORDS.get(primary(language))
    return text if words is None else powers(closed_up(text, words), words)
