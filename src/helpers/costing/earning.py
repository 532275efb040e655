"""What each line earns, by the rules that the trust's files allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import PRIVATE_CARE
from helpers.costing import income
from helpers.costing.clock import find_period
from helpers.costing.contract import NO_CONTRACT
from helpers.costing.critical_care import price_critical_care
from helpers.costing.pass_through import share_pass_through
from helpers.errors import InputError, name_a_few


def earn_lines(
    db: QueryEngine,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    ledger_income: pd.DataFrame,
    pool_line_costs: pd.DataFrame,
    mode: str,
) -> pd.DataFrame:
    """Return ``line_income``, on the price basis where there are events and prices.

    Beside prices stand those of days in critical care, and pass-through sums of the contract, which
    follow traced items.
    """
    lines = set(frames["service_lines"]["line_id"])
    income.check_owners(ledger_income, lines)
    has_prices = mode != "slr" and len(frames.get("prices", ())) > 0
    if mode != "slr":
        prices = frames["prices"] if has_prices else income.NO_PRICES
        income.price_events(db, prices, mff=settings.get("mff") or 1)
        private = income.add_private_income(db, ledger_income, lines)
        critical = price_critical_care(
            db, prices, find_period(settings), mff=settings.get("mff") or 1
        )
    else:
        private = income.total_owned_private_income(ledger_income, lines)
    if has_prices:
        passed = share_pass_through(frames.get("contract_income", NO_CONTRACT), pool_line_costs)
        parts = [income.total_price_income(db), critical, passed]
        clinical = pd.concat(parts, ignore_index=True)
    else:
        clinical = income.total_owned_income(ledger_income, lines)
        clinical = clinical[clinical["line_id"] != income.NOT_ATTRIBUTED]
    other = income.total_other_income(ledger_income, lines)
    every = pd.concat([clinical, private, other], ignore_index=True)
    return income.close_clinical_income(every, ledger_income)


def describe_unpriced(line_hrgs: pd.DataFrame, prices: pd.DataFrame | None) -> list[str]:
    """Say which care has no price, what it cost, and how much income that leaves unattributed.

    Parameters
    ----------
    line_hrgs
        Table of that name. Private care and unfinished spells have no price and are left out.

    Raises
    ------
    InputError
        INC-003 if there are prices and none of them is for care that was given.
    """
    care = line_hrgs[(line_hrgs["pod"] != PRIVATE_CARE) & (line_hrgs["n_cases"] > 0)]
    if prices is None or prices.empty or care.empty:
        return []
    asked = set(zip(care["hrg"], care["pod"], strict=True))
    listed = set(zip(prices["hrg"], prices["pod"], strict=True))
    if not asked & listed:
        raise InputError(
            f"prices: none of the {len(prices):,} prices is for an HRG and point of delivery that was "
            f"treated. Prices are for {name_a_few(sorted(f'{h} {p}' for h, p in listed))}; the activity has "
            f"{name_a_few(sorted(f'{h} {p}' for h, p in asked))}.\nCorrect columns hrg and pod of prices, or "
            "leave the file out.",
            rule="INC-003",
        )
    free = care[[pair not in listed for pair in zip(care["hrg"], care["pod"], strict=True)]]
    if free.empty:
        return []
    largest = free.sort_values(["full_cost_pence", "hrg", "pod"], ascending=[False, True, True])
    names = (largest["hrg"].replace("", "no HRG") + " " + largest["pod"]).drop_duplicates()
    return [
        f"Spells and attendances that have no price and earn nothing: {free['n_cases'].sum():,}. The dearest "
        f"of {len(names):,} kinds: {name_a_few(names.head(5))}. They cost £{free['full_cost_pence'].sum() / 100:,.2f}. What "
        "commissioners paid for them stands under income not attributed; add their prices."
    ]
