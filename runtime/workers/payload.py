"""Memory that a server and one of its workers share: large blobs lie there and are not copied through a socket.

Rules kept here:

* One memfd a worker, made by the server and inherited at the start: nothing has a name, so nothing outlives a
  ``kill -9``, and the size of ``/dev/shm`` does not matter. Its size is sealed, so reading cannot raise ``SIGBUS``.
* It is cut into areas of one size, one for each job that a worker may hold. Pages cost nothing until they are written.
* An area begins with the generation and the length of what it holds. The reader compares both before and after its
  work, so that samples of another job are an error and never text.

Why, with the figures: docs/decisions/0003-payloads-to-workers.md.
"""

import errno
import fcntl
import mmap
import os
import struct

from runtime.workers.frames import SharedPlace

SHARED_FROM_BYTES = 128 << 10  # 4 s of samples; below it a socket is as fast, see the decision
AREA_BYTES = 4 << 20  # a full batch of four times 30 s of samples; what is larger goes by value

_HEADER = struct.Struct("<QQ")  # generation, length
HEADER_BYTES = 64  # keeps samples aligned to a cache line


class StaleBlob(RuntimeError):
    """An area holds another blob than the frame says."""


class SharedBlobs:
    """The server's side; raises ``OSError`` if the system has no room for it."""

    def __init__(self, areas: int) -> None:
        self.fd = os.memfd_create("sayso-worker", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.fd, areas * AREA_BYTES)
            fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            self._memory = mmap.mmap(self.fd, areas * AREA_BYTES)  # and it keeps a descriptor of its own
        except OSError:
            os.close(self.fd)
            raise
        self._free = [index * AREA_BYTES for index in range(areas)]
        self._generation = 0

    def put(self, blob: bytes) -> SharedPlace | None:
        """Write ``blob`` into a free area; ``None`` if it is not worth it or does not fit."""
        if not SHARED_FROM_BYTES <= len(blob) <= AREA_BYTES - HEADER_BYTES or not self._free:
            return None
        self._generation += 1
        place = SharedPlace(self._free.pop(), len(blob), self._generation)
        begin = place.offset + HEADER_BYTES
        self._memory[begin : begin + len(blob)] = blob
        _HEADER.pack_into(self._memory, place.offset, place.generation, place.length)
        return place

    def release(self, place: SharedPlace) -> None:
        """Free the area; its reader must be done with it."""
        self._free.append(place.offset)

    def close(self) -> None:
        """Close the memory; the worker's own mapping lives as long as the worker."""
        self._memory.close()
        os.close(self.fd)


class SharedBlobsReader:
    """The worker's side of the memory behind the descriptor, which is closed."""

    def __init__(self, fd: int) -> None:
        self._memory = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
        os.close(fd)

    def view(self, place: SharedPlace) -> memoryview:
        """Return the blob, without a copy and valid during the job only; raises ``StaleBlob``."""
        self.check(place)
        begin = place.offset + HEADER_BYTES
        return memoryview(self._memory)[begin : begin + place.length]

    def check(self, place: SharedPlace) -> None:
        """Raise ``StaleBlob`` unless ``place`` still holds the blob that its frame announced."""
        found = _HEADER.unpack_from(self._memory, place.offset)
        if found != (place.generation, place.length):
            expected = f"generation {place.generation} of {place.length} bytes"
            raise StaleBlob(f"the area at {place.offset} must hold {expected}, not {found[0]} of {found[1]}")


def make_shared_blobs(areas: int) -> SharedBlobs | None:
    """Return memory for one worker; ``None`` on systems without memfd, where all blobs go by value."""
    try:
        return SharedBlobs(areas)
    except AttributeError:  # no Linux
        return None
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):  # a sandbox without memfd
            return None
        raise
