"""Tables of the consultant review, arranged for reading: pseudonyms, words for codes, largest first."""

from __future__ import annotations

import pandas as pd

from helpers.report.formats import format_prop, true_minus
from helpers.report.words.plain import name_lines, name_term

FLAG_ORDER = ("outlier", "material", "indicative")
EXCLUSION_COLUMNS = {
    "words": "Spells",
    "n_spells": "Number",
    "controllable_pence": "Controllable cost",
}
NAMED_COLUMNS = {
    "label": "Consultant",
    "standing": "Finding",
    "n_spells": "Spells",
    "gap": "Against the typical peer (90% interval)",
    "probability_prop": "Probability of divergent practice",
    "outcome": "Outcomes",
    "driver_words": "Where the cost is",
    "excess_pence": "Expected excess",
}
STAY_COLUMNS = {
    "label": "Consultant",
    "standing": "Finding",
    "n_spells": "Stays",
    "gap": "Against the typical peer (90% interval)",
    "probability_prop": "Probability of divergent practice",
    "extra_days": "Extra bed days",
}
SAVING_COLUMNS = {
    "label": "What is meant",
    "amount_pence": "Amount",
    "ci_low_pence": "90% interval from",
    "ci_high_pence": "to",
    "cost_prop": "Of controllable cost",
    "all_cost_prop": "Of all cost",
}
VARIATION_COLUMNS = {
    "line_name": "Service line",
    "n_consultants": "Peers",
    "n_spells": "Spells",
    "natural_prop": "Natural variation, cost",
    "no_peer_prop": "Cost without a peer",
    "words": "What can be said",
}
ACCOUNT_COLUMNS = {
    "line_name": "Service line",
    "actual_pence": "Actual",
    "expected_pence": "With the typical peer",
    "identified_pence": "Excess of those named",
    "residual_pence": "Natural variation and chance",
}
OUTCOME_COLUMNS = {
    "label": "Consultant",
    "outcome_words": "Outcome",
    "n_spells": "Spells",
    "observed": "Events, or mean score",
    "expected": "Expected for such patients",
    "over": "Against expected (95% interval)",
    "odds": "Odds ratio (90% interval)",
}


def name_review(review: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Add ``line_name`` and ``label`` (pseudonym and line), which is how a consultant is shown."""
    lines = name_lines(review["line_id"].astype("str"), service_lines)
    label = review["pseudonym"].astype("str") + ", " + lines
    return review.assign(line_name=lines, label=label.astype("str"))


def arrange_exclusions(exclusions: pd.DataFrame) -> pd.DataFrame:
    """Return spells compared and left out; reasons without a spell are dropped."""
    shown = exclusions[(exclusions["n_spells"] > 0) | (exclusions["reason"] == "kept")].copy()
    kept = shown["reason"] == "kept"
    shown["words"] = ("Left out: " + shown["words"]).where(~kept, "Compared")
    total = pd.DataFrame(
        {
            "words": ["All discharged spells"],
            **shown[["n_spells", "controllable_pence"]].sum().to_frame().T,
        }
    )
    return pd.concat([shown[list(EXCLUSION_COLUMNS)], total], ignore_index=True)


def arrange_named(named: pd.DataFrame, measure: str = "cost") -> pd.DataFrame:
    """Return the consultants who differ, outliers first, the largest excess first.

    Parameters
    ----------
    named
        The review after ``name_review``.
    measure
        ``cost`` or ``los``.
    """
    shown = named[(named["measure"] == measure) & named["flag"].isin(FLAG_ORDER)].copy()
    shown["order"] = shown["flag"].map(FLAG_ORDER.index).astype("int64")
    shown = shown.sort_values(["order", "excess", "label"], ascending=[True, False, True])
    shown["standing"] = shown["flag"].map(lambda code: name_term("flag", code)).astype("str")
    shown["outcome"] = shown["benefit"].map(lambda code: name_term("benefit", code)).astype("str")
    shown["driver_words"] = (
        shown["driver"].map(lambda code: name_term("cost_driver", code)).astype("str")
    )
    shown["gap"] = _write_gap(shown["ratio"], shown["ci_low"], shown["ci_high"])
    shown["n_spells"] = shown["n"]
    shown["probability_prop"] = shown["probability"]
    shown["excess_pence"] = (shown["excess"] * 100).round().astype("int64")
    shown["extra_days"] = shown["excess"]
    return shown.reset_index(drop=True)


def leave_out_empty(table: pd.DataFrame) -> pd.DataFrame | None:
    """Return a table, or None where it has no rows: nobody is named, and the words above it say so."""
    return None if table.empty else table


def arrange_saving(totals: pd.DataFrame) -> pd.DataFrame:
    """Return the sums that may be meant by a saving, with their shares of cost.

    A part of the excess that nobody falls into is left out, but for the headline.
    """
    rows = totals.assign(cost_prop=totals["controllable_prop"])
    idle = rows["measure"].isin(["better", "not_known", "warranted"]) & (rows["amount_pence"] == 0)
    return rows[~idle].reset_index(drop=True)


def arrange_variation(variation: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return how much consultants of each line differ by nature, the widest first."""
    cost = variation[variation["measure"] == "cost"].copy()
    cost["line_name"] = name_lines(cost["line_id"].astype("str"), service_lines)
    cost["natural_prop"] = cost["tau"]
    cost["no_peer_prop"] = cost["no_comparator_prop"]
    return cost.sort_values(["tau", "line_name"], ascending=[False, True]).reset_index(drop=True)


def arrange_accounts(accounts: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return actual cost = cost with the typical peer + named excess + the rest, with a total."""
    lines = accounts.assign(line_name=name_lines(accounts["line_id"].astype("str"), service_lines))
    lines = lines.sort_values(["actual_pence", "line_name"], ascending=[False, True])
    money = [name for name in ACCOUNT_COLUMNS if name.endswith("_pence")]
    total = pd.DataFrame([{"line_name": "All lines", **lines[money].sum()}])
    return pd.concat([lines[list(ACCOUNT_COLUMNS)], total], ignore_index=True)


def arrange_outcomes(outcomes: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """Return each outcome of the consultants who differ on cost, one row each."""
    who = arrange_named(named)[["line_id", "consultant_code", "label", "order"]]
    table = who.merge(
        outcomes, on=["line_id", "consultant_code"], how="inner", validate="one_to_many"
    )
    return write_outcomes(table).sort_values(["order", "label", "outcome"]).reset_index(drop=True)


def write_outcomes(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return rows of ``outcome_review`` with the outcome, the comparison and the odds in words."""
    rows = outcomes.to_dict("records")
    words = {
        "outcome_words": [name_term("outcome", row["outcome"]) for row in rows],
        "over": [_write_over(row) for row in rows],
        "odds": [
            f"{row['odds_ratio']:.2f} ({row['odds_low']:.2f} to {row['odds_high']:.2f})"
            for row in rows
        ],
    }
    table = outcomes.assign(n_spells=outcomes["n"])
    for name, texts in words.items():
        table[name] = pd.Series(texts, index=table.index, dtype="str")
    return table


def _write_over(row: dict) -> str:
    """Return events over expected events, or how far a score is from the expected one."""
    if pd.notna(row["difference"]):
        value, low, high = (row[f"difference{end}"] for end in ("", "_low", "_high"))
        return true_minus(f"{value:+.2f} ({low:+.2f} to {high:+.2f})")
    value, low, high = (row[name] for name in ("over_expected", "over_low", "over_high"))
    return f"{value:.2f} ({low:.2f} to {high:.2f})" if pd.notna(value) else "–"


def _write_gap(ratio: pd.Series, low: pd.Series, high: pd.Series) -> pd.Series:
    """Return a ratio as a percentage above or below the peer, with its interval."""
    texts = [
        f"{_signed(r)} ({_signed(a)} to {_signed(b)})"
        for r, a, b in zip(ratio, low, high, strict=True)
    ]
    return pd.Series(texts, index=ratio.index, dtype="str")


def _signed(ratio: float) -> str:
    return f"{'+' if ratio >= 1 else ''}{format_prop(ratio - 1)}"
