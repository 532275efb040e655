"""Why stays are long and what they cost: casemix or practice, waiting to leave, long stays, value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.outliers.stay_expected import expect_days, pair_groups
from helpers.outliers.stay_groups import MATERIAL_DAYS

LONG_STAY_DAYS = (7, 14, 21)
TRUST = "TRUST"
MOSTLY_WAITING_PROP = 0.5
BED_FEEDS = ("ward", "critical_care")


@dataclass(frozen=True)
class Gap:
    """The gap between two groups' mean stays, and its two parts, in days: gap = mix + practice."""

    gap_days: float
    mix_days: float
    practice_days: float


def split_gap(n_a: np.ndarray, days_a: np.ndarray, n_b: np.ndarray, days_b: np.ndarray) -> Gap:
    """Split the gap between two groups' mean stays into casemix and practice.

    Casemix: the groups treat different patients, valued at the two groups' average stay for each
    cell. Practice: they keep like patients for different times, valued at the average casemix. The
    two parts add to the gap. A cell that only one group treats is casemix entirely.

    Parameters
    ----------
    n_a, n_b
        Spells of each group in each casemix cell, same order of cells.
    days_a, days_b
        Days of each group in each cell (sums, not means).

    Raises
    ------
    ValueError
        If a group has no spells.
    """
    n_a, n_b = np.asarray(n_a, dtype="float64"), np.asarray(n_b, dtype="float64")
    days_a, days_b = np.asarray(days_a, dtype="float64"), np.asarray(days_b, dtype="float64")
    if n_a.sum() <= 0 or n_b.sum() <= 0:
        raise ValueError("a gap needs spells in both groups")
    mean_a, mean_b = days_a / np.maximum(n_a, 1), days_b / np.maximum(n_b, 1)
    mean_a, mean_b = np.where(n_a > 0, mean_a, mean_b), np.where(n_b > 0, mean_b, mean_a)
    share_a, share_b = n_a / n_a.sum(), n_b / n_b.sum()
    return Gap(
        gap_days=float(days_a.sum() / n_a.sum() - days_b.sum() / n_b.sum()),
        mix_days=float(((share_a - share_b) * (mean_a + mean_b) / 2).sum()),
        practice_days=float(((mean_a - mean_b) * (share_a + share_b) / 2).sum()),
    )


def split_gaps(
    days: np.ndarray, group: pd.Series, cell: np.ndarray, within: pd.Series
) -> pd.DataFrame:
    """Split each group's gap to the other patients of its main line (or other frame of comparison).

    Parameters
    ----------
    days
        Days of each spell.
    group
        Group of each spell; blank ones belong to no group.
    cell
        Position of each spell's casemix cell.
    within
        What the comparison stays inside, for example the service line. A group is compared inside
        the one where most of its spells are.

    Returns
    -------
    pd.DataFrame
        ``group, within, n_spells, n_others, mean_days, others_mean_days, gap_days, mix_days,
        practice_days``; groups without any other patients beside them are left out.
    """
    codes, names = pd.factorize(group.mask(group.astype("str") == ""), sort=True)
    frames, frame_names = pd.factorize(within.astype("str"), sort=True)
    n_groups, n_frames = len(names), len(frame_names)
    n_cells = int(cell.max()) + 1 if len(cell) else 0
    grouped = codes >= 0
    spread = np.bincount(
        codes[grouped] * n_frames + frames[grouped], minlength=n_groups * n_frames
    ).reshape(n_groups, n_frames)
    home = spread.argmax(axis=1)
    is_home = grouped & (frames == home[codes]) if n_groups else grouped
    n_own, days_own = _sum_cells(codes[is_home], cell[is_home], days[is_home], (n_groups, n_cells))
    n_all, days_all = _sum_cells(frames, cell, days, (n_frames, n_cells))
    rows = []
    for place in range(n_groups):
        n_b, days_b = n_all[home[place]] - n_own[place], days_all[home[place]] - days_own[place]
        if n_b.sum() == 0:
            continue
        gap = split_gap(n_own[place], days_own[place], n_b, days_b)
        n_a = n_own[place].sum()
        means = (days_own[place].sum() / n_a, days_b.sum() / n_b.sum())
        parts = (gap.gap_days, gap.mix_days, gap.practice_days)
        counts = (int(n_a), int(n_b.sum()))
        rows.append((names[place], frame_names[home[place]], *counts, *means, *parts))
    columns = ["group", "within", "n_spells", "n_others", "mean_days", "others_mean_days"]
    return pd.DataFrame(rows, columns=[*columns, "gap_days", "mix_days", "practice_days"])


def _sum_cells(
    row: np.ndarray, cell: np.ndarray, days: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return spells and days by row and casemix cell."""
    key, size = row * shape[1] + cell, shape[0] * shape[1]
    n = np.bincount(key, minlength=size).reshape(shape)
    return n, np.bincount(key, weights=days, minlength=size).reshape(shape)


def split_waiting(
    spells: pd.DataFrame, groupings: Mapping[str, pd.Series], cell: np.ndarray
) -> pd.DataFrame:
    """Split each group's days over expected into days waiting to leave and days before that.

    Parameters
    ----------
    spells
        One row a spell: ``los_days``, and ``awaiting_days`` from the day the patient was ready.
    groupings
        The group of each spell, by the name of the grouping.
    cell
        Position of each spell's casemix cell.

    Returns
    -------
    pd.DataFrame
        One row a group: spells, bed days and waiting days; ``effect_days`` (days a spell over
        expected) = ``own_effect_days`` + ``awaiting_effect_days``. ``is_mostly_waiting`` where the
        effect is at least 0.25 days and waiting is half of it or more.
    """
    days = spells["los_days"].to_numpy(dtype="float64")
    waiting = spells["awaiting_days"].to_numpy(dtype="float64")
    parts = []
    for name, group in groupings.items():
        pairs = pair_groups(group, cell)
        all_days, waited = expect_days(pairs, days, cell), expect_days(pairs, waiting, cell)
        n = all_days["n_spells"].where(all_days["n_spells"] > 0)
        counts = _count_waiting(group, days, waiting).reindex(all_days.index)
        counts["effect_days"] = (all_days["observed_days"] - all_days["expected_days"]) / n
        counts["awaiting_effect_days"] = (waited["observed_days"] - waited["expected_days"]) / n
        counts["own_effect_days"] = counts["effect_days"] - counts["awaiting_effect_days"]
        counts["is_mostly_waiting"] = (counts["effect_days"] >= MATERIAL_DAYS) & (
            counts["awaiting_effect_days"] >= MOSTLY_WAITING_PROP * counts["effect_days"]
        )
        parts.append(counts.reset_index().assign(grouping=name))
    table = pd.concat(parts, ignore_index=True)
    return table[["grouping", "group", *[c for c in table if c not in ("grouping", "group")]]]


def _count_waiting(group: pd.Series, days: np.ndarray, waiting: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame(
        {"group": group.astype("str").to_numpy(), "days": days, "waiting": waiting}
    )
    table["has_waited"] = table["waiting"] > 0
    found = table.groupby("group").agg(
        n_spells=("days", "size"),
        n_waiting=("has_waited", "sum"),
        bed_days=("days", "sum"),
        awaiting_days=("waiting", "sum"),
    )
    found["awaiting_prop"] = found["awaiting_days"] / found["bed_days"].where(found["bed_days"] > 0)
    return found.astype({"n_waiting": "int64"})


def count_long_stays(spells: pd.DataFrame) -> pd.DataFrame:
    """Count stays of at least 7, 14 and 21 days, and their share of bed days, by line and for the trust.

    Returns
    -------
    pd.DataFrame
        ``line_id`` (TRUST for all), ``threshold_days``, ``n_spells``, ``spells_prop``,
        ``bed_days``, ``bed_days_prop``.
    """
    both = pd.concat([spells.assign(line_id=TRUST), spells], ignore_index=True)
    both["los_days"] = both["los_days"].astype("float64")
    totals = both.groupby("line_id")["los_days"].agg(n_all="size", days_all="sum")
    parts = []
    for threshold in LONG_STAY_DAYS:
        is_long = both["los_days"] >= threshold
        found = both[is_long].groupby("line_id")["los_days"].agg(n_spells="size", bed_days="sum")
        found = totals.join(found, validate="one_to_one").fillna({"n_spells": 0, "bed_days": 0})
        parts.append(found.assign(threshold_days=threshold).reset_index())
    table = pd.concat(parts, ignore_index=True).astype({"n_spells": "int64"})
    table["spells_prop"] = table["n_spells"] / table["n_all"]
    table["bed_days_prop"] = table["bed_days"] / table["days_all"].where(table["days_all"] > 0)
    names = ["line_id", "threshold_days", "n_spells", "spells_prop", "bed_days", "bed_days_prop"]
    return table[names].sort_values(["line_id", "threshold_days"], ignore_index=True)


def value_excess_days(spells: pd.DataFrame, *, variable_share: float | None = None) -> pd.DataFrame:
    """Value the days beyond the trim point at two prices, by line and for the trust.

    The full price is everything a bed day of the line carries (theatres and overheads too); the
    variable price is the part of the ward's own cost that follows patients within a year.

    Parameters
    ----------
    spells
        One row a spell: ``line_id``, ``los_days``, ``excess_days``, ``awaiting_days``,
        ``full_cost_pence``, ``ward_pence``, ``is_whole_cost``.
    variable_share
        Share (0-1) of ward cost that varies within a year; without it the variable price is left
        blank.

    Returns
    -------
    pd.DataFrame
        ``line_id`` (TRUST for the sum), ``n_spells, bed_days, excess_days, awaiting_days``, the
        prices of a day and the values, whole pence.
    """
    costed = spells[spells["is_whole_cost"].astype(bool)].astype({"los_days": "float64"})
    prices = costed.groupby("line_id").agg(
        costed_days=("los_days", "sum"),
        full_cost_pence=("full_cost_pence", "sum"),
        ward_pence=("ward_pence", "sum"),
    )
    table = (
        spells.astype({"los_days": "float64"})
        .groupby("line_id")
        .agg(
            n_spells=("los_days", "size"),
            bed_days=("los_days", "sum"),
            excess_days=("excess_days", "sum"),
            awaiting_days=("awaiting_days", "sum"),
        )
    )
    table = table.join(prices, validate="one_to_one")
    days = table["costed_days"].where(table["costed_days"] > 0)
    table["full_day_pence"] = table["full_cost_pence"] / days
    table["ward_day_pence"] = table["ward_pence"] / days
    share = np.nan if variable_share is None else variable_share
    table["variable_day_pence"] = table["ward_day_pence"] * share
    table["full_value_pence"] = table["excess_days"] * table["full_day_pence"]
    table["variable_value_pence"] = table["excess_days"] * table["variable_day_pence"]
    money = [name for name in table if name.endswith("_pence")]
    table[money] = table[money].apply(_round_pence)
    return _add_trust(table).drop(columns=["costed_days", "full_cost_pence", "ward_pence"])


def measure_variable_share(
    general_ledger: pd.DataFrame,
    expense_map: pd.DataFrame,
    cost_centre_map: pd.DataFrame,
    cost_pools: pd.DataFrame | None,
) -> float | None:
    """Return the share of the wards' ledger cost that varies within 12 months; None if not known.

    Wards are the departments whose cost pools follow ward or critical care time. Each posting counts
    with its expense code's ``variable_share_12m``.
    """
    if cost_pools is None or "variable_share_12m" not in expense_map:
        return None
    if expense_map["variable_share_12m"].isna().all():
        return None
    wards = cost_pools.loc[cost_pools["feed"].isin(BED_FEEDS), "department_id"].unique()
    centres = cost_centre_map.loc[cost_centre_map["department_id"].isin(wards), "cost_centre"]
    postings = general_ledger[general_ledger["cost_centre"].isin(centres)]
    codes = expense_map.loc[
        expense_map["account_type"] == "expenditure", ["expense_code", "variable_share_12m"]
    ]
    postings = postings.merge(codes, on="expense_code", validate="many_to_one")
    pence = postings["amount_pence"].astype("float64")
    if pence.sum() <= 0:
        return None
    return float((pence * postings["variable_share_12m"].fillna(0.0)).sum() / pence.sum())


def _round_pence(values: pd.Series) -> pd.Series:
    return (values + 0.5).map(np.floor).astype("Int64")


def _add_trust(table: pd.DataFrame) -> pd.DataFrame:
    """Add the trust's sums; a price of its days is the lines' cost over their days."""
    adds = [
        "n_spells",
        "bed_days",
        "excess_days",
        "awaiting_days",
        "full_value_pence",
        "variable_value_pence",
    ]
    total = table[adds].sum(min_count=1)
    days = table["costed_days"].sum()
    for price, cost in (("full_day_pence", "full_cost_pence"), ("ward_day_pence", "ward_pence")):
        total[price] = table[cost].sum() / days if days > 0 else np.nan
    ratio = table["variable_day_pence"].sum(min_count=1) / table["ward_day_pence"].sum(min_count=1)
    total["variable_day_pence"] = total["ward_day_pence"] * ratio
    row = pd.DataFrame([total], index=pd.Index([TRUST], name="line_id"))
    whole = pd.concat([table, row])
    for name in [n for n in whole if n.endswith("_pence")]:
        whole[name] = _round_pence(whole[name].astype("float64"))
    return whole.astype({"n_spells": "int64"}).reset_index(names="line_id")
