"""Draws the tables of a turn into ``docs/turn.md``: ``python -m tests.turn_drawing --write``.

The text between the marks is made from the code, and ``tests/protocol/turns/test_rules.py`` fails when they differ.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from protocol.turns.last_sentence import DONE
from protocol.turns.playback import PLAYBACK
from protocol.turns.questions import QUESTIONS, QuestionState
from protocol.turns.rules import CONVERSATION, ConversationEvent, ConversationState, Step
from protocol.turns.turn import TRANSITIONS
from tests.protocol.turns.conversation_driver import WHATEVER, Driver
from tests.source_tree import ROOT

WAYS = {
    ConversationState.CLOSED: (),
    ConversationState.IDLE: ("options",),
    ConversationState.WORKING: ("options", "text", "understood"),
    ConversationState.ASKING: ("options", "text", "asks"),
    ConversationState.ANSWERING: ("options", "text", "answered"),
    ConversationState.ENDING: ("options", "text", "interrupt"),
}  # what brings a conversation into each state
PAGE = Path("docs", "turn.md")
BEGIN, END = "<!-- drawn: {} -->", "<!-- end -->"


def drawn(page: str) -> str:
    """Return the page with every drawing made anew."""
    for name, lines in drawings().items():
        begin = BEGIN.format(name)
        before, found, rest = page.partition(begin)
        if not found:
            raise SystemExit(f"{PAGE} must have a line {begin}")
        page = "\n".join([f"{before}{begin}", "", *lines, "", END]) + rest.partition(END)[2]
    return page


def drawings() -> Mapping[str, Sequence[str]]:
    """Return what is drawn, by the name of its place in the page."""
    return {
        "states": list(diagram(conversation_edges())),
        "conversation": list(conversation_table()),
        "turn": list(
            diagram(
                {
                    (before.value, after.value): [event.value for event, to in row.items() if to is after]
                    for before, row in TRANSITIONS.items()
                    for after in dict.fromkeys(row.values())
                    if after is not before
                }
            )
        ),
        "answer": list(answer_table()),
        "questions": list(question_table()),
        "done": list(
            diagram(
                {
                    (before.value, after.value): [event.value for event, to in row.items() if to is after]
                    for before, row in DONE.items()
                    for after in dict.fromkeys(row.values())
                    if after is not before
                }
            )
        ),
    }


def conversation_edges() -> Mapping[tuple[str, str], Sequence[str]]:
    """Return what leads from one state of a conversation to another, found by letting everything happen in each."""
    edges: dict[tuple[str, str], list[str]] = {}
    for before, story in WAYS.items():
        for what in WHATEVER:
            driver = Driver()
            for earlier in story:
                driver.happen(earlier)
            driver.happen(what)
            after = driver.conversation.state(driver.now_s)
            if after is not before and what != "crash":
                edges.setdefault((before.value, after.value), []).append(what)
    return edges


def conversation_table() -> Iterator[str]:
    """Yield one row an event, one column for states in which it has the same steps."""
    states = list(ConversationState)
    yield f"| | {' | '.join(state.value for state in states)} |"
    yield "|---" * (len(states) + 1) + "|"
    for event in ConversationEvent:
        cells = [cell(CONVERSATION[event].get(state)) for state in states]
        yield f"| **{event.value}** | {' | '.join(same_as_before(cells))} |"


def cell(steps: Sequence[Step] | None) -> str:
    """Return the steps in words; ``never`` is what must not happen."""
    if steps is None:
        return "never"
    return ", ".join(step.value for step in steps) or "nothing"


def same_as_before(cells: Sequence[str]) -> Iterator[str]:
    """Yield the cells; one that repeats its left neighbour is an arrow."""
    for at, text in enumerate(cells):
        yield "←" if at and text == cells[at - 1] else text


def answer_table() -> Iterator[str]:
    """Yield one row a state of the spoken answer, with the next state and the notices."""
    yield "| state | what happens | next | told |"
    yield "|---|---|---|---|"
    for state, row in PLAYBACK.items():
        for event, (after, notices) in row.items():
            if after is not state or notices:
                told = ", ".join(f"`{notice.value}`" if "_" in notice.value else notice.value for notice in notices)
                yield f"| {state.value} | {event.value} | {after.value} | {told or 'nothing'} |"


def question_table() -> Iterator[str]:
    """Yield one row a kind of words, one column a state of the question, with what is done and which state follows."""
    yield f"| | {' | '.join(state.value for state in QuestionState)} |"
    yield "|---" * (len(QuestionState) + 1) + "|"
    for event, row in QUESTIONS.items():
        cells = [f"{reaction.value} → {after.value}" for reaction, after in (row[state] for state in QuestionState)]
        yield f"| **{event.value}** | {' | '.join(same_as_before(cells))} |"


def diagram(edges: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[str]:
    """Yield a state diagram in Mermaid."""
    yield "```mermaid"
    yield "stateDiagram-v2"
    for (before, after), labels in edges.items():
        yield f"    {before} --> {after}: {', '.join(labels)}"
    yield "```"


def main() -> None:
    """Print the page, or write it."""
    path = ROOT / PAGE
    page = drawn(path.read_text())
    if "--write" in sys.argv[1:]:
        path.write_text(page)
    else:
        sys.stdout.write(page)


if __name__ == "__main__":
    main()
