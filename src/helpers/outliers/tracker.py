"""What became of last year's findings: each measured again, beside what was done about it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.outliers.warranted import take_latest_reviews

FINDINGS = ("outlier", "material", "indicative")
KEYS = ["line_id", "consultant_code", "measure"]
COLUMNS = [
    *KEYS, "pseudonym", "flag_before", "ratio_before", "excess_before", "flag_now", "ratio_now",
    "ci_low_now", "ci_high_now", "excess_now", "change", "outcome", "review_id", "review_status",
    "reason_code", "action", "owner", "value_pence", "review_date",
]  # fmt: skip
NUMBERS = ("ratio_before", "excess_before", "ratio_now", "ci_low_now", "ci_high_now", "excess_now", "change")  # fmt: skip


def track_findings(
    review: pd.DataFrame, earlier: pd.DataFrame | None, reviews: pd.DataFrame | None
) -> pd.DataFrame:
    """Measure again what the year before found, and what the trust has under review.

    Parameters
    ----------
    review
        ``consultant_review`` of this run.
    earlier
        The same table in the report of the year before; None where there is none.
    reviews
        ``outlier_review`` as cleaned; None where the trust supplies none.

    Returns
    -------
    pd.DataFrame
        One row a finding: its size before and now (``excess`` in pounds or days, each an expectation
        that allows for chance, so that a fall is not merely a high year passing), and what the trust
        wrote. ``outcome`` is ``still`` (found again), ``no_longer`` (measured, within what peers
        differ by) or ``not_measured`` (too few patients or peers this year).
    """
    now = review.assign(
        **{f"{name}_now": review[name] for name in ("flag", "ratio", "ci_low", "ci_high", "excess")}
    )
    now = now[[*KEYS, "pseudonym", *[name for name in COLUMNS if name.endswith("_now")]]]
    before = _list_before(earlier)
    latest = take_latest_reviews(reviews)
    watched = now.loc[
        now["consultant_code"].isin(latest["subject"]) & (now["measure"] == "cost"), KEYS
    ]
    keys = pd.concat([before[KEYS], watched]).drop_duplicates(ignore_index=True)
    table = keys.merge(before, on=KEYS, how="left", validate="one_to_one")
    table = table.merge(now, on=KEYS, how="left", validate="one_to_one", suffixes=("_old", ""))
    table = _add_reviews(table, latest)
    table["pseudonym"] = table["pseudonym"].where(
        table["pseudonym"].notna(), table["pseudonym_old"]
    )
    for name in ("flag_before", "flag_now", "pseudonym"):
        table[name] = table[name].astype("object").where(table[name].notna(), "").astype("str")
    table["outcome"] = np.select(
        [table["flag_now"].isin(FINDINGS), table["flag_now"] == "none"],
        ["still", "no_longer"],
        "not_measured",
    )
    is_measured = table["outcome"] != "not_measured"
    table["change"] = (table["excess_now"] - table["excess_before"]).where(is_measured)
    table[list(NUMBERS)] = table[list(NUMBERS)].astype("float64")
    return table[COLUMNS].sort_values(KEYS, ignore_index=True)


def _list_before(earlier: pd.DataFrame | None) -> pd.DataFrame:
    names = {"flag": "flag_before", "ratio": "ratio_before", "excess": "excess_before"}
    if earlier is None:
        texts = [*KEYS, "pseudonym", "flag_before"]
        empty = {name: pd.Series(dtype="str") for name in texts}
        return pd.DataFrame(
            empty | {name: pd.Series(dtype="float64") for name in ("ratio_before", "excess_before")}
        )
    found = earlier[earlier["flag"].isin(FINDINGS)].rename(columns=names)
    return found[[*KEYS, "pseudonym", *names.values()]].reset_index(drop=True)


def _add_reviews(table: pd.DataFrame, latest: pd.DataFrame) -> pd.DataFrame:
    """Add what the trust wrote of each consultant; blank where it wrote nothing."""
    names = {"subject": "consultant_code", "status": "review_status", "date": "review_date"}
    kept = latest.rename(columns=names)
    kept = kept[["consultant_code", "review_id", "review_status", "reason_code", "action", "owner", "value_pence", "review_date"]]  # fmt: skip
    found = table.merge(kept, on="consultant_code", how="left", validate="many_to_one")
    for name in ("review_id", "review_status", "reason_code", "action", "owner"):
        found[name] = found[name].astype("object").where(found[name].notna(), "").astype("str")
    dates = pd.to_datetime(found["review_date"])
    found["review_date"] = dates.dt.strftime("%Y-%m-%d").fillna("").astype("str")
    found["value_pence"] = found["value_pence"].astype("Int64")
    return found
