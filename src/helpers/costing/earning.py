"""What each line earns, by the rules that the trust's files allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.costing import income
from helpers.costing.contract import NO_CONTRACT
from helpers.costing.pass_through import share_pass_through


def earn_lines(
    db: QueryEngine,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    ledger_income: pd.DataFrame,
    pool_line_costs: pd.DataFrame,
    mode: str,
) -> pd.DataFrame:
    """Return ``line_income``, on the price basis where there are events and prices.

    Beside prices stand pass-through sums of the contract, which follow traced items.
    """
    lines = set(frames["service_lines"]["line_id"])
    income.check_owners(ledger_income, lines)
    has_prices = mode == "plics" and len(frames.get("prices", ())) > 0
    if mode == "plics":
        prices = frames["prices"] if has_prices else income.NO_PRICES
        income.price_events(db, prices, mff=settings.get("mff") or 1)
        private = income.add_private_income(db, ledger_income, lines)
    else:
        private = income.total_owned_private_income(ledger_income, lines)
    if has_prices:
        passed = share_pass_through(frames.get("contract_income", NO_CONTRACT), pool_line_costs)
        clinical = pd.concat([income.total_price_income(db), passed], ignore_index=True)
    else:
        clinical = income.total_owned_income(ledger_income, lines)
        clinical = clinical[clinical["line_id"] != income.NOT_ATTRIBUTED]
    other = income.total_other_income(ledger_income, lines)
    every = pd.concat([clinical, private, other], ignore_index=True)
    return income.close_clinical_income(every, ledger_income)
