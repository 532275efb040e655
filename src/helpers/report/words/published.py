"""Sentences of the pages that are made from published figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.report.formats import (
    count_words,
    format_count,
    format_gbp,
    format_prop,
    join_words,
)
from helpers.report.tables.published import name_line, name_setting

ENGLAND, ALL = "ENGLAND", "ALL"
FEW = 3
SMALL_PROP = 0.0005
REFERENCE_WORDS = {
    "organisations": "the mean of all other organisations in the file",
    "schedule": "the national schedule’s mean",
    "none": "nothing: no national mean is there",
}


def describe_basis(facts: dict[str, str]) -> str:
    """Return the caution at the top of every page: published figures only, and how much they cover."""
    words = (
        "Made from what NHS England publishes, without any trust’s ledger or patients. It shows unit costs "
        "and prices, not income received: read it as questions to ask, not as an account."
    )
    covered = find_covered_prop(facts)
    if covered is not None and covered < 1 - SMALL_PROP:
        words += f" The file here holds {format_prop(covered)} of the trust’s published cost; the rest is not shown."
    return words


def find_covered_prop(facts: dict[str, str]) -> float | None:
    """Return the share of the organisation's stated total that the cells hold; None if none is stated."""
    if not facts["stated_total_pence"]:
        return None
    return int(facts["cost_pence"]) / int(facts["stated_total_pence"])


def describe_sources(facts: dict[str, str]) -> str:
    """Say which files and years the report rests on."""
    parts = [f"Costs: {facts['cost_files']}, {facts['year']}."]
    if facts["tariff_year"]:
        parts.append(
            f"Prices and market forces factors: {facts['tariff_file']}, {facts['tariff_year']}."
        )
    else:
        parts.append("No prices within two years of the costs are there, so no income is shown.")
    parts.append(
        f"Costs are held against {REFERENCE_WORDS[facts['reference']]}{_other_year(facts)}."
    )
    return " ".join(parts)


def _other_year(facts: dict[str, str]) -> str:
    other = facts["reference"] == "schedule" and facts["reference_year"] != facts["year"]
    return f", that of {facts['reference_year']}" if other else ""


def describe_coverage(facts: dict[str, str]) -> str:
    """Say how much cost the files hold for the organisation, and of how much the setting is known."""
    cost, mixed = int(facts["cost_pence"]), int(facts["mixed_pence"])
    covered = find_covered_prop(facts)
    words = (
        f"The files hold {format_gbp(cost)} of cost for {facts['trust_name']} in {facts['year']}"
    )
    if covered is not None:
        words += f", {format_prop(covered, 1)} of the {format_gbp(int(facts['stated_total_pence']))} stated for it"
    words += "."
    if mixed:
        words += (
            f" For {format_gbp(mixed)} of it ({format_prop(mixed / cost, 1)}) the file does not say in which setting "
            "care was given, so that it cannot be priced."
        )
    return words


def describe_accounts(accounts: pd.DataFrame, facts: dict[str, str]) -> str:
    """Say how many rows and pounds were kept and set aside."""
    kept = accounts["reason"] == ""
    n_all, n_kept = int(accounts["n_rows"].sum()), int(accounts.loc[kept, "n_rows"].sum())
    words = f"{format_count(n_all)} rows were read and {format_count(n_kept)} kept."
    aside = int(accounts.loc[~kept, "cost_pence"].sum())
    if n_all > n_kept:
        words += f" {format_count(n_all - n_kept)} rows with {format_gbp(aside)} were set aside, each with a reason."
    hidden = int(accounts.loc[kept, "n_cost_only"].sum())
    if hidden:
        words += (
            f" {count_words(hidden, 'row has', 'rows have')} a cost and no activity (the publisher hides small "
            "numbers): the cost is counted, and no unit cost, price or mean is worked out from it."
        )
    return words


def describe_totals(totals: pd.DataFrame) -> str:
    """Say whether the publisher's own totals are those of the rows."""
    if totals.empty:
        return "The files state no totals of their own to compare with."
    wrong = totals[~totals["agrees"].astype(bool)]
    words = f"{count_words(len(totals), 'total')} that the publisher states were added up again from the rows."
    if wrong.empty:
        return f"{words} All agree."
    worst = wrong.iloc[
        (wrong["difference"] / wrong["recomputed"].abs().clip(lower=1)).abs().argmax()
    ]
    return (
        f"{words} {count_words(len(wrong), 'of them does', 'of them do')} not agree: for example {worst['item']} on "
        f"the sheet {worst['sheet']}, {worst['measure']} {worst['stated']:,.2f} stated and "
        f"{worst['recomputed']:,.2f} added up. This report uses the rows."
    )


def describe_costs(lines: pd.DataFrame) -> str:
    """Name the largest lines and their share of cost."""
    total = int(lines["cost_pence"].sum())
    largest = lines.sort_values(["cost_pence", "line_id"], ascending=[False, True]).head(FEW)
    names = [
        f"{name_line(row.line_id)} ({format_gbp(row.cost_pence)}, {format_prop(row.cost_pence / total)})"
        for row in largest.itertuples()
    ]
    return f"{count_words(len(lines), 'line')} cost {format_gbp(total)} together. The largest are {_list(names)}."


def describe_index(index: pd.DataFrame, facts: dict[str, str]) -> str:
    """Say what the trust costs against the nation's means, and for which lines the answer is sure."""
    if index.empty:
        return describe_no_index(facts)
    whole = index.set_index("line_id").loc[ALL]
    words = (
        f"Care that could be compared cost {format_gbp(whole['observed_pence'])}; the same activity at national "
        f"means would have cost {format_gbp(whole['expected_pence'])}: an index of {whole['index_ratio']:.2f}"
    )
    if pd.notna(whole["ci_low"]):
        words += f" (95% interval {whole['ci_low']:.2f} to {whole['ci_high']:.2f})"
    words += "."
    if _other_year(facts):
        words += (
            f" The means are those of {facts['reference_year']}, not of {facts['year']}: the level holds a change of "
            "prices, so read the lines against each other."
        )
    sure = index[(index["line_id"] != ALL) & index["ci_low"].notna()]
    dear, cheap = sure[sure["ci_low"] > 1], sure[sure["ci_high"] < 1]
    words += f" Of {count_words(len(sure), 'line')} with enough currencies for an interval, "
    words += (
        f"{_count(len(dear), 'lies', 'lie')} clearly above the mean and {_count(len(cheap), 'lies', 'lie')} "
        "clearly below."
    )
    largest = dear.assign(excess=dear["observed_pence"] - dear["expected_pence"])
    largest = largest.sort_values(["excess", "line_id"], ascending=[False, True]).head(FEW)
    if len(largest):
        named = [
            f"{name_line(row.line_id)} ({row.index_ratio:.2f})" for row in largest.itertuples()
        ]
        words += f" Above it: {_list(named)}."
    return words


def describe_no_index(facts: dict[str, str]) -> str:
    """Say why there is no comparison with the nation."""
    if facts["trust_name"] == "England":
        return "England is the mean: it is not compared with itself."
    return (
        "No national mean is there: the file holds too few organisations to be one, and no national schedule "
        "within two years was supplied."
    )


def describe_stays(stays: pd.DataFrame, beds: pd.DataFrame, facts: dict[str, str]) -> str:
    """Say how long patients stayed against the nation; or what is published instead."""
    if len(stays) and facts["trust_name"] != "England":
        days, expected = stays["days"].sum(), stays["expected_days"].sum()
        return (
            f"Patients spent {days:,.0f} days in bed in overnight care that could be compared; at the nation’s mean "
            f"for the same currencies it would have been {expected:,.0f}: {format_prop(days / expected - 1, 1)} "
            f"{'more' if days >= expected else 'fewer'}."
        ).replace("−", "")
    if len(stays):
        episodes = stays["episodes"].sum()
        return f"An overnight episode took {stays['days'].sum() / episodes:.1f} days on average (long stays past the trim point not counted)."
    if len(beds):
        return (
            "Bed days by currency are not published for this year. The number of beds occupied by specialty is shown "
            f"instead, for the quarter to {beds['period'].iloc[-1]}; it says nothing of how long each patient stayed."
        )
    return "Bed days are not published for this year, and no file of occupied beds was supplied: nothing can be said of stays."


def describe_priced(lines: pd.DataFrame, facts: dict[str, str]) -> str:
    """Say how much cost has a price, and what year the prices are of."""
    if not facts["tariff_year"]:
        return "No prices within two years of these costs were supplied, so this page can show nothing."
    cost, priced = int(lines["cost_pence"].sum()), int(lines["priced_cost_pence"].sum())
    words = (
        f"{format_gbp(priced)} of {format_gbp(cost)} ({format_prop(priced / cost, 1)}) is care with a published price. "
        "The rest is left out: for some of it no price is published (community, mental health, critical care and more), for "
        "some the file does not tell which price applies."
    )
    if facts["tariff_year"] != facts["year"]:
        words += (
            f" Prices are those of {facts['tariff_year']} and costs those of {facts['year']}: the margins at price "
            "hold a change of prices, so rely on those in proportion."
        )
    return words


def describe_position(lines: pd.DataFrame) -> str:
    """Say how many lines earn their cost at price, and which keep their sign on both bases."""
    priced = lines[lines["sign_label"] != "none"]
    if priced.empty:
        return "No line has priced care in this file."
    margin = int(priced["margin_pence"].sum())
    income = int(priced["income_pence"].sum())
    words = (
        f"At published prices this care would earn {format_gbp(income)}, {format_gbp(abs(margin))} "
        f"{'more' if margin >= 0 else 'less'} than it cost."
    )
    sure = priced[priced["sign_label"] == "stable"]
    behind, ahead = sure[sure["margin_pence"] < 0], sure[sure["margin_pence"] >= 0]
    words += (
        f" Of {count_words(len(priced), 'line')}, {_count(len(behind), 'falls short', 'fall short')} at price and in "
        f"proportion, {_count(len(ahead), 'earns more', 'earn more')} on both, and for "
        f"{_count(len(priced) - len(sure), '', '')} the answer depends on the level of prices."
    )
    worst = behind.sort_values(["margin_pence", "line_id"]).head(FEW)
    if len(worst):
        named = [
            f"{name_line(r.line_id)} ({format_gbp(r.margin_pence, signed=True)})"
            for r in worst.itertuples()
        ]
        words += f" Furthest short: {_list(named)}."
    return words


def describe_subsidy(lines: pd.DataFrame) -> str:
    """Say how much the lines' surpluses would pay of the others' deficits, on both bases."""
    priced = lines[lines["sign_label"] != "none"]
    if len(priced) < 2:
        return "Fewer than two lines have priced care, so that none can pay for another."
    parts = {}
    for name in ("margin_pence", "level_margin_pence"):
        plus, minus = priced[name].clip(lower=0).sum(), -priced[name].clip(upper=0).sum()
        parts[name] = (int(plus), int(min(plus, minus)))
    at_price, level = parts["margin_pence"], parts["level_margin_pence"]
    words = (
        f"At price, surpluses of {format_gbp(at_price[0])} pay for {format_gbp(at_price[1])} of deficits."
        if at_price[0]
        else "At price no line has a surplus, so that none pays for another."
    )
    return (
        f"{words} If the whole had been paid exactly what it spent, in proportion to price, "
        f"{format_gbp(level[1])} would move between lines: that is the cross-subsidy which the relative prices "
        "themselves imply, whatever their level."
    )


def describe_settings(settings: pd.DataFrame) -> str:
    """Name the settings furthest ahead and behind in proportion to price."""
    priced = settings[settings["sign_label"] != "none"]
    if len(priced) < 2:
        return "Fewer than two settings have priced care."
    best = priced.loc[priced["level_margin_pence"].idxmax()]
    worst = priced.loc[priced["level_margin_pence"].idxmin()]
    return (
        f"In proportion to price, {name_setting(best['setting']).lower()} is furthest ahead "
        f"({format_gbp(best['level_margin_pence'], signed=True)}) and {name_setting(worst['setting']).lower()} furthest "
        f"behind ({format_gbp(worst['level_margin_pence'], signed=True)})."
    )


def describe_review(found: pd.DataFrame, facts: dict[str, str]) -> str:
    """Say how many currencies stand out, and what they are worth; or why nobody can say."""
    if found.empty:
        return describe_no_review(facts)
    dear, cheap = found[found["flag"] == "dearer"], found[found["flag"] == "cheaper"]
    words = (
        f"{count_words(len(found), 'currency', 'currencies')} of this trust could be held beside at least eight "
        f"trusts. {_capital(_count(len(dear), 'costs', 'cost'))} clearly more than at the median trust and "
        f"{_count(len(cheap), '', '')} clearly less."
    )
    if len(dear):
        words += f" The dearer ones cost {format_gbp(int(dear['excess_pence'].sum()))} more than at the median trust"
        words += (
            ", after taking off what chance explains."
            if len(dear) > 1
            else ", less what chance explains."
        )
    return f"{words} About one in ten of the named is expected to be named wrongly, if trusts differ as they usually do."


def describe_no_review(facts: dict[str, str]) -> str:
    """Say why no unit cost can be called unusual."""
    if facts["trust_name"] == "England":
        return "England is made of all trusts and has no peers: read a trust’s own report."
    return (
        f"The file holds {count_words(int(facts['n_orgs']), 'organisation')} for {facts['year']}. At least eight with "
        "the same currency are needed before any unit cost can be called unusual, so none is: that takes the "
        "full organisation-level file."
    )


def describe_trusts(trusts: pd.DataFrame, facts: dict[str, str], trust: str) -> str:
    """Say how trusts' indices scatter, how many lie outside the limits, and where this one lies."""
    drawn = keep_drawn(trusts)
    if drawn is None:
        return (
            f"The file holds {count_words(int(facts['n_orgs']), 'organisation')} that could be compared: too few for a "
            "picture of all trusts, which takes the full organisation-level file."
        )
    outside = int(drawn["place"].eq("outside").sum())
    spread = format_prop(float(np.exp(np.sqrt(drawn["tau2"].iloc[0])) - 1))
    words = (
        f"{count_words(len(drawn), 'trust')} are drawn. Beyond what their size explains, trusts commonly differ by "
        f"about {spread} either way. {_capital(_count(outside, 'lies', 'lie'))} outside the 99.8% limits."
    )
    own = drawn[drawn["org_code"] == trust]
    if len(own):
        row = own.iloc[0]
        where = {"inside": "inside the 95% limits", "between": "between the 95% and 99.8% limits",
                 "outside": "outside the 99.8% limits"}  # fmt: skip
        words += f" {facts['trust_name']} has an index of {row['index_ratio']:.2f}, {where[row['place']]}."
    left = len(trusts) - len(drawn)
    if left:
        words += f" {count_words(left, 'trust')} of whose cost less than half could be compared {'is' if left == 1 else 'are'} left out."
    return words


def keep_drawn(trusts: pd.DataFrame) -> pd.DataFrame | None:
    """Return the trusts that the funnel draws; None if they are too few for one."""
    drawn = trusts[trusts["compared_prop"] >= 0.5]
    return drawn if len(drawn) >= 10 else None


def describe_peers(peers: pd.DataFrame, trust: str, facts: dict[str, str]) -> str:
    """Say who the trust's peers are and how alike they are."""
    own = peers[peers["org_code"] == trust]
    if own.empty:
        return (
            ""
            if facts["trust_name"] == "England"
            else "No trust of a like size is in the file, so none is called a peer."
        )
    alike = 1 - own["distance_prop"]
    words = (
        f"{count_words(len(own), 'trust')} of a third to three times its size, those whose cost is spread over the "
        f"lines most alike: from {format_prop(alike.min())} to {format_prop(alike.max())} of their cost lies in the "
        "same lines."
    )
    listed = int(own["is_listed"].sum())
    return (
        f"{words} {listed} of them {'is' if listed == 1 else 'are'} also in the list of peers that was supplied."
        if listed
        else words
    )


def describe_checks(checks: pd.DataFrame) -> str:
    """Say whether every identity holds."""
    n = int(checks["passed"].sum())
    return f"{n} of {len(checks)} comparisons hold to the penny."


def describe_headlines(facts: dict[str, str], lines: pd.DataFrame, index: pd.DataFrame, found: pd.DataFrame) -> list[dict[str, str]]:  # fmt: skip
    """Return the summary's cards; what the files do not support has none."""
    priced = lines[lines["sign_label"] != "none"]
    cards = [{"label": "Cost in the published files", "value": format_gbp(int(facts["cost_pence"])),
              "note": _say_share(facts)}]  # fmt: skip
    if len(priced):
        margin = int(priced["margin_pence"].sum())
        cost = int(priced["priced_cost_pence"].sum())
        cards.append({"label": "Care with a published price", "value": format_gbp(cost),
                      "note": f"{format_prop(cost / int(facts['cost_pence']))} of that cost"})  # fmt: skip
        cards.append({"label": "Income at price, less cost", "value": format_gbp(margin, signed=True),
                      "note": f"at {facts['tariff_year']} prices; not what was paid"})  # fmt: skip
    whole = index[index["line_id"] == ALL]
    if len(whole):
        row = whole.iloc[0]
        note = (
            ""
            if pd.isna(row["ci_low"])
            else f"95% interval {row['ci_low']:.2f} to {row['ci_high']:.2f}; "
        )
        cards.append(
            {
                "label": "Cost index",
                "value": f"{row['index_ratio']:.2f}",
                "note": f"{note}1 is the national mean",
            }
        )
    if len(found):
        n = int(found["flag"].eq("dearer").sum())
        cards.append({"label": "Unit costs clearly above peers", "value": format_count(n),
                      "note": f"of {format_count(len(found))} compared"})  # fmt: skip
    return cards


def _say_share(facts: dict[str, str]) -> str:
    covered = find_covered_prop(facts)
    if covered is None:
        return f"{facts['year']}, as reported to NHS England"
    return f"{format_prop(covered, 1)} of the trust’s stated cost"


def list_limits(facts: dict[str, str], found: pd.DataFrame, trusts: pd.DataFrame) -> list[str]:
    """Return what this basis cannot show here, a sentence each."""
    limits = [
        "Income received: trusts are paid partly by fixed sums, which no file gives by service.",
        "Ledger cost by department, overheads, staff, consultants and patients: none of it is published.",
        "Spells: activity is counted in episodes, prices pay for spells, so income of long emergency stays is overstated.",
    ]  # fmt: skip
    if int(facts["mixed_pence"]):
        limits.append(
            "Prices of care whose setting the file leaves out: one currency has a price for each setting."
        )
    if found.empty and facts["trust_name"] != "England":
        limits.append("Unusual unit costs: the file holds too few trusts to compare with.")
    if keep_drawn(trusts) is None:
        limits.append("A picture of all trusts: the file holds too few.")
    if facts["reference"] == "none" and facts["trust_name"] != "England":
        limits.append("Cost against the nation: no national mean is there.")
    return limits


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _count(n: int, one: str, many: str) -> str:
    """Return `none falls short`, `1 falls short`, `3 fall short`."""
    number = "none" if n == 0 else format_count(n)
    return f"{number} {one if n < 2 else many}".strip()


def _list(names: list[str]) -> str:
    """Return names joined; those with commas inside by semicolons."""
    if any("," in name.split(" (")[0] for name in names) and len(names) > 1:
        return f"{'; '.join(names[:-1])}; and {names[-1]}"
    return join_words(names)
