"""Sentence templates: what is in one, what it looks like spoken, and how it is written for matching; pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from hassil import parse_sentence
from hassil.expression import Alternative, Expression, Group, ListReference, RuleReference, TextChunk
from hassil.parse_expression import ParseExpressionError
from hassil.parser import ParseError

from backends.commands.spoken_numbers import normalise
from backends.commands.yaml_text import shown

ARTICLES = frozenset(
    {"the", "a", "an", "my", "it"}
    | {"der", "die", "das", "den", "dem", "ein", "eine", "einen", "einem", "einer", "mein", "meine", "meinen", "es"}
)
"""Words that a template may leave out and a person rarely does."""
MAX_RULE_DEPTH = 10  # rules that name each other in a ring end here
MAX_TEMPLATE_LETTERS = 4_000  # the longest built-in one has 600
MAX_PARTS = 5_000  # of one rule with the rules that it names; the longest built-in one has some hundred
MAX_BRACKETS = 12  # within each other; each is entered by recursion, in rules too
_SLOT_OR_TEXT = re.compile(r"(?P<kept>\{[^}]*\}|<[^>]*>)|(?P<text>[^\[\](){}<>|;]+)")


def parsed(text: str) -> Expression:
    """Return a template's tree; raises ValueError that says what is wrong with it."""
    if len(text) > MAX_TEMPLATE_LETTERS:
        raise ValueError(f"a sentence may have {MAX_TEMPLATE_LETTERS} letters at most, not {len(text)}")
    if _bracket_depth(text) > MAX_BRACKETS:
        raise ValueError(f"brackets may lie {MAX_BRACKETS} deep within each other at most")
    try:
        expression: Expression = parse_sentence(text).expression
    except ParseExpressionError as error:
        raise ValueError(f"{shown(text)} cannot be read at {shown(error.chunk.text)}") from error
    except (ParseError, AssertionError, IndexError) as error:  # hassil asserts on unbalanced brackets
        raise ValueError(f"{shown(text)} cannot be read: {str(error) or 'unbalanced brackets'}") from error
    return expression


def _bracket_depth(text: str) -> int:
    depths = accumulate((letter in "([") - (letter in ")]") for letter in text)
    return max(depths, default=0)


def normalised_template(text: str, language: str) -> str:
    """Return a template with its words as spoken text is normalised: "twenty-five" is "25", "what's" is "whats"."""

    def rewrite(match: re.Match[str]) -> str:
        words = match["text"]
        if words is None or words.isspace():
            return match.group()
        lead, trail = words[: len(words) - len(words.lstrip())], words[len(words.rstrip()) :]
        body = normalise(words, language)
        return lead + body + trail if body else " "

    return _SLOT_OR_TEXT.sub(rewrite, text)


def walk(expression: Expression, rules: Mapping[str, Expression], depth: int = 0) -> Iterator[Expression]:
    """Yield all parts of a template, those of its rules included; unknown rules are yielded and not entered."""
    yield expression
    if isinstance(expression, Group):
        for item in expression.items:
            yield from walk(item, rules, depth)
    elif isinstance(expression, RuleReference) and depth < MAX_RULE_DEPTH:
        body = rules.get(expression.rule_name)
        if body is not None:
            yield from walk(body, rules, depth + 1)


def check_rules(rules: Mapping[str, Expression]) -> Mapping[str, str]:
    """Return what is wrong with rules that name each other: those in a ring, too deep, or too long when entered."""
    sizes: dict[str, int] = {}
    wrong: dict[str, str] = {}
    for name in rules:
        try:
            _size_of(name, rules, sizes, ())
        except ValueError as error:
            wrong[name] = str(error)
    return wrong


def _size_of(name: str, rules: Mapping[str, Expression], sizes: dict[str, int], entered: tuple[str, ...]) -> int:
    """Return how many parts a rule has, those of the rules that it names included; ``sizes`` keeps them."""
    if name in entered:
        raise ValueError(f"the rule <{name}> must not name itself, directly or through other rules")
    if len(entered) >= MAX_RULE_DEPTH:
        raise ValueError(f"rules may name each other {MAX_RULE_DEPTH} deep at most")
    if name not in sizes:
        size = 0
        for part in walk(rules[name], {}):
            if isinstance(part, RuleReference) and part.rule_name in rules:
                size += _size_of(part.rule_name, rules, sizes, (*entered, name))
            else:
                size += 1
            if size > MAX_PARTS:
                raise ValueError(f"the rule <{name}> may have {MAX_PARTS} parts at most, those of its rules included")
        sizes[name] = size
    return sizes[name]


def slots_of(expression: Expression, rules: Mapping[str, Expression]) -> Sequence[ListReference]:
    """Return the slots of a template."""
    return [part for part in walk(expression, rules) if isinstance(part, ListReference)]


def literal_words(expression: Expression, rules: Mapping[str, Expression], language: str) -> frozenset[str]:
    """Return the words that a template says itself, normalised."""
    chunks = [part.original_text for part in walk(expression, rules) if isinstance(part, TextChunk)]
    return frozenset(word for chunk in chunks for word in normalise(chunk, language).split())


def example(
    expression: Expression, rules: Mapping[str, Expression], slots: Mapping[str, str], missing: str = ""
) -> str:
    """Return the plainest sentence of a template: first choices, ``slots`` by their examples, of options articles only.

    A slot that has no example, such as one for free text, is ``missing``.
    """
    return " ".join(_example(expression, rules, slots, missing, 0).split())


def _example(
    expression: Expression, rules: Mapping[str, Expression], slots: Mapping[str, str], missing: str, depth: int
) -> str:
    match expression:
        case TextChunk():
            return str(expression.original_text)
        case ListReference():
            return slots.get(expression.list_name) or missing
        case RuleReference():
            body = rules.get(expression.rule_name)
            return "" if body is None or depth >= MAX_RULE_DEPTH else _example(body, rules, slots, missing, depth + 1)
        case Alternative():
            first = _example(expression.items[0], rules, slots, missing, depth)
            return first if not expression.is_optional or first.strip().lower() in ARTICLES else ""
        case Group():
            return "".join(_example(item, rules, slots, missing, depth) for item in expression.items)
        case _:
            return ""
