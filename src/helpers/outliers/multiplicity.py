"""Adjusting p-values when many are looked at."""

from __future__ import annotations

import numpy as np


def adjust_p_values(p: np.ndarray, method: str = "bh") -> np.ndarray:
    """Return adjusted p-values, in the order given.

    ``bh`` and ``by`` hold the false discovery rate (``by`` under any dependence); ``holm`` and
    ``bonferroni`` the chance of any false finding.
    """
    m = len(p)
    if m == 0:
        return np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    ordered, rank = np.asarray(p, dtype=float)[order], np.arange(1, m + 1)
    if method == "bonferroni":
        adjusted = ordered * m
    elif method == "holm":
        adjusted = np.maximum.accumulate(ordered * (m - rank + 1))
    elif method in ("bh", "by"):
        factor = m * (1 / rank).sum() if method == "by" else m
        adjusted = np.minimum.accumulate((ordered * factor / rank)[::-1])[::-1]
    else:
        raise ValueError(f"method is {method!r}; it can be bh, by, holm or bonferroni")
    result = np.empty(m)
    result[order] = np.minimum(adjusted, 1.0)
    return result
