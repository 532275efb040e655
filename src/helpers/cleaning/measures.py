"""What the data look like after cleaning: how full, how even over the year, and what the findings are worth."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.cleaning.attendances import ED, OP
from helpers.cleaning.episodes import FILE as APC
from helpers.cleaning.episodes import NOT_KNOWN_CONSULTANT, NOT_KNOWN_METHOD
from helpers.cleaning.model import Settings
from helpers.cleaning.values import list_texts, quote
from helpers.contracts import QueryEngine

# Fields that costing and the outlier review lean on, and the date that places a row in a month.
WATCHED_FIELDS = (
    (APC, "consultant_code"), (APC, "tfc"), (APC, "hrg_spell"), (APC, "admission_method"),
    (APC, "primary_diag"), (APC, "age"), (APC, "imd_decile"), (APC, "discharge_ready_date"),
    (OP, "consultant_code"), (OP, "tfc"), (OP, "hrg"), (OP, "booked_minutes"),
    (ED, "departure_dt"), (ED, "acuity"), (ED, "hrg"), (ED, "admitted_spell_id"),
    ("ward_stays", "end_dt"), ("theatre_cases", "surgeon_code"),
    ("tests", "spell_or_attendance_id"), ("tests", "patient_key"),
    ("drug_issues", "spell_or_attendance_id"), ("drug_issues", "cost_pence"),
    ("therapy_contacts", "spell_or_attendance_id"),
)  # fmt: skip
MONTH_DATES = (
    (APC, "episode_start_dt"), (OP, "appointment_dt"), (ED, "arrival_dt"), ("ward_stays", "start_dt"),
    ("theatre_cases", "into_dt"), ("tests", "requested_dt"), ("drug_issues", "issue_dt"),
    ("therapy_contacts", "start_dt"),
)  # fmt: skip
NOT_KNOWN_IN = ("consultant_code", "admission_method")
NOT_KNOWN = (NOT_KNOWN_CONSULTANT, NOT_KNOWN_METHOD)
# The HRG that is paid for, and the first letters of the points of delivery that pay it.
PAID_BY = ((APC, "hrg_spell", ""), (OP, "hrg", "OP"), (ED, "hrg", "ED"))
NOT_ADMITTED_PODS = ("OP", "ED")


def measure_completeness(db: QueryEngine) -> pd.DataFrame:
    """Return the share of kept rows that hold a value, for each field that is watched.

    A code that says "not known" counts as no value.
    """
    parts = []
    for file, column in WATCHED_FIELDS:
        if not db.has(f"clean_{file}"):
            continue
        parts.append(
            f"SELECT '{file}' AS file, '{column}' AS field, count(*) AS n_rows, "
            f"count({_known(column)}) AS n_present "
            f"FROM clean_{file}"
        )
    if not parts:
        return _empty(["file", "field"], ["n_rows", "n_present"]).assign(present_prop=0.0)
    found = db.frame(f"{' UNION ALL '.join(parts)} ORDER BY file, field")
    share = found["n_present"] / found["n_rows"].where(found["n_rows"] > 0, 1)
    return found.assign(present_prop=share.astype("float64"))


def count_months(db: QueryEngine, settings: Settings) -> pd.DataFrame:
    """Return kept rows by file and month of the year (April = 1); what began before it is left out."""
    parts = [
        f"SELECT '{file}' AS file, CAST((EXTRACT(MONTH FROM {date}) + 8) % 12 + 1 AS BIGINT) AS month, "
        f"count(*) AS n_rows FROM clean_{file} WHERE CAST({date} AS DATE) >= $period_start GROUP BY 1, 2"
        for file, date in MONTH_DATES
        if db.has(f"clean_{file}")
    ]
    if not parts:
        return _empty(["file"], ["month", "n_rows"])
    sql = f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS months ORDER BY file, month"
    return db.frame(sql, period_start=settings["period_start"])


def value_findings(db: QueryEngine, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return what each rule's findings are worth, dearest first.

    ``amount_pence`` is money in the rows themselves (ledger, drugs). ``income_pence`` is the mean
    price of the HRG of each episode or attendance that was touched, before the market forces factor:
    what is at stake if the row is wrong, not what was lost. It is missing where there are no prices.

    Returns
    -------
    pd.DataFrame
        file, rule, severity, n_rows, amount_pence, income_pence, stake_pence.
    """
    money = db.frame(
        "SELECT file, rule, severity, count(*) AS n_rows, CAST(sum(amount_pence) AS BIGINT) AS amount_pence "
        "FROM cleaning_log GROUP BY file, rule, severity ORDER BY file, rule, severity"
    )
    income = _value_events(db, frames)
    both = money.merge(income, on=["file", "rule", "severity"], how="left", validate="one_to_one")
    both = both.astype({"amount_pence": "Int64", "income_pence": "Int64"})
    stake = both["amount_pence"].abs().fillna(0) + both["income_pence"].fillna(0)
    worth = both.assign(stake_pence=stake.astype("int64"))
    order = ["stake_pence", "file", "rule", "severity"]
    return worth.sort_values(order, ascending=[False, True, True, True], ignore_index=True)


def _value_events(db: QueryEngine, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the income at price of the events each rule touched."""
    names = ["file", "rule", "severity"]
    if "prices" not in frames:
        return _empty(names, ["income_pence"])
    prices = frames["prices"]
    found = []
    for file, hrg, pods in PAID_BY:
        if not db.has(f"clean_{file}"):
            continue
        is_other = prices["pod"].str.startswith(NOT_ADMITTED_PODS)
        some = prices[prices["pod"].str.startswith(pods) if pods else ~is_other]
        mean = some.groupby("hrg")["unit_price_pence"].agg(
            lambda pence: int(pence.sum()) // len(pence)
        )
        db.add_frame("stake_prices", mean.astype("int64").rename("price").reset_index())
        found.append(db.frame(_value_sql(db, file, hrg)))
    db.drop("stake_prices")
    return pd.concat(found, ignore_index=True) if found else _empty(names, ["income_pence"])


def _value_sql(db: QueryEngine, file: str, hrg: str) -> str:
    tables = [name for name in (f"clean_{file}", f"excluded_{file}") if db.has(name)]
    rows = " UNION ALL ".join(f"SELECT row_number, {hrg} AS hrg FROM {name}" for name in tables)
    return (
        "SELECT log.file, log.rule, log.severity, CAST(sum(price) AS BIGINT) AS income_pence FROM "
        "(SELECT DISTINCT file, rule, severity, row_number FROM cleaning_log "
        f"WHERE file IN ({list_texts((file,))})) AS log "
        f"JOIN ({rows}) AS rows ON rows.row_number = log.row_number "
        "JOIN stake_prices ON stake_prices.hrg = rows.hrg GROUP BY log.file, log.rule, log.severity"
    )


def _empty(texts: list[str], numbers: list[str]) -> pd.DataFrame:
    columns = {name: pd.Series(dtype="str") for name in texts}
    return pd.DataFrame(columns | {name: pd.Series(dtype="Int64") for name in numbers})


def measure_months(db: QueryEngine, settings: Settings) -> pd.DataFrame:
    """Return the share of kept rows that hold a value, by watched field and month (April = 1).

    Rows dated before the year (an episode that began in March) are left out.
    """
    dates = dict(MONTH_DATES)
    parts = [
        f"SELECT '{file}' AS file, '{column}' AS field, "
        f"CAST((EXTRACT(MONTH FROM {dates[file]}) + 8) % 12 + 1 AS BIGINT) AS month, count(*) AS n_rows, "
        f"count({_known(column)}) AS n_present FROM clean_{file} "
        f"WHERE CAST({dates[file]} AS DATE) >= $period_start GROUP BY 1, 2, 3"
        for file, column in WATCHED_FIELDS
        if file in dates and db.has(f"clean_{file}")
    ]
    if not parts:
        return _empty(["file", "field"], ["month", "n_rows", "n_present"]).assign(present_prop=0.0)
    sql = f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS months ORDER BY file, field, month"
    found = db.frame(sql, period_start=settings["period_start"])
    return found.assign(present_prop=(found["n_present"] / found["n_rows"]).astype("float64"))


def _known(column: str) -> str:
    """Return a column's value, NULL where it says "not known"."""
    value = quote(column)
    if column not in NOT_KNOWN_IN:
        return value
    return f"nullif(nullif({value}, '{NOT_KNOWN[0]}'), '{NOT_KNOWN[1]}')"
