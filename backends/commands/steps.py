"""A bound on the work of matching sentences, counted in parts of templates that are looked at.

How long hassil takes for a sentence depends on how many ways there are to read it: most take a millisecond, a jumble of
command words 20. Time is no measure that can be tested, so steps are counted: each list of alternatives, and each
sequence, counts as many as it has parts whenever it is gone through. Beyond the limit matching ends with
``TooManyStepsError``, and the sentence is none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import attrs
from hassil import Intents
from hassil.expression import Expression, Group
from hassil.intents import TextSlotList


class TooManyStepsError(Exception):
    """Matching took more steps than it may."""


@attrs.define
class Steps:
    """The steps of one search."""

    limit: int
    taken: int = 0

    def take(self, count: int) -> None:
        """Count steps; raises ``TooManyStepsError`` beyond the limit."""
        self.taken += count
        if self.taken > self.limit:
            raise TooManyStepsError


_steps: ContextVar[Steps | None] = ContextVar("steps", default=None)


@contextmanager
def counted_steps(limit: int) -> Iterator[Steps]:
    """Count the steps of what is matched within: in templates that went through ``count_in``, and in this task only."""
    steps = Steps(limit)
    token = _steps.set(steps)
    try:
        yield steps
    finally:
        _steps.reset(token)


def take_steps(count: int) -> None:
    """Count steps of another kind, where they are counted; raises ``TooManyStepsError`` beyond the limit."""
    steps = _steps.get()
    if steps is not None:
        steps.take(count)


class CountedItems(list[Expression]):
    """The parts of a template, which count whenever they are gone through."""

    def __iter__(self) -> Iterator[Expression]:
        """Count all parts and go through them."""
        steps = _steps.get()
        if steps is not None:
            steps.take(len(self))
        return super().__iter__()


def count_in(intents: Intents) -> None:
    """Let the templates of a grammar count, those of its rules and of its lists' values as well."""
    sentences = [each for intent in intents.intents.values() for data in intent.data for each in data.sentences]
    for sentence in (*sentences, *intents.expansion_rules.values()):
        _count_below(sentence.expression)
    for listed in intents.slot_lists.values():
        for value in listed.values if isinstance(listed, TextSlotList) else ():
            _count_below(value.text_in)


def _count_below(expression: Expression) -> None:
    if isinstance(expression, Group):
        for item in expression.items:
            _count_below(item)
        expression.items = CountedItems(expression.items)
