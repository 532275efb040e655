"""Tables of the data cleaning page."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import NOT_NEEDED
from helpers.report.words.plain import name_term

MOST_RULES = 12
SEVERITY_ORDER = ("X", "R", "W")


def build_files_table(input_files: pd.DataFrame) -> pd.DataFrame:
    """Return the files that came, in the order of the method."""
    came = input_files[input_files["is_on"]]
    return came.assign(
        file_name=came["file"].map(lambda file: name_term("file", file)).astype("str"),
        notice=came["notice"].where(came["notice"].ne(""), "–"),
    ).reset_index(drop=True)


def build_accounts_table(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return rows in and rows out by file, the largest first, and their total."""
    names = [name for name in accounts.columns if name.startswith("n_")]
    rows = accounts.sort_values(["n_read", "file"], ascending=[False, True])
    rows = rows.assign(
        file_name=rows["file"].map(lambda file: name_term("file", file)).astype("str")
    )
    total = rows[names].sum().to_frame().T.assign(file_name="All files")
    return pd.concat([rows[["file_name", *names]], total], ignore_index=True).astype(
        dict.fromkeys(names, "int64")
    )


def build_rules_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Return what the rules found, file by file, rows set aside before repairs and warnings."""
    order = summary.assign(place=summary["severity"].map(SEVERITY_ORDER.index))
    order = order.sort_values(["file", "place", "rule"], ignore_index=True)
    return order.assign(
        file_name=order["file"].map(lambda file: name_term("file", file)).astype("str"),
        treatment=order["severity"].map(lambda code: name_term("severity", code)).astype("str"),
    )


def build_stakes_table(stakes: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Return the faults that most money rests on, with the words of their rules."""
    names = ["file", "rule", "severity"]
    some = stakes[stakes["stake_pence"] > 0].drop(columns="n_rows")
    faults = summary[summary["is_fault"]]
    some = some.merge(
        faults[[*names, "words", "n_rows"]], on=names, how="inner", validate="one_to_one"
    ).head(MOST_RULES)
    return some.assign(
        file_name=some["file"].map(lambda file: name_term("file", file)).astype("str"),
        treatment=some["severity"].map(lambda code: name_term("severity", code)).astype("str"),
    )


def list_panels_off(input_files: pd.DataFrame) -> list[str]:
    """Return a sentence for each absent file that would add something to this kind of report."""
    return input_files.loc[find_missed(input_files), "notice"].tolist()


def find_missed(input_files: pd.DataFrame) -> pd.Series:
    """Tell which files are absent and would add something; a file for another way of costing would not."""
    is_needless = input_files["notice"].str.startswith(NOT_NEEDED)
    return ~input_files["is_on"].astype(bool) & ~is_needless


def build_queries_table(queries: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return the open questions, oldest first, with the line's name where they are about one."""
    names = dict(zip(service_lines["line_id"], service_lines["line_name"], strict=True))
    age = [
        "after the year's end" if pd.isna(days) else f"{int(days):,} days"
        for days in queries["age_days"]
    ]
    return queries.assign(
        source_name=queries["source"].map(lambda file: name_term("file", file)).astype("str"),
        line_name=queries["line_id"].map(lambda line: names.get(line, "–")).astype("str"),
        age=pd.Series(age, index=queries.index, dtype="str"),
    )
