"""What the summary page reads, and its two tables."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from helpers.contracts.terms import CLASSES, SIGN_LABELS, UNMAPPED
from helpers.errors import StepError
from helpers.report.fitness import mark_lines

TRUST_COLUMN = "TRUST"
EPISODES = "apc_episodes"
WEAK_GRADES = ("D", "E")


@dataclass(frozen=True)
class SummaryTables:
    """Tables of earlier steps, as the contracts name and describe them; none is changed.

    A trust without patient-level activity has empty ``review``, ``saving`` and ``stays``. ``rules``
    is ``rule_sensitivity``; without it cards give no range over rules.
    """

    statement: pd.DataFrame
    position: pd.DataFrame
    totals: pd.DataFrame
    sensitivity: pd.DataFrame
    credibility: pd.DataFrame
    review: pd.DataFrame
    saving: pd.DataFrame
    stays: pd.DataFrame
    accounts: pd.DataFrame
    files: pd.DataFrame
    reconciliation: pd.DataFrame
    subsidy_reconciliation: pd.DataFrame
    rules: pd.DataFrame | None = None

    @property
    def has_patients(self) -> bool:
        """Whether costs were traced to patients, or only averaged over service lines."""
        found = self.files.loc[self.files["file"] == EPISODES, "found"].fillna("")
        return bool((found != "").any())

    @property
    def checks(self) -> pd.DataFrame:
        """Every identity that the run checked."""
        return pd.concat([self.reconciliation, self.subsidy_reconciliation], ignore_index=True)


def total_by_rule(tables: SummaryTables) -> pd.DataFrame:
    """Return, for each rule tried, what the lines' deficits cost that surpluses pay for, and how many
    lines are in surplus.

    Returns
    -------
    pd.DataFrame
        A row a rule and basis of income: ``volume_pence``, whole pence, and ``n_surplus`` (a number of
        lines, *not mapped* left out). No rows without rules.
    """
    columns = ["volume_pence", "n_surplus"]
    if tables.rules is None or tables.rules.empty:
        return pd.DataFrame({name: pd.Series(dtype="int64") for name in columns})
    pence = tables.rules["surplus_pence"]
    rows = tables.rules.assign(
        earned=pence.clip(lower=0),
        lacking=-pence.clip(upper=0),
        n_surplus=(pence >= 0) & tables.rules["line_id"].ne(UNMAPPED),
    )
    sums = rows.groupby(["rule_id", "income_basis"])[["earned", "lacking", "n_surplus"]].sum()
    sums["volume_pence"] = sums[["earned", "lacking"]].min(axis=1)
    return sums[columns].astype("int64").reset_index(drop=True)


def find_trust_amount(statement: pd.DataFrame, row_id: str) -> int:
    """Return one row of the statement for the whole trust, whole pence; an absent row is nought."""
    trust = statement[statement["line_id"] == TRUST_COLUMN]
    if trust.empty:
        raise StepError(
            "The service line statement has no column for the whole trust.\n"
            "Run the costing step again."
        )
    return int(trust.loc[trust["row_id"] == row_id, "amount_pence"].sum())


def arrange_lines(tables: SummaryTables) -> pd.DataFrame:
    """Put each service line's surplus, its range over the rules and its grade side by side.

    Returns
    -------
    pd.DataFrame
        One row per line, largest surplus first: ``line_id, line_name, income_pence,
        surplus_pence, min_pence, max_pence, class, class_words, sign_label, sign_words, grade,
        score, unmatched_prop``. Amounts in whole pence; ``unmatched_prop`` is the share of the
        line's cost that found no patient event. Missing where a table has no row for the line.
    """
    lines = tables.position[
        ["line_id", "line_name", "income_pence", "full_cost_pence", "surplus_pence", "class"]
    ]
    ranges = tables.sensitivity[
        ["line_id", "min_pence", "max_pence", "same_sign_prop", "n_rules", "sign_label"]
    ]
    grades = tables.credibility[["line_id", "unmatched_pence", "score", "grade"]]
    lines = lines.merge(ranges, on="line_id", how="left", validate="one_to_one")
    lines = lines.merge(grades, on="line_id", how="left", validate="one_to_one")
    lines = mark_lines(lines, tables.credibility)
    cost = lines["full_cost_pence"].where(lines["full_cost_pence"] > 0)
    lines["unmatched_prop"] = (lines["unmatched_pence"] / cost).astype("float64")
    lines["class_words"] = lines["class"].map(CLASSES)
    lines["sign_words"] = lines["sign_label"].map(SIGN_LABELS).str.split(":").str[0]
    return lines.sort_values(
        ["surplus_pence", "line_id"], ascending=[False, True], ignore_index=True
    )


def keep_service_lines(lines: pd.DataFrame) -> pd.DataFrame:
    """Leave out what was mapped to no line."""
    return lines[lines["line_id"] != UNMAPPED].reset_index(drop=True)
