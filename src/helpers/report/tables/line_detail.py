"""Tables of the costing page that look inside lines and at the year: HRGs, units, doctors' time, comparisons."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import EDUCATION, PODS, PRIVATE_CARE, RESEARCH, UNMAPPED
from helpers.report.words.plain import name_lines, name_term

TRUST = "TRUST"
MOST_PLANNED = 12  # kinds of care of a line shown beside their plan
MOST_HRGS = 10  # gains shown, and as many losses
MEASURES = ("income", "contribution", "surplus")
BRIDGE = ("before", "price", "volume", "mix", "unit_cost", "overhead", "other", "after")
PLACES = ("ward", "theatre", "clinic", "ed")
UNITS = (
    "spell", "bed_day", "op_attendance", "ed_attendance", "theatre_minute", "critical_care_day"
)  # fmt: skip
OTHER_KEYS = ("by_cost_pence", "by_last_year_pence")  # of table line_contract_income
BASES_COLUMNS = {
    "line_name": "Service line",
    "price_pence": "Surplus at price",
    "gap_pence": "Contract less price",
    "contract_pence": "Surplus, fixed sums by value",
    "by_cost_surplus_pence": "The same, by cost",
    "by_last_year_surplus_pence": "The same, by last year’s activity",
}


def build_driver_table(overheads: pd.DataFrame, drivers: pd.DataFrame) -> pd.DataFrame:
    """Return why each overhead service is shared out as it is, and what could be said against it.

    ``overheads`` is ``build_overhead_table``'s. A driver that the project has no words for says so.
    """
    base = drivers[drivers["driver_set"].fillna("base") == "base"]
    driver = overheads["service_id"].map(
        base.drop_duplicates("service_department").set_index("service_department")["driver"]
    )

    def look_up(kind: str) -> pd.Series:
        return driver.map(
            lambda code: _name_or(
                kind, code, "The trust’s own measure: ask who keeps it, and how often."
            )
        )

    return overheads.assign(because=look_up("driver_because"), against=look_up("driver_against"))


def _name_or(kind: str, code: object, words: str) -> str:
    found = name_term(kind, str(code))
    return words if found == str(code).replace("_", " ") else found


def build_hrg_table(line_hrgs: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return the HRGs that gain and lose most, the largest gain first, the largest loss last.

    Without any income at price (a trust without prices; private patients pay by another) there are no rows.
    """
    at_price = line_hrgs[line_hrgs["pod"] != PRIVATE_CARE]
    if not at_price["income_pence"].any():
        return line_hrgs.iloc[:0].assign(line_name="", hrg_name="", pod_name="", unit_cost_pence=0)
    named = line_hrgs[(line_hrgs["hrg"] != "") & (line_hrgs["n_cases"] > 0)]
    ranked = named.sort_values(
        ["margin_pence", "line_id", "pod", "hrg"], ascending=[False, True, True, True]
    )
    gains = ranked[ranked["margin_pence"] > 0].head(MOST_HRGS)
    losses = ranked[ranked["margin_pence"] < 0].tail(MOST_HRGS)
    table = pd.concat([gains, losses], ignore_index=True)
    lines = name_lines(table["line_id"], service_lines)
    unit = table["whole_cost_pence"] / table["n_whole"].where(table["n_whole"] > 0)
    return table.assign(
        line_name=lines,
        pod_name=table["pod"].map(lambda code: PODS.get(code, code)),
        hrg_name=table["hrg"] + ", " + lines,
        unit_cost_pence=unit.round().astype("Int64"),
    )


def build_unit_table(unit_costs: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return the cost of one of each unit, a line a row, in the lines' order of cost of a spell."""
    wide = unit_costs.pivot(index="line_id", columns="unit", values="cost_gbp_per_unit")
    wide = wide.reindex(columns=list(UNITS))
    wide.columns = [f"{unit}_gbp" for unit in UNITS]
    counts = unit_costs[unit_costs["unit"] == "spell"].set_index("line_id")["n_units"]
    wide["n_spells"] = counts.reindex(wide.index).fillna(0).astype("int64")
    table = wide.reset_index()
    table["line_name"] = name_lines(table["line_id"], service_lines)
    return table.sort_values(
        ["spell_gbp", "line_id"], ascending=[False, True], na_position="last", ignore_index=True
    )


def build_medical_table(medical_time: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return how each line's doctors' time divides between places, and by which rule."""
    total = medical_time.groupby("line_id")["planned_minutes"].transform("sum")
    rows = medical_time.assign(share=medical_time["planned_minutes"] / total.where(total > 0))
    wide = rows.pivot(index="line_id", columns="place", values="share").reindex(
        columns=list(PLACES)
    )
    wide.columns = [f"{place}_prop" for place in PLACES]
    wide["pas"] = rows.groupby("line_id")["pas"].sum()
    planned = rows.groupby("line_id")["is_planned"].any()
    wide["rule"] = planned.map({True: "Job plans", False: "Plain rule"})
    table = wide.dropna(subset=["ward_prop"]).reset_index()
    table = table[table["line_id"] != UNMAPPED]
    table["line_name"] = name_lines(table["line_id"], service_lines)
    return table.sort_values(["pas", "line_id"], ascending=[False, True], ignore_index=True)


def build_wip_table(line_wip: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return lines with work in progress, most carried out first, and all lines as the last row."""
    table = line_wip[(line_wip["opening_pence"] != 0) | (line_wip["closing_pence"] != 0)]
    table = table.sort_values(["closing_pence", "line_id"], ascending=[False, True])
    table = table.assign(line_name=name_lines(table["line_id"], service_lines))
    return _add_total(table, "All lines with work in progress") if len(table) else table


def build_comparison_table(
    comparison: pd.DataFrame, basis: str, service_lines: pd.DataFrame
) -> pd.DataFrame:
    """Return lines beside ``plan`` or ``prior``, worst first; the trust last where it is known.

    Columns ``actual_pence``, ``compared_pence`` and ``difference_pence`` of contribution (plan) or of
    surplus (prior), and ``income_difference_pence``.
    """
    rows = comparison[comparison["basis"] == basis]
    kept = rows[rows["line_id"].isin([*service_lines["line_id"], TRUST])]
    main = kept[kept["measure"] == ("contribution" if basis == "plan" else "surplus")]
    income = kept[kept["measure"] == "income"].set_index("line_id")["difference_pence"]
    table = main.assign(
        income_difference_pence=main["line_id"].map(income).fillna(0).astype("int64"),
        line_name=name_lines(main["line_id"], service_lines),
        is_trust=main["line_id"] == TRUST,
    )
    return table.sort_values(["is_trust", "difference_pence", "line_id"], ignore_index=True).drop(
        columns="is_trust"
    )


def build_planned_table(activity: pd.DataFrame) -> pd.DataFrame:
    """Return activity of all lines beside its plan, by point of delivery in the order of PODS."""
    numbers = ["planned_cases", "n_cases", "difference_cases", "income_effect_pence"]
    table = activity.groupby("pod", as_index=False, sort=True)[numbers].sum()
    table["place"] = table["pod"].map({pod: place for place, pod in enumerate(PODS)})
    table = table.sort_values("place", ignore_index=True).drop(columns="place")
    return _round_cases(table.assign(pod_name=table["pod"].map(PODS)))


def build_planned_lines_table(activity: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines' kinds of care furthest from their plan, by what the difference is worth."""
    table = activity[activity["line_id"].isin(service_lines["line_id"])]
    size = table["income_effect_pence"].abs()
    table = table.assign(size=size, cases=table["difference_cases"].abs())
    table = table[(table["size"] > 0) | (table["cases"] > 0)].sort_values(
        ["size", "cases", "line_id", "pod"], ascending=[False, False, True, True]
    )
    table = table.head(MOST_PLANNED).drop(columns=["size", "cases"])
    named = table.assign(
        line_name=name_lines(table["line_id"], service_lines), pod_name=table["pod"].map(PODS)
    )
    return _round_cases(named).reset_index(drop=True)


def _round_cases(table: pd.DataFrame) -> pd.DataFrame:
    """Return whole cases for the page, and the difference as a share of what was planned."""
    planned = table["planned_cases"].where(table["planned_cases"] > 0)
    return table.assign(
        difference_prop=(table["difference_cases"] / planned).astype("float64"),
        planned_cases=table["planned_cases"].round().astype("int64"),
        difference_cases=table["difference_cases"].round().astype("int64"),
    )


def build_bridge_table(bridge: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return the bridge of each line, the largest change first, and all lines as the last row."""
    change = (bridge["after_pence"] - bridge["before_pence"]).abs()
    table = bridge.assign(change=change, line_name=name_lines(bridge["line_id"], service_lines))
    table = table.sort_values(["change", "line_id"], ascending=[False, True]).drop(columns="change")
    return _add_total(table, "All lines") if len(table) else table


def build_bases_table(
    contract: pd.DataFrame, statement: pd.DataFrame, service_lines: pd.DataFrame
) -> pd.DataFrame:
    """Return each line's surplus at price and as contracted, the largest loss by contract first.

    ``contract`` is ``line_contract_income``; without fixed sums there are no rows. Surplus with
    fixed sums shared by another key is a column where that key is known.
    """
    gap = contract.groupby("line_id")["gap_pence"].sum()
    at = statement[statement["row_id"] == "T4"].set_index("line_id")["amount_pence"]
    lines = service_lines[service_lines["line_id"].isin(at.index) & bool(len(contract))]
    table = pd.DataFrame(
        {
            "line_id": lines["line_id"],
            "line_name": lines["line_name"],
            "price_pence": lines["line_id"].map(at).astype("int64"),
            "gap_pence": lines["line_id"].map(gap).fillna(0).astype("int64"),
        }
    )
    table["contract_pence"] = table["price_pence"] + table["gap_pence"]
    for key in OTHER_KEYS:
        if len(contract) and contract[key].notna().all():
            more = (contract[key] - contract["price_pence"]).groupby(contract["line_id"]).sum()
            gaps = table["line_id"].map(more).fillna(0).astype("int64")
            table[f"{key.removesuffix('_pence')}_surplus_pence"] = table["price_pence"] + gaps
    return table.sort_values(["gap_pence", "line_id"], ignore_index=True)


def list_bases_columns(table: pd.DataFrame) -> dict[str, str]:
    """Return the columns of ``build_bases_table`` that it has, with their headings."""
    return {name: words for name, words in BASES_COLUMNS.items() if name in table}


def build_hidden_table(hidden: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return what education and research income would add to each line, most first."""
    lines = hidden[~hidden["line_id"].isin([EDUCATION, RESEARCH])]
    table = lines.assign(line_name=name_lines(lines["line_id"], service_lines))
    return table.sort_values(
        ["hidden_pence", "line_id"], ascending=[False, True], ignore_index=True
    )


def _add_total(table: pd.DataFrame, name: str) -> pd.DataFrame:
    numbers = [column for column in table.columns if table[column].dtype.kind in "iu"]
    total = pd.DataFrame([{**table[numbers].sum(), "line_id": "", "line_name": name}])
    return pd.concat([table, total.astype(dict.fromkeys(numbers, "int64"))], ignore_index=True)
