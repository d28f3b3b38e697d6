"""Measures and allocates a graphics card's memory through the driver.

Plain allocations only, in the primary context that CTranslate2 uses too; nothing of the card is set or reset.
"""

import ctypes
from typing import Final

MB: Final = 1 << 20
PIECE_MB: Final = 8_192
GRAIN_MB: Final = 2  # the smallest allocation of the driver


class CardError(Exception):
    """There is no driver, or it returned an error."""


class Card:
    """The first card's primary context."""

    def __init__(self) -> None:
        """Open its primary context; raises ``CardError``."""
        try:
            self._driver = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise CardError(f"there is no driver: {error}") from error
        self._held: list[ctypes.c_uint64] = []
        context = ctypes.c_void_p()
        self._call("cuInit", 0)
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
        self._call("cuCtxSetCurrent", context)

    @property
    def name(self) -> str:
        """The card's name."""
        text = ctypes.create_string_buffer(100)
        self._call("cuDeviceGetName", text, 100, 0)
        return text.value.decode()

    def memory_mb(self) -> tuple[int, int]:
        """Return the free and the total memory in MB."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self._call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value // MB, total.value // MB

    def take_all_but(self, left_mb: int) -> int:
        """Allocate memory until about ``left_mb`` are free; return the free MB."""
        while (wanted := min(PIECE_MB, self.memory_mb()[0] - left_mb)) >= GRAIN_MB:
            address = ctypes.c_uint64()
            if self._driver.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(wanted * MB)):
                break
            self._held.append(address)
        return self.memory_mb()[0]

    def give_back(self) -> None:
        """Free the allocated memory."""
        while self._held:
            self._call("cuMemFree_v2", self._held.pop())

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._driver, name)(*arguments)
        if code:
            raise CardError(f"{name} answers {code}")
