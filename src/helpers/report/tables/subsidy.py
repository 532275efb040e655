"""Tables of the cross-subsidy page, arranged for reading: names for codes, largest first, totals."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from helpers.contracts.terms import CLASSES, SIGN_LABELS, UNMAPPED

# Rows and columns of the matrix; smaller funders and receivers are put together in the last one.
MOST_SIDES = {"funder_line_id": 10, "receiver_line_id": 6}
OTHERS = "(others)"
NO_LINE_WORDS = "No line: activity that the map gives to none"
MONEY = [
    "income_pence", "direct_pence", "indirect_pence", "overhead_pence", "below_ebitda_pence",
    "surplus_pence",
]  # fmt: skip
POSITION_COLUMNS = {
    "line_name": "Service line",
    "income_pence": "Income",
    "direct_pence": "Direct cost",
    "indirect_pence": "Indirect cost",
    "overhead_pence": "Overheads",
    "below_ebitda_pence": "Capital charges",
    "surplus_pence": "Surplus",
    "margin_prop": "Surplus of income",
    "words": "What it means",
}
BASES = {
    "lines": "Service lines alone",
    "with_others": "With education, research and other as columns",
    "private_apart": "With private patients as columns",
}
TOTAL_COLUMNS = {"label": "Measure"} | {f"{basis}_pence": words for basis, words in BASES.items()}
SENSITIVITY_COLUMNS = {
    "line_name": "Service line",
    "base_pence": "This report’s rule",
    "min_pence": "Lowest",
    "max_pence": "Highest",
    "width_income_prop": "Range, of income",
    "same_sign_prop": "Rules with the same sign",
    "words": "What it means",
}
IDENTITY_COLUMNS = {
    "description": "What is compared",
    "id": "Identity",
    "left_pence": "Left side",
    "right_pence": "Right side",
    "difference_pence": "Difference",
}


@dataclass(frozen=True)
class MatrixTable:
    """A funding matrix ready to show: ``frame``, and the headings of its columns."""

    frame: pd.DataFrame
    columns: dict[str, str]


def arrange_position(position: pd.DataFrame) -> pd.DataFrame:
    """Return each line's position, best first, with its meaning in words and a total."""
    lines = position.sort_values(["surplus_pence", "line_id"], ascending=[False, True])
    lines = lines.assign(words=_describe_class(lines))
    total = pd.DataFrame([{"line_name": "All lines", "words": "", **lines[MONEY].sum()}])
    table = pd.concat([lines[["line_name", "words", *MONEY]], total], ignore_index=True)
    earned = table["income_pence"].where(table["income_pence"] > 0)
    table["margin_prop"] = (table["surplus_pence"] / earned).astype("float64")
    return table[list(POSITION_COLUMNS)]


def arrange_totals(totals: pd.DataFrame) -> pd.DataFrame:
    """Return the volumes with one column for each way of drawing the columns."""
    table = totals.assign(name=totals["measure"].str.split("@").str[0])
    wide = table.pivot(index="name", columns="basis", values="amount_pence")
    lines = table[table["basis"] == "lines"]
    wide = wide.reindex(index=lines["name"], columns=list(BASES)).add_suffix("_pence")
    return wide.reset_index(drop=True).assign(label=lines["label"].tolist())[list(TOTAL_COLUMNS)]


def arrange_matrix(matrix: pd.DataFrame, position: pd.DataFrame) -> MatrixTable:
    """Return funders down and receivers across, largest first, with totals on both sides.

    Past the largest, lines of a side are put together; ``funding_matrix`` has them all.
    """
    names = position.set_index("line_id")["line_name"].to_dict()
    folded = matrix.assign(
        funder=_fold(matrix, "funder_line_id"), receiver=_fold(matrix, "receiver_line_id")
    )
    wide = folded.pivot_table(
        index="funder", columns="receiver", values="amount_pence", aggfunc="sum", fill_value=0
    )
    wide = wide.reindex(index=_rank(folded, "funder"), columns=_rank(folded, "receiver"))
    wide["all"] = wide.sum(axis=1)
    wide = pd.concat([wide, wide.sum().to_frame("all").T]).astype("int64")
    words = {**names, OTHERS: "Other lines", "all": "All"}
    columns = {"funder": "Pays"} | {f"{key}_pence": words.get(key, key) for key in wide.columns}
    frame = wide.add_suffix("_pence")
    frame.insert(0, "funder", [words.get(key, key) for key in wide.index])
    return MatrixTable(frame.reset_index(drop=True), columns)


def arrange_sensitivity(summary: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Return each line's range over the rules, best first, with what it means in words."""
    lines = summary.merge(
        position[["line_id", "line_name"]], on="line_id", how="left", validate="one_to_one"
    )
    lines = lines.sort_values(["base_pence", "line_id"], ascending=[False, True])
    lines["words"] = lines["sign_label"].map(SIGN_LABELS).str.split(":").str[0]
    return lines[list(SENSITIVITY_COLUMNS)].reset_index(drop=True)


def _describe_class(lines: pd.DataFrame) -> pd.Series:
    """Say what a line's class means; where the sign depends on the rule, say that instead."""
    words = lines["class"].map(CLASSES)
    words = words.where(lines["sign_label"] != "rule_dependent", SIGN_LABELS["rule_dependent"])
    return words.where(lines["line_id"] != UNMAPPED, NO_LINE_WORDS)


def _fold(matrix: pd.DataFrame, side: str) -> pd.Series:
    ranked = _rank(matrix, side)
    if len(ranked) <= MOST_SIDES[side]:
        return matrix[side]
    return matrix[side].mask(matrix[side].isin(ranked[MOST_SIDES[side] - 1 :]), OTHERS)


def _rank(matrix: pd.DataFrame, side: str) -> list[str]:
    """Return a side's lines, largest first and others last."""
    sums = matrix.groupby(side)["amount_pence"].sum().reset_index()
    sums["is_others"] = sums[side] == OTHERS
    return sums.sort_values(["is_others", "amount_pence", side], ascending=[True, False, True])[
        side
    ].tolist()
