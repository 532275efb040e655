"""Tables of the public edition, arranged from protected tables; hidden cells stay hidden in what is derived."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import CLASSES, PODS, SIGN_LABELS
from helpers.report.cells import HIDDEN
from helpers.report.fitness import mark_lines
from helpers.report.words.plain import name_term

TRUST, REST = "TRUST", "REST"
TRUST_NAME, REST_NAME = "Whole trust", "No activity: unmatched cost, other income"
STATEMENT_ROWS = ("I", "C1", "C2", "C3", "C4", "T4")
PARTS = ("ET", "RD", "OTHER", "EXCLUDED", "NOT_ATTRIBUTED", "T4")
TRUST_SURPLUS = "Surplus of the trust"
MEASURES = {"cost": "Cost", "los": "Length of stay"}
STATEMENT_COLUMNS = {
    "line_name": "Service line",
    "income_pence": "Income",
    "direct_pence": "Direct cost",
    "indirect_pence": "Indirect cost",
    "overhead_pence": "Overhead",
    "below_ebitda_pence": "Capital charges",
    "surplus_pence": "Surplus",
    "n_events": "Episodes and attendances",
}
RANGE_COLUMNS = {
    "line_name": "Service line",
    "surplus_pence": "Surplus",
    "min_pence": "Lowest",
    "max_pence": "Highest",
    "sign_words": "Sign",
    "grade": "Grade",
}
ACTIVITY_COLUMNS = {
    "line_name": "Service line",
    "pod_name": "Kind of activity",
    "n_events": "Episodes or attendances",
    "n_spells": "Spells",
    "n_days_in_bed": "Bed days",
    "income_pence": "Income",
    "cost_pence": "Full cost",
    "case_pence": "Cost of one (£)",
}
POD_COLUMNS = {name: words for name, words in ACTIVITY_COLUMNS.items() if name != "line_name"}
GRADE_COLUMNS = {
    "line_name": "Service line",
    "grade": "Grade",
    "score": "Score",
    "traced_prop": "Traced",
    "averaged_prop": "Averaged",
    "apportioned_prop": "Apportioned",
}
ACCOUNT_COLUMNS = {"file_name": "Content", "n_read": "Rows read", "set_aside": "Set aside"}
TOTAL_COLUMNS = {"label": "Row", "amount_pence": "Amount"}
CHECK_COLUMNS = {"id": "Check", "description": "What is compared", "words": "Holds to the penny"}
FUNDING_COLUMNS = {
    "funder_name": "Line in surplus",
    "receiver_name": "Line in deficit",
    "amount_pence": "Pays",
}
VARIATION_COLUMNS = {
    "line_name": "Service line",
    "measure_name": "What is compared",
    "n_consultants": "Consultants",
    "tau_prop": "One standard deviation",
}
TRUST_COLUMNS = {
    "trust": "Trust",
    "trust_name": "Name",
    "income_pence": "Income",
    "subsidy_pence": "Cross-subsidy",
    "subsidy_prop": "Share of income",
    "n_lines": "Lines",
    "n_rule_dependent": "Sign hangs on the rule",
}
TRUST_LINE_COLUMNS = {
    "trust": "Trust",
    "line_name": "Service line",
    "income_pence": "Income",
    "surplus_pence": "Surplus",
    "margin_prop": "Share of income",
    "sign_words": "Sign",
    "grade": "Grade",
}


def arrange_lines(lines: pd.DataFrame) -> pd.DataFrame:
    """Return ``public_lines`` with words for class and sign, weak lines marked, largest surplus first."""
    shown = mark_lines(lines, lines)
    shown["class_words"] = shown["class"].map(CLASSES)
    shown["sign_words"] = _name_signs(shown["sign_label"])
    return shown.sort_values(
        ["surplus_pence", "line_id"], ascending=[False, True], ignore_index=True
    )


def arrange_statement(totals: pd.DataFrame) -> pd.DataFrame:
    """Return the trust's own statement: its income, less its four kinds of cost, is its surplus."""
    shown = _take_rows(totals, STATEMENT_ROWS)
    shown["label"] = shown["label"].mask(shown["measure"].eq("T4"), TRUST_SURPLUS)
    return shown


def arrange_parts(totals: pd.DataFrame) -> pd.DataFrame:
    """Return what the trust's surplus is made of: the service lines', what stands beside them, the sum."""
    amounts = totals.set_index("measure")["amount_pence"]
    lines = {
        "measure": "LINES",
        "label": "Surplus of the service lines",
        "amount_pence": int(amounts["surpluses"]) - int(amounts["deficits"]),
    }
    shown = pd.concat([pd.DataFrame([lines]), _take_rows(totals, PARTS)], ignore_index=True)
    shown["label"] = shown["label"].mask(shown["measure"].eq("T4"), TRUST_SURPLUS)
    return shown


def _take_rows(totals: pd.DataFrame, measures: tuple[str, ...]) -> pd.DataFrame:
    order = {measure: place for place, measure in enumerate(measures)}
    shown = totals[totals["measure"].isin(order)].copy()
    return shown.sort_values("measure", key=lambda names: names.map(order), ignore_index=True)


def arrange_activity(activity: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return each line's activity with the cost of one event, which is worked out from shown figures only."""
    names = arrange_lines(lines).set_index("line_id")["line_name"]
    shown = activity[activity["line_id"].ne(TRUST)].copy()
    shown["line_name"] = shown["line_id"].map(names)
    return _add_case(shown)


def arrange_pods(activity: pd.DataFrame) -> pd.DataFrame:
    """Return the trust's activity by point of delivery."""
    return _add_case(activity[activity["line_id"].eq(TRUST)].copy())


def _add_case(shown: pd.DataFrame) -> pd.DataFrame:
    shown["pod_name"] = shown["pod"].map(PODS | {REST: REST_NAME}).fillna(shown["pod"])
    events = shown["n_events"].astype("float64")
    case = shown["cost_pence"].astype("float64") / events.where(events > 0)
    shown["case_pence"] = case.round()
    shown["n_days_in_bed"] = shown["bed_days"]
    is_hidden = shown[HIDDEN].fillna("").str.split().map(lambda names: "cost_pence" in names)
    more = shown[HIDDEN].fillna("") + " case_pence n_days_in_bed"
    shown[HIDDEN] = shown[HIDDEN].fillna("").mask(is_hidden, more)
    order = {pod: place for place, pod in enumerate([*PODS, REST])}
    key = shown["pod"].map(order).fillna(len(order))
    shown = shown.assign(_place=key).sort_values(["line_id", "_place", "pod"], ignore_index=True)
    return shown.drop(columns="_place")


def arrange_grades(lines: pd.DataFrame) -> pd.DataFrame:
    """Return each line's credibility, weakest first."""
    graded = mark_lines(lines, lines)
    graded = graded[graded["grade"].notna()]
    return graded.sort_values(
        ["grade", "score", "line_id"], ascending=[False, True, True], ignore_index=True
    )


def arrange_accounts(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each file with its content in words."""
    return accounts.assign(
        file_name=accounts["file"].map(lambda file: name_term("file", file)).astype("str")
    ).sort_values("file_name", ignore_index=True)


def arrange_checks(checks: pd.DataFrame) -> pd.DataFrame:
    return checks.assign(words=checks["passed"].map({True: "yes", False: "no"}))


def arrange_funding(funding: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return who pays for whom, largest sums first."""
    names = arrange_lines(lines).set_index("line_id")["line_name"]
    shown = funding.assign(
        funder_name=funding["funder_line_id"].map(names),
        receiver_name=funding["receiver_line_id"].map(names),
    )
    return shown.sort_values(
        ["amount_pence", "funder_line_id", "receiver_line_id"],
        ascending=[False, True, True],
        ignore_index=True,
    )


def arrange_long_stays(long_stays: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of long stays as the figure draws them; lines with a hidden share are left out."""
    names = arrange_lines(lines).set_index("line_id")["line_name"].to_dict() | {TRUST: TRUST_NAME}
    shown = long_stays.rename(columns={"share_prop": "bed_days_prop"})
    shown[HIDDEN] = shown[HIDDEN].fillna("").str.replace("share_prop", "bed_days_prop")
    return shown.assign(line_name=shown["line_id"].map(names))


def list_long_stays(long_stays: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return one row a line with its three shares."""
    shown = arrange_long_stays(long_stays, lines)
    names = {7: "week_whole_prop", 14: "fortnight_whole_prop", 21: "three_weeks_whole_prop"}
    wide = shown.pivot(index="line_id", columns="threshold_days", values="bed_days_prop")
    wide = wide.reindex(columns=list(names)).rename(columns=names)
    is_hidden = shown.assign(is_hidden=shown[HIDDEN].fillna("").ne("")).pivot(
        index="line_id", columns="threshold_days", values="is_hidden"
    )
    hidden = is_hidden.reindex(columns=list(names)).fillna(False).astype("bool")
    wide[HIDDEN] = [
        " ".join(names[days] for days in names if row[days]) for row in hidden.to_dict("records")
    ]
    wide["line_name"] = shown.drop_duplicates("line_id").set_index("line_id")["line_name"]
    wide = wide.reset_index()
    wide["_last"] = wide["line_id"].eq(TRUST)
    return wide.sort_values(["_last", "line_name"], ignore_index=True).drop(columns="_last")


LONG_COLUMNS = {
    "line_name": "Service line",
    "week_whole_prop": "7 days or more",
    "fortnight_whole_prop": "14 days or more",
    "three_weeks_whole_prop": "21 days or more",
}


def take_ranges(lines: pd.DataFrame) -> pd.DataFrame:
    """Return what the figure of surpluses draws, to take away."""
    names = ["line_name", "surplus_pence", "min_pence", "max_pence", "sign_words", "class_words"]
    return lines[names]


def take_funding(funding: pd.DataFrame) -> pd.DataFrame:
    """Return what the figure of funding draws, to take away."""
    return funding[list(FUNDING_COLUMNS)]


def take_shares(long_stays: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of long stays, hidden ones marked, to take away."""
    return list_long_stays(long_stays, lines)[[*LONG_COLUMNS, HIDDEN]]


def arrange_months(months: pd.DataFrame) -> pd.DataFrame:
    """Return the trust's months as the figure draws them."""
    return months.assign(line_id=TRUST, n_spells=0)


def arrange_variation(variation: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return natural variation line by line, lines without consultants to compare left out."""
    names = arrange_lines(lines).set_index("line_id")["line_name"].to_dict() | {TRUST: TRUST_NAME}
    shown = variation[variation["n_consultants"].fillna(1).gt(0)].copy()
    shown["line_name"] = shown["line_id"].map(names).fillna(shown["line_id"])
    shown["measure_name"] = shown["measure"].map(MEASURES)
    shown["tau_prop"] = shown["tau"]
    shown[HIDDEN] = shown[HIDDEN].fillna("").str.replace(r"\btau\b", "tau_prop", regex=True)
    return shown.sort_values(["measure_name", "line_name"], ignore_index=True)


def arrange_trust_lines(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of every trust, by trust and name."""
    shown = lines.assign(sign_words=_name_signs(lines["sign_label"]))
    return shown.sort_values(["trust", "line_name"], ignore_index=True)


def _name_signs(labels: pd.Series) -> pd.Series:
    return labels.map(SIGN_LABELS).str.split(":").str[0]
