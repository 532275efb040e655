"""Tables on how care differs, dear patients, last year's findings and leads, arranged for reading."""

from __future__ import annotations

import pandas as pd

from helpers.report.formats import format_gbp, format_prop
from helpers.report.words.plain import name_lines, name_term

MOST_PATIENTS = 15
CARE_COLUMNS = {
    "label": "Consultant",
    "measure_words": "What differs",
    "n_spells": "Patients",
    "rate": "Own average",
    "peer_rate": "Peers’, same casemix",
    "gap": "Difference",
    "range_words": "Peers would fall within",
    "q_value": "False discovery rate",
}
TEST_COLUMNS = {
    "measure_words": "What is compared",
    "n_tested": "Consultants tested",
    "n_more": "More than peers",
    "n_less": "Less than peers",
    "natural_prop": "Natural variation",
}
PATIENT_COLUMNS = {
    "place": "Row",
    "line_name": "Service line",
    "hrg": "HRG",
    "cost_pence": "Cost",
    "median_pence": "Median of the HRG",
    "los_days": "Days",
    "median_los_days": "Median days",
    "drivers": "What makes the difference",
}
PATIENT_LINE_COLUMNS = {
    "line_name": "Service line",
    "n_dear": "Far dearer spells",
    "above_pence": "Cost above their HRGs’ medians",
    "n_cheap": "Far cheaper spells",
    "commonest": "Most often from",
}
TRACKER_COLUMNS = {
    "label": "Consultant",
    "measure_words": "Measure",
    "before": "Last year",
    "now": "This year",
    "outcome_words": "Now",
    "reviewed": "What the trust wrote",
    "agreed_pence": "Value agreed",
}
LEAD_COLUMNS = {
    "label": "Lead",
    "n_months": "Months",
    "n_peers": "Peers",
    "pence_per_pa": "Activity a month for each session",
    "peers_pence_per_pa": "Peers’ median",
    "gap": "Difference",
}
OTHER_COLUMNS = {
    "words": "Method",
    "n_named": "Would name",
    "n_also_here": "Of those, named here",
    "excess_pence": "Excess it would claim",
}


def name_people(table: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """Add ``label`` (pseudonym and line) and ``line_name`` from the review as named.

    A consultant without inpatients is not in the review, and is shown by line only.
    """
    keys = ["line_id", "consultant_code"]
    labels = named.drop_duplicates(keys)[[*keys, "label", "line_name"]]
    found = table.drop(columns=["label", "line_name"], errors="ignore").merge(
        labels, on=keys, how="left", validate="many_to_one"
    )
    found["line_name"] = found["line_name"].fillna(found["line_id"]).astype("str")
    found["label"] = found["label"].fillna("A consultant, " + found["line_name"]).astype("str")
    return found


def arrange_care(care: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """Return the differences found, the largest for each consultant first."""
    found = name_people(care[care["flag"].isin(["more", "less"])], named)
    found["measure_words"] = _words("care", found["measure"])
    found["n_spells"] = found["n"]
    found["gap"] = _write_gaps(found["ratio"])
    found["range_words"] = (
        _write_gaps(found["range_low"]) + " to " + _write_gaps(found["range_high"])
    )
    found["far"] = (found["ratio"] - 1).abs()
    return found.sort_values(["label", "far"], ascending=[True, False]).reset_index(drop=True)


def count_care(care: pd.DataFrame) -> pd.DataFrame:
    """Return, for each measure, how many consultants were tested and how many differ."""
    rows = care.assign(
        n_tested=care["flag"] != "not_tested",
        n_more=care["flag"] == "more",
        n_less=care["flag"] == "less",
    )
    table = rows.groupby("measure", sort=False)[["n_tested", "n_more", "n_less"]].sum()
    table["natural_prop"] = rows.groupby("measure", sort=False)["natural_prop"].first()
    table = table.astype({"n_tested": "int64", "n_more": "int64", "n_less": "int64"}).reset_index()
    table["measure_words"] = _words("care", table["measure"])
    return table


def arrange_patients(outliers: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return the dearest spells against their HRG, by row number: no patient's or spell's number."""
    dear = outliers[outliers["modified_z"] > 0].copy()
    dear["above"] = dear["cost_pence"] - dear["median_pence"]
    dear = dear.sort_values(["above", "spell_id"], ascending=[False, True]).head(MOST_PATIENTS)
    dear = dear.reset_index(drop=True)
    dear["place"] = pd.Series(range(1, len(dear) + 1), dtype="int64").astype("str")
    dear["line_name"] = name_lines(dear["line_id"].astype("str"), service_lines)
    dear["drivers"] = pd.Series(
        [_write_drivers(row) for row in dear.to_dict("records")], dtype="str"
    )
    return dear


def _write_drivers(row: dict) -> str:
    parts = [
        f"{name_term('bucket', row[f'driver_{k}'])} {format_gbp(row[f'driver_{k}_pence'], signed=True)}"
        for k in (1, 2, 3)
        if row[f"driver_{k}"]
    ]
    return "; ".join(parts)


def count_patients(outliers: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return, for each line, its dear and cheap spells, the money above the medians, and the source."""
    is_dear = outliers["modified_z"] > 0
    rows = outliers.assign(
        n_dear=is_dear.astype("int64"),
        n_cheap=(~is_dear).astype("int64"),
        above_pence=(outliers["cost_pence"] - outliers["median_pence"]).where(is_dear, 0),
    )
    table = rows.groupby("line_id", as_index=False)[["n_dear", "n_cheap", "above_pence"]].sum()
    first = rows[is_dear].groupby("line_id")["driver_1"].agg(lambda one: one.mode().iloc[0])
    table["commonest"] = _words("bucket", table["line_id"].map(lambda line: first.get(line, "–")))
    table["line_name"] = name_lines(table["line_id"].astype("str"), service_lines)
    return table.sort_values(["above_pence", "line_name"], ascending=[False, True]).reset_index(
        drop=True
    )


def arrange_tracker(tracker: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """Return last year's findings and the trust's reviews, with this year's measurement."""
    table = name_people(tracker, named)
    table["measure_words"] = table["measure"].map({"cost": "Cost", "los": "Stay"}).astype("str")
    table["before"] = _write_size(table, "before")
    table["now"] = _write_size(table, "now")
    table["outcome_words"] = _words("tracked", table["outcome"])
    table["reviewed"] = pd.Series(
        [_write_review(row) for row in table.to_dict("records")], dtype="str"
    )
    table["agreed_pence"] = table["value_pence"]
    return table.sort_values(["label", "measure"]).reset_index(drop=True)


def _write_size(table: pd.DataFrame, when: str) -> pd.Series:
    texts = [
        "–"
        if pd.isna(ratio)
        else f"{_signed(ratio)}, {format_gbp(excess * 100) if measure == 'cost' else f'{excess:,.0f} days'}"
        for ratio, excess, measure in zip(
            table[f"ratio_{when}"], table[f"excess_{when}"], table["measure"], strict=True
        )
    ]
    return pd.Series(texts, index=table.index, dtype="str")


def _write_review(row: dict) -> str:
    if not row["review_id"]:
        return "nothing yet"
    parts = [
        row["review_status"],
        name_term("warranted", row["reason_code"]),
        row["action"],
        row["owner"],
    ]
    return "; ".join(part for part in parts if part)


def arrange_leads(summary: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """Return leads beside their peers, highest first."""
    table = name_people(summary, named)
    table["gap"] = _write_gaps(table["ratio"])
    return table.sort_values(["ratio", "label"], ascending=[False, True]).reset_index(drop=True)


def _words(kind: str, codes: pd.Series) -> pd.Series:
    return codes.map(lambda code: name_term(kind, code)).astype("str")


def _write_gaps(ratio: pd.Series) -> pd.Series:
    texts = ["–" if pd.isna(value) else _signed(value) for value in ratio]
    return pd.Series(texts, index=ratio.index, dtype="str")


def _signed(ratio: float) -> str:
    return f"{'+' if ratio > 1 else ''}{format_prop(ratio - 1)}"
