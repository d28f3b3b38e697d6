"""The load level, from 0 (normal) to 5 (unsafe); pure, so samples and the time are arguments.

Rules kept here:

* Up after two samples in a row above a mark, several levels at once if need be; down one level at a time, after ten
  seconds below the lower mark of the present level, and five for each further level while the calm lasts: from 4 to
  0 in 25 s. So a signal that jitters around a mark moves nothing.
* A busy CPU alone never leads to refusals. It counts together with a delay that people notice.
* Use by other programs is not our load: it may make answers cheaper (level 1), and leads to no refusals.
* A signal that a machine does not have is absent, and never zero.
"""

import enum
from collections import deque
from collections.abc import Mapping, Sequence

import attrs

UP_SAMPLES = 2
DOWN_AFTER_S = 10.0
DOWN_AGAIN_AFTER_S = 5.0  # if no signal has risen since the last step down
OOM = "oom_kill"
OOM_HOLD_S = 60.0  # seconds without new sessions after memory ran out


class Level(enum.IntEnum):
    """What is refused; each level keeps what the ones below it do."""

    NORMAL = 0
    BROWNOUT = 1
    """Answers are cheaper: shorter, with fewer guesses."""
    NO_SHEDDABLE = 2
    """Background work is refused."""
    NO_NEW = 3
    """New sessions are refused; those that are open are served."""
    EVICT = 4
    """Idle sessions are asked to leave."""
    UNSAFE = 5
    """The process leaves in order, so that another takes its place."""


@attrs.frozen
class Mark:
    """A level is entered above ``high`` and left below ``low`` (both the other way round for what should be large)."""

    level: Level
    high: float
    low: float


@attrs.frozen(kw_only=True)
class Signal:
    """One measurement, with the marks of its levels."""

    name: str
    unit: str
    marks: tuple[Mark, ...]
    is_scarce: bool = False
    """Whether a small value is bad, such as free space on a disk."""


def _marks(*marks: tuple[int, float, float]) -> tuple[Mark, ...]:
    return tuple(Mark(Level(level), high, low) for level, high, low in marks)


# --- effects of our own work on our clients
LAG = Signal(  # p95 of the last seconds: one long stop, as of a machine that was paused, is over at the second sample
    name="loop_lag", unit="s", marks=_marks((1, 0.05, 0.03), (3, 0.15, 0.08), (4, 0.5, 0.25), (5, 10.0, 5.0))
)
QUEUE = Signal(name="queue_delay", unit="s", marks=_marks((1, 0.15, 0.08), (2, 0.4, 0.2), (3, 1.0, 0.4)))
MEMORY = Signal(
    name="memory",
    unit="share",
    marks=_marks((1, 0.75, 0.70), (2, 0.82, 0.77), (3, 0.88, 0.82), (4, 0.94, 0.88), (5, 0.97, 0.94)),
)
CPU = Signal(name="cpu", unit="share of the limit", marks=_marks((1, 1.0, 0.875), (2, 1.125, 1.0)))
PSI_MEMORY = Signal(name="memory_stalls", unit="%", marks=_marks((2, 10, 5)))
PSI_MEMORY_FULL = Signal(name="memory_stalls_full", unit="%", marks=_marks((2, 1, 0.3), (4, 5, 1)))
THROTTLED = Signal(name="cpu_throttled", unit="share", marks=_marks((1, 0.05, 0.02), (3, 0.25, 0.10)))
FILES = Signal(name="open_files", unit="share", marks=_marks((3, 0.85, 0.75)))
PROCESSES = Signal(name="processes", unit="share", marks=_marks((3, 0.85, 0.75)))
WORKERS = Signal(name="workers_missing", unit="share", marks=_marks((2, 0.5, 0.25), (3, 0.99, 0.75)))
# --- the state of the machine, whatever the cause
WAIT = Signal(name="loop_wait", unit="s", marks=_marks((1, 0.05, 0.03)))
MACHINE_CPU = Signal(name="machine_cpu", unit="share of the limit", marks=_marks((1, 1.0, 0.875)))
PSI_CPU = Signal(name="cpu_stalls", unit="%", marks=_marks((1, 40, 25)))
MACHINE_MEMORY = Signal(name="machine_memory", unit="share", marks=_marks((1, 0.88, 0.82)))
DISK = Signal(name="free_disk", unit="share", marks=_marks((1, 0.05, 0.08)), is_scarce=True)

OURS = (LAG, QUEUE, MEMORY, CPU, PSI_MEMORY, PSI_MEMORY_FULL, THROTTLED, FILES, PROCESSES, WORKERS)
OTHERS = (WAIT, MACHINE_CPU, PSI_CPU, MACHINE_MEMORY, DISK)
SIGNALS = (*OURS, *OTHERS)
OF_MEMORY = frozenset({MEMORY.name, PSI_MEMORY.name, PSI_MEMORY_FULL.name})


@attrs.frozen
class Reading:
    """The reading of one signal; ``value`` is ``None`` if the machine has no such signal."""

    signal: Signal
    value: float | None

    def wanted(self) -> Level:
        """Return the highest level whose upper mark is reached."""
        return max((mark.level for mark in self.signal.marks if self._reaches(mark.high)), default=Level.NORMAL)

    def held(self, level: Level) -> Level:
        """Return the highest level, up to ``level``, whose lower mark is still reached."""
        marks = [mark.level for mark in self.signal.marks if mark.level <= level and self._reaches(mark.low)]
        return max(marks, default=Level.NORMAL)

    def _reaches(self, mark: float) -> bool:
        if self.value is None:
            return False
        return self.value <= mark if self.signal.is_scarce else self.value >= mark


@attrs.frozen
class Look:
    """A sample of the machine."""

    readings: Sequence[Reading]
    was_out_of_memory: bool = False
    """Whether memory ran out since the last sample."""
    is_busy_with_others: bool = False
    """Whether the processors are taken, and mostly by other programs."""


@attrs.frozen
class LoadReport:
    """The level, since when, and the signal that drives it."""

    level: Level
    since_s: float
    driver: str
    """The cause of the level: a signal, or ``oom_kill`` if memory ran out; empty at 0 and on the way down."""
    readings: tuple[Reading, ...]

    @property
    def memory_level(self) -> Level:
        """The part of the level that the server's own use of memory alone would hold."""
        if self.driver == OOM:
            return self.level
        held = (reading.held(self.level) for reading in self.readings if reading.signal.name in OF_MEMORY)
        return max(held, default=Level.NORMAL)

    def shown(self, now_s: float) -> Mapping[str, object]:
        """Return the report for the status page."""
        return {
            "level": int(self.level),
            "name": self.level.name.lower(),
            "for_s": round(now_s - self.since_s, 1),
            "driver": self.driver,
            "signals": {
                reading.signal.name: {
                    "value": None if reading.value is None else round(reading.value, 4),
                    "unit": reading.signal.unit,
                    "marks": {int(mark.level): [mark.high, mark.low] for mark in reading.signal.marks},
                }
                for reading in self.readings
            },
        }


@attrs.define
class LoadController:
    """Turns readings into levels."""

    level: Level = Level.NORMAL
    _since_s: float | None = None
    """When it has become this level; ``None`` before the first sample."""
    _wanted: list[Level] = attrs.field(factory=list)
    """By the last samples."""
    _calm_since_s: float | None = None
    _down_after_s: float = DOWN_AFTER_S
    _oom_until_s: float = 0.0

    def note_oom(self, now_s: float) -> None:
        """Memory ran out, or a process of ours was killed for it."""
        self._oom_until_s = now_s + OOM_HOLD_S

    def sample(self, readings: Sequence[Reading], now_s: float) -> LoadReport:
        """Take one sample; call it at even intervals."""
        if self._since_s is None:
            self._since_s = now_s
        readings = with_busy_rule(readings)
        floor = Level.NO_NEW if now_s < self._oom_until_s else Level.NORMAL
        wanted = max((*(reading.wanted() for reading in readings), floor))
        self._wanted = [*self._wanted, wanted][-UP_SAMPLES:]
        certain = min(self._wanted) if len(self._wanted) == UP_SAMPLES else Level.NORMAL
        certain = max(certain, floor)
        if certain > self.level:
            self._become(certain, now_s)
        else:
            self._descend(readings, floor, now_s)
        return LoadReport(self.level, self._since_s, self._driver(readings, floor), tuple(readings))

    def _driver(self, readings: Sequence[Reading], floor: Level) -> str:
        """Return the signal that demands the highest level, or else holds the highest; empty if none does."""
        strengths = {"": (Level.NORMAL, Level.NORMAL)}
        strengths |= {reading.signal.name: (reading.wanted(), reading.held(self.level)) for reading in readings}
        strengths[OOM] = (floor, floor)
        return max(strengths, key=lambda name: strengths[name]) if self.level else ""

    def _descend(self, readings: Sequence[Reading], floor: Level, now_s: float) -> None:
        held = max((*(reading.held(self.level) for reading in readings), floor))
        if held >= self.level:
            self._calm_since_s, self._down_after_s = None, DOWN_AFTER_S
        elif self._calm_since_s is None:
            self._calm_since_s = now_s
        elif now_s - self._calm_since_s >= self._down_after_s:
            self._become(Level(self.level - 1), now_s)
            self._calm_since_s, self._down_after_s = now_s, DOWN_AGAIN_AFTER_S

    def _become(self, level: Level, now_s: float) -> None:
        self.level = level
        self._since_s = now_s
        self._calm_since_s, self._down_after_s = None, DOWN_AFTER_S


@attrs.define
class Window:
    """Values of the last ``span_s`` seconds."""

    span_s: float
    _values: deque[tuple[float, float]] = attrs.field(factory=deque)

    def add(self, value: float, now_s: float) -> None:
        """Take a value, and forget those that are too old."""
        self._values.append((now_s, value))
        while self._values[0][0] < now_s - self.span_s:
            self._values.popleft()

    def p95(self) -> float | None:
        """Return the 95th percentile, ``None`` of nothing."""
        values = sorted(value for _, value in self._values)
        return values[int(0.95 * (len(values) - 1))] if values else None

    def minimum(self) -> float | None:
        """Return the smallest, ``None`` of nothing."""
        return min((value for _, value in self._values), default=None)


@attrs.define
class Lags:
    """Lags of the loop over the last ``span_s`` seconds: in all, and without its waits for a processor."""

    span_s: float
    _late: Window = attrs.field(init=False)
    _late_by_itself: Window = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._late, self._late_by_itself = Window(self.span_s), Window(self.span_s)

    def add(self, late_s: float, waited_s: float, now_s: float) -> None:
        """Note that the loop woke ``late_s`` late, having waited ``waited_s`` for a processor since the last time."""
        self._late.add(late_s, now_s)
        self._late_by_itself.add(max(0.0, late_s - waited_s), now_s)

    def readings(self, *, is_busy_with_others: bool) -> list[Reading]:
        """Return the signals: waits count as caused by other programs only if those use most of the processors."""
        late_s = self._late.p95()
        if is_busy_with_others:
            return [Reading(LAG, self._late_by_itself.p95()), Reading(WAIT, late_s)]
        return [Reading(LAG, late_s), Reading(WAIT, None)]


def with_busy_rule(readings: Sequence[Reading]) -> list[Reading]:
    """Let a busy CPU count at the level of a delay that people notice: then new sessions may be refused."""
    values = {reading.signal.name: reading for reading in readings}
    is_late = any(values[signal.name].wanted() > 0 for signal in (LAG, QUEUE) if signal.name in values)
    cpu = values.get(CPU.name)
    if cpu is None or not is_late or cpu.wanted() < Level.NO_SHEDDABLE:
        return list(readings)
    harder = attrs.evolve(CPU, marks=(*CPU.marks, Mark(Level.NO_NEW, CPU.marks[1].high, CPU.marks[1].low)))
    return [attrs.evolve(reading, signal=harder) if reading is cpu else reading for reading in readings]
