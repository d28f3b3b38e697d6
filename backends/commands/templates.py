"""Sentence templates: what is in one, what it looks like spoken, and how it is written for matching; pure."""

import re
from collections.abc import Iterator, Mapping, Sequence

from hassil import parse_sentence
from hassil.expression import Alternative, Expression, Group, ListReference, RuleReference, TextChunk
from hassil.parse_expression import ParseExpressionError
from hassil.parser import ParseError

from backends.commands.spoken_numbers import normalise

ARTICLES = frozenset(
    {"the", "a", "an", "my", "it"}
    | {"der", "die", "das", "den", "dem", "ein", "eine", "einen", "einem", "einer", "mein", "meine", "meinen", "es"}
)
"""Words that a template may leave out and a person rarely does."""
MAX_RULE_DEPTH = 10  # rules that name each other in a ring end here
_SLOT_OR_TEXT = re.compile(r"(?P<kept>\{[^}]*\}|<[^>]*>)|(?P<text>[^\[\](){}<>|;]+)")


def parsed(text: str) -> Expression:
    """Return a template's tree; raises ValueError that says what is wrong with it."""
    try:
        expression: Expression = parse_sentence(text).expression
    except ParseExpressionError as error:
        raise ValueError(f"{text!r} cannot be read at {error.chunk.text!r}") from error
    except (ParseError, AssertionError, IndexError) as error:  # hassil asserts on unbalanced brackets
        raise ValueError(f"{text!r} cannot be read: {str(error) or 'unbalanced brackets'}") from error
    return expression


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
