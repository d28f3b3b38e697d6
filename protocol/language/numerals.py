"""Whole numbers in words, by the spelling rules of the Unicode CLDR.

The rules of a language are read from the library's own files when the language is first asked for (8 ms).
"""

from functools import cache, lru_cache

from unicode_rbnf import FormatPurpose, RbnfEngine


@lru_cache(maxsize=1_024)
def number_in_words(value: int, language: str) -> str:
    """Return 21 as "twenty-one" for "en" and as "einundzwanzig" for "de"; raises ``ValueError`` for no language."""
    return _engine(language).format_number(value).text


@lru_cache(maxsize=256)
def ordinal_in_words(value: int, language: str) -> str:
    """Return 3 as "third" and "dritte"."""
    return _engine(language).format_number(value, purpose=FormatPurpose.ORDINAL).text


@lru_cache(maxsize=256)
def year_in_words(value: int, language: str) -> str:
    """Return 1905 as "nineteen oh-five" and "neunzehnhundertfünf"."""
    return _engine(language).format_number(value, purpose=FormatPurpose.YEAR).text


@cache
def _engine(language: str) -> RbnfEngine:
    return RbnfEngine.for_language(language)
