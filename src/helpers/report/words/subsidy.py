"""Sentences of the cross-subsidy page, written from the trust's tables."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import PODS, UNMAPPED
from helpers.report.formats import count_words, format_count, format_gbp, format_prop, join_words

FEW_NAMES = 3
HIGH_MASKING_PROP = 0.5
MOSTLY, STABLE, UNSURE = "mostly_stable", "stable", "rule_dependent"
SMALLEST_WRITTEN_PROP = 0.0005  # less than this would be written as 0.0%


def describe_position(position: pd.DataFrame) -> str:
    """Say how many lines earn their cost, and whose sign is unsure; UNMAPPED is no line."""
    position = _keep_lines(position)
    if position.empty:
        return "No service line has income or cost."
    sure = position[position["sign_label"] != UNSURE]
    above = sure[sure["class"] == "funder"]
    below = sure[sure["class"] != "funder"]
    parts = [
        f"Of {count_words(len(position), 'service line')}, {len(above)} "
        f"{_agree(len(above), 'earns', 'earn')} at least full cost and {len(below)} "
        f"{_agree(len(below), 'costs more than it earns', 'cost more than they earn')}."
    ]
    if len(below):
        n_below_care = int((below["class"] == "below_care").sum())
        parts.append(_describe_below(len(below), n_below_care))
    unsure = len(position) - len(sure)
    if unsure:
        parts.append(
            f"For {count_words(unsure, 'line')} the sign depends on which fair rule is taken, so "
            f"{_agree(unsure, 'it is', 'they are')} counted on neither side: "
            f"{_name_lines(position[position['sign_label'] == UNSURE], 'surplus_pence')}."
        )
    return " ".join(parts)


def describe_extremes(position: pd.DataFrame) -> str:
    """Name the largest sure surplus and the largest sure deficit; blank if there is neither."""
    position = _keep_lines(position)
    sure = position[position["sign_label"] != UNSURE]
    parts = []
    above = sure[sure["surplus_pence"] > 0]
    if len(above):
        best = _sort(above, "surplus_pence").iloc[0]
        parts.append(
            f"The largest surplus is in {best['line_name']}, {format_gbp(best['surplus_pence'])}"
        )
    below = sure[sure["surplus_pence"] < 0]
    if len(below):
        worst = _sort(below, "surplus_pence", ascending=True).iloc[0]
        parts.append(
            f"the largest deficit is in {worst['line_name']}, {format_gbp(-worst['surplus_pence'])}"
        )
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def describe_subsidy_volume(totals: pd.DataFrame) -> str:
    """Say how much of the lines' income pays for other lines, and what is left over or unfunded."""
    amounts = totals.set_index("measure")["amount_pence"]
    rates = totals.set_index("measure")["income_prop"]
    above, below, volume = amounts["surpluses"], amounts["deficits"], amounts["volume"]
    if above == 0 and below == 0:
        return "Every line earns exactly what it costs: there is nothing to pay for."
    if below == 0:
        return (
            f"No line costs more than it earns, so there is no cross-subsidy. The lines' surpluses "
            f"add up to {format_gbp(above)}."
        )
    if above == 0:
        return (
            f"No line earns more than it costs, so no line pays for another. The lines' deficits, "
            f"{format_gbp(below)}, fall on the trust."
        )
    text = (
        f"Lines in surplus earn {format_gbp(above)} more than they cost; lines in deficit cost "
        f"{format_gbp(below)} more than they earn. So {format_gbp(volume)} of one line's income pays "
        f"for another's care: {_write_rate(rates['volume'])} of all lines' income."
    )
    if amounts["unfunded"] > 0:
        return (
            f"{text} Surpluses do not stretch to the deficits: {format_gbp(amounts['unfunded'])} is "
            "paid for by no line."
        )
    if amounts["retained"] > 0:
        return f"{text} {format_gbp(amounts['retained'])} is left over."
    return f"{text} Nothing is left over."


def describe_wider_volume(totals: pd.DataFrame) -> str:
    """Say how the volume changes with the trust's other columns, and with private work apart."""
    amounts = totals.set_index("measure")["amount_pence"]
    base = amounts["volume"]
    wider, private = amounts["volume@with_others"], amounts["volume@private_apart"]
    text = (
        f"With education, research, other and unattributed income and cost as columns of their own, "
        f"the volume is {_compare(wider, base)}."
    )
    if private != base:
        text += f" With each line's private patients as a column of their own, it is {_compare(private, base)}."
    return text


def describe_coverage(position: pd.DataFrame, coverage: pd.DataFrame) -> str:
    """Say how far contributions pay for overheads, in all and at the two ends."""
    if coverage.empty or coverage["overhead_pence"].sum() <= 0:
        return "No overheads fall on service lines."
    pool, overhead = coverage["contribution_pence"].sum(), coverage["overhead_pence"].sum()
    text = (
        f"All lines together contribute {format_gbp(pool)} towards overheads and capital charges of "
        f"{format_gbp(overhead)}: {format_prop(pool / overhead)} of them."
    )
    lines = _keep_lines(coverage).merge(
        position[["line_id", "line_name"]], on="line_id", how="left", validate="one_to_one"
    )
    short = lines[(lines["coverage_prop"] < 1) & (lines["coverage_prop"] >= 0)]
    none = lines[lines["coverage_prop"] < 0]
    if len(short):
        text += f" {count_words(len(short), 'line')} {_agree(len(short), 'pays', 'pay')} part of {_agree(len(short), 'its', 'their')} share."
    if len(none):
        text += (
            f" {count_words(len(none), 'line')} {_agree(len(none), 'pays', 'pay')} none of it, because income does not "
            f"cover direct and indirect cost: {_name_lines(none, 'coverage_prop', ascending=True)}."
        )
    return _capitalise(text)


def describe_funding(funding_lines: pd.DataFrame, matrix: pd.DataFrame) -> str:
    """Say who gives most and who receives most under the proportional convention."""
    if matrix.empty or matrix["amount_pence"].sum() == 0:
        return "No line pays for another, so there are no flows to show."
    given = _sort(funding_lines[funding_lines["given_pence"] > 0], "given_pence")
    received = _sort(funding_lines[funding_lines["received_pence"] > 0], "received_pence")
    volume = matrix["amount_pence"].sum()
    return (
        f"{count_words(len(given), 'line')} {_agree(len(given), 'pays', 'pay')} for "
        f"{count_words(len(received), 'other')}. {_name_share(given, 'given_pence', volume)} of what is "
        f"given; {_name_share(received, 'received_pence', volume, verb='receives')} of it."
    )


def describe_sensitivity(summary: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say how many signs hold under every rule, and name those that do not."""
    summary = _keep_lines(summary)
    if summary.empty:
        return "No service line has income or cost."
    n_rules = int(summary["n_rules"].iloc[0])
    if n_rules == 1:
        return "Only one rule could be tried, so nothing is known of other rules."
    counts = summary["sign_label"].value_counts()
    unsure = int(counts.get(UNSURE, 0))
    text = (
        f"Under {_write_rules(summary)}, {int(counts.get(STABLE, 0))} of "
        f"{count_words(len(summary), 'line')} keep the same sign under every one"
    )
    text += f" and {int(counts[MOSTLY])} under at least four in five." if MOSTLY in counts else "."
    if not unsure:
        return f"{text} No line's sign is a matter of choice."
    named = summary.merge(
        position[["line_id", "line_name"]], on="line_id", how="left", validate="one_to_one"
    )
    named = named[named["sign_label"] == UNSURE]
    verb = _agree(unsure, "is", "are")
    return (
        f"{text} {count_words(unsure, 'line')} {verb} in surplus under one fair rule and in deficit "
        f"under another: {_name_lines(named, 'base_pence')}. Do not act on {_agree(unsure, 'its', 'their')} sign."
    )


def describe_causes(summary: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say whether overheads or income make a sign unsure; blank where no sign is."""
    unsure = _keep_lines(summary)
    unsure = unsure[unsure["sign_label"] == UNSURE].merge(
        position[["line_id", "line_name"]], on="line_id", how="left", validate="one_to_one"
    )
    endings = (
        ("overheads", "with the way overheads are shared"),
        ("income", "only with what is counted as income: prices, or fixed contract sums"),
        ("both", "with the way overheads are shared, and also with the basis of income"),
    )
    parts = []
    for cause, ending in endings:
        found = unsure[unsure["depends_on"] == cause]
        if len(found):
            verb = _agree(len(found), "turns", "turn")
            sign = _agree(len(found), "sign", "signs")
            parts.append(f"The {sign} of {_name_lines(found, 'base_pence')} {verb} {ending}.")
    return " ".join(parts)


def describe_width(summary: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say which line's surplus moves most with the rule, as a share of its income."""
    known = _keep_lines(summary)
    known = known[known["width_income_prop"] > 0]
    if known.empty:
        return "No line's surplus moves with the rule."
    widest = _sort(known, "width_income_prop").iloc[0]
    name = position.set_index("line_id")["line_name"][widest["line_id"]]
    return (
        f"The choice of rule moves {name} most: from {format_gbp(widest['min_pence'], signed=True)} to "
        f"{format_gbp(widest['max_pence'], signed=True)}, a range of "
        f"{_write_rate(widest['width_income_prop'])} of its income."
    )


def describe_private(private: pd.DataFrame) -> str:
    """Say where private income hides an NHS loss; or that there is no private work."""
    if private.empty:
        return (
            "No private patients are recorded by line, so NHS and private work cannot be set apart."
        )
    hidden = private[private["is_masked"].astype("bool")]
    text = f"{count_words(len(private), 'line')} {_agree(len(private), 'treats', 'treat')} private patients."
    if hidden.empty:
        return _capitalise(f"{text} In none of them does private income hide a loss on the rest.")
    cases = [
        f"{row['line_name']} (line {format_gbp(row['surplus_pence'], signed=True)}: private "
        f"{format_gbp(row['private_surplus_pence'], signed=True)}, NHS "
        f"{format_gbp(row['nhs_surplus_pence'], signed=True)})"
        for _, row in _sort(hidden, "nhs_surplus_pence", ascending=True).head(FEW_NAMES).iterrows()
    ]
    if len(hidden) > FEW_NAMES:
        cases.append(f"{len(hidden) - FEW_NAMES} more")
    return _capitalise(
        f"{text} In {count_words(len(hidden), 'line')} a surplus on private patients hides a loss on "
        f"the rest: {join_words(cases)}."
    )


def describe_within_line(
    within_line: pd.DataFrame, masking: pd.DataFrame, position: pd.DataFrame
) -> str:
    """Say how far margins cancel inside lines, and name the widest gap between two kinds of care."""
    masking = _keep_lines(masking)
    if masking.empty:
        return "Inside a line nothing can be shown: that needs activity by patient, and its prices."
    names = position.set_index("line_id")["line_name"]
    high = masking[masking["masking_prop"] >= HIGH_MASKING_PROP]
    text = (
        f"In {len(high)} of {count_words(len(masking), 'line')}, at least half of the gains and losses by "
        "point of delivery cancel out before the line's total is struck."
    )
    gains = _sort(
        masking.assign(hidden=masking[["surpluses_pence", "deficits_pence"]].min(axis=1)), "hidden"
    )
    most = gains.iloc[0]
    if most["hidden"] <= 0:
        return f"{text} No line gains on one kind of care and loses on another."
    pods = within_line[(within_line["line_id"] == most["line_id"]) & (within_line["pod"] != "REST")]
    best = pods.loc[pods["surplus_pence"].idxmax()]
    worst = pods.loc[pods["surplus_pence"].idxmin()]
    return (
        f"{text} Most is hidden in {names[most['line_id']]}: {_lower(best['pod'])} at "
        f"{format_gbp(best['surplus_pence'], signed=True)} against {_lower(worst['pod'])} at "
        f"{format_gbp(worst['surplus_pence'], signed=True)}."
    )


def describe_unmapped(position: pd.DataFrame) -> str:
    """Warn of cost that found no line or no patient, where there is any; blank otherwise."""
    unmapped = position.loc[position["line_id"] == UNMAPPED, "full_cost_pence"].sum()
    unmatched = position["unmatched_pence"].sum()
    cost = position["full_cost_pence"].sum()
    if cost <= 0 or (unmapped == 0 and unmatched == 0):
        return ""
    parts = []
    if unmatched:
        parts.append(
            f"{format_gbp(unmatched)} ({_write_rate(unmatched / cost)}) is activity that matched no patient; "
            "it is inside the line that asked for it"
        )
    if unmapped:
        parts.append(
            f"{format_gbp(unmapped)} ({_write_rate(unmapped / cost)}) belongs to no service line and is shown as one"
        )
    return f"Of the lines' cost, {'; '.join(parts)}."


def _keep_lines(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out what the map gives to no line: it is printed as a line but is none."""
    return frame[frame["line_id"] != UNMAPPED]


def _describe_below(n_below: int, n_below_care: int) -> str:
    covers = n_below - n_below_care
    if not n_below_care:
        return (
            f"{_agree(n_below, 'The line', 'Each line')} in deficit still covers its own care; what it "
            "does not cover is its share of overheads."
        )
    if not covers:
        return (
            f"{_agree(n_below, 'The line in deficit does not cover', 'No line in deficit covers')} "
            "even its own care, before any overhead."
        )
    return (
        f"Of those in deficit, {covers} {_agree(covers, 'covers its', 'cover their')} own care but not "
        f"{_agree(covers, 'its', 'their')} share of overheads; {n_below_care} "
        f"{_agree(n_below_care, 'does', 'do')} not cover even the care itself."
    )


def _sort(frame: pd.DataFrame, column: str, *, ascending: bool = False) -> pd.DataFrame:
    return frame.sort_values([column, "line_id"], ascending=[ascending, True], kind="stable")


def _name_lines(lines: pd.DataFrame, column: str, *, ascending: bool = False) -> str:
    """Name up to three lines by size, and how many more there are."""
    size = lines.assign(size=lines[column].abs())
    names = _sort(size, "size", ascending=ascending)["line_name"].tolist()
    more = len(names) - FEW_NAMES
    if more > 1:
        names = [*names[:FEW_NAMES], f"{more} more"]
    if any("," in name for name in names) and len(names) > 1:
        return f"{'; '.join(names[:-1])}; and {names[-1]}"
    return join_words(names)


def _name_share(lines: pd.DataFrame, column: str, volume: int, *, verb: str = "gives") -> str:
    first = lines.iloc[0]
    return f"{first['line_name']} {verb} most, {format_prop(first[column] / volume)}"


def _compare(amount: int, base: int) -> str:
    if amount == base:
        return f"the same, {format_gbp(amount)}"
    return f"{format_gbp(amount)}, {'more' if amount > base else 'less'} than the {format_gbp(base)} on lines alone"


def _write_rules(summary: pd.DataFrame) -> str:
    """Return `6 rules`, or how many ways of sharing overheads with how many bases of income."""
    n_rules, n_bases = int(summary["n_rules"].iloc[0]), int(summary["n_bases"].iloc[0])
    if n_bases == 1:
        return f"{format_count(n_rules)} rules for sharing overheads"
    contracted = "and as contracted"
    if n_bases > 2:
        contracted = f"and with fixed contract sums shared in {n_bases - 1} ways"
    return (
        f"{format_count(n_rules)} rules ({format_count(n_rules // n_bases)} ways of sharing overheads, each with income at price "
        f"{contracted})"
    )


def _write_rate(prop: float) -> str:
    """Return a percentage with one decimal, or `less than 0.1%` for what would round away."""
    if 0 < prop < SMALLEST_WRITTEN_PROP:
        return "less than 0.1%"
    return format_prop(prop, 1)


def _lower(pod: str) -> str:
    name = PODS.get(pod, pod)
    return name[0].lower() + name[1:]


def _capitalise(text: str) -> str:
    return text[0].upper() + text[1:] if text else text


def _agree(n: int, one: str, many: str) -> str:
    """Return the word that agrees with a count: `pays` or `pay`."""
    return one if n == 1 else many
