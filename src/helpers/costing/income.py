"""Income on the price basis: price x activity for the NHS, the ledger for everything else.

Variable clinical income is the price of each completed spell and attendance (decision D-011). What
the ledger holds beyond that is not attributed to any line, and stays visible.
"""

from __future__ import annotations

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import (
    EDUCATION,
    NON_PATIENT_LINES,
    OTHER,
    PRIVATE_CARE,
    RESEARCH,
    UNMAPPED,
)
from helpers.costing.clock import days_between
from helpers.costing.money import apportion
from helpers.errors import InputError, name_a_few

NOT_ATTRIBUTED = "NOT_ATTRIBUTED"
MFF_DECIMALS = 6  # the market forces factor is taken to 6 decimals, so that prices are exact
NO_PRICES = pd.DataFrame(
    {
        "hrg": pd.Series(dtype="str"),
        "pod": pd.Series(dtype="str"),
        "unit_price_pence": pd.Series(dtype="Int64"),
    }
)
INCOME_COLUMNS = ["line_id", "row_id", "pod", "amount_pence"]
NO_INCOME = pd.DataFrame({name: [] for name in INCOME_COLUMNS}).astype(
    dict.fromkeys(INCOME_COLUMNS[:3], "str") | {"amount_pence": "int64"}
)

# One row per completed spell: the price of its POD and HRG, and of each day past the trim point.
SPELL_PRICES = """
SELECT s.spell_id,
       CAST(floor(CAST((p.unit_price_pence + p.per_diem_pence * CASE
           WHEN p.trim_days IS NOT NULL AND s.los_days > p.trim_days THEN s.los_days - p.trim_days
           ELSE 0 END) * $mff + $half AS DOUBLE) / $one) AS BIGINT) AS price_pence
FROM (
    SELECT spell_id, max(spell_pod) AS pod, max(hrg_spell) AS hrg, max(los_days) AS los_days
    FROM events
    WHERE event_kind = 'episode' AND is_discharging AND completion IN (1, 2)
      AND coalesce(spell_pod, '') <> 'PRIV'
    GROUP BY spell_id
) s
JOIN price_list p ON p.hrg = s.hrg AND p.pod = s.pod
"""

# A spell's price goes to its episodes by their days (equally if they have none), to the penny:
# shares are rounded down and the pence left over go to the largest remainders.
EPISODE_INCOME = f"""
SELECT event_id, base_pence + CASE WHEN rank_in_spell <= price_pence - base_sum THEN 1 ELSE 0 END
       AS income_pence
FROM (
    SELECT event_id, price_pence, base_pence,
           sum(base_pence) OVER (PARTITION BY spell_id) AS base_sum,
           row_number() OVER (PARTITION BY spell_id ORDER BY left_over DESC, event_id) AS rank_in_spell
    FROM (
        SELECT event_id, spell_id, price_pence,
               CAST(floor(CAST(price_pence * days AS DOUBLE) / all_days) AS BIGINT) AS base_pence,
               price_pence * days
               - all_days * CAST(floor(CAST(price_pence * days AS DOUBLE) / all_days) AS BIGINT)
               AS left_over
        FROM (
            SELECT e.event_id, e.spell_id, x.price_pence,
                   CASE WHEN sum(e.days) OVER (PARTITION BY e.spell_id) = 0 THEN 1 ELSE e.days END
                   AS days,
                   CASE WHEN sum(e.days) OVER (PARTITION BY e.spell_id) = 0
                        THEN count(*) OVER (PARTITION BY e.spell_id)
                        ELSE sum(e.days) OVER (PARTITION BY e.spell_id) END AS all_days
            FROM (
                SELECT event_id, spell_id,
                       CASE WHEN end_dt IS NULL THEN 0
                            ELSE {days_between("start_dt", "end_dt")} END
                       AS days
                FROM events WHERE event_kind = 'episode'
            ) e
            JOIN spell_prices x ON x.spell_id = e.spell_id
        ) counted
    ) floored
) ranked
"""

ATTENDANCE_INCOME = """
SELECT e.event_id,
       CAST(floor(CAST(p.unit_price_pence * $mff + $half AS DOUBLE) / $one) AS BIGINT) AS income_pence
FROM events e
JOIN price_list p ON p.hrg = e.hrg AND p.pod = e.pod
WHERE e.event_kind <> 'episode' AND e.pod <> 'PRIV'
"""


def price_events(db: QueryEngine, prices: pd.DataFrame, *, mff: float) -> None:
    """Make the engine table ``event_income`` (``event_id, income_pence``) from activity and prices.

    Reads ``events``. Price x market forces factor, rounded half up to a penny for each spell or
    attendance. Private patients have no NHS price. An event without a price has no row.
    """
    listed = pd.DataFrame(
        {
            "hrg": prices["hrg"],
            "pod": prices["pod"],
            "unit_price_pence": prices["unit_price_pence"].fillna(0).astype("int64"),
            "per_diem_pence": _get_column(prices, "per_diem_pence").fillna(0).astype("int64"),
            "trim_days": pd.to_numeric(_get_column(prices, "trim_point")).astype("Int64"),
        }
    )
    one = 10**MFF_DECIMALS
    rate = {"mff": round(float(mff) * one), "half": one // 2, "one": one}
    db.add_frame("price_list", listed)
    db.create("spell_prices", SPELL_PRICES, **rate)
    db.create("event_income", EPISODE_INCOME)
    db.create("event_income", f"SELECT * FROM event_income UNION ALL ({ATTENDANCE_INCOME})", **rate)
    db.drop("price_list", "spell_prices")


def add_private_income(
    db: QueryEngine, ledger_income: pd.DataFrame, lines: set[str]
) -> pd.DataFrame:
    """Share each line's private income over its private events by full cost.

    Adds rows to ``event_income`` and returns ``line_income`` rows I4. Income of a line without
    private events stays with the line; income that no line owns is not attributed.
    """
    received = _total_by_owner(ledger_income, "nonnhs_income", lines, without=NOT_ATTRIBUTED)
    costs = db.frame(
        """SELECT e.line_id, e.event_id, greatest(sum(c.amount_pence), 0) AS cost_pence
           FROM events e JOIN patient_costs c ON c.event_id = e.event_id
           WHERE coalesce(e.spell_pod, e.pod) = 'PRIV'
           GROUP BY e.line_id, e.event_id ORDER BY e.line_id, e.event_id"""
    )
    costs["cost_pence"] = costs["cost_pence"].astype("int64")
    rows = costs.merge(received, on="line_id", validate="many_to_one")
    rows = rows[rows.groupby("line_id")["cost_pence"].transform("sum") > 0]
    shared = apportion(
        rows, by=["line_id"], amount="amount_pence", weight="cost_pence", key=["event_id"],
        what="Private income",
    )  # fmt: skip
    found = shared[["event_id", "share_pence"]].rename(columns={"share_pence": "income_pence"})
    db.add_frame("private_income", found.astype({"event_id": "str", "income_pence": "int64"}))
    db.create("event_income", "SELECT * FROM event_income UNION ALL SELECT * FROM private_income")
    db.drop("private_income")
    return _tabulate(received, "I4", PRIVATE_CARE)


def total_price_income(db: QueryEngine) -> pd.DataFrame:
    """Return variable clinical income by line and POD: ``line_income`` rows I1."""
    found = db.frame(
        """SELECT e.line_id, coalesce(e.spell_pod, e.pod) AS pod,
                  CAST(sum(i.income_pence) AS BIGINT) AS amount_pence
           FROM events e JOIN event_income i ON i.event_id = e.event_id
           WHERE coalesce(e.spell_pod, e.pod) <> 'PRIV'
           GROUP BY e.line_id, coalesce(e.spell_pod, e.pod)
           ORDER BY e.line_id, pod"""
    )
    return found.assign(row_id="I1")[INCOME_COLUMNS]


def total_owned_income(ledger_income: pd.DataFrame, lines: set[str]) -> pd.DataFrame:
    """Return clinical income by the line that owns its cost centre, for a trust without prices."""
    owned = _total_by_owner(ledger_income, "clinical_income", lines, without=NOT_ATTRIBUTED)
    return _tabulate(owned, "I1", "")


def total_owned_private_income(ledger_income: pd.DataFrame, lines: set[str]) -> pd.DataFrame:
    """Return private income by the line that owns its cost centre, for a trust without events."""
    return _tabulate(
        _total_by_owner(ledger_income, "nonnhs_income", lines, without=NOT_ATTRIBUTED),
        "I4",
        PRIVATE_CARE,
    )


def total_other_income(ledger_income: pd.DataFrame, lines: set[str]) -> pd.DataFrame:
    """Return education, research and other income: ``line_income`` rows I5."""
    tables = [
        _total_by_owner(ledger_income, "et_income", set(), without=EDUCATION),
        _total_by_owner(ledger_income, "rd_income", set(), without=RESEARCH),
        _total_by_owner(ledger_income, "other_income", lines, without=OTHER),
    ]
    return _tabulate(pd.concat(tables, ignore_index=True), "I5", "")


def close_clinical_income(line_income: pd.DataFrame, ledger_income: pd.DataFrame) -> pd.DataFrame:
    """Add what the ledger's clinical income holds beyond the lines' as a row of its own."""
    ledger = int(
        ledger_income.loc[ledger_income["account_type"] == "clinical_income", "amount_pence"].sum()
    )
    clinical = line_income["row_id"].isin(["I1", "I3"])
    attributed = int(line_income.loc[clinical, "amount_pence"].sum())
    rest = pd.DataFrame([(NOT_ATTRIBUTED, "I1", "", ledger - attributed)], columns=INCOME_COLUMNS)
    both = pd.concat([line_income, rest], ignore_index=True)
    total = both.groupby(["line_id", "row_id", "pod"], as_index=False, sort=True)[
        "amount_pence"
    ].sum()
    return (
        total[total["amount_pence"] != 0].astype({"amount_pence": "int64"}).reset_index(drop=True)
    )


def check_owners(ledger_income: pd.DataFrame, lines: set[str]) -> None:
    """Refuse income owned by a line that service_lines lacks."""
    known = {"", UNMAPPED, *NON_PATIENT_LINES, *lines}
    unknown = ledger_income[~ledger_income["owner_line_id"].isin(known)]
    if len(unknown):
        raise InputError(
            f"cost_centre_map, column owner_line_id: lines that service_lines does not list: "
            f"{name_a_few(unknown['owner_line_id'])}.\n"
            f"They own £{unknown['amount_pence'].sum() / 100:,.2f} of income. Correct either file.",
            rule="INC-001",
        )


def _total_by_owner(
    ledger_income: pd.DataFrame, account: str, lines: set[str], *, without: str
) -> pd.DataFrame:
    """Return income of one account by line; income no line owns goes to ``without``."""
    rows = ledger_income[ledger_income["account_type"] == account]
    keep = rows["owner_line_id"].isin(lines)
    special = rows["owner_line_id"].isin(NON_PATIENT_LINES) & (account == "other_income")
    rows = rows.assign(line_id=rows["owner_line_id"].where(keep | special, without))
    return rows.groupby("line_id", as_index=False, sort=True)["amount_pence"].sum()


def _tabulate(totals: pd.DataFrame, row_id: str, pod: str) -> pd.DataFrame:
    return totals.assign(row_id=row_id, pod=pod)[INCOME_COLUMNS]


def _get_column(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name] if name in frame else pd.Series(pd.NA, index=frame.index, dtype="Int64")
