"""Sentences of the consultant review, written from the trust's tables.

Consultants are named by pseudonym and line only (``name_review`` adds the label). A difference is a
difference from peers, never a judgement of a person.
"""

from __future__ import annotations

import pandas as pd

from helpers.report.formats import count_words, format_count, format_gbp, format_prop, join_words
from helpers.report.words.plain import name_lines, name_term

MOST_NAMES = 6
WIDE_TAU = 0.15  # log units
NOBODY = (
    "No consultant could be compared: the trust has no lines with enough consultants and spells."
)
MODEL_LIMIT = (
    "The chance of a wrong name is an estimate. Natural variation may follow the normal curve or have "
    "heavier tails, and one trust’s data can only partly tell which. In simulated trusts about one name in "
    "nine was wrong under the normal curve, and one in seven with heavier tails; nearly all of those wrongly "
    "named were truly more than 15% dearer. Where nobody was divergent, nobody was named."
)
MASKING = (
    "Two consultants who differ in the same direction mask each other there: each makes the other’s "
    "peers look dearer."
)
RIGHT_OF_REPLY = (
    "A name here is a question, not a finding of fact. Before anything is concluded the consultant "
    "sees the data, can correct them, and answers."
)


def describe_sample(exclusions: pd.DataFrame) -> str:
    """Say how many spells are compared and how many are left out."""
    rows = exclusions.set_index("reason")
    kept = int(rows["n_spells"].get("kept", 0))
    left = int(exclusions["n_spells"].sum()) - kept
    if not kept:
        return (
            "There are no patient spells to compare, so this page says nothing about consultants."
        )
    cost = int(rows["controllable_pence"].get("kept", 0))
    tail = f" {count_words(left, 'spell')} are left out, for the reasons below." if left else ""
    return f"{format_count(kept)} spells are compared, with {format_gbp(cost)} of controllable cost.{tail}"


def describe_findings(named: pd.DataFrame) -> str:
    """Say who differs from peers on cost, and how sure that is."""
    cost = named[named["measure"] == "cost"]
    n_tested = int((cost["flag"] != "not_tested").sum())
    if not n_tested:
        return NOBODY
    found = cost[cost["flag"] == "outlier"].sort_values("excess", ascending=False)
    of = f"Of {count_words(n_tested, 'consultant')} compared"
    if found.empty:
        return (
            f"{of}, none differs from peers by more than consultants naturally differ. "
            "A few always come out highest; that alone is not a finding."
        )
    wrong = float((1 - found["probability"]).mean())
    chance = "less than 1%" if wrong < 0.01 else f"about {format_prop(wrong)}"
    verb = "differs" if len(found) == 1 else "differ"
    return (
        f"{of}, {format_count(len(found))} {verb} from peers on cost by more than natural variation "
        f"explains: {_list_people(found)}. The estimated share of wrong names among them is {chance}."
    )


def describe_each(named: pd.DataFrame) -> list[str]:
    """Return one sentence for each consultant who differs on cost, outliers first."""
    cost = named[(named["measure"] == "cost") & named["flag"].isin(["outlier", "material"])]
    cost = cost.assign(first=cost["flag"] == "outlier")
    cost = cost.sort_values(["first", "excess"], ascending=False)
    return [describe_person(row) for row in cost.to_dict("records")]


def describe_person(row: dict) -> str:
    """Say how far one consultant is from peers, with what outcomes, and where the cost is."""
    gap = f"{format_prop(row['ratio'] - 1)} dearer than the typical peer for the same patients"
    interval = f"90% interval {format_prop(row['ci_low'] - 1)} to {format_prop(row['ci_high'] - 1)}"
    spells = count_words(int(row["n"]), "spell")
    outcome = {
        "better": "Their patients do better: the extra cost may be buying that.",
        "no_better": "A material benefit to patients is ruled out.",
        "worse": "Their patients do worse: look at this first.",
        "unknown": "Outcomes are not recorded, so benefit is not known and nothing is counted as a saving.",
    }.get(row["benefit"], "Outcomes are too few to tell, so nothing is counted as a saving.")
    source = f" The cost is in {name_term('cost_driver', row['driver'])}." if row["driver"] else ""
    limit = (
        ""
        if row["flag"] == "outlier"
        else " This is within what peers may differ by, so no saving is counted."
    )
    return f"{row['label']}: {gap} ({interval}, {spells}). {outcome}{source}{limit}"


def describe_stay_findings(named: pd.DataFrame) -> str:
    """Say whose patients stay longer than peers' by more than natural variation."""
    stay = named[named["measure"] == "los"]
    if not int((stay["flag"] != "not_tested").sum()):
        return "No stays could be compared between consultants."
    found = stay[stay["flag"] == "outlier"].sort_values("excess", ascending=False)
    if found.empty:
        return "No consultant’s patients stay longer by more than consultants naturally differ."
    parts = [
        f"{row['label']} ({format_prop(row['ratio'] - 1)} longer, about "
        f"{format_count(round(row['excess']))} bed days)"
        for row in found.head(MOST_NAMES).to_dict("records")
    ]
    return (
        f"On length of stay {join_words(parts)} {'differs' if len(found) == 1 else 'differ'} from peers. "
        "These days are part of the cost above; do not add them to it."
    )


def describe_small_lines(variation: pd.DataFrame, service_lines: pd.DataFrame) -> str:
    """Say which lines have too few consultants to be tested as the others are."""
    cost = variation[variation["measure"] == "cost"]
    few = cost[cost["tau"].isna()]
    if few.empty:
        return ""
    names = name_lines(few["line_id"].astype("str"), service_lines).tolist()
    text = (
        f"{join_words(sorted(names))} {'has' if len(names) == 1 else 'have'} too few consultants with "
        "enough spells for the model. Differences there are an indication at most and never count as a saving."
    )
    compared = few[few["n_no_comparator"].notna()]
    if compared.empty:
        return text
    n, alone = int(compared["n_spells"].sum()), int(compared["n_no_comparator"].sum())
    left_out = (
        f"{format_count(alone)} of {count_words(n, 'spell')} {'has' if alone == 1 else 'have'} no comparator, because no "
        f"other consultant there treats the like, and {'is' if alone == 1 else 'are'} left out"
        if alone
        else f"each of {count_words(n, 'spell')} has a comparator"
    )
    where = "In " + join_words(
        sorted(name_lines(compared["line_id"].astype("str"), service_lines).tolist())
    )
    return f"{text} {where} each consultant is set against the others; {left_out}. {MASKING}"


def describe_natural_variation(variation: pd.DataFrame, service_lines: pd.DataFrame) -> str:
    """Say how much consultants differ without anyone being divergent."""
    cost = variation[(variation["measure"] == "cost") & variation["tau"].notna()]
    if cost.empty:
        return "No line has enough consultants to tell how much they differ by nature."
    low, high = cost["tau"].min(), cost["tau"].max()
    text = (
        f"Consultants of one line differ by nature: by ±{format_prop(low)} in the most alike line and "
        f"±{format_prop(high)} in the least alike."
    )
    wide = cost[cost["tau"] > WIDE_TAU]
    if wide.empty:
        return text
    names = name_lines(wide["line_id"].astype("str"), service_lines).tolist()
    return (
        f"{text} In {join_words(names)} that is too wide to tell outliers apart, so none is named."
    )


def describe_benefit(named: pd.DataFrame) -> str:
    """Say what the outcomes of the dearer consultants' patients are."""
    cost = named[named["measure"] == "cost"]
    found = cost[cost["flag"].isin(["outlier", "material"])]
    if cost["ratio"].isna().all():
        return NOBODY
    if cost["odds_ratio"].isna().all():
        return (
            "The trust’s files hold no outcomes, so it cannot be said whether higher cost bought anything, "
            "and no saving is counted."
        )
    if found.empty:
        return "Nobody is named on cost, so no outcomes need to be weighed against it."
    parts = [
        f"{name_term('benefit', code)} for {_list_people(group)}"
        for code, group in found.groupby("benefit", sort=True)
    ]
    return f"Among the consultants who are dearer, patients’ outcomes are {'; '.join(parts)}."


def describe_benefit_price(prices: pd.DataFrame, named: pd.DataFrame) -> str:
    """Say what each bad outcome avoided costs where patients do better; blank if they do so for nobody."""
    if prices.empty:
        return ""
    people = named.drop_duplicates(["line_id", "consultant_code"]).set_index(
        ["line_id", "consultant_code"]
    )
    parts = []
    for row in prices.to_dict("records"):
        who = people.loc[(row["line_id"], row["consultant_code"])]
        spent = f"{who['pseudonym']}, {who['line_name']}, costs {format_gbp(row['excess_pence'])} a year more than the typical peer"
        if pd.isna(row["price_pence"]):
            parts.append(f"{spent}; how many bad outcomes that avoids cannot be counted.")
            continue
        low, high = format_gbp(row["price_low_pence"]), row["price_high_pence"]
        upper = "no upper end" if pd.isna(high) else format_gbp(high)
        parts.append(
            f"{spent}, and the patients have about {row['n_avoided']:.0f} fewer readmissions, deaths, complications and "
            f"returns to theatre than such patients elsewhere: {format_gbp(row['price_pence'])} for each one avoided "
            f"(90% interval {low} to {upper})."
        )
    parts.append(
        "Whoever holds one avoided to be worth more than that will call the money well spent. All kinds count alike "
        "here, though a death is no readmission."
    )
    return " ".join(parts)


def describe_saving(totals: pd.DataFrame) -> list[str]:
    """Return the saving in sentences: a range, what is left out, and what could be released as cash."""
    rows = totals.set_index("measure")
    counted, median = rows.loc["counted"], rows.loc["to_median"]
    rest = (
        f"{_range(rows.loc['divergent'])} is the estimate for all divergent practice, named or not."
    )
    if int(rows.loc["identified", "amount_pence"]) == 0:
        first = "No saving is identified, because nobody is named."
    elif int(counted["amount_pence"]) == 0:
        amount = format_gbp(rows.loc["identified", "amount_pence"])
        first = f"The consultants named cost {amount} more than typical peers would, but none of it counts: outcomes are better, too few or not recorded, or the trust has found a good reason."
    else:
        share = format_prop(counted["controllable_prop"], 2)
        whole = format_prop(counted["all_cost_prop"], 2)
        first = (
            f"If the consultants named, whose patients do no better, came down to the typical peer, the year’s "
            f"cost would fall by {_range(counted)}, {share} of the lines’ controllable cost and {whole} of all cost."
        )
        first += _describe_release(rows.loc["releasable"])
    warranted = rows["amount_pence"].get("warranted", 0)
    if warranted:
        first += f" {format_gbp(warranted)} more is left out because the trust’s own review found a good reason."
    warn = (
        f"Bringing everyone down to the median peer would make {_range(median)}, and to the cheapest quarter "
        f"{_range(rows.loc['to_quartile'])}, but a trust with no outliers at all would show large sums here too: "
        "they are no saving from outliers."
    )
    if int(rows["amount_pence"].get("to_median", 0)) == 0:
        return [first]
    return [first, f"For comparison, {rest[0].lower()}{rest[1:]}", warn] if rest else [first, warn]


def describe_saving_figure(totals: pd.DataFrame) -> str:
    """Say what the picture of the savings shows."""
    rows = totals.set_index("measure")
    return (
        f"Headline saving {_range(rows.loc['counted'])}; excess of all who are named "
        f"{format_gbp(rows.loc['identified', 'amount_pence'])}; all divergent practice "
        f"{format_gbp(rows.loc['divergent', 'amount_pence'])}; everyone to the median peer "
        f"{format_gbp(rows.loc['to_median', 'amount_pence'])}, which is not a saving from outliers."
    )


def _describe_release(row: pd.Series) -> str:
    if pd.isna(row["amount_pence"]):
        return " How much of it is cash cannot be said: the expense map does not tell what varies."
    return (
        f" That is gross. Within twelve months about {format_gbp(row['amount_pence'])} of it could be released "
        "as cash; the rest is staff and capacity that stay until they are used for other patients or closed."
    )


def _range(row: pd.Series) -> str:
    low, high = format_gbp(max(row["ci_low_pence"], 0)), format_gbp(max(row["ci_high_pence"], 0))
    return f"{format_gbp(row['amount_pence'])} (90% interval {low} to {high})"


def describe_funnel(named: pd.DataFrame) -> str:
    """Say what the funnel shows, for those who cannot see it."""
    cost = named[(named["measure"] == "cost") & named["std_error"].notna()]
    if cost.empty:
        return "No line has enough consultants for the model, so there is no funnel to draw."
    spread = cost["crude_ratio"]
    return (
        f"Cost against the typical peer of {count_words(len(cost), 'consultant')}, by number of spells: from "
        f"{format_prop(spread.min())} to {format_prop(spread.max())}. Most of the spread is chance and natural "
        f"variation; {count_words(int((cost['flag'] == 'outlier').sum()), 'consultant')} beyond both."
    )


def describe_lines_drawn(named: pd.DataFrame) -> str:
    """Say what the picture of consultants by line shows."""
    cost = named[named["measure"] == "cost"]
    found = cost[cost["flag"].isin(["outlier", "material", "indicative"])]
    if found.empty:
        return "The largest lines: every consultant’s interval is within what peers differ by."
    return f"Consultants of the lines with a finding, by cost against the typical peer: {_list_people(found)} stand apart."


def _list_people(rows: pd.DataFrame) -> str:
    parts = [
        f"{row['label']} ({format_prop(row['ratio'] - 1)} dearer)"
        for row in rows.head(MOST_NAMES).to_dict("records")
    ]
    more = len(rows) - MOST_NAMES
    return join_words([*parts, f"{format_count(more)} more"] if more > 0 else parts)
