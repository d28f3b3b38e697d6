import pytest

from runtime.workers.jobs import JobDecoder, ReplyError, decode_reply, encode
from tests.runtime.worker_targets import Do, Miscount, Miscounted, Told


def test_a_job_and_its_reply_arrive_as_they_were_sent() -> None:
    job = Do("echo", {"n": 1})

    assert JobDecoder([Miscount, Do]).decode(job.name, encode(job)) == job
    assert decode_reply(job, encode(Told({"n": 1}))) == Told({"n": 1})


def test_a_reply_that_does_not_fit_names_the_job_and_the_field() -> None:
    with pytest.raises(ReplyError, match=r"the reply to Miscount does not fit: .*missing required field `count`"):
        decode_reply(Miscount(), encode(Told({})))
    with pytest.raises(ReplyError, match=r"got `int` - at `\$\.data`"):
        decode_reply(Do("echo"), encode(Told(7)))  # type: ignore[arg-type] # which is the point
    assert decode_reply(Miscount(), encode(Miscounted(3))).count == 3


def test_a_job_that_the_worker_does_not_do_is_named_with_those_that_it_does() -> None:
    with pytest.raises(ValueError, match="a job must be one of Do, not Miscount"):
        JobDecoder([Do]).decode(Miscount().name, encode(Miscount()))


def test_a_job_that_is_no_data_is_refused_by_the_sender() -> None:
    with pytest.raises(TypeError):
        encode(Do("echo", {"odd": object()}))
