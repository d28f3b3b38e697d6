"""Whether the event loop still turns: a thread looks, because a loop that hangs cannot look at itself.

Rules kept here:

* The loop writes a beat, the thread compares; neither waits for the other.
* A time in which the thread itself did not run is nobody's silence: the process was paused (SIGSTOP, a frozen
  container, a migrated machine), or a native call held the interpreter's lock and has let go of it.
* Late is a warning, very late a dump of every thread's stack, and past the last threshold the process is aborted:
  whoever supervises it starts another, and the dump says why.
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
    """After how many seconds without a beat what is done."""

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
    """The thread's part: sees how old the beat is and decides; the time is an argument."""

    settings: WatchdogSettings
    dump: Callable[[], None] = dump_stacks
    abort: Callable[[], None] = abort
    _done: int = 0
    """How far it went about the present silence: 0 nothing, 1 warned, 2 dumped, 3 aborted."""

    def look(self, silent_s: float) -> None:
        """Do what the length of the silence asks for, each step once."""
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
    """How long the loop has given no beat while the thread that looks was running; times on one clock, in seconds."""

    beat_s: float
    """The last beat."""
    looked_s: float
    """The last look."""
    excused_s: float = 0.0
    """Of the time since the beat, what the thread did not run."""

    def look(self, beat_s: float, now_s: float) -> float:
        """Return how long it has lasted; looks are ``BEAT_S`` apart where nothing holds up the thread."""
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
