"""Lines with too few patients are put together with another, before anything is worked out for print.

After that no line of the public edition is small, so nothing that is said of whole lines (cost,
surplus, funding, ranges) needs a hidden cell, whichever tables are laid side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from helpers.disclosure.suppression import SMALLEST_SHOWN

TOGETHER = "TOGETHER"


def find_small_lines(sizes: pd.DataFrame, surplus_pence: pd.Series) -> list[str]:
    """Return the lines to put together: those with 1 to 7 events or patients, and as many more as it takes.

    Lines of the same sign are added first, the smallest first, until there are two lines at least
    and eight patients; so the sum of deficits that surpluses pay for stays what it is where it can.

    Parameters
    ----------
    sizes
        ``line_id``, ``n_events``, ``n_patients``, one row a line.
    surplus_pence
        By line, for every line that is published. A line without a row in ``sizes`` has no patients
        and is not small.
    """
    known = sizes.set_index("line_id")[["n_events", "n_patients"]].min(axis=1)
    people = known.reindex(surplus_pence.index).fillna(0).astype("int64")
    small = sorted(people.index[(people > 0) & (people < SMALLEST_SHOWN)])
    if not small:
        return []
    is_deficit = surplus_pence < 0
    first = is_deficit[small[0]]
    others = pd.DataFrame({"people": people, "other_sign": is_deficit != first})
    others = others[(others["people"] > 0) & ~others.index.isin(small)]
    order = others.rename_axis("line").reset_index().sort_values(["other_sign", "people", "line"])
    chosen = list(small)
    for line in order["line"]:
        if len(chosen) > 1 and people[chosen].sum() >= SMALLEST_SHOWN:
            break
        chosen.append(line)
    return sorted(chosen)


def put_together(
    frame: pd.DataFrame, lines: Sequence[str], *, by: Sequence[str], column: str = "line_id"
) -> pd.DataFrame:
    """Return a table of sums with some lines as one, ``TOGETHER``; other columns are dropped.

    Parameters
    ----------
    by
        Columns that name a row beside the line, in order. All other numbers are added up.
    """
    keys = [column, *by]
    sums = [
        name
        for name in frame.columns
        if name not in keys and pd.api.types.is_integer_dtype(frame[name])
    ]
    renamed = frame.assign(**{column: frame[column].where(~frame[column].isin(lines), TOGETHER)})
    return renamed.groupby(keys, sort=True)[sums].sum().reset_index()


def name_together(lines: Sequence[str], names: Mapping[str, str]) -> str:
    """Return what the lines that are put together are called.

    >>> name_together(["B", "A"], {"A": "Pain", "B": "Critical care"})
    'Together: Critical care, Pain'
    """
    return f"Together: {', '.join(sorted(names.get(line, line) for line in lines))}"
