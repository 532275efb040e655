"""Rows in, rows out: the account of each file, and the log by rule."""

from __future__ import annotations

import pandas as pd

from helpers.cleaning.rules import describe_rules
from helpers.contracts import INPUTS, QueryEngine
from helpers.errors import HelpersError


def account_for_rows(
    db: QueryEngine, n_read: dict[str, int], n_kept: dict[str, int]
) -> pd.DataFrame:
    """Return rows read, kept, repaired, set aside and warned, one row a file.

    A row that was repaired twice counts once. Rows made by a repair are ``n_added``; they are not
    among ``n_kept``.

    Raises
    ------
    HelpersError
        If rows read are not rows kept plus rows the log says were set aside.
    """
    touched = _count_touched(db)
    records = []
    for name in INPUTS:
        if name not in n_read:
            continue
        found = touched.get(name, {})
        records.append(
            {
                "file": name,
                "n_read": n_read[name],
                "n_kept": n_kept[name],
                "n_repaired": found.get("n_repaired", 0),
                "n_excluded": n_read[name] - n_kept[name],
                "n_added": found.get("n_added", 0),
                "n_warned": found.get("n_warned", 0),
            }
        )
        if records[-1]["n_excluded"] != found.get("n_excluded", 0):
            raise HelpersError(
                f"{name}: {n_read[name]:,} rows were read and {n_kept[name]:,} kept, but the log tells of "
                f"{found.get('n_excluded', 0):,} set aside. Rows have been lost or made; nothing is reported."
            )
    return pd.DataFrame(records)


def _count_touched(db: QueryEngine) -> dict[str, dict[str, int]]:
    """Count the rows of each file by the heaviest thing that happened to them."""
    counts = db.frame(
        "SELECT file, "
        "count(CASE WHEN is_out = 1 THEN 1 END) AS n_excluded, "
        "count(CASE WHEN is_out = 0 AND is_repaired = 1 THEN 1 END) AS n_repaired, "
        "count(CASE WHEN is_out = 0 AND is_warned = 1 THEN 1 END) AS n_warned FROM ("
        "SELECT file, row_number, max(CASE WHEN effect = 'set aside' THEN 1 ELSE 0 END) AS is_out, "
        "max(CASE WHEN severity = 'R' THEN 1 ELSE 0 END) AS is_repaired, "
        "max(CASE WHEN severity = 'W' THEN 1 ELSE 0 END) AS is_warned "
        "FROM cleaning_log WHERE row_number IS NOT NULL GROUP BY file, row_number) AS rows GROUP BY file"
    )
    added = db.frame(
        "SELECT file, count(*) AS n_added FROM cleaning_log WHERE effect = 'add rows' GROUP BY file"
    )
    both = counts.merge(added, on="file", how="outer", validate="one_to_one").fillna(0)
    names = ["n_excluded", "n_repaired", "n_warned", "n_added"]
    return {
        record["file"]: {name: int(record[name]) for name in names}
        for record in both.to_dict("records")
    }


def summarise_log(db: QueryEngine, accounts: pd.DataFrame) -> pd.DataFrame:
    """Return the log by file, rule and severity: rows touched, their share, and money where known."""
    found = db.frame(
        "SELECT file, rule, severity, count(DISTINCT coalesce(CAST(row_number AS VARCHAR), row_key)) AS n_rows, "
        "CAST(sum(amount_pence) AS BIGINT) AS amount_pence FROM cleaning_log "
        "GROUP BY file, rule, severity ORDER BY file, rule, severity"
    )
    words = describe_rules()[["file", "rule", "severity", "words", "action", "is_fault"]]
    summary = found.merge(words, on=["file", "rule", "severity"], how="left", validate="one_to_one")
    summary = summary.merge(
        accounts[["file", "n_read"]], on="file", how="left", validate="many_to_one"
    )
    share = summary["n_rows"].astype("float64") / summary["n_read"].astype("float64")
    columns = [
        "file",
        "rule",
        "words",
        "severity",
        "action",
        "n_rows",
        "rows_prop",
        "amount_pence",
        "is_fault",
    ]
    return summary.assign(
        n_rows=summary["n_rows"].astype("int64"),
        amount_pence=summary["amount_pence"].astype("Int64"),
        is_fault=summary["is_fault"].astype("bool"),
        rows_prop=share.where(summary["n_read"] > 0, 0.0),
    )[columns]
