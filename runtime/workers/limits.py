"""Limits of a worker's memory and age: pure, so measurements are arguments.

Memory is judged by PSS, the share of a process in the machine's memory. Leaks are judged against what a worker used
after some jobs, because the first ones make a model's buffers grow.
"""

import random

import attrs
from attrs.validators import ge

SOFT_SHARE = 0.8  # of the cap: replaced in order, before it must be killed
DATA_LIMIT_FACTOR = 1.5  # of the cap: the kernel's own limit, if a leak is faster than our look every two seconds
BASELINE_JOBS = 20  # after so many the buffers have been as large as they will be
GROWTH_SHARE = 0.3  # above the baseline: a leak, and no longer noise ...
GROWTH_MIN_BYTES = (
    256 << 20
)  # ... if it is so much: a batch of four times 30 s takes 130 MB more, and half of that stays


@attrs.frozen
class ProcessMemory:
    """Memory of a process, in bytes; PSS counts a shared page in parts."""

    pss_bytes: int = 0
    rss_bytes: int = 0


@attrs.frozen(kw_only=True)
class WorkerLimits:
    """The limits of a worker; 0 is no limit."""

    max_jobs: int = attrs.field(default=0, validator=ge(0))
    max_jobs_jitter: int = attrs.field(default=0, validator=ge(0))
    """Random addition to ``max_jobs``, so that workers do not leave together."""
    max_age_s: float = attrs.field(default=86_400.0, validator=ge(0))
    memory_bytes: int = attrs.field(default=0, validator=ge(0))
    is_data_limited: bool = True
    """Whether the kernel has a limit too; not with CUDA, which reserves more than it uses."""

    @property
    def soft_memory_bytes(self) -> int:
        """Above it a worker is replaced after its job."""
        return int(self.memory_bytes * SOFT_SHARE)

    @property
    def data_bytes(self) -> int:
        """The kernel's limit (``RLIMIT_DATA``), without memory that is reserved and not used."""
        return int(self.memory_bytes * DATA_LIMIT_FACTOR) if self.is_data_limited else 0

    def draw_last_job(self, rng: random.Random) -> int:
        """Return after how many jobs a worker is replaced; 0 is never."""
        return self.max_jobs + rng.randint(0, self.max_jobs_jitter) if self.max_jobs else 0


@attrs.frozen(kw_only=True)
class Vitals:
    """Measurements of one worker."""

    jobs: int
    age_s: float
    memory: ProcessMemory = attrs.field(factory=ProcessMemory)
    baseline_bytes: int = 0
    """PSS after ``BASELINE_JOBS``; 0 before."""
    last_job: int = 0


def why_kill(limits: WorkerLimits, vitals: Vitals) -> str | None:
    """Return why the worker must be killed now, even during a job; ``None`` if it need not."""
    if limits.memory_bytes and vitals.memory.pss_bytes > limits.memory_bytes:
        return f"used {_mb(vitals.memory.pss_bytes)}, more than the {_mb(limits.memory_bytes)} of its cap"
    return None


def why_recycle(limits: WorkerLimits, vitals: Vitals) -> str | None:
    """Return why the worker should be replaced when it is idle; ``None`` if it need not."""
    pss_bytes, baseline_bytes = vitals.memory.pss_bytes, vitals.baseline_bytes
    grown_bytes = pss_bytes - baseline_bytes
    if vitals.last_job and vitals.jobs >= vitals.last_job:
        return f"has done {vitals.jobs} jobs"
    if limits.max_age_s and vitals.age_s >= limits.max_age_s:
        return f"is {vitals.age_s:.0f} s old"
    if limits.memory_bytes and pss_bytes > limits.soft_memory_bytes:
        return f"uses {_mb(pss_bytes)}, more than {_mb(limits.soft_memory_bytes)}"
    if baseline_bytes and grown_bytes > max(GROWTH_MIN_BYTES, GROWTH_SHARE * baseline_bytes):
        return f"has grown by {_mb(grown_bytes)} since its first jobs"
    return None


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.0f} MB"
