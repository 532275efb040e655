"""The tables of the public edition, each made safe from the true one.

Counts from 1 to 7 are hidden and others rounded to 5; what belongs to a hidden count is hidden with
it. ``hidden`` names the columns of a row that are hidden, spaces between, so that a reader can tell
what is hidden from what does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.disclosure.suppression import SMALLEST_SHOWN, System, hide_cells

ROUNDED_TO = 5
TRUST = "TRUST"
HIDDEN = "hidden"
COUNTS = ["n_events", "n_spells", "bed_days"]
AMOUNTS = ["income_pence", "cost_pence"]
THRESHOLDS = (7, 14, 21)
SOLE_FEEDS = ("ED",)  # a point of delivery whose total is the count of a file, which is published
# Share of a file's rows set aside: upper ends of the bands, and their words.
BANDS = ((0.01, "under 1 in 100"), (0.05, "1 to 5 in 100"))
LAST_BAND = "over 5 in 100"


def is_small(counts: pd.Series) -> pd.Series:
    """Tell which counts may not be shown: from 1 to 7. A nought tells of nobody."""
    return counts.fillna(0).gt(0) & counts.fillna(0).lt(SMALLEST_SHOWN)


def round_counts(counts: pd.Series) -> pd.Series:
    """Return counts rounded to 5, halves (there are none between whole numbers) aside.

    >>> round_counts(pd.Series([8, 12, 13, 0])).tolist()
    [10, 10, 15, 0]
    """
    whole = pd.to_numeric(counts).round().astype("Int64")
    return ((whole + ROUNDED_TO // 2) // ROUNDED_TO) * ROUNDED_TO


def hide_rows(frame: pd.DataFrame, hidden: pd.Series, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table with some columns empty in the rows that are hidden, and named in ``hidden``."""
    kept = frame.copy()
    for name in columns:
        kept[name] = kept[name].astype("Int64" if name not in FLOATS else "float64").mask(hidden)
    kept[HIDDEN] = np.where(hidden, " ".join(columns), "")
    return kept


FLOATS = ("tau", "share_prop")


def protect_activity(activity: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Return activity, income and cost by line and point of delivery, small cells and others hidden.

    Parameters
    ----------
    activity
        ``line_id``, ``pod``, ``n_events``, ``n_spells``, ``bed_days``, ``income_pence``,
        ``cost_pence``, one row a cell; the lines as they are published.
    patients
        ``line_id``, ``pod``, ``n_patients``: people in a cell. A cell without a row is taken to
        have one for each event.

    Returns
    -------
    pd.DataFrame
        The same with the trust's totals as line ``TRUST``, counts rounded, and ``hidden``.

    Raises
    ------
    DisclosureError
        If a small cell cannot be protected.
    """
    cells = activity.groupby(["line_id", "pod"], sort=True)[COUNTS + AMOUNTS].sum().reset_index()
    people = patients.groupby(["line_id", "pod"])["n_patients"].sum()
    cells["n_patients"] = people.reindex(pd.MultiIndex.from_frame(cells[["line_id", "pod"]])).to_numpy()  # fmt: skip
    cells["n_patients"] = cells["n_patients"].fillna(cells["n_events"]).astype("int64")
    totals = cells.groupby("pod", sort=True)[[*COUNTS, *AMOUNTS, "n_patients"]].sum().reset_index()
    table = pd.concat([cells, totals.assign(line_id=TRUST)], ignore_index=True)
    hidden = pd.Series(hide_cells(build_activity_system(table)), index=table.index)
    shown = table.drop(columns="n_patients")
    for name in COUNTS:
        shown[name] = round_counts(shown[name])
    return hide_rows(shown, hidden, COUNTS + AMOUNTS)


def build_activity_system(table: pd.DataFrame) -> System:
    """Return what a reader knows of the table by line and point of delivery, totals as line TRUST.

    Known to the penny and to the event, though counts are printed rounded: each line's events,
    income and cost (whatever of a line is no point of delivery is printed too), and that the cells
    of a point of delivery add up to the trust's.
    """
    is_total = table["line_id"].eq(TRUST)
    lines = [
        (table["line_id"].eq(line) & ~is_total).astype("float64")
        for line in sorted(table.loc[~is_total, "line_id"].unique())
    ]
    pods = [
        table["pod"].eq(pod).astype("float64") * np.where(is_total, -1.0, 1.0)
        for pod in sorted(table["pod"].unique())
    ]
    by_line = np.array([*lines, *pods]).reshape(-1, len(table))
    by_pod = np.array(pods).reshape(-1, len(table))
    small = is_small(table["n_events"]) | is_small(table["n_spells"])
    small |= is_small(table["n_patients"])
    return System(
        values={name: table[name].to_numpy("float64") for name in COUNTS + AMOUNTS},
        relations={
            "n_events": by_line, "n_spells": by_pod, "bed_days": by_pod,
            "income_pence": by_line, "cost_pence": by_line,
        },
        is_small=small.to_numpy(),
        is_fixed=(is_total & table["pod"].isin(SOLE_FEEDS) & ~small).to_numpy(),
        is_total=is_total.to_numpy(),
    )  # fmt: skip


def protect_long_stays(
    long_stays: pd.DataFrame, stays: pd.DataFrame, *, withheld: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the share of each line's bed days that stays of 7, 14 and 21 days or more take.

    A share is shown in whole per cent, without the numbers behind it, where the stays on both sides of
    it, and between it and the next share shown, are none or eight at least. Where only one line
    would be hidden, the smallest that is shown is hidden with it.

    Parameters
    ----------
    long_stays
        ``line_id``, ``threshold_days``, ``n_spells``, ``bed_days_prop``; the trust as ``TRUST``.
    stays
        ``line_id``, ``n_spells``: all stays of the line.
    withheld
        Lines that are not published by themselves: they count as hidden, and have no row.
    """
    n_all = stays.set_index("line_id")["n_spells"].astype("int64")
    rows = long_stays[long_stays["line_id"].isin(n_all.index)].copy()
    rows["share_prop"] = pd.to_numeric(rows["bed_days_prop"]).astype("float64").round(2)
    rows = rows[rows["share_prop"].notna()].sort_values(["line_id", "threshold_days"])
    hidden = rows["line_id"].isin(withheld)
    for line, group in rows.groupby("line_id", sort=True):
        at_least = int(n_all[line])
        for place, count in group["n_spells"].items():
            below = at_least - int(count)
            if 0 < count < SMALLEST_SHOWN or 0 < below < SMALLEST_SHOWN:
                hidden[place] = True
            else:
                at_least = int(count)
    for _, group in rows[rows["line_id"].ne(TRUST)].groupby("threshold_days"):
        shown = group[~hidden[group.index] & group["n_spells"].gt(0)]
        if hidden[group.index].sum() == 1 and len(shown):
            hidden[shown["n_spells"].idxmin()] = True
    kept = hide_rows(rows, hidden, ["share_prop"])[~rows["line_id"].isin(withheld)]
    return kept[["line_id", "threshold_days", "share_prop", HIDDEN]].reset_index(drop=True)


def protect_months(trend: pd.DataFrame) -> pd.DataFrame:
    """Return the trust's bed days by month against those expected; nothing if a month has few stays."""
    rows = trend[trend["line_id"].eq(TRUST)]
    if rows.empty or rows["n_spells"].lt(SMALLEST_SHOWN).any():
        return rows.iloc[:0][["month", "ratio", "centre", "low", "high", "signal"]]
    kept = rows[["month", "ratio", "centre", "low", "high", "signal"]].copy()
    for name in ("ratio", "centre", "low", "high"):
        kept[name] = kept[name].astype("float64").round(2)
    return kept.sort_values("month", ignore_index=True)


def protect_variation(variation: pd.DataFrame, *, withheld: Sequence[str] = ()) -> pd.DataFrame:
    """Return how much consultants of a line differ by nature, where eight or more were compared.

    Numbers of consultants follow the rule for patients; the trust's total is published, so one small
    line hides another. ``tau`` has three decimals. Lines that are ``withheld`` count as
    hidden, and have no row.
    """
    rows = variation[variation["measure"].isin(["cost", "los"])]
    parts = [_protect_measure(group, withheld) for _, group in rows.groupby("measure", sort=True)]
    if not parts:
        return pd.DataFrame(columns=["line_id", "measure", "n_consultants", "tau", HIDDEN])
    return pd.concat(parts, ignore_index=True)


def _protect_measure(rows: pd.DataFrame, withheld: Sequence[str]) -> pd.DataFrame:
    kept = rows[["line_id", "measure", "n_consultants", "n_spells", "tau"]].reset_index(drop=True)
    small = is_small(kept["n_consultants"]) | is_small(kept["n_spells"])
    small |= kept["line_id"].isin(withheld) & kept["n_consultants"].gt(0)
    counts = kept["n_consultants"].to_numpy("float64")
    total = pd.DataFrame(
        {"line_id": [TRUST], "measure": kept["measure"].iloc[:1], "n_consultants": [int(counts.sum())]}
    )  # fmt: skip
    table = pd.concat([kept, total], ignore_index=True)
    system = System(
        values={"n_consultants": np.append(counts, counts.sum())},
        relations={"n_consultants": np.append(np.ones(len(kept)), -1.0).reshape(1, -1)},
        is_small=np.append(small.to_numpy(), bool(is_small(total["n_consultants"])[0])),
        is_fixed=np.zeros(len(table), dtype=bool),
        is_total=np.append(np.zeros(len(kept), dtype=bool), True),
    )
    hidden = pd.Series(hide_cells(system), index=table.index)
    table["tau"] = table["tau"].astype("float64").round(3).mask(table["n_consultants"].lt(SMALLEST_SHOWN))  # fmt: skip
    table["n_consultants"] = round_counts(table["n_consultants"])
    protected = hide_rows(table, hidden, ["n_consultants", "tau"])
    kept_rows = ~protected["line_id"].isin(withheld)
    return protected.loc[kept_rows, ["line_id", "measure", "n_consultants", "tau", HIDDEN]]


def protect_findings(review: pd.DataFrame, saving: pd.DataFrame) -> pd.DataFrame:
    """Return how many consultants were compared and named, and the saving if eight or more carry it.

    ``review`` is ``consultant_review``, ``saving`` the table of that name; no row of theirs is kept.
    """
    cost = review[review["measure"].eq("cost")]
    n_tested = int(cost["flag"].ne("not_tested").sum())
    n_named = int(cost["flag"].eq("outlier").sum())
    each = saving[saving["consultant_code"].ne("TOTAL")]
    n_saving = int(each["saving_pence"].fillna(0).ne(0).sum())
    total = saving[saving["consultant_code"].eq("TOTAL")]["saving_pence"]
    rows = pd.DataFrame(
        {
            "measure": ["n_tested", "n_named", "saving_pence"],
            "amount": [n_tested, n_named, int(total.iloc[0]) if len(total) else 0],
        }
    )
    counted = pd.Series([n_tested, n_named, n_saving])
    is_counts = rows["measure"].ne("saving_pence")
    rows["amount"] = rows["amount"].astype("Int64").mask(is_counts, round_counts(rows["amount"]))
    return hide_rows(rows, is_small(counted), ["amount"])


def protect_accounts(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each file, rounded, and in which band the share set aside lies."""
    rows = accounts[["file", "n_read"]].reset_index(drop=True).copy()
    share = accounts["n_excluded"].reset_index(drop=True) / rows["n_read"].where(rows["n_read"] > 0)
    hidden = is_small(rows["n_read"])
    rows["set_aside"] = [_find_band(value) for value in share.fillna(0.0)]
    rows["set_aside"] = rows["set_aside"].mask(hidden, "")
    rows["n_read"] = round_counts(rows["n_read"])
    return hide_rows(rows, hidden, ["n_read"])


def _find_band(share: float) -> str:
    return next((words for end, words in BANDS if share < end), LAST_BAND)
