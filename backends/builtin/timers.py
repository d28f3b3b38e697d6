"""Timers and their announcements. Keeps state and decides; the clock is an argument, nothing waits here.

Times are Unix seconds, so that a timer outlives the process and its machine's sleep. Servers may share the file: each
announces its own timers, because it alone knows their sessions, and those of another server once they are overdue.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from backends.builtin.store import JsonFile
from backends.builtin.things import MeantThing, SeveralMeant, hinted
from backends.builtin.wording import (
    LANGUAGE,
    digits,
    duration_in_front,
    duration_words,
    listed,
    plural,
    told,
    upper_first,
)

MAX_TIMERS = 100
MAX_SECONDS = 7 * 86_400.0  # beyond a week people mean a calendar
MAX_NAME_CHARS = 60
LATE_S = 5.0  # a timer that fires later than this says so
ORPHANED_S = 10.0  # another server's timer that is overdue by this much is announced: its server is gone

log = logging.getLogger("sayso.tools_server")


class TimerError(ValueError):
    """A timer cannot be set; the message is fit to be spoken."""


@attrs.frozen
class Timer:
    """One timer."""

    number: int
    name: str
    """What it is for; empty if it has no name."""
    seconds: float
    due_s: float
    """Unix time."""
    session_id: str
    """The session that hears the announcement."""
    language: str = "en"
    """In which language."""
    owner: str = ""
    """Which server has the session."""
    left_s: float | None = None
    """Of a paused timer: what was left when it was paused."""

    @property
    def title(self) -> str:
        """How it is called in the language of the request: "pasta timer" or "ten-minute timer"."""
        return title_of(self.name, self.seconds)

    @property
    def is_paused(self) -> bool:
        """Whether its clock stands still."""
        return self.left_s is not None

    def left_at(self, now_s: float) -> float:
        """Return how many seconds it has left."""
        return max(0.0, self.due_s - now_s) if self.left_s is None else self.left_s


class Timers:
    """All timers, kept in one file."""

    def __init__(self, file: JsonFile, owner: str = "") -> None:
        """Take the file; ``owner`` names this server. Entries that are no timers get a line in the log."""
        self._file = file
        self._owner = owner
        for entry in self._entries():
            if _from_json(entry) is None:
                log.warning("a kept timer that is none is dropped: %.200r", entry)

    def __len__(self) -> int:
        return len(self._kept())

    def set(self, seconds: float, name: str, *, now_s: float, session_id: str) -> Timer:
        """Add a timer; raises ``TimerError`` for a duration or a number of timers out of bounds."""
        if not 1 <= seconds <= MAX_SECONDS:
            raise TimerError(
                told(
                    "A timer must run for one second to seven days, not {seconds} seconds.",
                    seconds=digits(f"{seconds:,.12g}"),
                )
            )
        with self._file.locked():
            timers = self._kept()
            if len(timers) >= MAX_TIMERS:
                raise TimerError(told("There are {count} timers already.", count=MAX_TIMERS))
            number = max((timer.number for timer in timers), default=0) + 1
            timer = Timer(number, _clean(name), seconds, now_s + seconds, session_id, LANGUAGE.get(), self._owner)
            self._replace([*timers, timer])
        return timer

    def cancel(self, name: str = "", seconds: float = 0, *, every: bool = False) -> str:
        """Cancel the timer that is meant, or every one, and say what was done."""
        if every:
            with self._file.locked():
                count = len(self._kept())
                if count > 1:
                    self._replace([])
                    return told("{count} timers are cancelled.", count=count)
        return self._change(name, seconds, lambda timer: (None, told("The {title} is cancelled.", title=timer.title)))

    def pause(self, name: str = "", seconds: float = 0, *, now_s: float) -> str:
        """Stop the clock of the timer that is meant."""

        def change(timer: Timer) -> tuple[Timer, str]:
            left_s = timer.left_at(now_s)
            text = told(
                "The {title} is paused, with {duration} left.", title=timer.title, duration=duration_words(left_s)
            )
            return attrs.evolve(timer, left_s=left_s), text

        return self._change(name, seconds, change)

    def resume(self, name: str = "", seconds: float = 0, *, now_s: float) -> str:
        """Let a paused timer go on; one that runs goes on anyway."""

        def change(timer: Timer) -> tuple[Timer, str]:
            left_s = timer.left_at(now_s)
            text = told(
                "The {title} is running, with {duration} left.", title=timer.title, duration=duration_words(left_s)
            )
            return attrs.evolve(timer, due_s=now_s + left_s, left_s=None), text

        paused = [timer for timer in self._kept() if timer.is_paused]
        if not name and not seconds and len(paused) == 1:  # no name is needed if only one can go on
            return self._change("", 0, change, only=paused[0].number)
        return self._change(name, seconds, change)

    def adjust(self, by_s: float, name: str = "", seconds: float = 0, *, now_s: float) -> str:
        """Give a timer more time, or less; raises ``TimerError`` if it would be over, or run for too long."""

        def change(timer: Timer) -> tuple[Timer, str]:
            left_s = timer.left_at(now_s) + by_s
            if not 1 <= left_s <= MAX_SECONDS:
                has = duration_words(timer.left_at(now_s))
                raise TimerError(
                    told(
                        "The {title} has {duration} left, and may have up to seven days.",
                        title=timer.title,
                        duration=has,
                    )
                )
            text = told("The {title} has {duration} left now.", title=timer.title, duration=duration_words(left_s))
            return attrs.evolve(timer, due_s=now_s + left_s, left_s=left_s if timer.is_paused else None), text

        if not abs(by_s) >= 1:
            raise TimerError(told("A timer is changed by one second or more."))
        return self._change(name, seconds, change)

    def rename(self, new_name: str, name: str = "", seconds: float = 0) -> str:
        """Call a timer something else; an empty name takes its name away."""

        def change(timer: Timer) -> tuple[Timer, str]:
            renamed = attrs.evolve(timer, name=_clean(new_name))
            return renamed, told("The {title} is now the {new}.", title=timer.title, new=renamed.title)

        return self._change(name, seconds, change)

    def text(self, now_s: float, name: str = "", seconds: float = 0) -> str:
        """Say what is running, or how the timers that are meant are doing."""
        timers = self.by_due()
        found = _meant(timers, _clean(name), seconds)
        if not found:
            return _unclear(timers, found, _clean(name), seconds)
        lines = [
            told(
                "{title}: paused, {duration} left" if timer.is_paused else "{title}: {duration} left",
                title=timer.title,
                duration=duration_words(timer.left_at(now_s)),
            )
            for timer in found
        ]
        return f"{upper_first(plural(len(lines), 'timer'))}: {'; '.join(lines)}." if len(lines) > 1 else f"{lines[0]}."

    def by_due(self) -> Sequence[Timer]:
        """Return the timers, the next one first and paused ones last."""
        return sorted(self._kept(), key=lambda timer: (timer.is_paused, timer.due_s))

    def due(self, now_s: float) -> Sequence[Timer]:
        """Return the timers to announce now; they stay until they are forgotten, so that none is lost unheard."""
        return [timer for timer in self._running() if self._announced_at_s(timer) <= now_s]

    def next_s(self) -> float | None:
        """Return the Unix time at which this server has something to announce."""
        return min((self._announced_at_s(timer) for timer in self._running()), default=None)

    def forget(self, timers: Sequence[Timer]) -> None:
        """Drop timers that have been announced."""
        with self._file.locked():
            self._replace([timer for timer in self._kept() if timer not in timers])

    def _change(
        self,
        name: str,
        seconds: float,
        change: Callable[[Timer], tuple[Timer | None, str]],
        *,
        only: int | None = None,
    ) -> str:
        """Replace the one timer that is meant (``only``: its number) by what ``change`` makes of it, None for nothing.

        Returns the sentence of ``change``, or what has to be said first where not exactly one timer is meant.
        """
        with self._file.locked():
            timers = self._kept()
            meant = [timer for timer in timers if only in {None, timer.number}]
            found = _meant(meant, _clean(name), seconds)
            if len(found) != 1:
                return _unclear(timers, found, _clean(name), seconds)
            changed, text = change(found[0])
            kept = [changed if timer is found[0] else timer for timer in timers]
            self._replace([timer for timer in kept if timer is not None])
        return text

    def _running(self) -> Sequence[Timer]:
        return [timer for timer in self.by_due() if not timer.is_paused]

    def _announced_at_s(self, timer: Timer) -> float:
        return timer.due_s if timer.owner == self._owner else timer.due_s + ORPHANED_S

    def _entries(self) -> list[Any]:
        kept = self._file.read()
        return kept if isinstance(kept, list) else []

    def _kept(self) -> list[Timer]:
        return [timer for entry in self._entries() if (timer := _from_json(entry)) is not None]

    def _replace(self, timers: Sequence[Timer]) -> None:
        self._file.write([attrs.asdict(timer) for timer in timers])


def announcement(timer: Timer, now_s: float) -> str:
    """Return what is said when a timer is over, in the language that it was set in."""
    LANGUAGE.set(timer.language)  # no request is being answered
    what = told("Your {title} is done.", title=timer.title)
    late_s = now_s - timer.due_s
    return what if late_s <= LATE_S else f"{what} {told('It was due {duration} ago.', duration=duration_words(late_s))}"


def title_of(name: str, seconds: float) -> str:
    """Return what a timer of that name, or without one, is called."""
    if name:
        return told("{name} timer", name=name)
    return told("{duration} timer", duration=duration_in_front(seconds))


def _meant(timers: Sequence[Timer], name: str, seconds: float) -> Sequence[Timer]:
    if name:
        timers = [timers[at] for at in hinted(name, [timer.name for timer in timers])]
    return [timer for timer in timers if not seconds or timer.seconds == seconds]


def _unclear(timers: Sequence[Timer], found: Sequence[Timer], name: str, seconds: float) -> str:
    """Return what to say where the words mean no timer, or more than one."""
    if not timers:
        return told("There is no timer.")
    if not found:
        return told("There is no {title}.", title=title_of(name, seconds))
    titles = listed(timer.title for timer in found)
    question = told("There are {count}: {titles}. Which one?", count=plural(len(found), "timer"), titles=titles)
    raise SeveralMeant(question, [MeantThing(timer.title, _arguments_of(timer)) for timer in found])


def _arguments_of(timer: Timer) -> Mapping[str, str | float]:
    return {"name": timer.name} if timer.name else {"seconds": timer.seconds}


def _clean(name: str) -> str:
    words = name.strip(" .!?,'\"")[:MAX_NAME_CHARS].strip()
    return "" if words.lower() in {"timer", "the", "my"} else words


def _from_json(entry: Any) -> Timer | None:
    try:
        return Timer(
            int(entry["number"]),
            str(entry["name"]),
            float(entry["seconds"]),
            float(entry["due_s"]),
            str(entry["session_id"]),
            str(entry.get("language", "en")),
            str(entry.get("owner", "")),
            None if entry.get("left_s") is None else float(entry["left_s"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
