"""Sentences of the costing page on what is inside lines and on the year."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import MISSED, PODS, UNMAPPED
from helpers.report.formats import count_words, format_gbp, format_prop, join_words
from helpers.report.words.plain import name_lines

TRUST = "TRUST"
TERMS = {
    "price_pence": "price", "volume_pence": "volume", "mix_pence": "mix", "unit_cost_pence": "unit cost",
    "overhead_pence": "overhead and capital charges", "other_pence": "all else",
}  # fmt: skip
HOUR_IN = {
    "theatre": "in theatre", "clinic": "in clinic", "ed": "in the emergency department", "ward": "on a ward",
}  # fmt: skip
NO_FEEDS_OR_COSTED = (
    "Doctors’ time is not shared out here: this trust has no activity feeds, or its patients came costed by its own "
    "system."
)
NO_FEEDS = "This trust has no activity feeds, so nothing can be said of single patients’ care."


def describe_waterfall(steps: pd.DataFrame) -> str:
    """Say how the ledger's expenditure comes down to the lines."""
    total = int(steps.loc[steps["kind"] == "total", "pence"].iloc[0])
    beside = int(steps.loc[steps["kind"] == "beside", "pence"].sum())
    lines = total - beside
    parts = [
        f"{format_gbp(int(row.pence))} {row.label.removeprefix('Lines: ')}"
        for row in steps[~steps["kind"].isin(["total", "beside"])].itertuples()
    ]
    return (
        f"Of {format_gbp(total)} in the ledger, {format_gbp(beside)} stands beside the lines (education, "
        f"research, other services, excluded). The lines cost {format_gbp(lines)}: {join_words(parts[::-1])}."
    )


def describe_department_use(table: pd.DataFrame) -> str:
    """Say which shared department leans most on one line, and which is spread widest."""
    if table.empty:
        return "No department is used by a line that does not own it."
    top = table.max()
    leans, spread = top.idxmax(), top.idxmin()
    text = (
        f"{count_words(len(table.columns), 'department')} that several lines use "
        f"{'is' if len(table.columns) == 1 else 'are'} shown. The most one-sided is {leans}: "
        f"{table[leans].idxmax()} alone uses {format_prop(top[leans])} of its cost."
    )
    if spread != leans:
        text += (
            f" The most evenly spread is {spread}: its largest user, {table[spread].idxmax()}, takes "
            f"{format_prop(top[spread])}."
        )
    return text


def describe_medical_time(medical_time: pd.DataFrame, department_costs: pd.DataFrame) -> str:
    """Say whether job plans share out doctors' time, and in how many lines."""
    if medical_time.empty:
        return NO_FEEDS_OR_COSTED
    planned = medical_time.groupby("line_id")["is_planned"].any().drop(UNMAPPED, errors="ignore")
    n, n_planned = len(planned), int(planned.sum())
    if not n_planned:
        return (
            f"No line has job plans, so doctors’ cost follows a plain rule: an hour counts {_write_plain(medical_time)}. "
            "The file job_plans would replace it by what doctors are planned to do."
        )
    pay = department_costs[
        (department_costs["kind"] == "clinical") & (department_costs["element"] == "PAY_MEDICAL")
    ]
    text = (
        f"Job plans share out doctors’ time in {n_planned} of {n} lines. Clinical departments pay doctors "
        f"{format_gbp(int(pay['amount_pence'].sum()))}."
    )
    if n_planned < n:
        text += (
            " The other follows a plain rule."
            if n - n_planned == 1
            else " The others follow a plain rule."
        )
    return text


def _write_plain(medical_time: pd.DataFrame) -> str:
    """Return what an hour in each place counts without job plans: `60 minutes in theatre, ...`."""
    weight = medical_time.groupby("place")["weight_per_minute"].max() * 60
    parts = [f"{weight[code]:g} {words}" for code, words in HOUR_IN.items() if code in weight]
    return join_words([parts[0].replace(" ", " minutes ", 1), *parts[1:]]) if parts else "alike"


def describe_hrgs(table: pd.DataFrame, line_hrgs: pd.DataFrame) -> str:
    """Say how many HRGs gain and lose, and name the largest of each."""
    if line_hrgs.empty:
        return NO_FEEDS
    if table.empty:
        return "There are no prices, so no HRG has income of its own. The file prices would show gains and losses."
    gains, losses = line_hrgs["margin_pence"] > 0, line_hrgs["margin_pence"] < 0
    up, down = (int(line_hrgs.loc[some, "margin_pence"].sum()) for some in (gains, losses))
    text = (
        f"Counted by line, way of care and HRG, {count_words(int(gains.sum()), 'kind')} of care earn "
        f"{format_gbp(up)} more than they cost, and {count_words(int(losses.sum()), 'kind')} earn "
        f"{format_gbp(-down)} less."
    )
    first, last = table.iloc[0], table.iloc[-1]
    if first["margin_pence"] > 0 > last["margin_pence"]:
        text += (
            f" The largest gain is {first['hrg_name']} ({format_gbp(int(first['margin_pence']))}), the largest "
            f"loss {last['hrg_name']} ({format_gbp(-int(last['margin_pence']))})."
        )
    return text


def describe_missed(line_hrgs: pd.DataFrame) -> str:
    """Say what missed appointments cost, where the trust costs them; blank where it does not."""
    missed = line_hrgs[line_hrgs["pod"] == MISSED]
    if missed.empty:
        return ""
    n, cost = int(missed["n_events"].sum()), missed["full_cost_pence"].sum()
    return (
        f"{count_words(n, 'missed appointment')} {'is' if n == 1 else 'are'} costed, as the trust chose: the slots cost "
        f"{format_gbp(cost)}. They stand apart as a way of care of their own, which earns nothing; the cost of an "
        "attendance is without them."
    )


def describe_units(unit_costs: pd.DataFrame, service_lines: pd.DataFrame) -> str:
    """Say what a spell and an attendance cost, dearest and cheapest line."""
    spells = unit_costs[unit_costs["unit"] == "spell"]
    if spells.empty:
        return NO_FEEDS if unit_costs.empty else "No spell’s whole cost is known."
    mean = spells["cost_pence"].sum() / spells["n_units"].sum()
    ranked = spells.sort_values(["cost_gbp_per_unit", "line_id"], ascending=[False, True])
    names = name_lines(ranked["line_id"], service_lines).tolist()
    text = f"A spell costs {format_gbp(mean)} on average."
    if len(ranked) > 1:
        costs = (ranked["cost_gbp_per_unit"] * 100).tolist()
        text += (
            f" It costs most in {names[0]} ({format_gbp(costs[0])}) and least in {names[-1]} "
            f"({format_gbp(costs[-1])}): different patients, so this is not yet a comparison."
        )
    return text


def describe_wip(line_wip: pd.DataFrame) -> str:
    """Say what was carried in and out."""
    if line_wip.empty:
        return NO_FEEDS
    opening, closing = int(line_wip["opening_pence"].sum()), int(line_wip["closing_pence"].sum())
    n_open = int(line_wip["n_open"].sum())
    text = (
        f"{count_words(n_open, 'episode')} had not ended when the year closed, and had cost "
        f"{format_gbp(closing)} by then; that is carried out."
    )
    if opening:
        text += f" {format_gbp(opening)} was carried in from the year before."
    else:
        text += (
            " Nothing was carried in: the file wip_opening would hold it, and stays that began before the "
            "year set no unit cost without it."
        )
    return text


def describe_comparison(comparison: pd.DataFrame, basis: str, service_lines: pd.DataFrame) -> str:
    """Say how the lines stand beside plan or the year before; or which file would tell."""
    rows = comparison[
        (comparison["basis"] == basis) & comparison["line_id"].isin(service_lines["line_id"])
    ]
    if rows.empty and basis == "plan":
        return "There is no plan to compare with: the file plan (line, month, income, direct and indirect cost, activity) would tell."
    if rows.empty:
        return (
            "There is no report of the year before in this folder of reports. Make one for that year, then "
            "this one again, and the two years stand side by side."
        )
    measure = "contribution" if basis == "plan" else "surplus"
    main = rows[rows["measure"] == measure]
    above, below = (
        int((main["difference_pence"] > 0).sum()),
        int((main["difference_pence"] < 0).sum()),
    )
    total = int(main["difference_pence"].sum())
    against = "plan" if basis == "plan" else "the year before"
    worst = main.loc[main["difference_pence"].idxmin()]
    name = name_lines(pd.Series([worst["line_id"]]), service_lines).iloc[0]
    side = "above" if total >= 0 else "below"
    text = (
        f"By {measure}, {count_words(above, 'line stands', 'lines stand')} above {against} and "
        f"{count_words(below, 'line', 'lines')} below; together the "
        f"lines are {format_gbp(abs(total))} {side} it."
    )
    if worst["difference_pence"] < 0:
        text += f" Furthest below is {name}, by {format_gbp(-int(worst['difference_pence']))}."
        if basis == "plan":
            text += (
                " A line can miss its plan because the plan was wrong: ask which of the two it was."
            )
    return text


def describe_planned(
    activity: pd.DataFrame, comparison: pd.DataFrame, line_activity: pd.DataFrame
) -> str:
    """Say where activity was furthest from its plan; or which columns of the plan would tell."""
    if line_activity.empty:
        return NO_FEEDS
    if activity.empty:
        has_plan = bool((comparison["basis"] == "plan").any())
        return (
            f"{'The plan' if has_plan else 'A plan'} can say how many cases were meant, in a column for each "
            "way of care (activity_el, activity_dc, …). Without them only money can be compared."
        )
    table = activity.groupby("pod")[["planned_cases", "difference_cases"]].sum()
    table = table[table["planned_cases"] > 0]
    worth = int(activity["income_effect_pence"].sum())
    text = (
        f"Of {count_words(len(table), 'way')} of care planned, "
        f"{count_words(int((table['difference_cases'] > 0).sum()), 'was', 'were')} above plan. At this year’s mean "
        f"income of a case, activity earned {format_gbp(abs(worth))} {'more' if worth >= 0 else 'less'} than the "
        "planned number of cases would have; each line’s difference is valued by itself."
    )
    share = (table["difference_cases"] / table["planned_cases"]).abs()
    if not share.empty and share.max() > 0:
        pod = share.idxmax()
        far = table.loc[pod, "difference_cases"] / table.loc[pod, "planned_cases"]
        text += (
            f" Furthest from plan is {PODS[pod][0].lower()}{PODS[pod][1:]}: {format_prop(abs(far))} "
            f"{'above' if far > 0 else 'below'}."
        )
    return text


def describe_bridge(bridge: pd.DataFrame) -> str:
    """Say what moved the lines' surplus most."""
    if bridge.empty:
        return ""
    sums = bridge[list(TERMS)].sum()
    change = int((bridge["after_pence"] - bridge["before_pence"]).sum())
    ranked = sums.reindex(sums.abs().sort_values(ascending=False, kind="stable").index)
    parts = [
        f"{TERMS[name]} {format_gbp(int(value), signed=True)}"
        for name, value in ranked.items()
        if value
    ]
    end = "rose" if change >= 0 else "fell"
    return (
        f"The lines’ surplus {end} by {format_gbp(abs(change))}: {join_words(parts)}. The terms add up to the "
        "change to the penny. Prices of both years are those of their year; nothing is taken off for inflation."
    )


def describe_bases(table: pd.DataFrame) -> str:
    """Say what the contract's fixed sums do to the lines beside prices."""
    if table.empty:
        return (
            "No fixed sums can be shared out, so there is only one basis of income. The files prices and "
            "contract_income together would show each line as its contracts pay it."
        )
    gap = int(table["gap_pence"].sum())
    turned = table[(table["price_pence"] < 0) != (table["contract_pence"] < 0)]
    side = "more" if gap >= 0 else "less"
    text = (
        f"Fixed sums pay {format_gbp(abs(gap))} {side} than the same activity earns at price. "
        f"{count_words(len(turned), 'line changes', 'lines change').capitalize()} sign between the two bases"
    )
    text += f": {join_words(sorted(turned['line_name']))}." if len(turned) else "."
    for column, key in (
        ("by_cost_surplus_pence", "what the activity cost"),
        ("by_last_year_surplus_pence", "what last year’s activity earned"),
    ):
        if column in table:
            other = table[(table[column] < 0) != (table["contract_pence"] < 0)]
            text += (
                f" Shared by {key} instead, fixed sums change {_name_signs(other['line_name'])}."
            )
    return text


def _name_signs(names: pd.Series) -> str:
    if names.empty:
        return "no sign"
    return f"the sign of {join_words(sorted(names))}"


def describe_hidden(hidden: pd.DataFrame, treatment: str, service_lines: pd.DataFrame) -> str:
    """Say what education and research income does to lines, under each treatment."""
    used = {
        "separate": "stands in columns of its own",
        "netted": "was taken off cost before anything was shared out",
        "credited": "was credited to lines by trainees and research staff",
    }[treatment]
    text = f"In this report education and research income {used}."
    lines = hidden[hidden["line_id"].isin(service_lines["line_id"])]
    if lines.empty:
        if treatment == "netted":
            return (
                text
                + " Lines therefore look cheaper than their ledger; no other treatment can be read from this run."
            )
        return (
            text
            + " The file trainees (line, trainees, research staff) would show what it hides in each line."
        )
    turned = lines[(lines["separate_pence"] < 0) & (lines["credited_pence"] >= 0)]
    text += (
        f" Credited, it adds {format_gbp(int(lines['hidden_pence'].sum()))} to the lines: income that pays for "
        "work they do and that their own result does not show."
    )
    if len(turned):
        names = sorted(name_lines(turned["line_id"], service_lines))
        text += f" It turns a deficit into a surplus in {join_words(names)}."
    return text
