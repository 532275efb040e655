"""Sentences on why lines are where they are, and on the HRGs that gain and lose most."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import PODS, UNMAPPED
from helpers.report.formats import count_words, format_gbp, format_prop, join_words

NOT_COMPARED = (
    "no_benchmark_pence", "private_pence", "part_year_pence", "critical_pence", "unpriced_pence",
    "rest_pence",
)  # fmt: skip
FEW_NAMES = 3
LITTLE_PROP = 0.5  # a line with less of its cost compared is not explained
OBLIGATIONS = {
    "none": "",
    "commissioner_requested": "requested by commissioners",
    "emergency_core": "core to emergency care",
}


def describe_reasons(reasons: pd.DataFrame) -> str:
    """Say how far deficits come from prices and how far from cost, and name the extremes."""
    lines = _keep(reasons)
    if lines.empty or lines["compared_prop"].fillna(0).max() <= 0:
        return (
            "No patient could be compared with a national mean cost, because the trust supplied no "
            "benchmarks. So nothing can be said here of why a line is where it is."
        )
    known = lines[lines["compared_prop"] >= LITTLE_PROP]
    short = known[known["surplus_pence"] < 0]
    compared = lines["compared_cost_pence"].sum()
    text = f"National mean costs are known for {format_gbp(compared)} of the lines' cost."
    if short.empty:
        return f"{text} No line in deficit has enough of its cost compared to be explained."
    dear = short[short["cost_gap_pence"] < short["price_gap_pence"]]
    cheap = short[short["cost_gap_pence"] >= short["price_gap_pence"]]
    parts = []
    if len(cheap):
        parts.append(
            f"In {_name(cheap, 'price_gap_pence')} the price is the larger reason: it pays less than "
            "the care costs elsewhere"
        )
    if len(dear):
        parts.append(
            f"in {_name(dear, 'cost_gap_pence')} it is cost: the same care costs more here than the "
            "national mean"
        )
    sentence = "; ".join(parts)
    return (
        f"{text} Of {count_words(len(short), 'line')} in deficit with at least half of it compared: "
        f"{sentence[0].lower()}{sentence[1:]}."
    )


def describe_duties(reasons: pd.DataFrame) -> str:
    """Say which lines in deficit the trust must provide; blank if none."""
    lines = _keep(reasons)
    owed = lines[(lines["surplus_pence"] < 0) & (lines["obligation"] != "none")]
    if owed.empty:
        return ""
    owed = owed.sort_values(["surplus_pence", "line_id"])
    cases = [
        f"{row['line_name']} ({OBLIGATIONS.get(row['obligation'], row['obligation'])})"
        for _, row in owed.head(FEW_NAMES).iterrows()
    ]
    if len(owed) > FEW_NAMES:
        cases.append(f"{len(owed) - FEW_NAMES} more")
    verb = "is a service" if len(owed) == 1 else "are services"
    return (
        f"{join_words(cases)} {verb} that the trust must provide whatever the surplus: a deficit there "
        "is a case for a better price or a lower cost, not for closing."
    )


def describe_contract_gap(reasons: pd.DataFrame) -> str:
    """Say what the contract takes from or adds to the lines in all; blank where it is not known."""
    gap = _keep(reasons)["contract_gap_pence"]
    if gap.isna().all():
        return ""
    total = int(gap.fillna(0).sum())
    way = "less" if total < 0 else "more"
    return (
        f"Fixed contract sums pay the lines {format_gbp(abs(total))} {way} than prices would. That gap "
        "is not in the bars, which are at price; the table sets it beside them."
    )


def describe_capital(reasons: pd.DataFrame) -> str:
    """Say what part of the compared cost is capital charges, which no line can change."""
    lines = _keep(reasons)
    cost = lines["compared_cost_pence"].sum()
    if cost <= 0:
        return ""
    capital = lines["capital_pence"].sum()
    return (
        f"Of the cost compared, {format_gbp(capital)} ({format_prop(capital / cost, 1)}) is capital "
        "charges of buildings and equipment, which no line decides."
    )


def describe_hrgs(hrgs: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say how concentrated gains and losses are, and name the HRG that loses most."""
    if hrgs.empty:
        return "No patient has a price, so nothing can be said by HRG."
    losing = hrgs[hrgs["surplus_pence"] < 0].sort_values(["surplus_pence", "hrg", "pod"])
    gaining = hrgs[hrgs["surplus_pence"] > 0].sort_values(
        ["surplus_pence", "hrg", "pod"], ascending=[False, True, True]
    )
    text = (
        f"Of {count_words(len(hrgs), 'kind')} of care (HRG, setting and line), {len(gaining):,} earn more "
        f"than they cost and {len(losing):,} cost more than they earn."
    )
    if losing.empty or gaining.empty:
        return text
    names = position.set_index("line_id")["line_name"]
    worst, best = losing.iloc[0], gaining.iloc[0]
    top = losing.head(10)["surplus_pence"].sum() / losing["surplus_pence"].sum()
    return (
        f"{text} The ten largest losses make {format_prop(top)} of all losses. "
        f"{_write_care(worst, names)} loses most: "
        f"{format_gbp(-worst['surplus_pence'])} over {worst['n_cases']:,.0f} cases. "
        f"{_write_care(best, names)} gains most: "
        f"{format_gbp(best['surplus_pence'])} over {best['n_cases']:,.0f}."
    )


def _keep(reasons: pd.DataFrame) -> pd.DataFrame:
    return reasons[reasons["line_id"] != UNMAPPED]


def _name(lines: pd.DataFrame, column: str) -> str:
    names = lines.sort_values([column, "line_id"])["line_name"].tolist()
    more = len(names) - FEW_NAMES
    return join_words([*names[:FEW_NAMES], f"{more} more"] if more > 1 else names)


def _write_care(row: pd.Series, names: pd.Series) -> str:
    """Return an HRG with its line, and its setting where that is not the line itself."""
    line, setting = names[row["line_id"]], _lower(row["pod"])
    return f"{row['hrg']} in {line}" + ("" if setting == line.lower() else f" ({setting})")


def _lower(pod: str) -> str:
    name = PODS.get(pod, pod)
    return name[0].lower() + name[1:]
