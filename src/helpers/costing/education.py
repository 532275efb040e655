"""Education and research income: in columns of its own, netted off cost, or credited to lines.

Three treatments of the same money (``non_patient_care`` in trust.yml):

- ``separate`` income and cost stand in the columns ET and RD;
- ``netted`` income lowers cost before anything is shared out: first that of the column's own departments,
  then medical pay of clinical departments;
- ``credited`` income goes to lines by their trainees (education) and research staff; cost stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from helpers.contracts.terms import EDUCATION, RESEARCH
from helpers.costing.ledger import EXPENDITURE
from helpers.costing.money import apportion
from helpers.costing.pools import find_special_line
from helpers.errors import InputError, name_a_few

SEPARATE, NETTED, CREDITED = TREATMENTS = ("separate", "netted", "credited")
COLUMNS = {"et_income": EDUCATION, "rd_income": RESEARCH}  # account type: column
STAFF = {EDUCATION: "trainee_wte", RESEARCH: "research_wte"}  # whose income follows whom
NETTED_FROM = "PAY_MEDICAL"
TRAINEES = "trainees"
NETTED_COLUMNS = ["column", "department_id", "element", "amount_pence"]


@dataclass(frozen=True)
class Netting:
    """The ledger that costing goes on with, and what was set against it.

    Attributes
    ----------
    postings
        As ``read_postings`` gives them; income that was netted is out of both income and cost.
    netted
        ``column, department_id, element, amount_pence``: cost lowered, whole pence.
    """

    postings: pd.DataFrame
    netted: pd.DataFrame

    @property
    def netted_pence(self) -> int:
        return int(self.netted["amount_pence"].sum())


def net_income(postings: pd.DataFrame, departments: pd.DataFrame, treatment: str) -> Netting:
    """Take education and research income off cost, under the treatment ``netted``; else change nothing.

    Income first pays for the departments of its own column, as far as they cost anything. What is left
    lowers medical pay of clinical departments, each in proportion; without medical pay, all their cost.

    Raises
    ------
    InputError
        EDU-001 if income is more than the cost it could be set against.
    """
    nothing = pd.DataFrame({name: [] for name in NETTED_COLUMNS})
    nothing = nothing.astype(dict.fromkeys(NETTED_COLUMNS, "str") | {"amount_pence": "int64"})
    if treatment != NETTED:
        return Netting(postings, nothing)
    left, parts = postings, []
    for account, column in COLUMNS.items():
        income = -int(left.loc[left["account_type"] == account, "amount_pence"].sum())
        if income <= 0:
            continue
        lowered = _lower_costs(left, departments, column, income)
        parts.append(lowered.assign(column=column))
        left = pd.concat([left, _post(lowered), _reverse(left, account)], ignore_index=True)
    netted = pd.concat([nothing, *parts], ignore_index=True)[NETTED_COLUMNS]
    return Netting(left, netted)


def _lower_costs(
    postings: pd.DataFrame, departments: pd.DataFrame, column: str, income: int
) -> pd.DataFrame:
    """Return by how much each department's element falls; adds up to the income."""
    special = find_special_line(departments)
    own = _total_costs(postings[postings["department_id"].isin(special.index[special == column])])
    first = min(income, int(own["amount_pence"].sum()))
    care = _total_costs(postings[postings["kind"] == "clinical"])
    medical = care[care["element"] == NETTED_FROM]
    care = medical if len(medical) else care
    if income - first > int(care["amount_pence"].sum()):
        raise InputError(
            f"trust.yml, non_patient_care is netted: income of {column}, £{income / 100:,.2f}, is more than "
            "the cost it can be set against (the column's own departments, and medical pay).\n"
            "Use `separate`, or look for income that is in the wrong account.",
            rule="EDU-001",
        )
    shared = [
        apportion(
            rows.assign(all="all", total_pence=pence), by=["all"], amount="total_pence",
            weight="amount_pence", key=["department_id", "element"], what=f"Income of {column}",
        )
        for rows, pence in ((own, first), (care, income - first))
        if pence > 0
    ]  # fmt: skip
    both = pd.concat(shared, ignore_index=True)
    both = both[both["share_pence"] != 0].assign(amount_pence=both["share_pence"])
    return both[["department_id", "kind", "element", "amount_pence"]]


def _total_costs(postings: pd.DataFrame) -> pd.DataFrame:
    """Return departments' elements that cost something, net."""
    spent = postings[postings["account_type"] == EXPENDITURE]
    total = spent.groupby(["department_id", "kind", "element"], as_index=False, sort=True)[
        "amount_pence"
    ].sum()
    return total[total["amount_pence"] > 0].reset_index(drop=True)


def _post(lowered: pd.DataFrame) -> pd.DataFrame:
    return lowered.assign(
        cost_centre="NETTED", expense_code="NETTED", owner_line_id="", account_type=EXPENDITURE,
        amount_pence=-lowered["amount_pence"],
    )  # fmt: skip


def _reverse(postings: pd.DataFrame, account: str) -> pd.DataFrame:
    rows = postings[postings["account_type"] == account]
    return rows.assign(
        cost_centre="NETTED", expense_code="NETTED", amount_pence=-rows["amount_pence"]
    )


def share_education(
    line_income: pd.DataFrame, frames: Mapping[str, pd.DataFrame], lines: set[str]
) -> pd.DataFrame:
    """Return what each line would be credited with: table ``education_credit``.

    Education income follows trainees, research income research staff, to the penny. A column for
    which trainees.csv has nobody keeps its income.

    Parameters
    ----------
    line_income
        With income in the columns ET and RD (row I5).

    Raises
    ------
    InputError
        EDU-002 an unknown line, EDU-003 negative staff, in trainees.csv.
    """
    staff = frames.get(TRAINEES)
    columns = ["line_id", "column", "staff_wte", "credited_pence"]
    kinds = {"line_id": "str", "column": "str", "staff_wte": "float64", "credited_pence": "int64"}
    if staff is None or staff.empty:
        return pd.DataFrame({name: [] for name in columns}).astype(kinds)
    _check_staff(staff, lines)
    parts = []
    for column, name in STAFF.items():
        earned = line_income[(line_income["line_id"] == column) & (line_income["row_id"] == "I5")]
        income = int(earned["amount_pence"].sum())
        given = staff[name] if name in staff else pd.Series(0.0, index=staff.index)
        rows = staff.assign(staff_wte=given.fillna(0.0), column=column, income_pence=income)
        rows = rows[rows["staff_wte"] > 0]
        if rows.empty or income == 0:
            continue
        rows = rows.assign(weight=(rows["staff_wte"] * 10_000).round().astype("int64"))
        parts.append(
            apportion(
                rows, by=["column"], amount="income_pence", weight="weight", key=["line_id"],
                what="Income",
            ).assign(credited_pence=lambda r: r["share_pence"])
        )  # fmt: skip
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({n: [] for n in columns})
    return found[columns].astype(kinds)


def _check_staff(staff: pd.DataFrame, lines: set[str]) -> None:
    unknown = staff[~staff["line_id"].isin(lines)]
    if len(unknown):
        raise InputError(
            f"trainees, column line_id: {len(unknown):,} of {len(staff):,} rows name lines that "
            f"service_lines does not list: {name_a_few(unknown['line_id'])}.\nCorrect either file.",
            rule="EDU-002",
        )
    for name in STAFF.values():
        negative = staff[staff[name] < 0] if name in staff else staff.iloc[:0]
        if len(negative):
            raise InputError(
                f"trainees, column {name}: {len(negative):,} of {len(staff):,} rows are below zero, for "
                f"{name_a_few(negative['line_id'])}.\nStaff are zero or more whole-time equivalents.",
                rule="EDU-003",
            )


def credit_income(line_income: pd.DataFrame, credit: pd.DataFrame) -> pd.DataFrame:
    """Move income of ET and RD to lines as ``share_education`` says (treatment ``credited``).

    Raises
    ------
    InputError
        EDU-004 if trainees.csv does not say who trains.
    """
    if credit.empty:
        raise InputError(
            "trust.yml, non_patient_care is credited, and trainees.csv does not say where trainees and "
            "research staff work.\nSupply trainees.csv (line_id, trainee_wte, research_wte), or write "
            "`separate`.",
            rule="EDU-004",
        )
    gained = credit.assign(row_id="I5", pod="", amount_pence=credit["credited_pence"])
    given = credit.groupby("column", as_index=False)["credited_pence"].sum()
    lost = given.assign(
        line_id=given["column"], row_id="I5", pod="", amount_pence=-given["credited_pence"]
    )
    names = list(line_income.columns)
    both = pd.concat([line_income, gained[names], lost[names]], ignore_index=True)
    total = both.groupby(["line_id", "row_id", "pod"], as_index=False, sort=True)[
        "amount_pence"
    ].sum()
    return total[total["amount_pence"] != 0].reset_index(drop=True)


def compare_treatments(
    credit: pd.DataFrame, statement: pd.DataFrame, treatment: str
) -> pd.DataFrame:
    """Return table ``education_subsidy``: each line's surplus separate and credited, and the difference.

    The difference is what education and research income would add to the line: the subsidy that stays
    hidden while it stands in columns of its own. Columns ET and RD are rows too, so that it adds up to 0.
    """
    lines = credit.groupby("line_id")["credited_pence"].sum()
    columns = -credit.groupby("column")["credited_pence"].sum()
    moved = pd.concat([lines, columns]).astype("int64")
    surplus = statement[statement["row_id"] == "T4"].set_index("line_id")["amount_pence"]
    found = pd.DataFrame({"line_id": moved.index.astype("str"), "hidden_pence": moved.to_numpy()})
    at = found["line_id"].map(surplus).fillna(0).astype("int64")
    is_credited = treatment == CREDITED
    found["separate_pence"] = at - found["hidden_pence"] * is_credited
    found["credited_pence"] = at + found["hidden_pence"] * (not is_credited)
    return found.sort_values("line_id", ignore_index=True)[
        ["line_id", "separate_pence", "credited_pence", "hidden_pence"]
    ]
