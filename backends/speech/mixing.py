"""Two channels as one, without losing a voice that both have in opposite phase; pure."""

from typing import Final

import numpy as np
import numpy.typing as npt

ANTIPHASE_SHARE: Final = 0.05  # of the louder channel's power: with less in the mix they cancel each other

Samples = npt.NDArray[np.int16]


def mixed(planes: Samples) -> Samples:
    """Return one channel of one or two: the mean, or the louder one where the mean would cancel them out.

    ``planes`` has the shape (channels, samples). A balanced line that was recorded as stereo has the same voice twice,
    once upside down.
    """
    mono: Samples = planes[0]
    if len(planes) == 1:
        return mono
    exact = planes.astype(np.float32)
    mean, powers = exact.mean(axis=0), (exact**2).mean(axis=1)
    if (mean**2).mean() < ANTIPHASE_SHARE * powers.max():
        mono = planes[int(powers.argmax())]
    else:
        mono = mean.round().astype(np.int16)
    return mono
