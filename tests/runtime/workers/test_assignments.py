import pytest

from runtime.workers.assignments import CREDIT, Assignment, Assignments
from runtime.workers.errors import JobFailed, NotBegun, WorkerLost
from runtime.workers.frames import Frame


def hold(*timeouts_s, now_s=10.0):
    assignments = Assignments()
    held = [Assignment(Frame("job", number, "echo"), timeout_s) for number, timeout_s in enumerate(timeouts_s)]
    for assignment in held:
        assignments.accept(assignment, now_s)
    return assignments, held


def test_only_the_first_job_begins_and_its_time_runs():
    _, (first, second) = hold(5.0, 5.0)

    assert (first.began_s, first.scope.deadline) == (10.0, 15.0)
    assert (second.began_s, second.scope.deadline) == (None, float("inf"))


def test_the_next_job_begins_when_the_first_is_answered():
    assignments, (first, second) = hold(5.0, 2.0)

    assignments.settle(Frame("done", 0), now_s=13.0)

    assert first.done.is_set()
    assert (second.began_s, second.scope.deadline) == (13.0, 15.0)
    assert (assignments.jobs_done, assignments.busy_s, len(assignments)) == (1, 3.0, 1)


def test_no_job_is_held_beyond_the_credit():
    assignments, _ = hold(*[1.0] * CREDIT)

    with pytest.raises(AssertionError, match="at most 2 jobs"):
        assignments.accept(Assignment(Frame("job", 9), 1.0), 0.0)


def test_an_answer_to_a_job_that_is_not_held_is_nobodys():
    assignments, (first,) = hold(1.0)

    assignments.settle(Frame("done", 99), now_s=11.0)

    assert not first.done.is_set()
    assert assignments.jobs_done == 0


def test_a_job_given_back_is_no_job_done():
    assignments, (_, second) = hold(1.0, 1.0)

    assignments.settle(Frame("revoked", 1), now_s=11.0)

    assert (assignments.jobs_done, len(assignments)) == (0, 1)
    with pytest.raises(NotBegun, match=r"^it has given back echo$"):
        second.read_answer("it", "")


def test_only_a_job_that_waits_and_was_not_asked_for_can_be_found():
    assignments, (_, second) = hold(1.0, 1.0)

    assert assignments.find_unbegun() is second
    second.is_revoked = True
    assert assignments.find_unbegun() is None


def test_of_a_dead_worker_the_job_in_work_was_lost_and_the_other_not_begun():
    assignments, (first, second) = hold(1.0, 1.0)

    assignments.abandon()

    assert first.done.is_set()
    assert second.done.is_set()
    with pytest.raises(WorkerLost, match=r"^it was ended by SIGKILL during echo$") as lost:
        first.read_answer("it", "was ended by SIGKILL")
    assert not isinstance(lost.value, NotBegun)
    with pytest.raises(NotBegun, match=r"^it has ended before echo$"):
        second.read_answer("it", "was ended by SIGKILL")


def test_the_failure_of_a_target_is_told_in_its_own_words():
    assignments, (first,) = hold(1.0)
    assignments.settle(Frame("failed", 0, body=b"ValueError: odd"), now_s=11.0)

    with pytest.raises(JobFailed, match=r"^ValueError: odd$"):
        first.read_answer("it", "")
