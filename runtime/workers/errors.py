"""Errors of jobs in worker processes, and of the start of a process."""

from runtime.messaging.exits import Lost


class WorkerError(Exception):
    """A job that did not end with a result."""


class JobFailed(WorkerError):
    """The target raised, and not for want of memory; the worker lives on. The message is the target's."""


class JobTimeout(WorkerError):
    """The job was not done before its deadline; the worker that held it was killed."""


class WorkerLost(WorkerError, Lost):
    """The worker's process ended during the job; the message says by which signal or exit code."""


class NotBegun(WorkerLost):
    """The worker gave the job back, or ended before it began it: that was no attempt."""


class PoolUnavailable(WorkerError):
    """No worker can take the job now; ``retry_after_s`` says when to ask again."""

    def __init__(self, reason: str, retry_after_s: float) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class StartFailure(Exception):
    """The first process of a pool ended, or took too long, before it was ready; the message holds its last words."""


class SpawnRefused(StartFailure):
    """The system would not start the first process (no memory, or too many processes or descriptors)."""
