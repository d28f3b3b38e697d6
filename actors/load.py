"""How loaded the server is: samples, decides by ``runtime/policies/load.py``, and tells.

Rules kept here:

* Whoever sheds load asks for the level when it matters (``load_level``); nobody is told by message, so nothing can be
  missed and ten thousand sessions cost nothing.
* The loop's lag is measured by the loop itself, twenty times a second; what blocks is read in a thread. If that
  hangs, the rest is judged with what was read last.
"""

import logging
from collections.abc import Callable
from typing import Never

import attrs
import trio

from config.settings import LoadSettings
from protocol.messages.inboxes import MetricsMessage
from protocol.messages.records import Count, Gauge
from runtime import Actor, Ref
from runtime.policies.load import QUEUE, WORKERS, Lags, Level, LoadController, LoadReport, Look, Reading, Window

log = logging.getLogger("sayso.load")

LAG_TICK_S = 0.05
WINDOW_S = 5.0
LOOK_TIMEOUT_S = 2.0  # a look takes a millisecond
EVICT_EVERY_S = 5.0


@attrs.frozen
class LoadActions:
    """What the controller can do, and where it looks."""

    look: Callable[[], Look]
    """Read the signals of the machine; blocks."""
    waited_s: Callable[[], float]
    """How long the loop's thread has waited for a processor, in all; does not block."""
    queue_delay_s: Callable[[], float]
    workers_missing: Callable[[], float | None]
    """The share of the workers that should be ready and are not; ``None`` where there are none yet."""
    publish: Callable[[LoadReport], None]
    evict: Callable[[], None]
    """Ask some sessions to leave."""
    leave: Callable[[str], None]
    """Stop in order, because the server is not safe."""


@attrs.frozen(kw_only=True)
class LoadStatistics:
    """A moment's view of the load controller.

    * ``level``: 0 (normal) to 5 (unsafe)
    """

    level: int


class Load(Actor[Never]):
    """Keeps the level."""

    def __init__(
        self, settings: LoadSettings, actions: LoadActions, metrics: Ref[MetricsMessage], *, level: int = 0
    ) -> None:
        """Go on at ``level``, which the server has if this is not its first controller."""
        self._settings = settings
        self._actions = actions
        self._metrics = metrics
        self._controller = LoadController(Level(level), trio.current_time())
        self._lags = Lags(WINDOW_S)
        self._missing = Window(WINDOW_S)
        self._machine = Look(())
        self._looks = trio.CapacityLimiter(1)
        self._evicted_s = -EVICT_EVERY_S

    async def on_start(self) -> None:
        """Begin to look."""
        self.context.nursery.start_soon(self._measure_lag)
        self.context.nursery.start_soon(self._watch)

    def statistics(self) -> LoadStatistics:
        """Show the level."""
        return LoadStatistics(level=int(self._controller.level))

    async def _measure_lag(self) -> None:
        waited_s = self._actions.waited_s()
        while True:
            due_s, before_s = trio.current_time() + LAG_TICK_S, waited_s
            await trio.sleep_until(due_s)
            now_s, waited_s = trio.current_time(), self._actions.waited_s()
            self._lags.add(now_s - due_s, waited_s - before_s, now_s)

    async def _watch(self) -> None:
        while True:
            await trio.sleep(self._settings.sample_interval_s)
            was_killed = await self._look()
            now_s = trio.current_time()
            if was_killed:
                log.error("this group ran out of memory, or a process of it was killed for that")
                self._controller.note_oom(now_s)
            before = self._controller.level
            report = self._controller.sample([*self._own_readings(now_s), *self._machine.readings], now_s)
            self._tell(before, report)
            self._act(report, now_s)

    async def _look(self) -> bool:
        """Look at the machine; return whether memory ran out.

        A look that hangs keeps its thread until it ends, and no other is begun meanwhile.
        """
        if not self._looks.available_tokens:
            return False
        with trio.move_on_after(LOOK_TIMEOUT_S):
            self._machine = await trio.to_thread.run_sync(
                self._actions.look, abandon_on_cancel=True, limiter=self._looks
            )
            return self._machine.was_out_of_memory
        log.warning("a look at the machine took longer than %g s", LOOK_TIMEOUT_S)
        self._metrics.tell_nowait(Count("load_looks_late_total"))
        return False

    def _own_readings(self, now_s: float) -> list[Reading]:
        missing = self._actions.workers_missing()
        if missing is not None:
            self._missing.add(missing, now_s)  # one that died is back, as a rule, before the window is over
        return [
            *self._lags.readings(is_busy_with_others=self._machine.is_busy_with_others),
            Reading(QUEUE, self._actions.queue_delay_s()),
            Reading(WORKERS, self._missing.minimum()),
        ]

    def _tell(self, before: Level, report: LoadReport) -> None:
        self._actions.publish(report)
        self._metrics.tell_nowait(Gauge("load_level", (), int(report.level)))
        for reading in report.readings:
            if reading.value is not None:
                self._metrics.tell_nowait(Gauge("load_signal", (reading.signal.name,), reading.value))
        if report.level != before:
            level = logging.WARNING if report.level > before else logging.INFO
            log.log(level, "load level %d -> %d (%s)", before, report.level, report.driver or "calm")

    def _act(self, report: LoadReport, now_s: float) -> None:
        if report.level >= Level.EVICT and now_s - self._evicted_s >= EVICT_EVERY_S:
            self._evicted_s = now_s
            self._actions.evict()
        if report.level >= Level.UNSAFE and self._settings.exit_when_unsafe:
            self._actions.leave(f"not safe: {report.driver}")
