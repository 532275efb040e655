"""Income of critical care: a price a day, by the number of organs supported, beside the spell's own price."""

from __future__ import annotations

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import CRITICAL_CARE
from helpers.costing.clock import Period, days_between, seconds_between
from helpers.costing.income import INCOME_COLUMNS, MFF_DECIMALS, NO_INCOME

FILE = "clean_critical_care"
PERIOD_INCOME = "critical_income"
MOST_ORGANS = 6  # XC01Z is six organs or more, XC07Z none

# A period's days within the year, the first and the last among them, as critical care is counted.
PERIODS = f"""
SELECT cc_id, spell_id, moment, 'XC0' || CAST({MOST_ORGANS + 1} - organs AS VARCHAR) || 'Z' AS hrg,
       {days_between("moment", "last_moment")} + 1 AS days
FROM (
    SELECT cc_id, spell_id, greatest(start_dt, $period_start) AS moment,
           least(coalesce(end_dt, $last_second), $last_second) AS last_moment,
           CAST(least(greatest(coalesce(organs_supported, 0), 0), {MOST_ORGANS}) AS BIGINT) AS organs
    FROM {FILE}
    WHERE start_dt <= $last_second AND coalesce(end_dt, $last_second) >= $period_start
) AS c
WHERE last_moment >= moment
"""

# The episode that a period began in: the last one that had begun by then, else the spell's first.
INCOME = f"""
SELECT cc_id, event_id, line_id, hrg, days, unit_price_pence IS NOT NULL AS is_priced,
       CAST(floor(CAST(coalesce(unit_price_pence, 0) * days * $mff + $half AS DOUBLE) / $one) AS BIGINT)
           AS income_pence
FROM (
    SELECT c.cc_id, c.days, c.hrg, p.unit_price_pence, e.event_id, e.line_id, e.spell_pod,
           row_number() OVER (PARTITION BY c.cc_id ORDER BY
               CASE WHEN e.start_dt <= c.moment THEN 0 ELSE 1 END,
               abs({seconds_between("e.start_dt", "c.moment")}), e.event_id) AS place
    FROM ({PERIODS}) AS c
    LEFT JOIN critical_prices AS p ON p.hrg = c.hrg
    JOIN events AS e ON e.spell_id = c.spell_id AND e.event_kind = 'episode'
) AS placed
WHERE place = 1 AND coalesce(spell_pod, '') <> 'PRIV'
"""
TOTALS = f"""
SELECT line_id, CAST(sum(income_pence) AS BIGINT) AS amount_pence FROM {PERIOD_INCOME}
WHERE is_priced GROUP BY line_id ORDER BY line_id
"""


def price_critical_care(
    db: QueryEngine, prices: pd.DataFrame, period: Period, *, mff: float
) -> pd.DataFrame:
    """Return what lines earn by critical care: ``line_income`` rows I1, point of delivery CC.

    Makes the engine table ``critical_income``: the event, line, HRG, days and income of each period of an
    NHS patient, income nought without a price.

    Parameters
    ----------
    db
        Holds ``events`` and, where the trust has it, ``clean_critical_care``.
    prices
        ``hrg, pod, unit_price_pence``; those of CC are a day's.
    period
        The year; days outside it earn nothing in it.
    mff
        The trust's market forces factor.

    Returns
    -------
    pd.DataFrame
        None without periods or prices of them. The income is a line's and not a spell's: a spell's price is
        for the rest of its care, and national mean costs of spells leave critical care out too.

    Notes
    -----
    Adult critical care HRGs XC01Z (six organs or more) to XC07Z (none): National Cost Collection, NHS
    England. Private patients have no NHS price. Decision D-280.
    """
    if not db.has(FILE):
        return NO_INCOME.copy()
    listed = prices.loc[prices["pod"].eq(CRITICAL_CARE), ["hrg", "unit_price_pence"]]
    one = 10**MFF_DECIMALS
    listed = listed.assign(unit_price_pence=listed["unit_price_pence"].fillna(0).astype("int64"))
    db.add_frame("critical_prices", listed.astype({"hrg": "str"}))
    db.create(
        PERIOD_INCOME, INCOME, mff=round(float(mff) * one), half=one // 2, one=one,
        period_start=period.start, last_second=period.end - pd.Timedelta(seconds=1),
    )  # fmt: skip
    db.drop("critical_prices")
    found = db.frame(TOTALS)
    if found.empty:
        return NO_INCOME.copy()
    return found.assign(row_id="I1", pod=CRITICAL_CARE)[INCOME_COLUMNS].astype(
        {"amount_pence": "int64"}
    )
