"""Watches that the event loop still runs: in a thread, because a loop that hangs cannot watch itself.

Rules kept here:

* The loop writes a beat, the thread compares; neither waits for the other.
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
BEAT_S = 0.1
OWN_DELAY_S = 0.5  # a thread that wakes later than this did not run; on a busy machine it waits for milliseconds


@attrs.frozen(kw_only=True)
class WatchdogSettings:
    """Seconds without a beat until each step."""

    warn_s: float = 0.25
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
    """The thread's part: decides by the age of the last beat; the time is an argument."""

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


@attrs.define
class Silence:
    """Measures the time without a beat while the watching thread was running; times on one clock, in seconds."""

    beat_s: float
    """The last beat."""
    looked_s: float
    """The last check."""
    excused_s: float = 0.0
    """Seconds since the beat in which the thread did not run."""

    def look(self, beat_s: float, now_s: float) -> float:
        """Return its length in seconds; checks are ``BEAT_S`` apart unless the thread is held up."""
        if beat_s != self.beat_s:
            self.beat_s, self.excused_s = beat_s, 0.0
        delay_s = now_s - self.looked_s - BEAT_S
        if delay_s > OWN_DELAY_S:
            self.excused_s += delay_s
        self.looked_s = now_s
        return max(0.0, now_s - beat_s - BEAT_S - self.excused_s)


async def run_watchdog(watcher: Watcher, *, clock: Callable[[], float] = time.monotonic) -> None:
    """Beat and be watched until cancelled."""
    beat_s = [clock()]
    ended = threading.Event()

    def watch() -> None:
        silence = Silence(beat_s[0], clock())
        while not ended.wait(BEAT_S):
            watcher.look(silence.look(beat_s[0], clock()))

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    try:
        while True:
            await trio.sleep(BEAT_S)
            beat_s[0] = clock()
    finally:
        ended.set()
