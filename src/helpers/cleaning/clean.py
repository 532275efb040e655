"""Clean a trust's files: types, corrections, duplicates, dates, codes, links, in that order."""

from __future__ import annotations

import pandas as pd

from helpers.cleaning.accounts import account_for_rows, summarise_log
from helpers.cleaning.apply import FOUND, Log, apply_frame_rule, apply_sql_rule
from helpers.cleaning.attendances import add_attended
from helpers.cleaning.corrections import apply_corrections
from helpers.cleaning.episodes import add_completion
from helpers.cleaning.links import add_link_tables, forget_link_tables
from helpers.cleaning.model import STAGES
from helpers.cleaning.rules import FRAME_RULES, SQL_RULES
from helpers.cleaning.screen import Screen
from helpers.cleaning.small_tables import find_small_repairs, read_small_tables
from helpers.cleaning.types import make_type_rules, type_table
from helpers.contracts import INPUTS, REPAIRS, ROW_NUMBER, Cleaned, QueryEngine, Received

# Small tables that rules of large ones look things up in.
LOOKED_UP = ("service_line_map", "relative_weights")


def clean(received: Received, db: QueryEngine) -> Cleaned:
    """Judge every row of a trust's files by the rules: kept, repaired or set aside, with a reason.

    Leaves in the engine ``clean_<file>`` for each large file, ``excluded_<file>`` for the rows of it
    that were set aside, and ``cleaning_log``; the raw tables are dropped.

    Returns
    -------
    Cleaned
        Small tables, typed; rows in = kept + set aside, file by file; the log by rule.

    Raises
    ------
    InputError
        Where a rule of severity F fails: the files cannot be costed as they stand.
    """
    log = Log(db)
    large = [name for name in INPUTS if db.has(f"raw_{name}")]
    _forget_earlier(db)
    _type_large(db, large)
    n_read = {name: len(frame) for name, frame in received.frames.items()}
    n_read |= {name: db.count(f"clean_{name}") for name in large}
    texts = apply_corrections(received.frames, db, log)
    frames = _clean_small(received, db, texts, log)
    _judge_types(db, large, received, log)
    _clean_large(db, large, frames, received, log)
    if "apc_episodes" in large:
        period = {name: received.settings[name] for name in ("period_start", "period_end")}
        add_completion(db, **period)
    if "op_attendances" in large:
        add_attended(db)
    n_kept = {name: len(frame) for name, frame in frames.items()}
    n_kept |= {
        name: _count(db, f"clean_{name}", f"WHERE {ROW_NUMBER} IS NOT NULL") for name in large
    }
    accounts = account_for_rows(db, n_read, n_kept)
    return Cleaned(
        settings=received.settings,
        mode=received.mode,
        frames={name: frame.drop(columns=ROW_NUMBER) for name, frame in frames.items()},
        accounts=accounts,
        summary=summarise_log(db, accounts),
        input_files=received.input_files,
    )


def _forget_earlier(db: QueryEngine) -> None:
    db.drop(*(f"{kind}_{name}" for name in INPUTS for kind in ("clean", "excluded")))


def _clean_small(
    received: Received, db: QueryEngine, texts: dict[str, pd.DataFrame], log: Log
) -> dict[str, pd.DataFrame]:
    """Type the small tables and run their rules; those that stop the run come before large files."""
    frames = read_small_tables(db, texts)
    if db.has(REPAIRS):
        log.add_frame(find_small_repairs(db, frames))
    for stage in STAGES:
        for rule in FRAME_RULES:
            if rule.stage == stage and all(name in frames for name in (rule.file, *rule.needs)):
                frames = apply_frame_rule(rule, frames, received.settings, log)
    return frames


def _type_large(db: QueryEngine, large: list[str]) -> None:
    """Make ``clean_<file>`` of each large file: what reading has typed already, or from its text."""
    for name in large:
        if db.has(f"typed_{name}"):
            db.rename(f"typed_{name}", f"clean_{name}")
        else:
            type_table(db, INPUTS[name])


def _judge_types(db: QueryEngine, large: list[str], received: Received, log: Log) -> None:
    """Run the rules that need a file's text; it is not needed afterwards."""
    for name in large:
        rules = make_type_rules(db, INPUTS[name])
        screen = Screen(db, rules, received.settings)
        for rule in rules:
            if screen.can_find(rule):
                apply_sql_rule(db, rule, received.settings, log)
        db.drop(f"raw_{name}", f"corrected_{name}")


def _clean_large(
    db: QueryEngine, large: list[str], frames: dict[str, pd.DataFrame], received: Received, log: Log
) -> None:
    there = {*large, *frames}
    for name in LOOKED_UP:
        if name in frames:
            db.add_frame(f"small_{name}", frames[name])
    for stage in STAGES:
        if stage == "links":
            add_link_tables(db)
        rules = [
            rule
            for rule in SQL_RULES
            if rule.stage == stage and rule.file in large and there.issuperset(rule.needs)
        ]
        screen = Screen(db, rules, received.settings)
        for rule in rules:
            if screen.can_find(rule):
                screen.note(rule, apply_sql_rule(db, rule, received.settings, log))
    db.drop(FOUND, *(f"small_{name}" for name in LOOKED_UP))
    forget_link_tables(db)


def _count(db: QueryEngine, name: str, condition: str = "") -> int:
    return int(db.frame(f"SELECT count(*) AS n FROM {name} {condition}")["n"].iloc[0])
