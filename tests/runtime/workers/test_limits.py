import random
from typing import Any

import pytest

from runtime.workers.limits import GROWTH_MIN_BYTES, ProcessMemory, Vitals, WorkerLimits, why_kill, why_recycle

MB = 1_000_000


def vitals(**changed):
    return Vitals(**{"jobs": 10, "age_s": 60.0, **changed})


def using(pss_bytes, **changed):
    return vitals(memory=ProcessMemory(pss_bytes, pss_bytes), **changed)


@pytest.mark.parametrize(
    ("limits", "of", "why"),
    [
        (WorkerLimits(), vitals(jobs=10**9), None),
        (WorkerLimits(), vitals(jobs=9, last_job=10), None),
        (WorkerLimits(), vitals(jobs=10, last_job=10), "has done 10 jobs"),
        (WorkerLimits(), vitals(age_s=86_399.0), None),
        (WorkerLimits(), vitals(age_s=86_400.0), "is 86400 s old"),
        (WorkerLimits(max_age_s=0), vitals(age_s=1e9), None),
        (WorkerLimits(memory_bytes=1000 * MB), using(800 * MB), None),
        (WorkerLimits(memory_bytes=1000 * MB), using(801 * MB), "uses 801 MB, more than 800 MB"),
        (WorkerLimits(), using(10**12), None),
        (WorkerLimits(), using(1300 * MB, baseline_bytes=1000 * MB), None),
        (WorkerLimits(), using(1301 * MB, baseline_bytes=1000 * MB), "has grown by 301 MB since its first jobs"),
        (WorkerLimits(), using(50 * MB + GROWTH_MIN_BYTES, baseline_bytes=50 * MB), None),
    ],
)
def test_a_worker_has_served_long_enough(limits, of, why):
    assert why_recycle(limits, of) == why


def test_above_its_cap_a_worker_is_killed():
    limits = WorkerLimits(memory_bytes=1000 * MB)

    assert why_kill(limits, using(1000 * MB)) is None
    assert why_kill(limits, using(1001 * MB)) == "used 1001 MB, more than the 1000 MB of its cap"
    assert why_kill(WorkerLimits(), using(10**12)) is None


def test_the_kernels_limit_is_above_ours_and_there_is_none_without_a_cap():
    assert WorkerLimits(memory_bytes=1000 * MB).data_bytes == 1500 * MB
    assert WorkerLimits().data_bytes == 0
    assert WorkerLimits(memory_bytes=1000 * MB, is_data_limited=False).data_bytes == 0


def test_the_last_job_is_drawn_within_the_jitter():
    drawn = {WorkerLimits(max_jobs=10, max_jobs_jitter=2).draw_last_job(random.Random(seed)) for seed in range(50)}

    assert drawn == {10, 11, 12}
    assert WorkerLimits(max_jobs_jitter=2).draw_last_job(random.Random(1)) == 0


@pytest.mark.parametrize("name", ["max_jobs", "max_jobs_jitter", "max_age_s", "memory_bytes"])
def test_limits_below_nothing_are_refused(name):
    settings: dict[str, Any] = {name: -1}
    with pytest.raises(ValueError, match=f"'{name}' must be >= 0"):
        WorkerLimits(**settings)
