"""Sentences on length of stay, written from the trust's tables.

Groups are named by ``name_groups`` first, so that consultants appear under their pseudonyms only.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.report.formats import (
    count_words,
    format_count,
    format_days,
    format_gbp,
    format_prop,
    join_words,
    true_minus,
)
from helpers.report.words.plain import name_lines, name_term

TRUST = "TRUST"
FEW_NAMES = 3
VERY_LONG_DAYS = 21
MIN_GAP_SPELLS = 20
NOT_LISTED = "Consultant not listed"
ONE_TRUST = (
    "A stay is counted from admission to discharge in this trust. Time in another hospital before or "
    "after it is not seen."
)
NO_CASH = (
    "No cash is saved until beds are closed or other patients are treated in them. These sums are "
    "part of the cost already shown for the same patients; do not add them to any other saving."
)


def name_groups(
    table: pd.DataFrame, *, consultants: pd.DataFrame, service_lines: pd.DataFrame
) -> pd.DataFrame:
    """Add ``group_name`` and ``grouping_name`` in plain words; consultants by pseudonym only.

    Parameters
    ----------
    table
        Any table with ``grouping`` and ``group``.
    consultants
        ``consultant_code``, ``pseudonym``.
    service_lines
        ``line_id``, ``line_name``.
    """
    named = table.assign(
        grouping_name=[name_term("grouping", kind) for kind in table["grouping"]],
        group_name=[
            name_term(kind, group)
            for kind, group in zip(table["grouping"], table["group"], strict=True)
        ],
    )
    named = named.astype({"grouping_name": "str", "group_name": "str"})
    people = consultants.drop_duplicates("consultant_code").set_index("consultant_code")
    is_person, is_line = table["grouping"] == "consultant", table["grouping"] == "line"
    pseudonyms = table["group"].map(people["pseudonym"]).fillna(NOT_LISTED)
    named["group_name"] = named["group_name"].mask(is_person, pseudonyms)
    wards = table["group"].astype("str")
    called = wards.where(wards.str.upper().str.startswith("WARD"), "Ward " + wards)
    named["group_name"] = named["group_name"].mask(table["grouping"] == "ward", called)
    line_names = name_lines(table["group"].astype("str"), service_lines)
    named["group_name"] = named["group_name"].mask(is_line, line_names)
    if "within" in table:
        named["within_name"] = name_lines(table["within"].astype("str"), service_lines)
    return named


def name_line_column(table: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Add ``line_name`` to a table by line; the trust's row is `The trust`."""
    return table.assign(line_name=name_lines(table["line_id"].astype("str"), service_lines))


def name_trends(trend: pd.DataFrame, service_lines: pd.DataFrame) -> dict[str, str]:
    """Return the name of each line that is followed by month, and of the trust."""
    codes = pd.Series(trend["line_id"].unique(), dtype="str")
    return dict(zip(codes, name_lines(codes, service_lines), strict=True))


def describe_stays_compared(exclusions: pd.DataFrame, n_transfers: int) -> str:
    """Say how many stays are compared, what is left out, and how those who died compare."""
    rows = exclusions.set_index("reason")
    kept = rows.loc["kept"]
    if kept["n_spells"] == 0:
        return "There are no completed stays to compare."
    left_out = rows.drop(index=["kept", "died"])
    left_out = left_out[left_out["n_spells"] > 0]
    parts = [
        f"{count_words(kept['n_spells'], 'completed stay')} of {format_count(kept['bed_days'])} bed days "
        f"{_agree(kept['n_spells'], 'is', 'are')} compared, {format_days(kept['mean_days'])} on average."
    ]
    if len(left_out):
        items = [
            f"{_lower(label)} ({format_count(n)})"
            for label, n in zip(left_out["label"], left_out["n_spells"], strict=True)
        ]
        parts.append(f"Left out: {join_words(items)}.")
    died = rows.loc["died"]
    if died["n_spells"]:
        parts.append(
            f"{count_words(died['n_spells'], 'patient')} died in hospital after "
            f"{format_days(died['mean_days'])} on average; their stays are not compared."
        )
    if n_transfers:
        parts.append(
            f"{count_words(n_transfers, 'compared stay')} ended in a move to another hospital and may be "
            "only part of the patient's time in hospital."
        )
    return " ".join(parts)


def describe_group_findings(groups: pd.DataFrame) -> str:
    """Say which groups stay longer than their casemix explains, and how sure that is."""
    n_tested = int(groups["q_value"].notna().sum()) if len(groups) else 0
    if n_tested == 0:
        return "No group of patients is large enough to test."
    found = groups[groups["is_material"].astype(bool)]
    opening = f"{count_words(n_tested, 'group')} {_agree(n_tested, 'was', 'were')} tested."
    if found.empty:
        return (
            f"{opening} None differs from its casemix by a quarter of a day or more, beyond what "
            "chance would show among so many."
        )
    own = found[found["holds"].astype("boolean").fillna(False).astype(bool)]
    longer = own[own["effect_days"] > 0].sort_values("effect_days", ascending=False)
    shorter = own[own["effect_days"] < 0].sort_values("effect_days")
    parts = [
        f"{opening} {len(found)} {_agree(len(found), 'differs', 'differ')} from "
        f"{_agree(len(found), 'its', 'their')} casemix by a quarter of a day or more, with about one "
        "in twenty of such findings expected to be chance."
    ]
    if len(longer):
        parts.append(f"Longest for their casemix: {_list_effects(longer)}.")
    if len(shorter):
        parts.append(f"Shortest: {_list_effects(shorter)}.")
    natural = groups.loc[groups["grouping"] == "consultant", "natural_prop"].max()
    if natural > 0:
        parts.append(
            f"Consultants' stays differ naturally by about ±{format_prop(natural)}, which is allowed for."
        )
    if len(found) > len(own):
        n = len(found) - len(own)
        parts.append(
            f"{n} of the findings {_agree(n, 'goes', 'go')} with another one (a ward with a consultant "
            "who works there, for example) and may be nothing of "
            f"{_agree(n, 'its', 'their')} own."
        )
    return " ".join(parts)


def describe_waiting(awaiting: pd.DataFrame, value: pd.DataFrame) -> str:
    """Say how many bed days are waiting to leave, and which wards are long mainly for that.

    ``value`` is the table of excess days by line; its row TRUST holds all days.
    """
    if awaiting.empty:
        return (
            "No dates of being ready to leave are recorded, so waiting cannot be told from the rest "
            "of the stay."
        )
    wards = awaiting[awaiting["grouping"] == "ward"]
    trust = value[value["line_id"] == TRUST].iloc[0]
    waited, days = trust["awaiting_days"], trust["bed_days"]
    share = waited / days if days else np.nan
    parts = [
        f"{format_count(waited)} of {format_count(days)} bed days ({format_prop(share)}) came after "
        "the patient was ready to leave."
    ]
    found = wards[wards["is_mostly_waiting"].astype(bool)]
    if len(found):
        few = found.sort_values("effect_days", ascending=False).head(FEW_NAMES)
        items = [
            f"{name} ({format_days(effect, signed=True)} against expected: {format_days(part, signed=True)} "
            f"waiting, {format_days(rest, signed=True)} before)"
            for name, effect, part, rest in zip(
                few["group_name"],
                few["effect_days"],
                few["awaiting_effect_days"],
                few["own_effect_days"],
                strict=True,
            )
        ]
        more = f", among {len(found)} wards" if len(found) > FEW_NAMES else ""
        parts.append(
            f"Stays are long mainly because patients wait on {join_words(items)}{more}. The cause is "
            "likely to lie outside the ward and its service lines."
        )
    else:
        parts.append("No ward is long mainly because its patients wait.")
    return " ".join(parts)


def describe_gap_parts(mix: pd.DataFrame, *, grouping: str) -> str:
    """Say, of the ward or consultant with the largest gap in practice, how its gap divides."""
    enough = mix[["n_spells", "n_others"]].min(axis=1) >= MIN_GAP_SPELLS
    kept = mix[(mix["grouping"] == grouping) & enough]
    if kept.empty:
        return "No group has enough stays for its gap to be divided."
    top = kept.loc[kept["practice_days"].abs().sort_values(kind="stable").index[-1]]
    return (
        f"The largest difference in practice is {top['group_name']}'s: {format_days(top['mean_days'])} "
        f"on average against {format_days(top['others_mean_days'])} for the other patients of "
        f"{top['within_name']}. Of this gap of {_write_hundredths(top['gap_days'])}, "
        f"{_write_hundredths(top['mix_days'])} come from different patients and "
        f"{_write_hundredths(top['practice_days'])} from like patients staying differently."
    )


def describe_long_stays(long_stays: pd.DataFrame) -> str:
    """Say what share of bed days stays of 21 days or more take, and where that is highest."""
    if long_stays.empty:
        return "There are no completed stays to count."
    rows = long_stays[long_stays["threshold_days"] == VERY_LONG_DAYS]
    trust = rows[rows["line_id"] == TRUST].iloc[0]
    if trust["n_spells"] == 0:
        return f"No stay lasted {VERY_LONG_DAYS} days or more."
    text = (
        f"{count_words(trust['n_spells'], 'stay')} of {VERY_LONG_DAYS} days or more "
        f"({format_prop(trust['spells_prop'], 1)} of all) "
        f"{_agree(trust['n_spells'], 'takes', 'take')} {format_prop(trust['bed_days_prop'])} of bed days."
    )
    lines = rows[(rows["line_id"] != TRUST) & rows["bed_days_prop"].notna()]
    if len(lines) < 2:
        return text
    top = lines.sort_values(["bed_days_prop", "line_id"]).iloc[-1]
    return (
        f"{text} The share is highest in {top['line_name']}: {format_prop(top['bed_days_prop'])}."
    )


def describe_stay_value(value: pd.DataFrame) -> str:
    """Say what days beyond the trim point cost at two prices, and that none of it is cash by itself."""
    if value.empty:
        return "There are no days beyond a trim point to value."
    trust = value[value["line_id"] == TRUST].iloc[0]
    days = trust["excess_days"]
    if days == 0:
        return "No stay went beyond its trim point."
    share = days / trust["bed_days"]
    text = (
        f"{format_count(round(days))} bed days ({format_prop(share, 1)}) lie beyond the trim points. "
        f"At the full cost of a bed day they carry {_write_pounds(trust['full_value_pence'])}"
    )
    if pd.isna(trust["variable_value_pence"]):
        return (
            f"{text}. The part that would vary with patients is not known: the trust's expense map "
            f"does not state it. {NO_CASH}"
        )
    return (
        f"{text}; the part of ward cost that varies within a year is "
        f"{_write_pounds(trust['variable_value_pence'])}. {NO_CASH}"
    )


def describe_trim(trim: pd.DataFrame) -> str:
    """Say where trim points come from."""
    if trim.empty:
        return "There are no stays to find trim points from."
    counts = trim["source"].value_counts().reindex(["local", "national", "none"], fill_value=0)
    return (
        f"Of {count_words(len(trim), 'HRG and admission type', 'HRGs and admission types')}, "
        f"{counts['local']} have a trim point from this trust's own stays, {counts['national']} the one "
        f"of the price list, and {counts['none']} none, so that no day of theirs counts as excess."
    )


def _list_effects(found: pd.DataFrame) -> str:
    few = found.head(FEW_NAMES)
    items = [
        f"{name} ({format_days(effect, signed=True)} a stay, 95% interval "
        f"{format_days(low, signed=True).removesuffix(' days')} to {format_days(high, signed=True)})"
        for name, effect, low, high in zip(
            few["group_name"],
            few["effect_days"],
            few["effect_low_days"],
            few["effect_high_days"],
            strict=True,
        )
    ]
    return "; ".join(items)


def _write_hundredths(days: float) -> str:
    return true_minus(f"{days:+.2f} days")


def _write_pounds(pence: object) -> str:
    return "an unknown sum" if pd.isna(pence) else format_gbp(float(pence))


def _agree(n: float, one: str, many: str) -> str:
    return one if n == 1 else many


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]
