"""Income at published prices: activity x price x market forces factor, where there is a price."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.money import hamilton

MOST_YEARS_APART = 2  # between costs and prices
# Which list of prices a setting is paid from; a setting that is not here has no published price.
BASIS_OF_SETTING = {
    "EL": "PLANNED", "DC": "PLANNED", "NEL": "NEL", "NES": "NES", "OPROC": "OPROC", "CL": "OP",
    "EM": "EM12", "IMAG": "IMAG", "NM": "OTHER", "CHEM": "OTHER", "RAD": "OTHER",
}  # fmt: skip
MINOR_DEPARTMENTS = (
    "T03",
    "T04",
    "03",
    "04",
)  # how service codes of type 3 and 4 departments begin
WHY_UNPRICED = {
    "setting": "no price is published for this setting",
    "currency": "this currency has no price in this setting",
    "mixed": "the setting is not published, and prices differ by setting",
    "activity": "activity is suppressed",
}


def add_prices(cells: pd.DataFrame, prices: pd.DataFrame, *, factor: float) -> pd.DataFrame:
    """Add price, income and the reason where there is none to an organisation's cells.

    Parameters
    ----------
    cells
        ``setting, service_code, currency_code, activity, cost_pence, cost_only_pence``.
    prices
        ``basis, currency_code, treatment_function_code, price_gbp``.
    factor
        The organisation's market forces factor.

    Returns
    -------
    pd.DataFrame
        The same rows with ``price_gbp`` (pounds a unit, before the factor), ``income_pence`` (whole pence;
        missing without a price), ``priced_cost_pence`` (cost of priced activity, else 0) and
        ``why_unpriced`` (blank if priced).

    Notes
    -----
    Episodes are counted where prices pay for spells (decision D-226).
    """
    is_minor = cells["setting"].eq("EM") & cells["service_code"].str.startswith(MINOR_DEPARTMENTS)
    basis = cells["setting"].map(BASIS_OF_SETTING).mask(is_minor, "EM3")
    keys = pd.DataFrame(
        {
            "basis": basis.fillna(""),
            "currency_code": cells["currency_code"],
            "treatment_function_code": cells["service_code"].where(basis.eq("OP"), ""),
        },
        index=cells.index,
    )
    found = keys.merge(prices, how="left", on=list(keys.columns), validate="many_to_one")
    price = pd.Series(found["price_gbp"].to_numpy("float64"), index=cells.index)
    has_activity = cells["activity"].gt(0)
    priced = price.notna() & has_activity
    income = (cells["activity"] * price * factor * 100 + 0.5).where(priced)
    why = pd.Series("", index=cells.index, dtype="str")
    why = why.mask(price.isna(), "currency").mask(basis.isna(), "setting")
    why = why.mask(cells["setting"].isin(["MIXED", "OUT"]), "mixed").mask(~has_activity, "activity")
    observed = cells["cost_pence"] - cells["cost_only_pence"]
    return cells.assign(
        price_gbp=price.where(priced),
        income_pence=income.map(lambda value: int(value // 1), na_action="ignore").astype("Int64"),
        priced_cost_pence=observed.where(priced, 0).astype("int64"),
        why_unpriced=why.mask(priced, ""),
    )


def find_positions(priced: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return income at price against cost by line or setting, on two bases.

    *At price* takes prices as published. *In proportion* shares the cost of all priced activity in
    proportion to income at price: what each would earn if the organisation as a whole were paid what
    it spent. Its margins add up to nothing, so that it tells who is ahead of whom whatever the
    level of prices (decision D-227).

    Parameters
    ----------
    priced
        From ``add_prices``.
    by
        ``line_id`` or ``setting``.

    Returns
    -------
    pd.DataFrame
        ``by, cost_pence, priced_cost_pence, unpriced_cost_pence, income_pence, margin_pence,
        level_income_pence, level_margin_pence, sign_label``; all whole pence. ``sign_label`` is
        ``stable`` if both margins have one sign, ``depends`` if not, ``none`` if nothing is priced.
    """
    sums = priced.groupby(by, as_index=False)[
        ["cost_pence", "priced_cost_pence", "income_pence"]
    ].sum()
    sums = sums.astype({"income_pence": "int64"})
    sums["unpriced_cost_pence"] = sums["cost_pence"] - sums["priced_cost_pence"]
    sums["margin_pence"] = sums["income_pence"] - sums["priced_cost_pence"]
    total = int(sums["priced_cost_pence"].sum())
    has_income = int(sums["income_pence"].sum()) > 0
    level = hamilton(total, sums["income_pence"].tolist(), sums[by].tolist()) if has_income else 0
    sums["level_income_pence"] = pd.Series(level, index=sums.index, dtype="int64")
    sums["level_margin_pence"] = sums["level_income_pence"] - sums["priced_cost_pence"]
    agree = sums["margin_pence"].ge(0) == sums["level_margin_pence"].ge(0)
    sums["sign_label"] = agree.map({True: "stable", False: "depends"}).astype("str")
    sums["sign_label"] = sums["sign_label"].mask(sums["priced_cost_pence"].eq(0), "none")
    return sums


def total_subsidy(positions: pd.DataFrame, column: str) -> dict[str, int]:
    """Return all surpluses, all deficits and the smaller of the two: the cross-subsidy, whole pence."""
    margins = positions.loc[positions["sign_label"] != "none", column]
    surpluses, deficits = int(margins.clip(lower=0).sum()), int(-margins.clip(upper=0).sum())
    return {
        "surpluses_pence": surpluses,
        "deficits_pence": deficits,
        "subsidy_pence": min(surpluses, deficits),
    }
