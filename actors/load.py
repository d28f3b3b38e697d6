"""The load controller: takes samples, decides the level by ``protocol/admission/load.py``, and publishes it.

Rules kept here:

* Code that sheds load reads the level when it matters (``load_level``); there are no messages, so none can be
  missed and ten thousand sessions cost nothing.
* The loop's lag is measured by the loop itself, twenty times a second; what blocks is read in a thread. If that
  hangs, the rest is judged with what was read last.
* While nobody uses the server the lag is not measured and the machine is looked at seldom, unless work is refused:
  the level must sink in time for those who come. The first client has it looked at at once.
"""

import logging
from collections.abc import Callable
from typing import Never

import attrs
import trio

from config.settings import LoadSettings
from protocol.admission.load import QUEUE, WORKERS, Lags, Level, LoadController, LoadReport, Look, Reading, Window
from protocol.messages.inboxes import MetricsMessage
from protocol.messages.records import Count, Gauge
from runtime import Actor, Ref

log = logging.getLogger("sayso.load")

LAG_TICK_S = 0.05
WINDOW_S = 5.0
LOOK_TIMEOUT_S = 2.0  # a look takes a millisecond
EVICT_EVERY_S = 5.0


@attrs.frozen
class LoadActions:
    """The controller's sensors and actions."""

    look: Callable[[], Look]
    """Read the signals of the machine; blocks."""
    waited_s: Callable[[], float]
    """Returns the seconds that the loop's thread has waited for a processor; does not block."""
    queue_delay_s: Callable[[], float]
    workers_missing: Callable[[], float | None]
    """Returns the share of the workers that are not ready; ``None`` before there are any."""
    publish: Callable[[LoadReport], None]
    evict: Callable[[], None]
    """Asks some sessions to end."""
    leave: Callable[[str], None]
    """Stops the server in order, because it is unsafe."""


@attrs.frozen(kw_only=True)
class LoadStatistics:
    """A moment's view of the load controller.

    * ``level``: 0 (normal) to 5 (unsafe)
    """

    level: int


class Load(Actor[Never]):
    """Samples the load and keeps the level."""

    def __init__(
        self, settings: LoadSettings, actions: LoadActions, metrics: Ref[MetricsMessage], *, level: int = 0
    ) -> None:
        """Start at ``level``: that of the previous incarnation, if there was one."""
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
        """Begin to sample."""
        self.context.nursery.start_soon(self._measure_lag)
        self.context.nursery.start_soon(self._watch)

    def statistics(self) -> LoadStatistics:
        """Return the level."""
        return LoadStatistics(level=int(self._controller.level))

    async def _measure_lag(self) -> None:
        pace = self.context.shared.pace
        while True:
            await pace.wait_used()
            waited_s = self._actions.waited_s()
            while pace.is_used:
                due_s, before_s = trio.current_time() + LAG_TICK_S, waited_s
                await trio.sleep_until(due_s)
                now_s, waited_s = trio.current_time(), self._actions.waited_s()
                self._lags.add(now_s - due_s, waited_s - before_s, now_s)
            self._lags = Lags(WINDOW_S)  # what was measured so far will be old

    async def _watch(self) -> None:
        while True:
            await self._pause()
            was_killed = await self._look()
            now_s = trio.current_time()
            if was_killed:
                log.error("this group ran out of memory, or a process of it was killed for that")
                self._controller.note_oom(now_s)
            before = self._controller.level
            report = self._controller.sample([*self._own_readings(now_s), *self._machine.readings], now_s)
            self._tell(before, report)
            self._act(report, now_s)

    async def _pause(self) -> None:
        if self._controller.level >= Level.NO_SHEDDABLE:
            await trio.sleep(self._settings.sample_interval_s)
        else:
            await self.context.shared.pace.wait(self._settings.sample_interval_s)

    async def _look(self) -> bool:
        """Sample the machine; return whether memory ran out.

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
            self._missing.add(missing, now_s)  # a worker that died is usually back before the window is over
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
