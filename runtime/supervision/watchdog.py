"""Watches that the event loop still runs: in a thread, because a loop that hangs cannot watch itself.

Rules kept here:

* The loop notes when each pass over its tasks begins and ends, the thread compares; neither waits for the other. A
  loop that waits for something to do does not hang, and is not woken to prove it.
* The thread looks once a second, and again exactly when a pass that goes on has reached the next threshold: a dump and
  an abort are on time. A pass that was late and over between two looks is told at the second.
* A time in which the thread itself did not run does not count: the process was paused (SIGSTOP, a frozen
  container, a migrated machine), or a native call held the interpreter's lock and has let go of it.
* Late is a warning, very late a dump of every thread's stack, and past the last threshold the process is aborted:
  its service manager starts another, and the dump says why.
"""

import faulthandler
import logging
import os
import signal
import threading
import time
from collections.abc import Callable

import attrs
import trio

log = logging.getLogger("sayso.runtime")
LOOK_S = 1.0  # the shortest time but ``warn_s`` in which a hang has to be seen is 2 s
SHORTEST_WAIT_S = 0.01  # so that a threshold that is almost reached is not looked at a thousand times
OWN_DELAY_S = 0.5  # a thread that wakes later than this did not run; on a busy machine it waits for milliseconds


@attrs.frozen(kw_only=True)
class WatchdogSettings:
    """Seconds that one pass of the loop may last until each step."""

    warn_s: float = 0.35
    dump_s: float = 2.0
    abort_s: float = 10.0


def dump_stacks() -> None:
    """Write the stack of every thread to stderr."""
    faulthandler.dump_traceback(all_threads=True)


def abort() -> None:
    """End the process with a core, if the system keeps those."""
    os.kill(os.getpid(), signal.SIGABRT)


@attrs.define
class Watcher:
    """The thread's part: decides by how long a pass has lasted; the time is an argument."""

    settings: WatchdogSettings
    dump: Callable[[], None] = dump_stacks
    abort: Callable[[], None] = abort
    _done: int = 0
    """The steps taken in the current silence: 0 none, 1 warned, 2 dumped, 3 aborted."""

    def look(self, silent_s: float) -> None:
        """Take the steps that the length of the silence calls for, each once."""
        if silent_s < self.settings.warn_s:
            if self._done:
                log.warning("the event loop turns again")
            self._done = 0
            return
        if self._done < 1:
            self._done = 1
            log.warning("the event loop has not turned for %.2f s", silent_s)
        if self._done < 2 and silent_s >= self.settings.dump_s:  # noqa: PLR2004 - the steps are numbered
            self._done = 2
            log.error("the event loop hangs for %.1f s; the stacks of all threads follow on stderr", silent_s)
            self.dump()
        if self._done < 3 and silent_s >= self.settings.abort_s:  # noqa: PLR2004
            self._done = 3
            log.critical("the event loop hangs for %.1f s; the process is aborted", silent_s)
            self.abort()

    def note_over(self, lasted_s: float) -> None:
        """Tell of a pass that was late and is over, unless it was told while it lasted."""
        if lasted_s >= self.settings.warn_s and not self._done:
            log.warning("the event loop did not turn for %.2f s", lasted_s)

    def next_look_s(self, silent_s: float) -> float:
        """Return in how many seconds to look again: when the next threshold is reached, if that is sooner."""
        thresholds_s = (self.settings.warn_s, self.settings.dump_s, self.settings.abort_s)
        left_s = [threshold_s - silent_s for threshold_s in thresholds_s if threshold_s > silent_s > 0]
        return max(SHORTEST_WAIT_S, min(LOOK_S, *left_s)) if left_s else LOOK_S


class LoopPasses(trio.abc.Instrument):
    """Notes when the loop's passes begin and end: some 0.5 us each."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.began_s: float | None = None
        """When the pass began that runs now; ``None`` while the loop waits for something to do."""
        self._longest_s = 0.0
        self._clock = clock

    def after_io_wait(self, timeout: float) -> None:  # noqa: ARG002 - Trio calls it so
        """Note the beginning of a pass."""
        self.began_s = self._clock()

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002 - Trio calls it so
        """Note the end of a pass."""
        if self.began_s is not None:
            self._longest_s = max(self._longest_s, self._clock() - self.began_s)
        self.began_s = None

    def take_longest_s(self) -> float:
        """Return how long the longest pass lasted that has ended since the last call, in seconds."""
        longest_s, self._longest_s = self._longest_s, 0.0
        return longest_s


@attrs.define
class Silence:
    """Measures how long a pass lasts in which the watching thread was running; times on one clock, in seconds."""

    looked_s: float
    """The last check."""
    began_s: float | None = None
    """When the pass began that was seen last."""
    excused_s: float = 0.0
    """Seconds of this pass in which the thread did not run."""
    was_held_up: bool = False
    """Whether the thread did not run before the last check."""

    def look(self, began_s: float | None, now_s: float, waited_s: float) -> float:
        """Return for how long the pass that began at ``began_s`` has lasted, 0 for ``None``.

        The thread wanted to wait ``waited_s`` since the last look; in what is much more than that it did not run.
        """
        if began_s != self.began_s:
            self.began_s, self.excused_s = began_s, 0.0
        delay_s = now_s - self.looked_s - waited_s
        self.was_held_up = delay_s > OWN_DELAY_S
        if self.was_held_up:
            self.excused_s += delay_s
        self.looked_s = now_s
        return 0.0 if began_s is None else max(0.0, now_s - began_s - self.excused_s)


async def run_watchdog(watcher: Watcher, *, clock: Callable[[], float] = time.monotonic) -> None:
    """Have the loop watched until cancelled."""
    passes = LoopPasses(clock)
    ended = threading.Event()

    def watch() -> None:
        silence, wait_s = Silence(clock()), watcher.next_look_s(0.0)
        while not ended.wait(wait_s):
            silent_s = silence.look(passes.began_s, clock(), wait_s)
            lasted_s = passes.take_longest_s()
            if not silence.was_held_up:
                watcher.note_over(lasted_s)
            watcher.look(silent_s)
            wait_s = watcher.next_look_s(silent_s)

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    trio.lowlevel.add_instrument(passes)
    thread.start()
    try:
        await trio.sleep_forever()
    finally:
        trio.lowlevel.remove_instrument(passes)
        ended.set()
