import errno
import os

import pytest

from runtime.workers.frames import SharedPlace
from runtime.workers.payload import (
    AREA_BYTES,
    HEADER_BYTES,
    SHARED_FROM_BYTES,
    SharedBlobs,
    SharedBlobsReader,
    StaleBlob,
    make_shared_blobs,
)
from tests.systems import on_linux, open_descriptors, skip_without_memfd


@pytest.fixture
def blobs():
    skip_without_memfd()
    shared = SharedBlobs(2)
    yield shared
    shared.close()


@pytest.fixture
def reader(blobs):
    return SharedBlobsReader(os.dup(blobs.fd))


def a_blob(fill, size=SHARED_FROM_BYTES):
    return bytes([fill]) * size


def test_what_was_put_is_read_without_a_copy(blobs, reader):
    place = blobs.put(a_blob(1))

    view = reader.view(place)

    assert view == a_blob(1)
    assert view.readonly
    reader.check(place)


def test_two_jobs_have_areas_of_their_own(blobs, reader):
    places = [blobs.put(a_blob(fill)) for fill in (1, 2)]

    assert [bytes(reader.view(place)) for place in places] == [a_blob(1), a_blob(2)]


def test_with_all_areas_in_use_a_blob_goes_by_value_until_one_is_free(blobs):
    first, _ = blobs.put(a_blob(1)), blobs.put(a_blob(2))

    assert blobs.put(a_blob(3)) is None
    blobs.release(first)
    assert blobs.put(a_blob(3)).offset == first.offset


@pytest.mark.parametrize(
    ("size", "is_shared"),
    [
        (0, False),
        (SHARED_FROM_BYTES - 1, False),
        (SHARED_FROM_BYTES, True),
        (AREA_BYTES - HEADER_BYTES, True),
        (AREA_BYTES - HEADER_BYTES + 1, False),
    ],
)
def test_only_a_blob_that_is_worth_it_and_fits_is_shared(blobs, reader, size, is_shared):
    place = blobs.put(a_blob(7, size))

    assert (place is not None) == is_shared
    if place is not None:
        assert reader.view(place) == a_blob(7, size)


def test_a_blob_that_was_overwritten_is_an_error_and_not_another_jobs_samples(blobs, reader):
    place = blobs.put(a_blob(1))
    reader.view(place)
    blobs.release(place)
    blobs.put(a_blob(2))

    with pytest.raises(StaleBlob, match=r"must hold generation 1 of 131072 bytes, not 2 of 131072$"):
        reader.check(place)
    with pytest.raises(StaleBlob):
        reader.view(place)


def test_a_place_that_was_never_written_is_an_error(reader):
    with pytest.raises(StaleBlob):
        reader.view(SharedPlace(0, 100, 1))


def test_the_size_of_the_memory_cannot_be_changed(blobs):
    with pytest.raises(PermissionError):
        os.ftruncate(blobs.fd, 0)


@on_linux
def test_nothing_is_left_open(monkeypatch):
    before = open_descriptors()
    shared = SharedBlobs(1)
    shared.close()
    monkeypatch.setattr("runtime.workers.payload.mmap.mmap", lambda *_: (_ for _ in ()).throw(OSError("no memory")))
    with pytest.raises(OSError, match="no memory"):
        SharedBlobs(1)

    assert open_descriptors() == before


def test_a_system_without_memfd_has_no_shared_memory(monkeypatch):
    monkeypatch.delattr(os, "memfd_create", raising=False)

    assert make_shared_blobs(2) is None


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_a_sandbox_without_memfd_has_none_either(monkeypatch, number):
    monkeypatch.setattr(os, "memfd_create", lambda *_: raise_error(number), raising=False)

    assert make_shared_blobs(2) is None


@on_linux
def test_a_system_that_has_no_room_says_so(monkeypatch):
    monkeypatch.setattr(os, "memfd_create", lambda *_: raise_error(errno.ENOMEM), raising=False)

    with pytest.raises(OSError, match="Cannot allocate memory"):
        make_shared_blobs(2)


def raise_error(number):
    raise OSError(number, os.strerror(number))
