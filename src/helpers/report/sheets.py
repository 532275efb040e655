"""A sheet for each consultant who is named: what the finding rests on, for them to check and answer."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from helpers.contracts.terms import WARRANTED
from helpers.report.exhibits import Exhibit, join_exhibits, show_folded, show_table, show_words
from helpers.report.formats import count_words, format_count, format_gbp, format_prop, join_words
from helpers.report.tables.care import arrange_care
from helpers.report.tables.outliers import OUTCOME_COLUMNS, write_outcomes
from helpers.report.words.outliers import RIGHT_OF_REPLY, describe_person
from helpers.report.words.plain import name_term

MOST_SHEETS = 8
MOST_HRGS = 6
RELIABLE = 0.7
KEYS = ["line_id", "consultant_code"]
OWN_OUTCOME_COLUMNS = {name: words for name, words in OUTCOME_COLUMNS.items() if name != "label"}
STEP_COLUMNS = {"step": "Step", "gap": "Against peers", "why": "What it allows for"}
PART_COLUMNS = {
    "part": "Kind of work",
    "observed_pence": "Actual",
    "expected_pence": "Same casemix, peers",
    "excess_pence": "Difference",
}
CASE_COLUMNS = {
    "case": "HRG and way of coming",
    "n_spells": "Spells",
    "mean_pence": "Own mean cost",
    "n_peers": "Peers’ spells",
    "peers_mean_pence": "Peers’ mean cost",
}
AGAIN_COLUMNS = {"what": "Measured on", "n_spells": "Spells", "gap": "Against the same casemix"}
FACT_COLUMNS = {"what": "Share of spells", "value_prop": "Own", "peers_prop": "Line’s others"}


def show_sheets(
    named: pd.DataFrame,
    drivers: pd.DataFrame,
    cases: pd.DataFrame,
    checks: pd.DataFrame,
    care: pd.DataFrame,
    outcomes: pd.DataFrame,
    *,
    number: str,
) -> Exhibit:
    """Show a folded sheet for each consultant named on cost, the largest excess first.

    Parameters
    ----------
    named
        The review after ``name_review``.
    drivers, cases, checks, care, outcomes
        ``consultant_drivers``, ``consultant_cases``, ``consultant_checks``, ``treatment_review``,
        ``outcome_review``.
    number
        Start of the tables' numbers: `4.12` gives `4.12.1a`.
    """
    cost = named[named["measure"] == "cost"]
    found = cost[cost["flag"].isin(["outlier", "material", "indicative"])]
    found = found.sort_values(["excess", "label"], ascending=[False, True]).head(MOST_SHEETS)
    if found.empty:
        return show_words("Nobody is named, so there is no sheet to show.")
    sheets = []
    for place, row in enumerate(found.to_dict("records"), start=1):
        one = [_take(table, row) for table in (drivers, cases, checks, care, outcomes)]
        sheets.append(_show_sheet(row, *one, named=named, number=f"{number}.{place}"))
    return join_exhibits(sheets)


def _take(table: pd.DataFrame, row: dict) -> pd.DataFrame:
    mine = table["line_id"].eq(row["line_id"]) & table["consultant_code"].eq(row["consultant_code"])
    return table[mine].reset_index(drop=True)


def _show_sheet(
    row: dict,
    drivers: pd.DataFrame,
    cases: pd.DataFrame,
    checks: pd.DataFrame,
    care: pd.DataFrame,
    outcomes: pd.DataFrame,
    *,
    named: pd.DataFrame,
    number: str,
) -> Exhibit:
    again = checks[checks["kind"] == "again"]
    part = partial(_show_part, label=row["label"], number=number)
    return show_folded(
        f"{row['label']}: the sheet to check and answer",
        show_words(describe_person(row), describe_uncertainty(row)),
        part(
            arrange_steps(row, cases, again),
            letter="a",
            says="from the raw difference to the finding (%).",
            source="consultant_review, consultant_cases and consultant_checks of this run.",
            columns=STEP_COLUMNS,
        ),
        part(
            arrange_parts(drivers),
            letter="b",
            says="where the difference is (£ a year, chance included).",
            source="consultant_drivers of this run.",
            columns=PART_COLUMNS,
            total=True,
        ),
        part(
            arrange_cases(cases),
            letter="c",
            says="the cases (number; mean controllable cost in £).",
            source="consultant_cases of this run.",
            columns=CASE_COLUMNS,
        ),
        show_words(describe_care_of(care, named)),
        part(
            arrange_own_outcomes(outcomes),
            letter="d",
            says="the patients’ outcomes, one by one (number of events; a score in its own points).",
            source="outcome_review of this run.",
            columns=OWN_OUTCOME_COLUMNS,
        ),
        part(
            arrange_again(again),
            letter="e",
            says="does the difference hold on parts of the spells? (%)",
            columns=AGAIN_COLUMNS,
        ),
        show_words(describe_change(row, again)),
        part(
            arrange_facts(checks),
            letter="f",
            says="facts to check (% of spells).",
            columns=FACT_COLUMNS,
        ),
        show_words(RIGHT_OF_REPLY, describe_reply()),
    )


def _show_part(
    frame: pd.DataFrame,
    *,
    label: str,
    number: str,
    letter: str,
    says: str,
    columns: dict[str, str],
    source: str = "consultant_checks of this run.",
    total: bool = False,
) -> Exhibit:
    """Show one table of a sheet: its caption begins with whom it is about."""
    return show_table(
        frame,
        number=f"{number}{letter}",
        caption=f"{label}: {says}",
        source=source,
        columns=columns,
        total=total,
    )


def describe_uncertainty(row: dict) -> str:
    """Say how reliable the estimate is, and how likely the practice is to differ in kind."""
    if pd.isna(row["reliability"]):
        return "The line has too few consultants for the model, so this is an indication only."
    low = row["reliability"] < RELIABLE
    badge = (
        f"Reliability {row['reliability']:.2f}, below {RELIABLE}: a rank among consultants who do not stand apart would "
        "be mostly chance here; this finding is not a rank"
        if low
        else f"Reliability {row['reliability']:.2f}: the place among peers is mostly the consultant’s own"
    )
    return (
        f"The probability of practice different in kind is {_write_chance(row['probability'])}; that of being more than "
        f"15% dearer is {_write_chance(row['prob_material'])}. {badge}. Consultants of the line differ by nature by "
        f"±{format_prop(np.expm1(row['tau']))}; chance alone moves this one by ±{format_prop(np.expm1(row['std_error']))}."
    )


def arrange_steps(row: dict, cases: pd.DataFrame, again: pd.DataFrame) -> pd.DataFrame:
    """Return the difference from peers as each allowance is made."""
    n, peers = cases["n"].sum(), cases["n_peers"]
    own = (cases["mean_pence"] * cases["n"]).sum() / n if n else np.nan
    known = cases["peers_mean_pence"].astype("float64")
    mix = (known * peers).sum() / peers.sum() if peers.sum() else np.nan
    cell = again.set_index("item")["value"].get("all", np.nan)
    best = f"{_signed(row['ratio'])} ({_signed(row['ci_low'])} to {_signed(row['ci_high'])})"
    rows = [
        ("Mean cost of a spell", _signed(own / mix), "nothing: other patients of these HRGs in the line"),
        ("Same HRG and way of coming", _signed(cell), "casemix, HRG by HRG"),
        ("Model of cost", _signed(row["crude_ratio"]), "age, sex and deprivation too"),
        ("Best estimate (90% interval)", best, "chance, and how far peers differ by nature"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["step", "gap", "why"]).astype("str")


def arrange_own_outcomes(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return one consultant's outcomes in words; one row that says so where none is recorded."""
    if outcomes.empty:
        nothing = dict.fromkeys(OWN_OUTCOME_COLUMNS, "–") | {"outcome_words": "None is recorded"}
        return pd.DataFrame([nothing])
    return write_outcomes(outcomes).sort_values("outcome", ignore_index=True)


def arrange_parts(drivers: pd.DataFrame) -> pd.DataFrame:
    """Return kinds of work with cost, the largest difference first, and their total."""
    shown = drivers[(drivers["observed_pence"] != 0) | (drivers["expected_pence"] != 0)]
    shown = shown.sort_values("excess_pence", ascending=False)
    money = ["observed_pence", "expected_pence", "excess_pence"]
    words = shown["bucket"].map(lambda code: name_term("bucket", code)).astype("str")
    total = pd.DataFrame([{"part": "All", **shown[money].sum()}])
    return pd.concat([shown.assign(part=words)[["part", *money]], total], ignore_index=True)


def arrange_cases(cases: pd.DataFrame) -> pd.DataFrame:
    """Return the commonest HRGs, and the rest of the spells in one row."""
    ways = cases["admission_type"].map({"EL": "planned", "EM": "unplanned"})
    shown = cases.assign(case=(cases["hrg"] + ", " + ways).astype("str"), n_spells=cases["n"])
    top, rest = shown.head(MOST_HRGS), shown.iloc[MOST_HRGS:]
    if rest.empty:
        return top
    known = rest.astype({"peers_mean_pence": "float64"})
    n, n_peers = int(rest["n"].sum()), int(rest["n_peers"].sum())
    peers = (known["peers_mean_pence"] * known["n_peers"]).sum() / n_peers if n_peers else np.nan
    other = {
        "case": f"{len(rest)} others",
        "n_spells": n,
        "mean_pence": round((rest["mean_pence"] * rest["n"]).sum() / n),
        "n_peers": n_peers,
        "peers_mean_pence": pd.NA if np.isnan(peers) else round(peers),
    }
    table = pd.concat([top[list(CASE_COLUMNS)], pd.DataFrame([other])], ignore_index=True)
    return table.astype({"peers_mean_pence": "Int64"})


def arrange_again(again: pd.DataFrame) -> pd.DataFrame:
    """Return the difference measured on all spells and on parts of them."""
    order = ["all", "without_dearest", "first_half", "second_half", "planned", "unplanned"]
    rows = again[(again["n"] > 0)].set_index("item").reindex(order).dropna(subset=["n"])
    gaps = ["–" if pd.isna(value) else _signed(value) for value in rows["value"]]
    return pd.DataFrame(
        {
            "what": pd.Series([name_term("again", item) for item in rows.index], dtype="str"),
            "n_spells": rows["n"].astype("int64").to_numpy(),
            "gap": pd.Series(gaps, dtype="str"),
        }
    )


def arrange_facts(checks: pd.DataFrame) -> pd.DataFrame:
    """Return what may explain a difference, own share beside the line's others."""
    rows = checks[checks["kind"] == "fact"]
    words = rows["item"].map(lambda code: name_term("fact", code)).astype("str")
    return rows.assign(what=words, value_prop=rows["value"], peers_prop=rows["peers_value"])


def describe_care_of(care: pd.DataFrame, named: pd.DataFrame) -> str:
    """Say what the consultant does more or less of than peers."""
    found = arrange_care(care, named) if len(care) else care
    if found.empty:
        return "On theatre time, tests, drugs, implants, day cases and follow-ups nothing stands apart from peers."
    parts = [
        f"{row.measure_words.partition(' (')[0].lower()} {row.gap} ({row.rate:,.1f} against {row.peer_rate:,.1f})"
        for row in found.itertuples()
    ]
    return f"For like patients, care differs in {join_words(parts)}."


def describe_change(row: dict, again: pd.DataFrame) -> str:
    """Say what would have to be true for the finding to fall away."""
    excess = format_gbp(row["excess"] * 100)
    mean = row["observed"] / row["n"] * 100 if row["n"] else float("nan")
    spells = format_count(round(row["excess"] * 100 / mean)) if mean > 0 else "0"
    values = again.set_index("item")["value"]
    text = (
        f"What would change the finding: patients who are {format_prop(row['ratio'] - 1)} costlier than their codes say would "
        f"explain all of it, {format_prop(max(row['ci_low'] - 1, 0))} the lower end; so would {excess} of cost, as much as "
        f"{spells} average spells, that belongs to someone else."
    )
    halves = [values.get(name, np.nan) for name in ("without_dearest", "first_half", "second_half")]
    if all(value > 1 for value in halves):
        return f"{text} It does not rest on a few patients or on one half of the year."
    weak = [
        name_term("again", name)
        for name, value in zip(("without_dearest", "first_half", "second_half"), halves, strict=True)
        if not value > 1
    ]  # fmt: skip
    return f"{text} It does not show on: {join_words(weak).lower()}."


def describe_reply() -> str:
    """Say how an answer is put on record, with the reasons that take a difference out of the saving."""
    codes = [f"{code} {name_term('warranted', code)}" for code in WARRANTED]
    return (
        "An answer is recorded in outlier_review.csv. Closed with one of these reasons, the difference leaves the saving "
        f"and the reason stands beside the name: {'; '.join(codes)}. A record that is wrong goes into corrections.csv."
    )


def count_reliable(named: pd.DataFrame) -> str:
    """Say how many consultants' cost is measured reliably."""
    cost = named[(named["measure"] == "cost") & named["reliability"].notna()]
    if cost.empty:
        return ""
    good = int((cost["reliability"] >= RELIABLE).sum())
    reach = "None" if good == 0 else format_count(good)
    return (
        "Reliability is the share of the spread between consultants that is their own and not chance. "
        f"{reach} of {count_words(len(cost), 'consultant')} {'reach' if good > 1 else 'reaches'} {RELIABLE}; ranking the others within the ordinary range would rank chance. "
        "It says nothing against a finding, which already allows for chance."
    )


def _write_chance(prop: float) -> str:
    """Return a probability that is never written as certain."""
    return "more than 99.9%" if prop > 0.999 else format_prop(prop, 1)


def _signed(ratio: float) -> str:
    if pd.isna(ratio):
        return "–"
    return f"{'+' if ratio > 1 else ''}{format_prop(ratio - 1)}"
