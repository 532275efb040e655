"""What a line answers for against what it decides.

Every pound of a line's cost follows one kind of decision: hiring, rotas, ordering, beds, theatre lists,
capital, administration. ``decision_rights`` says who holds each, and since when.
"""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import NON_PATIENT_LINES, find_own_line

LINE, SHARED, NOT_RECORDED = "line", "shared", "not_recorded"
START, END = "start", "end"
CELL = ["line_id", "tier", "element", "source_department"]


def govern_costs(
    line_costs: pd.DataFrame, decision_costs: pd.DataFrame, feeds: pd.Series
) -> pd.DataFrame:
    """Return each line's cost with the decision that governs it.

    Parameters
    ----------
    decision_costs
        ``tier, feed, element, decision``: a blank matches everything; the row that names an element wins,
        then the one that names a feed (decision D-168).
    feeds
        Feed of the largest pool of each clinical department.

    Returns
    -------
    pd.DataFrame
        ``line_id, tier, element, source_department, amount_pence, decision``.
    """
    costs = line_costs.assign(line_id=line_costs["line_id"].map(find_own_line))
    costs = costs[~costs["line_id"].isin(NON_PATIENT_LINES)]
    costs = costs.groupby(CELL, as_index=False)["amount_pence"].sum()
    feed = costs["source_department"].map(feeds).fillna("")
    decision = pd.Series("", index=costs.index, dtype="str")
    ranked = decision_costs.fillna("").assign(
        rank=lambda rows: (rows["element"] != "") * 2 + (rows["feed"] != "") * 1
    )
    for rule in ranked.sort_values("rank", kind="stable").itertuples():
        fits = (rule.tier == "") | (costs["tier"] == rule.tier)
        fits &= (rule.feed == "") | (feed == rule.feed)
        fits &= (rule.element == "") | (costs["element"] == rule.element)
        decision = decision.mask(fits, rule.decision)
    return costs.assign(decision=decision)


def find_holders(governed: pd.DataFrame, rights: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Return who holds the decision over each cost on a day: line, shared, division, corporate.

    A right for a department wins over one for an element, and that over one for the line; of two alike
    the later one. Without any it is ``not_recorded``.
    """
    is_on = (rights["from"].isna() | (rights["from"] <= day)) & (
        rights["to"].isna() | (rights["to"] >= day)
    )
    now = rights[is_on].rename(columns={"department": "source_department"})
    now = now.sort_values("from", kind="stable", na_position="first")
    narrow = ["element", "source_department"]
    now = now.assign(**{name: now[name].fillna("").astype("str") for name in narrow})
    holders = pd.Series(NOT_RECORDED, index=governed.index, dtype="str")
    for names in ([], ["element"], ["source_department"], narrow):
        is_such = pd.Series(True, index=now.index)
        for name in narrow:
            is_such &= (now[name] != "") == (name in names)
        keys = ["line_id", "decision", *names]
        such = now[is_such].drop_duplicates(keys, keep="last").set_index(keys)["holder"]
        told = such.reindex(pd.MultiIndex.from_frame(governed[keys])).to_numpy()
        holders = holders.mask(pd.notna(told), pd.Series(told, index=governed.index))
    return holders


def measure_control(
    governed: pd.DataFrame, rights: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return cost by who decides it, and what each line answers for and controls.

    Returns
    -------
    tuple
        ``control_costs`` (line, decision, holder at the start and at the end of the year, cost) and
        ``line_control``: ``gap_prop`` is 1 less the controlled share of full cost, the gap of a line held to
        account for its surplus; ``care_gap_prop`` the same for its contribution.
    """
    table = governed.assign(
        holder_start=find_holders(governed, rights, first),
        holder_end=find_holders(governed, rights, last),
    )
    keys = ["line_id", "decision", "holder_start", "holder_end"]
    by_decision = table.groupby(keys, as_index=False)["amount_pence"].sum()
    is_care = table["tier"] != "overhead"
    lines = pd.DataFrame({"line_id": sorted(table["line_id"].unique())})
    at = lines["line_id"]

    def add_up(rows: pd.DataFrame) -> pd.Series:
        return at.map(rows.groupby("line_id")["amount_pence"].sum()).fillna(0).astype("int64")

    lines["full_cost_pence"] = add_up(table)
    lines["care_pence"] = add_up(table[is_care])
    for when, holder in ((START, table["holder_start"]), (END, table["holder_end"])):
        lines[f"controlled_{when}_pence"] = add_up(table[holder == LINE])
        lines[f"shared_{when}_pence"] = add_up(table[holder == SHARED])
    own_care = add_up(table[is_care & (table["holder_end"] == LINE)])
    lines["gap_prop"] = 1 - _divide(lines["controlled_end_pence"], lines["full_cost_pence"])
    lines["care_gap_prop"] = 1 - _divide(own_care, lines["care_pence"])
    lines["not_recorded_pence"] = add_up(table[table["holder_end"] == NOT_RECORDED])
    return by_decision, lines


def list_changes(control_costs: pd.DataFrame) -> pd.DataFrame:
    """Return decisions whose holder was another at the end of the year than at its start."""
    moved = control_costs[control_costs["holder_start"] != control_costs["holder_end"]]
    return moved.sort_values("amount_pence", ascending=False, kind="stable", ignore_index=True)


def _divide(part: pd.Series, whole: pd.Series) -> pd.Series:
    return (part / whole.where(whole > 0)).astype("float64")
