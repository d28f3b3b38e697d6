"""Arrays of embeddings."""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
"""float32 of any shape."""
WIDTH: Final = 384
"""Numbers of one embedding."""
