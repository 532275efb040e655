"""The comparison of public editions: made from what they publish, so it can tell no more than they do."""

from __future__ import annotations

import pandas as pd

from helpers.run import Run
from helpers.sources.report_folders import find_editions
from helpers.sources.tables import write_table


def compare_public(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read every public edition of the year, write and return the tables of the comparison.

    Returns
    -------
    tuple
        ``public_trusts``, one row a trust, and ``public_trust_lines``, one row a trust and line.

    Raises
    ------
    InputError
        If there is no public edition for the year.
    """
    editions = {
        code: {name: pd.read_parquet(path) for name, path in paths.items()}
        for code, paths in find_editions(run).items()
    }
    trusts = pd.DataFrame([{"trust": code, **_describe(one)} for code, one in editions.items()])
    lines = pd.concat(
        [_take_lines(one["public_lines"], code) for code, one in editions.items()],
        ignore_index=True,
    )
    write_table(run, "public_trusts", trusts)
    write_table(run, "public_trust_lines", lines)
    return trusts, lines


def _describe(tables: dict[str, pd.DataFrame]) -> dict[str, object]:
    lines = tables["public_lines"]
    amounts = tables["public_totals"].set_index("measure")["amount_pence"]
    income = int(lines["income_pence"].sum())
    share = {
        name: float(amounts[key]) / income if income else float("nan")
        for name, key in (
            ("subsidy_prop", "volume"), ("subsidy_low_prop", "volume_low"), ("subsidy_high_prop", "volume_high"),
        )
    }  # fmt: skip
    return {
        "trust_name": tables["public_facts"].set_index("fact")["value"]["trust_name"],
        "income_pence": income,
        "n_lines": len(lines),
        "n_surplus": int(lines["surplus_pence"].ge(0).sum()),
        "n_rule_dependent": int(lines["sign_label"].eq("rule_dependent").sum()),
        "subsidy_pence": int(amounts["volume"]),
        **share,
    }


def _take_lines(lines: pd.DataFrame, code: str) -> pd.DataFrame:
    names = ["line_id", "line_name", "income_pence", "surplus_pence", "sign_label", "grade"]
    taken = lines[names].assign(trust=code)
    earned = taken["income_pence"].where(taken["income_pence"].gt(0))
    taken["margin_prop"] = (taken["surplus_pence"] / earned).astype("float64")
    return taken
