"""Where each service line stands: surplus, contribution, class, and overhead coverage."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import NON_PATIENT_LINES, UNMAPPED, UNMATCHED, find_own_line
from helpers.errors import ReconciliationError, name_a_few

NOT_ATTRIBUTED, TRUST = "NOT_ATTRIBUTED", "TRUST"
SPECIAL_COLUMNS = (*NON_PATIENT_LINES, NOT_ATTRIBUTED, TRUST)
STATEMENT_ROWS = {
    "I": "income_pence",
    "C1": "direct_pence",
    "C2": "indirect_pence",
    "C3": "overhead_pence",
    "C4": "below_ebitda_pence",
    "T2": "contribution_pence",
    "T4": "surplus_pence",
}
COST_COLUMNS = ["direct_pence", "indirect_pence", "overhead_pence", "below_ebitda_pence"]
UNMAPPED_NAME = "Not mapped to a line"


def build_position(
    statement: pd.DataFrame, service_lines: pd.DataFrame, line_costs: pd.DataFrame
) -> pd.DataFrame:
    """Take each line's position from the statement, and class it.

    A surplus is positive. Contribution (T2) is income less direct and indirect cost above EBITDA;
    overhead and every capital charge come after it, so that
    ``contribution - overhead - below_ebitda = surplus``.

    Parameters
    ----------
    statement
        ``service_line_statement``: line, row, amount in whole pence.
    service_lines
        ``line_id`` and ``line_name``.
    line_costs
        ``line_costs``; read here for the cost of activity matched to no patient.

    Returns
    -------
    pd.DataFrame
        One row per line, whole pence, sorted by line; ``sign_label`` is added by
        ``add_sign_label`` once the other rules have been tried. ``unmatched_pence`` is the part
        of ``full_cost_pence`` that found no patient event.

    Raises
    ------
    ReconciliationError
        If a line's rows do not add up, to the penny.
    """
    wide = _spread_rows(statement)
    lines = wide[~wide.index.isin(SPECIAL_COLUMNS)].reset_index()
    lines["full_cost_pence"] = lines[COST_COLUMNS].sum(axis=1)
    _check_adds_up(lines)
    lines = _drop_empty_unmapped(lines)
    lines = lines.merge(
        service_lines[["line_id", "line_name"]], on="line_id", how="left", validate="one_to_one"
    )
    lines["line_name"] = lines["line_name"].where(lines["line_id"] != UNMAPPED, UNMAPPED_NAME)
    lines["line_name"] = lines["line_name"].fillna(lines["line_id"])
    lines["unmatched_pence"] = lines["line_id"].map(_total_unmatched(line_costs)).fillna(0)
    lines["unmatched_pence"] = lines["unmatched_pence"].astype("int64")
    lines["class"] = classify(lines["surplus_pence"], lines["contribution_pence"])
    return lines.sort_values("line_id", kind="stable").reset_index(drop=True)


def classify(surplus: pd.Series, contribution: pd.Series) -> pd.Series:
    """Return each line's class: ``funder``, ``covers_care`` or ``below_care``.

    A line with a surplus of zero or more is a funder. One in deficit covers its care if its
    contribution is zero or more, and does not if it is negative.
    """
    classes = pd.Series("below_care", index=surplus.index, dtype="str")
    classes = classes.mask(contribution >= 0, "covers_care")
    return classes.mask(surplus >= 0, "funder")


def add_sign_label(position: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Add to each line whether its sign holds under the other rules (``sensitivity_summary``)."""
    return position.merge(
        summary[["line_id", "sign_label"]], on="line_id", how="left", validate="one_to_one"
    )


def list_other_columns(statement: pd.DataFrame) -> pd.DataFrame:
    """Return income, cost and surplus of what is no service line: ET, RD, OTHER, not attributed.

    Whole pence; one row per column of the statement that is there, the trust's total left out.
    """
    wide = _spread_rows(statement)
    others = wide[wide.index.isin(SPECIAL_COLUMNS) & (wide.index != TRUST)].reset_index()
    others["full_cost_pence"] = others[COST_COLUMNS].sum(axis=1)
    columns = ["line_id", "income_pence", "full_cost_pence", "surplus_pence"]
    return others[columns].sort_values("line_id", kind="stable").reset_index(drop=True)


def measure_coverage(position: pd.DataFrame) -> pd.DataFrame:
    """Return how much of its overhead and capital charges each line's contribution covers.

    ``coverage_prop`` is contribution over overhead: 1 pays its full share, 0 pays none, a negative
    value does not pay for its own care. Missing where a line receives no overhead.
    """
    covered = position[["line_id", "contribution_pence"]].copy()
    covered["overhead_pence"] = position["overhead_pence"] + position["below_ebitda_pence"]
    payable = covered["overhead_pence"].where(covered["overhead_pence"] > 0)
    covered["coverage_prop"] = (covered["contribution_pence"] / payable).astype("float64")
    return covered


def _spread_rows(statement: pd.DataFrame) -> pd.DataFrame:
    """Return the statement's main rows as columns, one row per line; an absent row is nought."""
    kept = statement[statement["row_id"].isin(STATEMENT_ROWS)]
    wide = kept.pivot(index="line_id", columns="row_id", values="amount_pence")
    wide = wide.reindex(columns=list(STATEMENT_ROWS)).fillna(0).astype("int64")
    wide.columns = list(STATEMENT_ROWS.values())
    return wide.rename_axis("line_id")


def _check_adds_up(lines: pd.DataFrame) -> None:
    margin = lines["income_pence"] - lines["full_cost_pence"]
    contribution = lines["income_pence"] - lines["direct_pence"] - lines["indirect_pence"]
    wrong = (margin != lines["surplus_pence"]) | (contribution != lines["contribution_pence"])
    if wrong.any():
        gap = (margin - lines["surplus_pence"])[wrong].abs().sum()
        raise ReconciliationError(
            f"The statement's rows do not add up for {int(wrong.sum())} lines: "
            f"{name_a_few(lines.loc[wrong, 'line_id'])} (£{gap / 100:,.2f} in T4).\n"
            "Run the costing step again; if it still differs, the costing is at fault, not the files."
        )


def _drop_empty_unmapped(lines: pd.DataFrame) -> pd.DataFrame:
    """Leave UNMAPPED out when nothing fell to it; it is printed as a line when anything did."""
    is_empty = (lines["income_pence"] == 0) & (lines["full_cost_pence"] == 0)
    return lines[~((lines["line_id"] == UNMAPPED) & is_empty)]


def _total_unmatched(line_costs: pd.DataFrame) -> pd.Series:
    unmatched = line_costs[line_costs["line_id"].str.startswith(f"{UNMATCHED}:")]
    own_line = unmatched["line_id"].map(find_own_line)
    return unmatched["amount_pence"].groupby(own_line).sum()
