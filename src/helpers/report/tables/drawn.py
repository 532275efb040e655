"""What a figure draws, for its reader to take away: the names that are on it, then its columns."""

from __future__ import annotations

import pandas as pd

NAMED_BY = (("consultant_code", "pseudonym"), ("line_id", "line_name"))


def take_drawn(
    frame: pd.DataFrame | None, *columns: str, names: pd.DataFrame | None = None
) -> pd.DataFrame | None:
    """Return the columns that a figure draws, a row a mark; consultants by pseudonym, lines by name.

    Parameters
    ----------
    frame
        What the figure was given; None where it shows nothing.
    columns
        Those to keep, in order; all of them if none is named. One that is not there is left out.
    names
        ``line_id`` and ``line_name`` of every line, or ``consultant_code`` and ``pseudonym`` beside
        them, where ``frame`` has codes alone. A code without a name is left as it is.
    """
    if frame is None or frame.empty:
        return None
    kept, heads = frame, []
    for code, name in NAMED_BY:
        if names is None or code not in frame or name not in names or name in frame:
            continue
        by_code = names.drop_duplicates(code).set_index(code)[name]
        kept = kept.assign(**{name: kept[code].map(by_code).fillna(kept[code])})
        heads.insert(0, name)
    wanted = [*heads, *(columns or [one for one in frame.columns if one not in dict(NAMED_BY)])]
    return kept[[name for name in wanted if name in kept]].reset_index(drop=True)


def keep_cost(review: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a consultant review that are about cost and were compared."""
    return review[(review["measure"] == "cost") & review["ratio"].notna()]
