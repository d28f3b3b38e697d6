import os
import queue
import socket
import threading

import pytest

from runtime.workers import jobs
from runtime.workers.child_process import MAX_REASON_CHARS, Line, answer, load_target, reserved_bytes
from runtime.workers.frames import Frame, FrameReader, encode
from runtime.workers.payload import SHARED_FROM_BYTES, SharedBlobs, SharedBlobsReader
from tests.runtime.worker_targets import Echo, Starving, Told, job_frame
from tests.systems import skip_without_memfd

JOBS = jobs.JobDecoder(Echo.jobs)


def told_by(method, data=None, blob=b""):
    (frame,) = FrameReader().feed(answer(Echo({}), JOBS, job_frame(7, method, data, blob)))
    return frame


def test_what_is_reserved_and_not_used_is_data_that_is_not_resident(tmp_path):
    status = tmp_path / "status"
    assert reserved_bytes(status) == 0
    status.write_text("VmData:\t  920116 kB\nRssAnon:\t   120116 kB\nThreads:\t4\n", encoding="ascii")
    assert reserved_bytes(status) == 800_000 * 1_024
    status.write_text("VmData:\t  10 kB\nRssAnon:\t   20 kB\n", encoding="ascii")
    assert reserved_bytes(status) == 0


def test_a_target_is_found_by_module_and_class():
    assert isinstance(load_target("tests.runtime.worker_targets:Echo", {}), Echo)


def test_what_a_target_raises_becomes_an_answer():
    assert told_by("refuse") == Frame("failed", 7, body=b"ValueError: must be even, not 3")


def test_a_job_that_the_target_does_not_do_becomes_an_answer():
    (frame,) = FrameReader().feed(answer(Echo({}), JOBS, Frame("job", 7, "Sing")))

    assert frame == Frame("failed", 7, body=b"ValueError: a job must be one of Do, Miscount, not Sing")


@pytest.mark.parametrize("natively", [False, True])
def test_want_of_memory_is_no_answer(natively):
    with pytest.raises(MemoryError):
        answer(Starving({"natively": natively}), JOBS, job_frame(7, "echo"))


def test_a_result_carries_the_number_of_its_job():
    assert told_by("echo", {"a": 1}, b"x") == Frame("done", 7, body=jobs.encode(Told({"a": 1})), blob=b"x")


def test_a_result_that_cannot_be_sent_becomes_an_answer():
    assert told_by("unsendable").body.startswith(b"TypeError: ")


def test_an_endless_reason_is_cut_and_one_that_is_no_text_is_sent_all_the_same():
    reason = told_by("rave").body.decode()

    assert len(reason) == MAX_REASON_CHARS
    assert reason.startswith("ValueError: ?")


@pytest.fixture
def blobs():
    skip_without_memfd()
    shared = SharedBlobs(1)
    yield shared
    shared.close()


def test_a_blob_in_shared_memory_reaches_the_target_as_a_view(blobs):
    job = job_frame(7, "size", place=blobs.put(bytes(SHARED_FROM_BYTES)))

    (frame,) = FrameReader().feed(answer(Echo({}), JOBS, job, SharedBlobsReader(os.dup(blobs.fd))))

    assert frame.body == jobs.encode(Told({"bytes": SHARED_FROM_BYTES, "is_shared": True}))


def test_a_blob_that_is_overwritten_during_its_job_becomes_no_result(blobs):
    class Slow(Echo):
        def do(self, method, params, blob):
            blobs.release(job.place)
            blobs.put(bytes(SHARED_FROM_BYTES))
            return super().do(method, params, blob)

    job = job_frame(7, "size", place=blobs.put(bytes(SHARED_FROM_BYTES)))

    (frame,) = FrameReader().feed(answer(Slow({}), JOBS, job, SharedBlobsReader(os.dup(blobs.fd))))

    assert frame.kind == "failed"
    assert frame.body.decode().startswith("StaleBlob: the area at 0 must hold generation 1")


def test_only_a_job_that_has_not_begun_is_given_back():
    ours, theirs = socket.socketpair()
    line, reader = Line(theirs), FrameReader()
    threading.Thread(
        target=line.read, daemon=True
    ).start()  # ends with this process: it would end it at the stream's end
    for number in (1, 2):
        ours.sendall(encode(Frame("job", number)))
    assert line.jobs.get(timeout=5).job_id == 1  # begun

    for number in (1, 2, 3):
        ours.sendall(encode(Frame("revoke", number)))
    ours.settimeout(5)

    assert list(reader.feed(ours.recv(1000))) == [Frame("revoked", 2)]
    with pytest.raises(queue.Empty):
        line.jobs.get_nowait()
    KEPT.append(ours)


KEPT: list[socket.socket] = []  # a reader whose server has gone ends the process
