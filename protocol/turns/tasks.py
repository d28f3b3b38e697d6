"""Classifies a question by task, so that another model may answer it; pure.

A client names the task itself where it knows better. The rules here are few and cheap on purpose: a wrong guess
costs quality, never an action.
"""

import re
from collections.abc import Mapping
from typing import Final

CONVERSATION: Final = "conversation"
# the guide's tasks, by words that are rare in other questions
SIGNS: Final[Mapping[str, re.Pattern[str]]] = {
    "coding": re.compile(
        r"\b(code|python|javascript|typescript|java|rust|sql|regex|regular expression|compile[rs]?|debug|refactor"
        r"|unit tests?|stack trace|algorithm|api endpoint|programm(e|ing|ier)\w*|quellcode)\b"
    ),
    "analysis": re.compile(
        r"\b(analy[sz]e|analysis|compare|comparison|pros and cons|summar(y|i[sz]e)|evaluate|advantages?"
        r"|analysier\w*|vergleich\w*|zusammenfass\w*|fasse .* zusammen)\b"
    ),
}


def task_of(text: str) -> str:
    """Return the task that a question is: ``coding``, ``analysis``, or ``conversation`` for all the rest."""
    lower = text.lower()
    return next((task for task, signs in SIGNS.items() if signs.search(lower)), CONVERSATION)


def model_for(task: str | None, text: str, models: Mapping[str, str]) -> str | None:
    """Return the model of the client's task, or of the guessed one if the client named none; ``None``: the usual one.

    ``models`` maps tasks to names. A task without a name is served by the default model.
    """
    return models.get(task_of(text) if task is None else task) if models else None
