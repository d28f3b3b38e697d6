"""Labelled sentences: what each should lead to, in the server's own tools.

Two shapes of rows are read, one JSON object a line:

* our own: ``{"domain", "text", "intent", "args"}``; the intent has a tool in ``_OWN``, and the arguments are compared
* CLINC150's: ``{"text", "intent", "split"}``; the intent has tools in ``CLINC_TOOLS``, and only the tool is compared

A row whose intent has no tool wants no call.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import attrs

from backends.builtin.calculator import CalculationError, evaluate
from backends.builtin.moments import named_day, named_moment
from backends.builtin.units import UnitError, convert, find_unit, fitted
from protocol.language.remarks import Remark

Arguments = Mapping[str, Any]
Compare = Callable[[Arguments, Arguments], bool]
"""Takes the label's arguments and the call's; returns whether they mean the same."""

TIMERS: Final = frozenset({
    "set_timer", "list_timers", "cancel_timer", "pause_timer", "resume_timer", "extend_timer", "shorten_timer",
})  # fmt: skip
ALARMS: Final = frozenset({"set_alarm", "list_alarms", "cancel_alarm", "snooze_alarm"})
REMINDERS: Final = frozenset({"set_reminder", "list_reminders", "cancel_reminder"})
CLINC_TOOLS: Final[Mapping[str, frozenset[str]]] = {
    "alarm": ALARMS,
    "calculator": frozenset({"calculate"}),
    "date": frozenset({"get_date", "find_date"}),
    "measurement_conversion": frozenset({"convert_units"}),
    "reminder": REMINDERS,
    "reminder_update": REMINDERS,
    "shopping_list": frozenset({"read_list"}),
    "shopping_list_update": frozenset({"add_to_list", "remove_from_list"}),
    "time": frozenset({"get_time"}),
    "timer": TIMERS,
    "todo_list": frozenset({"read_list"}),
    "todo_list_update": frozenset({"add_to_list", "remove_from_list"}),
}
"""The intents of CLINC150 that the server has tools for."""
SAME_LISTS: Final[Mapping[str, str]] = {"grocery": "shopping", "groceries": "shopping"}
SPLITS: Final[Mapping[str, frozenset[str]]] = {
    "train": frozenset({"train", "oos_train"}),
    "val": frozenset({"val", "oos_val"}),
    "test": frozenset({"test", "oos_test"}),
}
"""CLINC150 has the sentences of no intent in splits of their own."""


@attrs.frozen
class Row:
    """One sentence and what it should lead to."""

    domain: str
    text: str
    tools: frozenset[str] = frozenset()
    """Any of them is right; none where no call is wanted."""
    arguments: Arguments | None = None
    """Of the label; ``None`` where only the tool is known."""
    compare: Compare | None = None
    remark: Remark | None = None
    """What the sentence says of the conversation, such as "never mind"."""
    asks_for_help: bool = False

    def only_with(self, tools: Collection[str]) -> "Row":
        """Return the row as it is where there are only ``tools``: without any of its own no call is wanted."""
        return attrs.evolve(self, tools=self.tools & frozenset(tools))

    def fits(self, tool: str, arguments: Arguments) -> bool:
        """Return whether a call is the one that was wanted."""
        if tool not in self.tools:
            return False
        return self.arguments is None or self.compare is None or self.compare(self.arguments, arguments)


def read_rows(path: Path, split: str) -> list[Row]:
    """Return the rows of a file; of those that have a ``split`` only these. Raises ``ValueError`` for other shapes."""
    found: list[Row] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            data = json.loads(line)
            if "split" not in data:
                found.append(_own_row(data))
            elif data["split"] in SPLITS[split]:
                found.append(Row(data["intent"], data["text"], CLINC_TOOLS.get(data["intent"], frozenset())))
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path}:{number}: a row needs text and intent, and args or split: {error!r}") from error
    return found


def programs_in(rows: Collection[Row]) -> list[str]:
    """Return the programs that the sentences name."""
    return sorted({str(row.arguments["name"]) for row in rows if row.arguments and "run_program" in row.tools})


# --- our own labels ------------------------------------------------------------------------------


def _own_row(data: Mapping[str, Any]) -> Row:
    domain, text, intent, wanted = data["domain"], data["text"], data["intent"], data["args"]
    if intent in _REMARKS:
        return Row(domain, text, remark=_REMARKS[intent])
    if intent == "control.help":
        return Row(domain, text, asks_for_help=True)
    if intent not in _OWN:
        return Row(domain, text)
    tool, compare = ("find_date", _one_day) if wanted.get("offset") else _OWN[intent]
    return Row(domain, text, frozenset({tool}), wanted, compare)


def _same(**names: str) -> Compare:
    """Return a comparison of some arguments: the label's name to the tool's; one that neither names is alike."""

    def compare(wanted: Arguments, got: Arguments) -> bool:
        return all(_alike(wanted.get(mine), got.get(theirs)) for mine, theirs in names.items())

    return compare


def _alike(wanted: object, got: object) -> bool:
    if wanted in (None, "", False) or got in (None, "", False):
        return not wanted and not got
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        return abs(wanted - got) < 1e-6
    return _plain(wanted) == _plain(got)


def _plain(value: object) -> str:
    words = re.sub(r"^(?:the|a|an|my) ", "", str(value).lower().strip(" .?!"))
    return SAME_LISTS.get(words, words)


def _list_change(wanted: Arguments, got: Arguments) -> bool:
    return _alike(wanted.get("item"), got.get("item")) and _named_list(wanted, got)


def _named_list(wanted: Arguments, got: Arguments) -> bool:
    """Return whether the list is the one that the sentence names; where it names none, any will do."""
    return "list" not in wanted or _alike(wanted["list"], got.get("list_name"))


def _clear(wanted: Arguments, got: Arguments) -> bool:
    return got.get("item") == "all" and _named_list(wanted, got)


def _sum(wanted: Arguments, got: Arguments) -> bool:
    try:
        return abs(float(evaluate(str(got["expression"]))) - float(wanted["v"])) < 0.01
    except (CalculationError, KeyError):
        return False


def _measure(wanted: Arguments, got: Arguments) -> bool:
    try:
        source, target = fitted(find_unit(got["from_unit"]), find_unit(got["to_unit"]))
        found = float(convert(Decimal(str(got["value"])), source, target))
    except (UnitError, KeyError):
        return False
    return abs(found - float(wanted["v"])) <= 0.01 * abs(float(wanted["v"]))


def _note_deletion(wanted: Arguments, got: Arguments) -> bool:
    return str(got.get("which")) == ("all" if wanted.get("all") else str(wanted.get("which", "last")))


def _topic(topic: str) -> Compare:
    return lambda _, got: got.get("topic") == topic


def _moment(wanted: Arguments, got: Arguments) -> bool:
    """Return whether the call's ``when`` is the time of day, the day and the delay of the label, and its text too."""
    when = named_moment(str(got.get("when", "")), "en")
    at, day = wanted.get("at"), wanted.get("day")
    if when is None or not _alike(wanted.get("text"), got.get("text")) or not _alike(wanted.get("s"), when.delay_s):
        return False
    hour, minute = map(int, at.split(":")) if at else (None, None)
    is_at = when.clock is None if at is None else when.clock is not None and hour in when.clock.hours()
    is_minute = when.clock is None or when.clock.minute == (minute or 0)
    return is_at and is_minute and (day is None or when.day == named_day(day, "en"))


def _one_day(wanted: Arguments, got: Arguments) -> bool:
    day = named_day(str(got.get("day", "")), "en")
    return day is not None and day.offset == wanted["offset"]


_REMARKS: Final[Mapping[str, Remark]] = {"control.stop": Remark.DROP, "control.repeat": Remark.REPEAT}
_OWN: Final[Mapping[str, tuple[str, Compare]]] = {
    "timer.start": ("set_timer", _same(s="seconds", name="name")),
    "timer.status": ("list_timers", _same(name="name")),
    "timer.extend": ("extend_timer", _same(s="by_seconds", name="name")),
    "timer.cancel": ("cancel_timer", _same(all="every", name="name")),
    "alarm.set": ("set_alarm", _moment),
    "alarm.status": ("list_alarms", _same()),
    "alarm.cancel": ("cancel_alarm", _same()),
    "reminder.set": ("set_reminder", _moment),
    "reminder.status": ("list_reminders", _same()),
    "reminder.cancel": ("cancel_reminder", _same()),
    "list.add": ("add_to_list", _list_change),
    "list.show": ("read_list", _named_list),
    "list.remove": ("remove_from_list", _list_change),
    "list.clear": ("remove_from_list", _clear),
    "note.add": ("add_note", _same(text="text")),
    "note.list": ("list_notes", _same()),
    "note.delete": ("delete_note", _note_deletion),
    "time.now": ("get_time", _same(place="place")),
    "date.now": ("get_date", _same(place="place")),
    "calc": ("calculate", _sum),
    "unit": ("convert_units", _measure),
    "system.cpu": ("system_info", _topic("cpu")),
    "system.memory": ("system_info", _topic("memory")),
    "system.uptime": ("system_info", _topic("uptime")),
    "system.disk": ("system_info", _topic("disk")),
    "system.battery": ("system_info", _topic("battery")),
    "launch": ("run_program", _same(name="name")),
}
"""Intent to tool, and how the arguments are compared."""
