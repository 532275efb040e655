"""Why a line is where it is: the contract, its prices, its costs, and what cannot be compared.

For patients whose HRG has a price and a national mean cost,
``income - cost = (income - national) + (national - cost)``: a price gap and a relative cost gap. What
cannot be compared so stands in rows of its own, and all of them add up to the line's surplus.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import find_own_line

MILLION = 1_000_000  # a case is counted in millionths, so that sums are exact in any order
PRICED, PART_YEAR, UNPRICED, PRIVATE = "priced", "part_year", "unpriced", "private"
CRITICAL = "critical"
KINDS = (PRICED, PART_YEAR, UNPRICED, PRIVATE, CRITICAL)
KEYS = ["line_id", "kind", "hrg", "pod"]
PARTS = (
    "price_gap_pence", "cost_gap_pence", "no_benchmark_pence", "private_pence", "part_year_pence",
    "critical_pence", "unpriced_pence", "rest_pence",
)  # fmt: skip

# A case is a spell or an attendance. A spell that several lines share counts for each by its part of
# the spell's price. A spell partly outside the year has its price here but not all of its cost. A spell
# with critical care has that care's cost, but national mean costs of spells leave it out (D-340).
CASES = """
SELECT line_id, kind, hrg, pod, count(*) AS n_events,
       CAST(sum(CASE WHEN whole_pence > 0 THEN
           floor(CAST(income_pence AS DOUBLE) * 1000000 / whole_pence + 0.5) ELSE 0 END) AS BIGINT)
           AS case_millionths,
       CAST(sum(income_pence) AS BIGINT) AS income_pence,
       CAST(sum(full_cost_pence) AS BIGINT) AS cost_pence,
       CAST(sum(below_ebitda_pence) AS BIGINT) AS capital_pence
FROM (
    SELECT line_id, hrg, pod, income_pence, full_cost_pence, below_ebitda_pence, whole_pence,
           CASE WHEN pod = 'PRIV' THEN 'private' WHEN is_part > 0 THEN 'part_year'
                WHEN is_critical > 0 THEN 'critical' WHEN whole_pence = 0 THEN 'unpriced' ELSE 'priced' END AS kind
    FROM (
        SELECT line_id, coalesce(CASE WHEN event_kind = 'episode' THEN hrg_spell ELSE hrg END, '')
                   AS hrg,
               coalesce(spell_pod, pod, '') AS pod,
               coalesce(income_pence, 0) AS income_pence, full_cost_pence, below_ebitda_pence,
               sum(coalesce(income_pence, 0)) OVER (PARTITION BY
                   coalesce(CASE WHEN event_kind = 'episode' THEN spell_id END, event_id))
                   AS whole_pence,
               max(CASE WHEN event_kind = 'episode' AND coalesce(completion, 1) <> 1
                   THEN 1 ELSE 0 END) OVER (PARTITION BY
                   coalesce(CASE WHEN event_kind = 'episode' THEN spell_id END, event_id)) AS is_part,
               CASE WHEN event_kind = 'episode' AND spell_id IN (SELECT spell_id FROM critical_spells)
                   THEN 1 ELSE 0 END AS is_critical
        FROM patient_events
    ) events
) cases
GROUP BY line_id, kind, hrg, pod
ORDER BY line_id, kind, hrg, pod
"""


def total_cases(db: QueryEngine) -> pd.DataFrame:
    """Total patients by line, HRG and point of delivery.

    The engine holds ``patient_events`` and ``critical_spells``, the ``spell_id`` of spells with critical care.

    Returns
    -------
    pd.DataFrame
        ``line_id, kind, hrg, pod, n_events, case_millionths, income_pence, cost_pence,
        capital_pence``; ``kind`` is priced, part_year (partly outside the year), critical (with
        critical care), unpriced or private.
    """
    numbers = ["n_events", "case_millionths", "income_pence", "cost_pence", "capital_pence"]
    return db.frame(CASES).astype(dict.fromkeys(numbers, "int64"))


def compare_hrgs(cases: pd.DataFrame, benchmarks: pd.DataFrame, *, mff: float) -> pd.DataFrame:
    """Return what each HRG of each line earned and cost, beside its national mean cost.

    Parameters
    ----------
    cases
        From ``total_cases``; only priced patients of the whole year, without critical care, are read.
    benchmarks
        ``hrg``, ``pod``, ``national_mean_cost_pence``.
    mff
        The trust's market forces factor, by which the national mean is raised to local prices.

    Returns
    -------
    pd.DataFrame
        Table ``hrg_margins``; ``national_pence`` is missing where no benchmark is known.
    """
    table = cases[cases["kind"] == PRICED].drop(columns="kind")
    means = benchmarks[["hrg", "pod", "national_mean_cost_pence"]].drop_duplicates(["hrg", "pod"])
    table = table.merge(means, on=["hrg", "pod"], how="left", validate="many_to_one")
    n_cases = table["case_millionths"] / MILLION
    mean = pd.to_numeric(table["national_mean_cost_pence"]).astype("float64")
    national = np.floor(mean * mff * n_cases + 0.5)
    table["n_cases"] = np.round(n_cases, 6)
    table["surplus_pence"] = table["income_pence"] - table["cost_pence"]
    table["national_pence"] = pd.Series(national, index=table.index).astype("Int64")
    table["price_gap_pence"] = table["income_pence"] - table["national_pence"]
    table["cost_gap_pence"] = table["national_pence"] - table["cost_pence"]
    columns = [
        "line_id", "hrg", "pod", "n_events", "n_cases", "income_pence", "cost_pence",
        "capital_pence", "surplus_pence", "national_pence", "price_gap_pence", "cost_gap_pence",
    ]  # fmt: skip
    return table[columns].sort_values(["line_id", "hrg", "pod"], ignore_index=True)


def explain_lines(
    position: pd.DataFrame,
    cases: pd.DataFrame,
    hrgs: pd.DataFrame,
    service_lines: pd.DataFrame,
    contract_gaps: pd.Series | None,
    critical_income: pd.Series | None = None,
) -> pd.DataFrame:
    """Return the parts that make each line's surplus (``line_reasons``), to the penny.

    ``surplus = price gap + relative cost gap + no benchmark + private + part of the year + critical +
    unpriced + rest``. The rest is cost matched to no patient, and income that belongs to none. With the
    contract gap added it is the surplus as contracted.

    Parameters
    ----------
    contract_gaps
        Income as contracted less income at price, by line; none where it is not known.
    critical_income
        Income of days in critical care, whole pence, by line, which no patient event holds; none if
        there is none.
    """
    table = position[["line_id", "line_name", "surplus_pence", "full_cost_pence"]].copy()
    at = table["line_id"]

    def add_up(rows: pd.DataFrame, amounts: pd.Series) -> pd.Series:
        total = amounts.astype("int64").groupby(rows["line_id"]).sum()
        return at.map(total).fillna(0).astype("int64")

    compared = hrgs[hrgs["national_pence"].notna()]
    alone = hrgs[hrgs["national_pence"].isna()]
    table["price_gap_pence"] = add_up(compared, compared["price_gap_pence"])
    table["cost_gap_pence"] = add_up(compared, compared["cost_gap_pence"])
    table["no_benchmark_pence"] = add_up(alone, alone["surplus_pence"])
    for kind in (PRIVATE, PART_YEAR, CRITICAL, UNPRICED):
        rows = cases[cases["kind"] == kind]
        table[f"{kind}_pence"] = add_up(rows, rows["income_pence"] - rows["cost_pence"])
    if critical_income is not None:
        table["critical_pence"] += at.map(critical_income).fillna(0).astype("int64")
    known = table[[name for name in PARTS if name != "rest_pence"]].sum(axis=1)
    table["rest_pence"] = table["surplus_pence"] - known
    table["compared_cost_pence"] = add_up(compared, compared["cost_pence"])
    table["capital_pence"] = add_up(compared, compared["capital_pence"])
    whole = table["full_cost_pence"].where(table["full_cost_pence"] > 0)
    table["compared_prop"] = (table["compared_cost_pence"] / whole).astype("float64")
    gaps = pd.Series(dtype="int64") if contract_gaps is None else contract_gaps
    gap = at.map(gaps).astype("Int64")
    table["contract_gap_pence"] = gap if contract_gaps is None else gap.fillna(0)
    obligation = service_lines.set_index("line_id")["population_obligation"]
    table["obligation"] = at.map(obligation).fillna("none").astype("str")
    return table.drop(columns="full_cost_pence")


def check_reasons(
    reasons: pd.DataFrame, cases: pd.DataFrame, position: pd.DataFrame, unmatched: pd.DataFrame
) -> pd.DataFrame:
    """Compare both sides of the decomposition (identity R13); rows of ``subsidy_reconciliation``.

    The rest is worked out a second way, from the statement's own tables: income of no patient less
    cost of none.

    Parameters
    ----------
    unmatched
        ``line_id`` and ``rest_pence`` by another road (``total_rest``).
    """
    lines = reasons[reasons["line_id"].isin(position["line_id"])]
    other_road = unmatched.set_index("line_id")["rest_pence"].reindex(lines["line_id"]).fillna(0)
    parts = [name for name in PARTS if name != "rest_pence"]
    left = lines[parts].to_numpy().sum() + other_road.sum()
    right = position["surplus_pence"].sum()
    apart = (lines["rest_pence"].to_numpy() - other_road.to_numpy()).astype("int64")
    rows = [
        ("R13", "Reasons of all lines added = surplus of all lines", int(left), int(right)),
        (
            "R13",
            "Rest of each line = income and cost of no patient (differences without their sign)",
            int(np.abs(apart).sum()),
            0,
        ),
    ]
    return pd.DataFrame(rows, columns=["id", "description", "left_pence", "right_pence"])


def total_rest(
    line_income: pd.DataFrame, line_costs: pd.DataFrame, line_activity: pd.DataFrame
) -> pd.DataFrame:
    """Return each line's income and cost that belong to no patient event: ``line_id, rest_pence``.

    Read from the tables of income, cost and activity by line, not from patients.
    """
    income = line_income["amount_pence"].groupby(line_income["line_id"].map(find_own_line)).sum()
    cost = line_costs["amount_pence"].groupby(line_costs["line_id"].map(find_own_line)).sum()
    patients = line_activity.groupby("line_id")[["income_pence", "cost_pence"]].sum()
    both = (income.sub(cost, fill_value=0)).sub(
        patients["income_pence"] - patients["cost_pence"], fill_value=0
    )
    return both.astype("int64").rename_axis("line_id").rename("rest_pence").reset_index()
