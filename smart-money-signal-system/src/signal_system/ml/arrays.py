"""Names for the arrays that learning is done with; moments are milliseconds since 1970, UTC."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

Matrix: TypeAlias = NDArray[np.float32]
"""What models are asked and what they answer; NaN where something is not known."""
