"""What stays look like in hours, and whether findings in days are seen there too."""

from __future__ import annotations

import pandas as pd

from helpers.report.formats import count_words, format_count, join_words

HOURS_A_DAY = 24


def describe_hours(hours: pd.DataFrame, groups: pd.DataFrame) -> str:
    """Say how long stays are by the clock, and which findings in days it does not bear out.

    Parameters
    ----------
    hours
        Table ``stay_hours``.
    groups
        Table ``stay_groups`` with ``group_name`` (``name_groups``).
    """
    if hours.empty:
        return (
            "A day is a night in hospital. The files hold dates without times, so stays cannot be told "
            "in hours."
        )
    everyone = hours[hours["grouping"] == "trust"].iloc[0]
    mean = everyone["observed_hours"] / everyone["n_spells"]
    text = (
        f"A day is a night in hospital. By the clock the {format_count(everyone['n_spells'])} stays last "
        f"{mean:,.0f} hours on average ({mean / HOURS_A_DAY:.1f} times 24), half of them {everyone['median_hours']:,.0f} "
        "or less."
    )
    found = groups[groups["is_material"].astype(bool)].merge(
        hours[["grouping", "group", "effect_hours"]],
        on=["grouping", "group"],
        validate="one_to_one",
    )
    if found.empty:
        return text
    other = found[found["effect_hours"] * found["effect_days"] <= 0]
    n = len(found)
    which = f"{count_words(n, 'finding')} on lines, wards and consultants"
    if other.empty:
        verb = "points" if n == 1 else "all point"
        return f"{text} In hours, {which} {verb} the same way."
    names = join_words(sorted(other["group_name"].astype("str")))
    verb = "points" if len(other) == 1 else "point"
    return f"{text} Of {which}, {len(other)} {verb} the other way in hours: {names}."
