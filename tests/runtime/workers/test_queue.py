import pytest

from runtime.workers.errors import JobFailed
from runtime.workers.frames import Frame
from runtime.workers.queue import JobQueue, QueueDelay, QueuedJob


def a_job(number, queued_s=0.0):
    return QueuedJob(Frame("job", number), 1.0, 2, queued_s)


def test_jobs_are_taken_in_the_order_in_which_they_came():
    queue, jobs = JobQueue(), [a_job(number) for number in range(3)]
    for job in jobs:
        queue.put(job)

    assert len(queue) == 3
    assert [queue.take(0.0) for _ in jobs] == jobs


def test_a_job_that_comes_back_is_the_next_and_has_not_waited_since_it_came():
    queue, first, second = JobQueue(), a_job(1), a_job(2)
    queue.put(first)
    queue.put(second)
    queue.give_back(queue.take(1.0), 5.0)

    assert queue.take(5.0) is first
    assert first.queued_s == 5.0


def test_a_job_whose_caller_has_gone_is_not_taken():
    queue, job = JobQueue(), a_job(1)
    queue.put(job)
    queue.discard(job)
    queue.discard(job)

    assert len(queue) == 0
    with pytest.raises(IndexError):
        queue.take(0.0)


def test_the_first_answer_stands():
    job, failure = a_job(1), JobFailed("first")
    job.finish(failure)
    job.finish(Frame("done", 1))

    assert job.answer is failure


def test_the_shortest_wait_of_the_last_second_counts():
    delay = QueueDelay().noted(0.3, now_s=10.1).noted(0.1, now_s=10.2).noted(0.9, now_s=10.9)

    assert delay.minimum_s(10.9) == 0.1


def test_one_lucky_job_is_forgotten_after_two_seconds():
    delay = QueueDelay().noted(0.0, now_s=10.0).noted(0.8, now_s=11.5)

    assert delay.minimum_s(11.6) == 0.0
    assert delay.noted(0.9, now_s=12.1).minimum_s(12.1) == 0.8


def test_when_nothing_is_taken_what_still_waits_tells():
    delay = QueueDelay().noted(0.1, now_s=10.0)

    assert delay.minimum_s(15.0, waiting_since_s=11.0) == 4.0
    assert delay.minimum_s(15.0) == 0.0


def test_a_queue_tells_the_wait_of_its_jobs():
    queue = JobQueue()
    queue.put(a_job(1, queued_s=10.0))
    assert queue.min_delay_s(10.5) == 0.5
    queue.take(10.5)
    assert queue.min_delay_s(10.6) == 0.5
    assert queue.min_delay_s(20.0) == 0.0
