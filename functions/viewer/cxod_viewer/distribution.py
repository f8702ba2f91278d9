"""
Whether a matrix holds counts, found as cellxgene finds it but with numpy: put in the place of cellxgene's own module, the only
one that imports numba (0.3 s of start-up, and compiling at the first call).
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
from scipy import sparse

_CHUNK = 1 << 22
_REPLACED = "server.common.compute.estimate_distribution"


def install() -> None:
    """Call before cellxgene's data adaptor is imported."""
    module = ModuleType(_REPLACED, __doc__)
    setattr(module, "estimate_approximate_distribution", estimate)
    sys.modules[_REPLACED] = module


def estimate(matrix: Any) -> Any:
    """Counts when the finite stored values span more than 24: after a logarithm that would be tens of millions of one molecule."""
    from server.common.constants import XApproximateDistribution

    if matrix.dtype.kind not in "iuf":
        raise TypeError(f"Unsupported matrix dtype: {matrix.dtype.name}")
    if sparse.issparse(matrix) and matrix.format in ("csr", "csc"):
        values = matrix.data
    elif type(matrix) is np.ndarray:
        values = matrix.reshape(matrix.size, order="A") if matrix.flags.forc else matrix.ravel()
    else:
        raise TypeError(f"Unsupported matrix format: {type(matrix)}")
    low, high = np.inf, -np.inf
    for start in range(0, values.size, _CHUNK):
        chunk = values[start : start + _CHUNK]
        finite = np.isfinite(chunk)
        low = min(low, np.min(chunk, where=finite, initial=np.inf) if chunk.dtype.kind == "f" else chunk.min())
        high = max(high, np.max(chunk, where=finite, initial=-np.inf) if chunk.dtype.kind == "f" else chunk.max())
    return XApproximateDistribution.COUNT if float(high) - float(low) > 24 else XApproximateDistribution.NORMAL
