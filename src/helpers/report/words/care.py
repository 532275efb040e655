"""Sentences on how care differs, what stays vary with, last year's findings and leads."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.report.formats import count_words, format_count, format_gbp, format_prop, join_words
from helpers.report.tables.care import arrange_care
from helpers.report.words.plain import name_term

MOST_NAMES = 6
LEAST_EXPLAINED = 0.01  # of the variation in days
CARE_LIMIT = (
    "A difference here is neither good nor bad, names nobody and enters no saving. Tests and drugs "
    "that carry no spell’s number are not counted; that falls on all alike."
)


def describe_care(care: pd.DataFrame, named: pd.DataFrame) -> str:
    """Say who does more or less of what than peers do for like patients."""
    n_tests = int((care["flag"] != "not_tested").sum()) if len(care) else 0
    if not n_tests:
        return "The files hold no theatre times, tests, drugs or implants that consultants could be compared on."
    found = arrange_care(care, named)
    made = f"{format_count(n_tests)} comparisons of consultants with peers were made."
    if found.empty:
        return f"{made} None differs by more than chance and natural variation explain."
    people = [
        f"{label} ({join_words(_list_differences(rows))})"
        for label, rows in found.groupby("label", sort=True)
    ]
    more = len(people) - MOST_NAMES
    shown = [*people[:MOST_NAMES], *([f"{more} more"] if more > 0 else [])]
    return f"{made} {count_words(len(people), 'consultant')} treat{'s' if len(people) == 1 else ''} like patients differently: {'; '.join(shown)}."


def _list_differences(rows: pd.DataFrame) -> list[str]:
    return [
        f"{words.partition(' (')[0].lower()} {gap}"
        for words, gap in zip(rows["measure_words"], rows["gap"], strict=True)
    ]


def describe_care_drawn(care: pd.DataFrame, named: pd.DataFrame) -> str:
    """Say what the strips of measures show."""
    if care.empty:
        return "Nothing to draw: no file holds what consultants could be compared on."
    return f"One strip for each measure, a mark for each consultant, against peers. {describe_care(care, named)}"


def describe_drivers(drivers: pd.DataFrame, named: pd.DataFrame) -> str:
    """Say which kinds of work make the named consultants' patients dear."""
    people = pick_named(named)
    if people.empty:
        return "Nobody is named, so no excess needs to be taken apart."
    texts = []
    for row in people.head(MOST_NAMES).itertuples():
        mine = drivers[
            (drivers["line_id"] == row.line_id)
            & (drivers["consultant_code"] == row.consultant_code)
        ]
        top = mine[mine["excess_pence"] > 0].nlargest(3, "excess_pence")
        parts = [
            f"{name_term('bucket', one.bucket).lower()} {format_gbp(one.excess_pence, signed=True)}"
            for one in top.itertuples()
        ]
        texts.append(
            f"{row.label}: {join_words(parts) if parts else 'no kind of work above peers'}"
        )
    return (
        f"Set beside the same casemix elsewhere in the line, the largest differences are, for {'; for '.join(texts)}. "
        "These sums hold chance and do not add to the expected excess above."
    )


def pick_named(named: pd.DataFrame) -> pd.DataFrame:
    """Return the consultants named on cost, outliers first, the largest excess first."""
    cost = named[
        (named["measure"] == "cost") & named["flag"].isin(["outlier", "material", "indicative"])
    ]
    order = {"outlier": 0, "material": 1, "indicative": 2}
    return (
        cost.assign(order=cost["flag"].map(order))
        .sort_values(["order", "excess", "label"], ascending=[True, False, True])
        .reset_index(drop=True)
    )  # fmt: skip


def describe_patients(outliers: pd.DataFrame) -> str:
    """Say how many spells cost far more than others of their HRG, and how much that is."""
    dear = outliers[outliers["modified_z"] > 0]
    if dear.empty:
        return "No spell costs far more than others of its HRG."
    above = int((dear["cost_pence"] - dear["median_pence"]).sum())
    longer = float((dear["los_days"] > dear["median_los_days"]).mean())
    return (
        f"{count_words(len(dear), 'spell')} cost far more than others of their HRG, {format_gbp(above)} above the "
        f"medians in all; {format_prop(longer)} of them also stayed longer than the median patient. Some will be "
        "real and needed; some will be records to mend."
    )


def describe_tracker(tracker: pd.DataFrame, *, year_before: Path | None) -> str:
    """Say what became of last year's findings."""
    start = (
        ""
        if year_before
        else "There is no report of the year before beside this one, so its findings cannot be measured again. "
    )
    if tracker.empty:
        return f"{start}The trust has written nothing about earlier findings."
    found = tracker[tracker["flag_before"] != ""]
    counts = found["outcome"].value_counts()
    parts = [
        f"{int(counts[code])} {words}"
        for code, words in (
            ("still", "found again"),
            ("no_longer", "no longer beyond what peers differ by"),
            ("not_measured", "with too few patients or peers to tell"),
        )
        if counts.get(code, 0)
    ]
    last = (
        f"Of last year’s {count_words(len(found), 'finding')}, {join_words(parts)}. "
        if parts
        else ""
    )
    n_reviews = int((tracker["review_id"] != "").sum())
    written = (
        f"The trust’s file of reviews has {count_words(n_reviews, 'entry', 'entries')} on consultants."
        if n_reviews
        else ""
    )
    return f"{start}{last}{written}".strip()


def describe_other_methods(methods: pd.DataFrame) -> str:
    """Say how many consultants other rules would name on the same data."""
    if methods.empty:
        return "Nobody could be compared, so other methods have nothing to say either."
    n = methods.set_index("method")["n_named"]
    return (
        f"On the same data a plain funnel plot would name {count_words(int(n['chance_998']), 'consultant')}, an interval for "
        f"each consultant {format_count(n['chance_95'])}, the usual NHS funnel plot with over-dispersion "
        f"{format_count(n['funnel'])}; this review names {format_count(n['this_review'])}. In simulated trusts where nobody "
        "differs, the first two still name dozens."
    )


def describe_stay_variation(variation: pd.DataFrame) -> str:
    """Say how much of the variation in stays goes with what."""
    if variation.empty:
        return "There are too few stays to say what their variation goes with."
    rows = variation.set_index("factor")
    if rows.at["explained", "all_prop"] < LEAST_EXPLAINED:
        return (
            "With so few stays nothing that is known of patients, wards and consultants predicts the stay of a "
            "patient whom the model has not seen."
        )
    parts = [
        f"{name_term('stay_factor', name).lower().replace('hrg', 'HRG')} {format_prop(rows.at[name, 'explained_prop'])}"
        for name in rows.index
        if name not in ("explained", "unexplained")
        and abs(rows.at[name, "explained_prop"]) >= 0.005
    ]
    return (
        f"What is known of patients, wards and consultants predicts {format_prop(rows.at['explained', 'all_prop'])} of the "
        f"variation in days among patients that the model has not seen. Of what is explained, {join_words(parts)}. "
        "The rest is not in the records: frailty, severity, chance."
    )


def describe_trend(trend: pd.DataFrame, names: dict[str, str]) -> str:
    """Say whether stays changed over the year for the same casemix."""
    if trend.empty:
        return "There are too few stays a month to follow them over the year."
    found = trend[trend["signal"].isin(["high", "low"])]
    runs = trend[trend["signal"] == "run"]["line_id"].unique()
    n_lines = trend["line_id"].nunique() - int((trend["line_id"] == "TRUST").any())
    texts = [
        f"{names.get(row.line_id, row.line_id)} in {pd.Period(row.month).strftime('%B')} ({row.signal})"
        for row in found.head(MOST_NAMES).itertuples()
    ]
    texts += [
        f"{names.get(line, line)} (a run of months on one side)" for line in runs[:MOST_NAMES]
    ]
    followed = f"The trust and {count_words(n_lines, 'line')} can be followed by month."
    if not texts:
        return f"{followed} None shows a change beyond the usual ups and downs."
    return f"{followed} Beyond the usual ups and downs: {join_words(texts)}. With twelve months the limits are rough."


def describe_leads(summary: pd.DataFrame, pooled: tuple[float, float, float]) -> str:
    """Say whether leads' clinical output differs from peers', the interval first."""
    if summary.empty:
        return "Without job plans and named leads the clinical output of leads cannot be shown."
    ratio, low, high = pooled
    if pd.isna(ratio):
        return f"There {'is' if len(summary) == 1 else 'are'} {count_words(len(summary), 'lead')} with peers: too few to say anything."
    moved = int(summary["ratio_before"].notna().sum())
    tail = (
        f" For {count_words(moved, 'lead')} the months before can be shown beside those after."
        if moved
        else " None began to lead during the year, so before and after cannot be compared."
    )
    return (
        f"Over {format_count(len(summary))} lines a lead’s activity for each session is {format_prop(low - 1)} to "
        f"{format_prop(high - 1)} against peers’ (90% interval; best estimate {format_prop(ratio - 1)}). One lead a line is very "
        f"few, and a lead’s patients may differ.{tail}"
    )
