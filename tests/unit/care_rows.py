"""Rows of care given, invented, for the tests of how care differs by consultant."""

import numpy as np
import pandas as pd


def rows(amounts, line="L0", cell="A"):
    """Rows of one measure: a list of amounts for each consultant."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "line_id": line,
                    "consultant_code": who,
                    "cell": f"{line}|{cell}",
                    "n_tests": values,
                }
            )
            for who, values in amounts.items()
        ],
        ignore_index=True,
    )


def invent(seed, *, more=None, n_consultants=14, n_spells=60):
    rng = np.random.default_rng(seed)
    return rows(
        {
            f"C{k:02d}": rng.poisson(6.0 * (more or {}).get(k, 1.0), n_spells).astype(float)
            for k in range(n_consultants)
        }
    )
