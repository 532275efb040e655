"""Corrections that the trust has agreed (`corrections.csv`): applied to the text as received.

A correction names a file, the key of a row, a column, the value as received and the value that
should stand there. It is compared with the text, and its own text is read as the file's is, before any
rule runs, so that every rule judges the corrected value; it is logged as COR-001. One whose status is open is a question: it has to match
a row too, and changes nothing until it is agreed.
"""

from __future__ import annotations

import pandas as pd

from helpers.cleaning.apply import Log, describe_findings
from helpers.cleaning.model import Rule
from helpers.cleaning.types import write_typed
from helpers.cleaning.values import MISSING, quote, select_present
from helpers.contracts import INPUTS, ROW_NUMBER, QueryEngine, Table
from helpers.errors import InputError, name_a_few

FILE = "corrections"
WORDS = "A correction that the trust has agreed."
ACTION = "the agreed value put in"
OPEN_STATUSES = ("open", "query", "queried", "raised", "proposed")
KEY_SEPARATOR = ":"  # between the parts of a key of several columns


def apply_corrections(
    frames: dict[str, pd.DataFrame], db: QueryEngine, log: Log
) -> dict[str, pd.DataFrame]:
    """Put agreed corrections into the text of large and small tables; return the small ones.

    Raises
    ------
    InputError
        COR-001 if a correction names a file, column or row that is not there, or the row holds
        another value than the one to be corrected.
    """
    if FILE not in frames or frames[FILE].empty:
        return frames
    wanted = _read_corrections(frames[FILE])
    result = dict(frames)
    for file, asked in wanted.groupby("file", sort=True):
        _check_place(str(file), asked, frames, db)
        name = str(file)
        texts = frames[name] if name in frames else _find_candidates(db, INPUTS[name], asked)
        found = _match(name, asked, texts)
        if found.empty:
            continue
        rule = Rule("COR-001", name, "corrections", "R", "rewrite", WORDS, ACTION)
        log_rows = describe_findings(rule, found, texts)
        log.add_frame(log_rows)
        if name in frames:
            result[name] = _put_in(frames[name], found)
        else:
            _put_in_large(db, INPUTS[name], log_rows)
    return result


def find_open(frame: pd.DataFrame) -> pd.Series:
    """Tell which corrections are still questions; one without a status has been agreed."""
    if "status" not in frame:
        return pd.Series(False, index=frame.index)
    return frame["status"].astype("str").fillna("").str.strip().str.lower().isin(OPEN_STATUSES)


def _read_corrections(frame: pd.DataFrame) -> pd.DataFrame:
    """Return corrections with blanks and the words for "no value" alike."""
    columns = {}
    for name in ("file", "key", "column", "old", "new"):
        text = frame[name] if name in frame else pd.Series("", index=frame.index, dtype="str")
        columns[name] = _as_blank(text)
    wanted = pd.DataFrame(columns).assign(**{ROW_NUMBER: frame[ROW_NUMBER]})
    wanted["is_open"] = find_open(frame)
    wanted["file"] = wanted["file"].str.lower().str.removesuffix(".csv")
    return wanted


def _as_blank(text: pd.Series) -> pd.Series:
    stripped = text.astype("str").fillna("").str.strip()
    return stripped.mask(stripped.isin(MISSING), "")


def _check_place(
    file: str, asked: pd.DataFrame, frames: dict[str, pd.DataFrame], db: QueryEngine
) -> None:
    if file not in INPUTS or not (file in frames or db.has(f"raw_{file}")):
        raise InputError(
            f"corrections, column file: {len(asked):,} corrections are to {name_a_few([file])}, which is not "
            "among the files received.\nCorrect the name, or take them out.",
            rule="COR-001",
        )
    if not INPUTS[file].key:
        raise InputError(
            f"corrections: {file} has no key, so a row of it cannot be named.\n"
            "Correct the extract itself.",
            rule="COR-001",
        )
    there = set(frames[file].columns if file in frames else db.columns(f"raw_{file}"))
    wrong = sorted(set(asked["column"]) - (there - {ROW_NUMBER}))
    if wrong:
        raise InputError(
            f"corrections, column column: {file} has no {name_a_few(wrong)}.", rule="COR-001"
        )


def _find_candidates(db: QueryEngine, table: Table, asked: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a large file that corrections name by their key, as text."""
    db.add_frame("corrections_asked", asked[["key"]].drop_duplicates())
    parts = ", ".join(f"coalesce({quote(name)}, '')" for name in table.key)
    wanted = sorted({*table.key, *asked["column"]})
    codes = [name for name in wanted if _is_text(table, name)]
    others = [name for name in wanted if name not in codes]
    rows = db.frame(
        f"SELECT {', '.join(map(quote, codes))}, row_number FROM clean_{table.name} WHERE "
        f"concat_ws('{KEY_SEPARATOR}', {parts}) IN (SELECT key FROM corrections_asked) ORDER BY row_number"
    )
    if others:  # their text is in the file alone
        db.add_frame("corrections_asked", rows[[ROW_NUMBER]])
        texts = db.frame(
            f"SELECT * FROM ({select_present(f'raw_{table.name}', others)}) AS texts "
            "WHERE row_number IN (SELECT row_number FROM corrections_asked)"
        )
        rows = rows.merge(texts, on=ROW_NUMBER, how="left", validate="one_to_one")
    db.drop("corrections_asked")
    return rows


def _is_text(table: Table, name: str) -> bool:
    return name in table.columns and table.columns[name].kind in ("text", "code")


def _put_in_large(db: QueryEngine, table: Table, found: pd.DataFrame) -> None:
    """Put corrected texts, typed, into a large table; keep them for the rules that show a file's text."""
    kept = found.rename(columns={"column": "column_name"})[[ROW_NUMBER, "column_name", "new_value"]]
    kept = kept.assign(new_value=kept["new_value"].where(kept["new_value"].ne("")))
    db.add_frame(f"corrected_{table.name}", kept.astype({"column_name": "str", "new_value": "str"}))
    for column in sorted(set(kept["column_name"]) & set(table.columns)):
        db.add_frame(
            "corrected_texts",
            kept.loc[kept["column_name"].eq(column), [ROW_NUMBER, "new_value"]]
            .rename(columns={"new_value": column})
            .astype({column: "str"}),
        )
        typed = write_typed(table, [column], "corrected_texts", keep=(ROW_NUMBER,))
        values = f"SELECT row_number, {quote(table.stored_name(column))} AS new_value FROM ({typed}) AS typed"
        db.put_values(f"clean_{table.name}", table.stored_name(column), values)
    db.drop("corrected_texts")


def _match(file: str, asked: pd.DataFrame, texts: pd.DataFrame) -> pd.DataFrame:
    """Return findings: each row that a correction names and that holds the value to be corrected."""
    keys = [_as_blank(texts[name]) for name in INPUTS[file].key]
    row_key = keys[0].str.cat(keys[1:], sep=KEY_SEPARATOR) if len(keys) > 1 else keys[0]
    found = []
    for column, some in asked.groupby("column", sort=True):
        rows = pd.DataFrame(
            {"key": row_key, "old": _as_blank(texts[column]), ROW_NUMBER: texts[ROW_NUMBER]}
        )
        both = some.drop(columns=ROW_NUMBER).assign(asked=some[ROW_NUMBER])
        found.append(rows.merge(both, on=["key", "old"], how="inner", validate="many_to_many"))
    hits = pd.concat(found)
    unmet = asked[~asked[ROW_NUMBER].isin(hits["asked"])]
    if len(unmet):
        raise InputError(
            f"corrections: {len(unmet):,} of {len(asked):,} corrections to {file} match nothing: no row has "
            f"their key and holds the old value. They are in data rows {name_a_few(unmet[ROW_NUMBER])} of the "
            f"file, for the columns {name_a_few(unmet['column'])}.\n"
            "Write the key and the old value as they are in the extract, or take the correction out.",
            rule="COR-001",
        )
    named = hits.rename(columns={"column": "column_name", "old": "old_value", "new": "new_value"})
    agreed = named[~named["is_open"]]
    once = agreed.drop_duplicates([ROW_NUMBER, "column_name"])
    once = once.assign(
        row_key=once["key"], amount_pence=pd.array([pd.NA] * len(once), dtype="Int64")
    )
    return once.sort_values([ROW_NUMBER, "column_name"]).reset_index(drop=True)


def _put_in(frame: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    result = frame.copy()
    for column, some in found.groupby("column_name", sort=True):
        new = some.set_index(ROW_NUMBER)["new_value"]
        at = result[ROW_NUMBER].isin(new.index)
        result.loc[at, column] = result.loc[at, ROW_NUMBER].map(new)
    return result
