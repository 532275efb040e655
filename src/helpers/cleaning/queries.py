"""Questions that the trust has raised and not yet answered: whose they are, and how old."""

from __future__ import annotations

import datetime as dt
import re

import pandas as pd

from helpers.cleaning.corrections import find_open
from helpers.cleaning.model import Frames
from helpers.contracts.inputs import CONSULTANT
from helpers.contracts.terms import CLOSED

REVIEW, CORRECTIONS = "outlier_review", "corrections"
NO_OWNER = "nobody named"
QUERY_COLUMNS = (
    "source", "reference", "line_id", "subject", "question", "owner", "raised", "age_days", "amount_pence",
)  # fmt: skip


def list_open_queries(frames: Frames, *, period_end: dt.date) -> pd.DataFrame:
    """Return every question still open at the end of the year, the oldest first.

    From ``outlier_review`` those whose status is not an end; from ``corrections`` those whose status
    is open. Ages are whole days at the last day of the year, so that a report made later says the
    same; a question raised after that day has none. Consultants stand under their pseudonym, and a
    query about a row names its file, never the row.
    """
    parts = [_list_reviews(frames), _list_corrections(frames)]
    found = pd.concat(parts, ignore_index=True)
    raised = pd.to_datetime(found["raised"])
    age = (pd.Timestamp(period_end) - raised).dt.days.astype("Int64")
    found = found.assign(
        age_days=age.mask(age < 0), raised=raised.dt.strftime("%Y-%m-%d").fillna("")
    )
    found["owner"] = found["owner"].astype("str").fillna("").replace("", NO_OWNER)
    order = found.sort_values(
        ["age_days", "source", "reference"], ascending=[False, True, True], na_position="last"
    )
    return order.reset_index(drop=True)[list(QUERY_COLUMNS)]


def _list_reviews(frames: Frames) -> pd.DataFrame:
    rows = frames.get(REVIEW, pd.DataFrame())
    if rows.empty:
        return _no_queries()
    rows = rows[~rows["status"].astype("str").fillna("").str.strip().str.lower().isin(CLOSED)]
    people = frames.get("consultants", pd.DataFrame({"consultant_code": []}))
    names = people.set_index("consultant_code")
    pseudonyms = names["pseudonym"] if "pseudonym" in names else pd.Series(dtype="str")
    lines = names["line_id"] if "line_id" in names else pd.Series(dtype="str")
    subject = [
        pseudonyms.get(code) or ("a consultant" if re.match(CONSULTANT, str(code)) else str(code))
        for code in rows["subject"]
    ]
    return pd.DataFrame({
        "source": REVIEW, "reference": rows["review_id"].astype("str"),
        "line_id": [lines.get(code) or "" for code in rows["subject"]],
        "subject": pd.Series(subject, index=rows.index, dtype="str"),
        "question": rows["action"].astype("str").fillna(""), "owner": rows["owner"],
        "raised": rows["date"], "amount_pence": rows["value_pence"].astype("Int64"),
    })  # fmt: skip


def _list_corrections(frames: Frames) -> pd.DataFrame:
    rows = frames.get(CORRECTIONS, pd.DataFrame())
    if rows.empty:
        return _no_queries()
    is_open = find_open(rows)
    place = pd.Series(range(1, len(rows) + 1), index=rows.index)
    rows, place = rows[is_open], place[is_open]
    return pd.DataFrame({
        "source": CORRECTIONS, "reference": "row " + place.astype("str"), "line_id": "",
        "subject": rows["file"].astype("str") + ", " + rows["column"].astype("str"),
        "question": rows["reason"].astype("str").fillna(""), "owner": rows["raised_by"],
        "raised": rows["date"], "amount_pence": pd.array([pd.NA] * len(rows), dtype="Int64"),
    })  # fmt: skip


def _no_queries() -> pd.DataFrame:
    columns = {name: pd.Series(dtype="str") for name in QUERY_COLUMNS if name != "age_days"}
    columns |= {
        "raised": pd.Series(dtype="datetime64[us]"),
        "amount_pence": pd.Series(dtype="Int64"),
    }
    return pd.DataFrame(columns)
