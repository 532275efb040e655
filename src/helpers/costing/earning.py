"""What each line earns, by the rules that the trust's files allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.costing import income


def earn_lines(
    db: QueryEngine,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    ledger_income: pd.DataFrame,
    mode: str,
) -> pd.DataFrame:
    """Return ``line_income``, on the price basis where there are events and prices."""
    lines = set(frames["service_lines"]["line_id"])
    income.check_owners(ledger_income, lines)
    has_prices = mode != "slr" and len(frames.get("prices", ())) > 0
    if mode != "slr":
        prices = frames["prices"] if has_prices else income.NO_PRICES
        income.price_events(db, prices, mff=settings.get("mff") or 1)
        private = income.add_private_income(db, ledger_income, lines)
    else:
        private = income.total_owned_private_income(ledger_income, lines)
    if has_prices:
        clinical = income.total_price_income(db)
    else:
        clinical = income.total_owned_income(ledger_income, lines)
        clinical = clinical[clinical["line_id"] != income.NOT_ATTRIBUTED]
    other = income.total_other_income(ledger_income, lines)
    every = pd.concat([clinical, private, other], ignore_index=True)
    return income.close_clinical_income(every, ledger_income)
