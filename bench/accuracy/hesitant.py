"""Spoken commands with a pause in the middle, and what became of each; pure.

Rules kept here:

* What a command should do is what the server does when the whole sentence is typed: nothing is written down twice.
* Only what is in effect at the end counts: a call that was taken back was not made, and of a call that only reads, such
  as for the time, the last one was.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from sayso_client import (
    Event,
    NoSpeech,
    Reply,
    SpeechAudioStart,
    SpeechStopped,
    ToolCall,
    ToolResult,
    Transcript,
    TurnCompleted,
)

PAUSES_MS: Final = (300, 400, 500, 600, 700, 800, 900, 1_000)


@attrs.frozen
class Hesitant:
    """A sentence that its speaker pauses in."""

    first: str
    rest: str
    is_begun: bool = True
    """Whether the first half is only the beginning of a command, so that no answer to it may be heard."""

    @property
    def sentence(self) -> str:
        """All of it."""
        return f"{self.first} {self.rest}"


SENTENCES: Final = (
    Hesitant("Set a timer for", "thirty minutes."),
    Hesitant("Turn on the", "kitchen light."),
    Hesitant("Wake me up at", "seven thirty tomorrow."),
    Hesitant("Remind me to", "call my mother at six."),
    Hesitant("Add milk", "to the shopping list."),
    Hesitant("Take a note that", "the car needs oil."),
    Hesitant("Convert five miles", "to kilometers."),
    Hesitant("What is twelve", "times seven?"),
    Hesitant("How many grams are", "in two pounds?"),
    Hesitant("Set a timer", "for forty five minutes."),
    Hesitant("Turn off the lights", "in the bedroom.", is_begun=False),
    Hesitant("What time is it", "in Tokyo?", is_begun=False),
    Hesitant("Set an alarm", "for six in the morning."),
    Hesitant("Put two lemons", "on the shopping list."),
    Hesitant("What is on my", "shopping list?"),
    Hesitant("Set the temperature in the living room", "to twenty one degrees."),
    Hesitant("Remind me tomorrow at nine", "to water the plants."),
    Hesitant("Set a timer for two hours", "and thirty minutes.", is_begun=False),
    Hesitant("Turn on the kitchen light", "and the bedroom light.", is_begun=False),
    Hesitant("Remove milk from", "the shopping list."),
    Hesitant("What day is", "Christmas?", is_begun=False),
    Hesitant("Open the blinds", "in the bedroom.", is_begun=False),
    Hesitant("Read my", "notes."),
    Hesitant("Make a note that", "the key is under the mat."),
    Hesitant("Cancel the", "thirty minute timer."),
    Hesitant("What is fifteen percent", "of eighty?"),
    Hesitant("Set a pasta timer", "for twenty minutes."),
    Hesitant("Set the kitchen light to", "fifty percent."),
    Hesitant("Is the", "kitchen light on?"),
    Hesitant("Add eggs and", "butter to the shopping list."),
    Hesitant("Turn on the bedroom light and", "turn off the kitchen light."),
    Hesitant("How much time is left", "on the pasta timer?", is_begun=False),
    Hesitant("Take a note", "the plumber comes on Friday."),
    Hesitant("Remind me in twenty minutes", "to take out the trash."),
    Hesitant("What is nine", "plus sixteen?"),
    Hesitant("Lock the", "front door."),
    Hesitant("Close the blinds", "in the living room.", is_begun=False),
    Hesitant("Set a timer for one hour", "and a timer for two hours.", is_begun=False),
    Hesitant("Delete", "my last note."),
    Hesitant("Convert", "thirty pounds to kilograms."),
)
"""Forty commands of all kinds; later ones need what earlier ones have made."""


@attrs.frozen
class MadeCall:
    """A call of a tool."""

    tool: str
    arguments: Mapping[str, Any]


@attrs.define
class Course:
    """What happened from the first sample of a sentence to the end of the answer."""

    heard: list[str] = attrs.field(factory=list)
    answers: list[str] = attrs.field(factory=list)
    half_answers: list[str] = attrs.field(factory=list)
    """Of which a sound was heard before the sentence was whole."""
    calls: list[MadeCall] = attrs.field(factory=list)
    """Those in effect."""
    changes: list[MadeCall] = attrs.field(factory=list)
    """Those of them that do not only read."""
    taken_back: int = 0
    ends: list[str] = attrs.field(factory=list)
    """Why each utterance ended."""


def course_of(events: Sequence[Event], reading: frozenset[str]) -> Course:
    """Return the course of a sentence from its events; ``reading`` are the tools that change nothing."""
    course = Course()
    made = {event.call_id: event for event in events if isinstance(event, ToolCall)}
    done = [event.call_id for event in events if isinstance(event, ToolResult) and event.ok and event.call_id in made]
    undone = {made[call_id].undoes for call_id in done} - {None}
    kept = [made[call_id] for call_id in done if call_id not in undone and made[call_id].undoes is None]
    last_turn = next((event.turn_id for event in reversed(events) if isinstance(event, TurnCompleted)), "")
    amended = [call for call in kept if call.tool not in reading or call.turn_id == last_turn]
    course.calls = [MadeCall(call.tool, call.arguments) for call in amended]
    course.changes = [call for call in course.calls if call.tool not in reading]
    course.taken_back = len(undone)
    texts = {event.turn_id: event.text for event in events if isinstance(event, Reply) and not event.truncated}
    for event in events:
        match event:
            case Transcript(text=text):
                course.heard.append(text)
            case NoSpeech(reason=reason):
                course.heard.append(f"({reason})")
            case SpeechStopped(reason=reason):
                course.ends.append(reason)
            case Reply(text=text, truncated=False):
                course.answers.append(text)
            case SpeechAudioStart(turn_id=turn_id) if turn_id != last_turn:
                course.half_answers.append(texts.get(turn_id, ""))
    return course


@attrs.frozen
class Judged:
    """One sentence, and what became of it."""

    sentence: Hesitant
    pause_ms: int
    wanted: Sequence[MadeCall]
    course: Course

    @property
    def is_right(self) -> bool:
        """Whether exactly what was wanted is in effect."""
        return _counted(self.course.calls) == _counted(self.wanted)

    @property
    def is_twice(self) -> bool:
        """Whether a call that changes something is in effect twice, or another one beside all that was wanted."""
        changes = self.course.changes
        is_whole = all(call in self.course.calls for call in self.wanted)
        return len(set(_counted(changes))) < len(changes) or (
            is_whole and any(call not in self.wanted for call in changes)
        )

    @property
    def wrong_half_answers(self) -> Sequence[str]:
        """What was heard of an answer to what is only the beginning of a command."""
        return self.course.half_answers if self.sentence.is_begun else ()


def _counted(calls: Sequence[MadeCall]) -> list[str]:
    return sorted(f"{call.tool} {sorted(call.arguments.items(), key=str)}" for call in calls)


def summary(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return the figures of a round."""
    right = sum(each.is_right for each in judged)
    return {
        "commands": len(judged),
        "right": right,
        "accuracy": round(right / max(1, len(judged)), 4),
        "done_twice": sum(each.is_twice for each in judged),
        "wrong_half_answers": sum(bool(each.wrong_half_answers) for each in judged),
        "other_half_answers": sum(bool(each.course.half_answers) and not each.wrong_half_answers for each in judged),
        "cut": sum(len(each.course.ends) > 1 for each in judged),
        "taken_back": sum(each.course.taken_back for each in judged),
        "wrong": [_told(each) for each in judged if not each.is_right or each.is_twice or each.wrong_half_answers],
    }


def _told(judged: Judged) -> dict[str, Any]:
    return {
        "said": f"{judged.sentence.first} ... {judged.sentence.rest}",
        "pause_ms": judged.pause_ms,
        "heard": judged.course.heard,
        "answers": judged.course.answers,
        "half_answers": judged.course.half_answers,
        "in_effect": _counted(judged.course.calls),
        "wanted": _counted(judged.wanted),
        "right": judged.is_right,
    }


def show(name: str, figures: Mapping[str, Any]) -> None:
    """Print the figures of a round."""
    print(f"\n{name}: {figures['right']} of {figures['commands']} right in the end ({figures['accuracy']:.1%})")
    print(
        f"  done twice {figures['done_twice']}, wrong half-answers heard {figures['wrong_half_answers']}, "
        f"others {figures['other_half_answers']}, cut in two {figures['cut']}, taken back {figures['taken_back']}"
    )
    for one in figures["wrong"]:
        mark = "right, but" if one["right"] else "wrong:"
        print(f"  {mark} said {one['said']!r} with {one['pause_ms']} ms, heard {one['heard']}")
        print(f"    answers {one['answers']}, of them half-answers {one['half_answers']}")
        print(f"    in effect {one['in_effect']}\n    wanted    {one['wanted']}")
