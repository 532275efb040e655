"""Which service line an event belongs to."""

from __future__ import annotations

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import UNMAPPED
from helpers.errors import InputError, name_a_few

# Columns of service_line_map that an event is compared on; blank in the map matches all.
MAP_COLUMNS = ("site_code", "ward_id", "tfc", "consultant_code", "admin_category")

COMBINATIONS_SQL = f"""
SELECT row_number() OVER (ORDER BY {", ".join(MAP_COLUMNS)}) AS combination,
       {", ".join(MAP_COLUMNS)}
FROM (SELECT DISTINCT {", ".join(f"coalesce({name}, '') AS {name}" for name in MAP_COLUMNS)}
      FROM line_questions) AS asked
"""

_MATCHES = " AND ".join(f"(m.{name} = '' OR m.{name} = c.{name})" for name in MAP_COLUMNS)

# Every row of the map that fits a combination and has the best rank among those that do.
BEST_ROWS_SQL = f"""
SELECT combination, priority, n_given, line_id
FROM (
    SELECT c.combination, m.priority, m.n_given, m.line_id, m.rank_no,
           min(m.rank_no) OVER (PARTITION BY c.combination) AS best_rank
    FROM line_combinations AS c JOIN line_map_rows AS m ON {_MATCHES}
) AS fits
WHERE rank_no = best_rank
"""

CLASHES_SQL = """
SELECT combination, min(line_id) AS first_line, max(line_id) AS last_line, min(priority) AS priority
FROM line_map_best GROUP BY combination HAVING count(DISTINCT line_id) > 1 ORDER BY combination
"""

ANSWERS_SQL = f"""
SELECT {", ".join(f"c.{name}" for name in MAP_COLUMNS)}, coalesce(b.line_id, '{UNMAPPED}') AS line_id
FROM line_combinations AS c
LEFT JOIN (SELECT combination, min(line_id) AS line_id FROM line_map_best GROUP BY combination) AS b
       ON b.combination = c.combination
"""


def resolve_lines(
    db: QueryEngine, questions: str, service_line_map: pd.DataFrame, service_lines: pd.DataFrame
) -> None:
    """Find the line of every distinct combination of map columns; leave it as ``line_answers``.

    The lowest priority number wins, then the row with most columns given. A combination that no row
    fits is ``UNMAPPED``. Rows that repeat a line at the same rank are harmless.

    Parameters
    ----------
    questions
        SELECT of the columns of ``MAP_COLUMNS``; null or blank means the event has no such value.
    service_line_map, service_lines
        The trust's files, typed.

    Raises
    ------
    InputError
        MAP-001 if two rows of equal rank give a combination two lines; also if the map names a line
        that service_lines does not have.
    """
    db.add_frame("line_map_rows", rank_map_rows(service_line_map, service_lines))
    db.create("line_questions", questions)
    db.create("line_combinations", COMBINATIONS_SQL)
    db.create("line_map_best", BEST_ROWS_SQL)
    _check_clashes(db)
    db.create("line_answers", ANSWERS_SQL)
    db.drop("line_map_rows", "line_questions", "line_combinations", "line_map_best")


def rank_map_rows(service_line_map: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return the map with blanks as '', ``n_given`` (columns given) and ``rank_no`` (1 is best).

    Rows of one priority with as many columns given share a rank.
    """
    unknown = service_line_map[~service_line_map["line_id"].isin(service_lines["line_id"])]
    if len(unknown):
        raise InputError(
            f"service_line_map, column line_id: {len(unknown):,} of {len(service_line_map):,} rows name "
            f"lines that service_lines does not have: {name_a_few(unknown['line_id'])}.\n"
            "Add them to service_lines, or correct the map."
        )
    rows = pd.DataFrame({"line_id": service_line_map["line_id"].astype("str")})
    for name in MAP_COLUMNS:
        given = service_line_map.get(name, "")
        rows[name] = pd.Series(given, index=rows.index).astype("str").fillna("").str.strip()
    rows["priority"] = service_line_map["priority"].astype("int64")
    rows["n_given"] = (rows[list(MAP_COLUMNS)] != "").sum(axis=1).astype("int64")
    # More columns given is a better rank inside a priority.
    standing = rows["priority"] * (len(MAP_COLUMNS) + 1) + len(MAP_COLUMNS) - rows["n_given"]
    return rows.assign(rank_no=standing.rank(method="dense").astype("int64"))


def _check_clashes(db: QueryEngine) -> None:
    clashes = db.frame(CLASHES_SQL)
    if clashes.empty:
        return
    pairs = clashes["first_line"] + " or " + clashes["last_line"]
    raise InputError(
        f"service_line_map gives two lines at equal rank for {len(clashes):,} combinations of site, "
        f"ward, treatment function, consultant and category: {name_a_few(pairs)} "
        f"(priority {name_a_few(clashes['priority'])}).\n"
        "Give one of the rows a lower priority number, or fill in one more of its columns.",
        rule="MAP-001",
    )
