"""What the trust itself has found out about a consultant: differences with a good reason.

The file ``outlier_review`` holds what became of each finding. A finding that was closed with one of
the codes W1 to W8 has a reason, so the consultant stays on the page, with the reason beside the
name, and leaves the saving (decision D-185).
"""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import CLOSED, WARRANTED

REVIEW_COLUMNS = (
    "review_id", "subject", "status", "reason_code", "action", "owner", "value_pence", "date",
)  # fmt: skip


def take_latest_reviews(reviews: pd.DataFrame | None) -> pd.DataFrame:
    """Return the last word on each subject: its newest row, or the later one of the file on a tie.

    Parameters
    ----------
    reviews
        ``outlier_review`` as cleaned; None where the trust supplies none.

    Returns
    -------
    pd.DataFrame
        One row a subject with the columns of the file, ``is_closed`` and ``is_warranted``: closed,
        with one of the codes W1 to W8. A reason that is proposed and not yet agreed warrants nothing.
    """
    if reviews is None or reviews.empty:
        empty = pd.DataFrame({name: pd.Series(dtype="str") for name in REVIEW_COLUMNS})
        return empty.assign(is_closed=False, is_warranted=False).astype(
            {"is_closed": "bool", "is_warranted": "bool"}
        )
    rows = reviews.reindex(columns=list(REVIEW_COLUMNS)).copy()
    for name in ("subject", "status", "reason_code", "action", "owner"):
        rows[name] = rows[name].astype("object").where(rows[name].notna(), "").astype("str")
        rows[name] = rows[name].str.strip()
    rows["date"] = pd.to_datetime(rows["date"])
    rows = rows.sort_values("date", kind="stable", na_position="first")
    rows = rows.groupby("subject", sort=True).tail(1).sort_values("subject", ignore_index=True)
    rows["is_closed"] = rows["status"].str.lower().isin(CLOSED)
    rows["reason_code"] = rows["reason_code"].str.upper()
    rows["is_warranted"] = rows["is_closed"] & rows["reason_code"].isin(WARRANTED)
    return rows


def find_warranted(reviews: pd.DataFrame | None) -> dict[str, str]:
    """Return the reason code of each subject whose difference has been found to have a good reason."""
    latest = take_latest_reviews(reviews)
    kept = latest[latest["is_warranted"]]
    return dict(zip(kept["subject"], kept["reason_code"], strict=True))
