"""Identities: pounds in equal pounds out, at every step, to the penny."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import PRIVATE_CARE, UNMATCHED
from helpers.costing.ledger import EXPENDITURE, find_control_pence
from helpers.costing.statement import TRUST
from helpers.costing.wip import total_matched
from helpers.errors import ReconciliationError, name_a_few

MOST_RULES = 3  # named where rows are missing


@dataclass
class Checks:
    """Identities gathered one by one; ``as_frame`` gives table ``reconciliation``."""

    rows: list[tuple[str, str, int, int, int, bool]] = field(default_factory=list)

    def add(self, identity: str, words: str, left: int, right: int) -> None:
        """Add one comparison of two totals."""
        difference = int(left) - int(right)
        self.rows.append((identity, words, int(left), int(right), difference, difference == 0))

    def add_parts(self, identity: str, words: str, left: pd.Series, right: pd.Series) -> None:
        """Add a comparison part by part; the difference is the sum of the parts', signs ignored."""
        both = pd.concat([left.rename("left"), right.rename("right")], axis=1).fillna(0)
        both = both.astype("int64")
        difference = int((both["left"] - both["right"]).abs().sum())
        self.rows.append(
            (
                identity,
                words,
                int(both["left"].sum()),
                int(both["right"].sum()),
                difference,
                difference == 0,
            )
        )

    def as_frame(self) -> pd.DataFrame:
        names = ["id", "description", "left_pence", "right_pence", "difference_pence", "passed"]
        frame = pd.DataFrame(self.rows, columns=names)
        place = frame["id"].str.removeprefix("R").astype("int64")
        return (
            frame.assign(place=place)
            .sort_values(["place", "description"])
            .drop(columns="place")
            .reset_index(drop=True)
        )


def check_ledger(
    checks: Checks,
    postings: pd.DataFrame,
    department_costs: pd.DataFrame,
    controls: pd.DataFrame,
    *,
    netted_pence: int = 0,
) -> None:
    """R1 ledger = control totals; R2 departments = ledger, less income that was netted off."""
    spent = int(postings.loc[postings["account_type"] == EXPENDITURE, "amount_pence"].sum())
    control = find_control_pence(controls, "total_expenditure")
    if control is not None:
        checks.add("R1", "Ledger expenditure = control total", spent, control)
    also = ", and income netted off" if netted_pence else ""
    checks.add(
        "R2", f"Departments' cost, excluded ones among it{also} = ledger expenditure",
        int(department_costs["amount_pence"].sum()) + netted_pence, spent,
    )  # fmt: skip


def check_overheads(
    checks: Checks,
    department_costs: pd.DataFrame,
    allocations: dict[str, pd.DataFrame],
    method: str,
) -> None:
    """R3 every service and element closes; R18 another method shares out the same pence."""
    own = department_costs[department_costs["kind"] == "service"]
    right = own.groupby(["department_id", "element"])["amount_pence"].sum()
    right.index.names = ["service_id", "element"]
    left = allocations[method].groupby(["service_id", "element"])["amount_pence"].sum()
    checks.add_parts("R3", "Overhead shared out = each service's own cost, by element", left, right)
    for other in sorted(set(allocations) - {method}):
        by_element = allocations[other].groupby("element")["amount_pence"].sum()
        checks.add_parts(
            "R18", f"Overhead under {other.replace('_', '-')} = under the run's method, by element",
            by_element, allocations[method].groupby("element")["amount_pence"].sum(),
        )  # fmt: skip


def check_pools(
    checks: Checks,
    department_costs: pd.DataFrame,
    allocation: pd.DataFrame,
    components: pd.DataFrame,
    pool_line_costs: pd.DataFrame,
) -> None:
    """R4 pools = departments; R5 lines = pools."""
    final = department_costs[department_costs["kind"] != "service"]
    own = components[~components["is_overhead"]]
    keys = ["department_id", "element"]
    checks.add_parts(
        "R4", "Pools, own cost = final departments, by department and element",
        own.groupby(keys)["amount_pence"].sum(), final.groupby(keys)["amount_pence"].sum(),
    )  # fmt: skip
    joined = components[components["is_overhead"]].rename(
        columns={"source_department": "service_id"}
    )
    keys = ["department_id", "service_id", "element"]
    checks.add_parts(
        "R4", "Pools, overhead = overhead received, by department, service and element",
        joined.groupby(keys)["amount_pence"].sum(), allocation.groupby(keys)["amount_pence"].sum(),
    )  # fmt: skip
    keys = ["pool_id", "source_department", "element"]
    checks.add_parts(
        "R5", "Lines' cost from each pool = the pool, by element and department of origin",
        pool_line_costs.groupby(keys)["amount_pence"].sum(),
        components.groupby(keys)["amount_pence"].sum(),
    )  # fmt: skip


def check_records(
    checks: Checks, department_costs: pd.DataFrame, pool_line_costs: pd.DataFrame
) -> None:
    """R5 for patients that came costed: lines' cost = the records, by department and element."""
    held = pool_line_costs.rename(columns={"source_department": "origin"})
    checks.add_parts(
        "R5", "Lines' cost = the trust's own cost records, by department of origin and element",
        held.groupby(["origin", "element"])["amount_pence"].sum(),
        department_costs.rename(columns={"department_id": "origin"})
        .groupby(["origin", "element"])["amount_pence"].sum(),
    )  # fmt: skip


def restate_expenditure(postings: pd.DataFrame, department_costs: pd.DataFrame) -> pd.DataFrame:
    """Return the ledger with its expenditure in the departments and elements of the trust's own records."""
    restated = department_costs.assign(
        cost_centre=department_costs["department_id"], expense_code=department_costs["element"],
        owner_line_id="", account_type=EXPENDITURE,
    )  # fmt: skip
    income = postings[postings["account_type"] != EXPENDITURE]
    return pd.concat([income, restated[postings.columns]], ignore_index=True)


def check_patient_costs(
    checks: Checks, db: QueryEngine, postings: pd.DataFrame, line_costs: pd.DataFrame
) -> None:
    """R6 all events = ledger; R7 and R8 by line, element and tier; R16 event by event."""
    spent = postings[postings["account_type"] == EXPENDITURE]
    found = db.frame(
        """SELECT line_id, tier, element, source_department,
                  CAST(sum(amount_pence) AS BIGINT) AS amount_pence
           FROM patient_costs GROUP BY line_id, tier, element, source_department"""
    )
    checks.add(
        "R6", "Events, unmatched, non-patient care and excluded = ledger expenditure",
        int(found["amount_pence"].sum()), int(spent["amount_pence"].sum()),
    )  # fmt: skip
    keys = ["line_id", "tier", "element", "source_department"]
    checks.add_parts(
        "R7", "Events' cost = lines' cost, by line, tier, element and department of origin",
        found.groupby(keys)["amount_pence"].sum(), line_costs.groupby(keys)["amount_pence"].sum(),
    )  # fmt: skip
    sums = db.frame(
        """SELECT CAST(coalesce(sum(c.cost_pence), 0) AS BIGINT) AS cost_pence,
                  CAST(coalesce(sum(e.full_cost_pence), 0) AS BIGINT) AS event_pence,
                  CAST(coalesce(sum(abs(coalesce(c.cost_pence, 0) - e.full_cost_pence)
                      + abs(e.direct_pence + e.indirect_pence + e.overhead_pence
                            + e.below_ebitda_pence - e.full_cost_pence)), 0) AS BIGINT) AS apart
           FROM patient_events e
           LEFT JOIN (SELECT event_id, sum(amount_pence) AS cost_pence FROM patient_costs
                      WHERE event_kind IN ('episode', 'op', 'ed', 'missed') GROUP BY event_id) c
             ON c.event_id = e.event_id"""
    ).iloc[0]
    checks.rows.append(
        (
            "R16", "Each event's cost = the sum of its cost records = its tiers",
            int(sums["event_pence"]), int(sums["cost_pence"]), int(sums["apart"]), int(sums["apart"]) == 0,
        )
    )  # fmt: skip


def check_lines(
    checks: Checks, postings: pd.DataFrame, line_costs: pd.DataFrame, statement: pd.DataFrame
) -> None:
    """R7 elements = ledger; R8 C1 + C2 + C3 + C4 of each column = its cost."""
    spent = postings[postings["account_type"] == EXPENDITURE]
    checks.add_parts(
        "R7", "Lines' cost = ledger expenditure, by element",
        line_costs.groupby("element")["amount_pence"].sum(),
        spent.groupby("element")["amount_pence"].sum(),
    )  # fmt: skip
    main = statement[statement["row_id"].isin(["C1", "C2", "C3", "C4"])]
    by_column = main.groupby("line_id")["amount_pence"].sum()
    home = line_costs["line_id"].str.removeprefix(f"{UNMATCHED}:")
    checks.add_parts(
        "R8", "C1 + C2 + C3 + C4 = cost of each line", by_column.drop(TRUST),
        line_costs.groupby(home)["amount_pence"].sum(),
    )  # fmt: skip


def check_income(
    checks: Checks,
    ledger_income: pd.DataFrame,
    statement: pd.DataFrame,
    controls: pd.DataFrame,
    *,
    netted_pence: int = 0,
) -> None:
    """R9 income = ledger income; R10 sum of surpluses = the trust's surplus."""
    wide = statement.set_index(["row_id", "line_id"])["amount_pence"]
    earned = int(ledger_income["amount_pence"].sum())
    columns = wide.loc["I"].drop(TRUST)
    checks.add(
        "R9",
        "Income of all columns, not attributed among them = ledger income",
        int(columns.sum()),
        earned,
    )
    spent = int(wide.loc[["C1", "C2", "C3", "C4"]].drop(TRUST, level="line_id").sum())
    surplus = int(wide.loc["T4"].drop(TRUST).sum())
    checks.add("R10", "Sum of surpluses = income less cost of all columns", surplus, earned - spent)
    income, cost = (
        find_control_pence(controls, f"total_{name}") for name in ("income", "expenditure")
    )
    if income is not None:
        also = ", netted among it" if netted_pence else ""
        checks.add("R9", f"Ledger income{also} = control total", earned + netted_pence, income)
    if income is not None and cost is not None:
        checks.add(
            "R10", "Sum of surpluses = surplus in the control totals", surplus, income - cost
        )


def check_breakdowns(
    checks: Checks,
    tables: Mapping[str, pd.DataFrame],
    line_costs: pd.DataFrame,
    line_income: pd.DataFrame,
) -> None:
    """R12 by HRG and point of delivery, consultant and commissioner, rows add up to their line."""
    cost = total_matched(line_costs)
    care = tables["line_hrgs"]
    of_cases = (line_income["row_id"] == "I1") & (line_income["pod"] != "")
    at_price = line_income[of_cases]
    names = {
        "line_hrgs": "point of delivery and HRG",
        "line_consultants": "consultant",
        "line_commissioners": "commissioner",
    }
    for table, words in names.items():
        rows = tables[table].groupby("line_id")
        checks.add_parts(
            "R12", f"Cost by {words} = matched cost of each line",
            rows["full_cost_pence"].sum(), cost,
        )  # fmt: skip
    checks.add_parts(
        "R12", "Income at price by point of delivery and HRG = the line's",
        care[care["pod"] != PRIVATE_CARE].groupby("line_id")["income_pence"].sum(),
        at_price.groupby("line_id")["amount_pence"].sum(),
    )  # fmt: skip


def check_months(checks: Checks, line_wip: pd.DataFrame, line_costs: pd.DataFrame) -> None:
    """R14 completed work by month of its end + the movement in work in progress = the year's cost.

    Months here are those of the yearly run; ``months.cost_months`` costs each by itself.
    """
    lines = line_wip.set_index("line_id")
    checks.add_parts(
        "R14",
        "Cost of what was completed, by month of its end, + movement in work in progress = matched cost of "
        "each line",
        lines["completed_pence"] + lines["movement_pence"], total_matched(line_costs),
    )  # fmt: skip


def check_activity(checks: Checks, counts: dict[str, int], controls: pd.DataFrame) -> None:
    """R15 rows kept = the activity returns (rows, not pence)."""
    stated = controls.set_index("measure")["value"]
    for measure, found in sorted(counts.items()):
        if measure in stated.index and pd.notna(stated[measure]):
            checks.add(
                "R15", f"Rows kept = control total of {measure.replace('_', ' ')} (rows)",
                found, round(float(stated[measure])),
            )  # fmt: skip


def check_rows(checks: Checks, accounts: pd.DataFrame) -> None:
    """R15 rows read = rows kept + rows set aside, file by file (rows, not pence)."""
    by_file = accounts.set_index("file")
    checks.add_parts(
        "R15", "Rows read = rows kept + rows set aside, file by file (rows)",
        by_file["n_read"], by_file["n_kept"] + by_file["n_excluded"],
    )  # fmt: skip


def check_reconciled(
    reconciliation: pd.DataFrame, *, allow: bool = False, cleaning: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the identities, or stop and name those that fail.

    Parameters
    ----------
    allow
        Go on all the same; every page is then stamped as unreconciled.
    cleaning
        ``cleaning_summary``: where rows are missing, it says which rules set most of them aside.

    Raises
    ------
    ReconciliationError
        If an identity differs by a penny or a row.
    """
    failed = reconciliation[~reconciliation["passed"].astype(bool)]
    if failed.empty or allow:
        return reconciliation
    lines = [
        f"{row.id} {row.description}: {row.left_pence:,} against {row.right_pence:,}, apart by "
        f"{row.difference_pence:,} {'rows' if row.id == 'R15' else 'pence'}."
        for row in failed.itertuples()
    ]
    if cleaning is not None and failed["id"].eq("R15").any():
        lines += list_set_aside(cleaning)
    raise ReconciliationError(
        f"{len(failed)} of {len(reconciliation)} identities fail: {name_a_few(failed['id'])}.\n"
        + "\n".join(lines)
        + "\nNo report is made. Correct the files, or look into it with --allow-unreconciled, which "
        "stamps every page."
    )


def list_set_aside(cleaning: pd.DataFrame) -> list[str]:
    """Return the rules that set most rows aside, a sentence each; the rows are counted, not shown."""
    aside = cleaning[cleaning["severity"] == "X"]
    most = aside.sort_values(["n_rows", "file", "rule"], ascending=[False, True, True]).head(
        MOST_RULES
    )
    return [
        f"Cleaning set aside {row.n_rows:,} {'row' if row.n_rows == 1 else 'rows'} of {row.file} by {row.rule}: {row.words}"
        for row in most.itertuples()
    ]
