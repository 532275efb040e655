"""From published rows to cells: one for each organisation, year, setting, service and currency.

Rows are text as published. Each is kept or set aside with one reason; pounds become whole pence row
by row, so that every later sum is exact.
"""

from __future__ import annotations

import pandas as pd

from helpers.contracts import QueryEngine

ENGLAND = "ENGLAND"
ROWS, CELLS = "published_rows", "published_cells"
ROW_COLUMNS = (
    "file", "row_number", "year", "org_code", "org_type", "supplier_type", "department_code",
    "service_code", "currency_code", "currency_name", "activity", "unit_cost", "cost", "bed_days",
    "length_of_stay", "mean_cost", "expected_cost", "is_adjusted",
)  # fmt: skip
REASONS = {
    "": "kept",
    "not_a_trust": "another kind of organisation, or England's total",
    "not_own": "work by another supplier, counted in that supplier's rows",
    "no_organisation": "no organisation code",
    "no_currency": "no currency: a total, a note or a blank line",
    "other_file": "the same organisation and year stand in a fuller file",
    "no_figures": "neither activity nor cost",
}
TRUST_TYPE, OWN = "TRUST", "OWN"
SUPPRESSED = "*"
HRG_SHAPE = r"^[A-Z]{2}[0-9]{2}[A-Z]$"

# Whole pence of a sum in pounds; halves go up.
PENCE = "CAST(floor({} * 100 + 0.5) AS BIGINT)"


def _number(column: str) -> str:
    """Return SQL for a published number: thousands commas and pound signs go, all else is null."""
    return (
        f"TRY_CAST(replace(replace(replace(trim({column}), ',', ''), '£', ''), ' ', '') AS DOUBLE)"
    )


def _code(column: str) -> str:
    return f"nullif(trim({column}), '')"


TYPED_SQL = f"""
SELECT file, row_number, substr(replace(trim(year), '-', '/'), 1, 4) || '/' || right(trim(year), 2) AS year,
       upper({_code("org_code")}) AS org_code, upper({_code("org_type")}) AS org_type,
       upper({_code("supplier_type")}) AS supplier_type, upper({_code("department_code")}) AS department_code,
       upper({_code("service_code")}) AS service_code,
       {_code("rtrim(trim(currency_code), '*')")} AS currency_code, {_code("currency_name")} AS currency_name,
       {_number("activity")} AS activity, {_number("unit_cost")} AS unit_cost, {_number("bed_days")} AS bed_days,
       {_number("length_of_stay")} AS length_of_stay, {_number("mean_cost")} AS mean_cost,
       {_number("expected_cost")} AS expected_cost,
       coalesce({_number("cost")}, {_number("activity")} * {_number("unit_cost")}) AS cost,
       coalesce(trim(activity) = '{SUPPRESSED}', false) OR coalesce(trim(cost) = '{SUPPRESSED}', false)
         AS is_suppressed,
       is_adjusted
FROM {ROWS}
"""

# Of several files that hold one organisation's year, the one with most rows is used.
FULLEST_SQL = """
SELECT file, org_code, year FROM (
  SELECT file, org_code, year, row_number() OVER (PARTITION BY org_code, year ORDER BY n DESC, file) AS place
  FROM (SELECT file, org_code, year, count(*) AS n FROM published_typed GROUP BY file, org_code, year)
) WHERE place = 1
"""

JUDGED_SQL = f"""
SELECT t.*, CASE
    WHEN t.org_code IS NULL THEN 'no_organisation'
    WHEN t.org_type IS NOT NULL AND t.org_type <> '{TRUST_TYPE}' THEN 'not_a_trust'
    WHEN t.supplier_type IS NOT NULL AND t.supplier_type <> '{OWN}' THEN 'not_own'
    WHEN t.currency_code IS NULL OR upper(t.currency_code) IN ('TOTAL', 'TOTALS') THEN 'no_currency'
    WHEN f.file IS NULL THEN 'other_file'
    WHEN t.activity IS NULL AND t.cost IS NULL THEN 'no_figures'
    ELSE '' END AS reason,
  {PENCE.format("t.cost")} AS cost_pence
FROM published_typed t
LEFT JOIN published_fullest f ON f.file = t.file AND f.org_code = t.org_code AND f.year = t.year
"""

ACCOUNTS_SQL = """
SELECT file, year, reason, count(*) AS n_rows, CAST(sum(cost_pence) AS BIGINT) AS cost_pence,
       sum(CASE WHEN is_suppressed THEN 1 ELSE 0 END) AS n_suppressed,
       sum(CASE WHEN cost_pence IS NOT NULL AND activity IS NULL THEN 1 ELSE 0 END) AS n_cost_only,
       sum(cost) AS cost_gbp
FROM published_judged GROUP BY file, year, reason ORDER BY file, year, reason
"""

CELLS_SQL = """
WITH placed AS (
  SELECT j.*, d.setting AS known_setting, d.line_id AS department_line, c.line_id AS currency_line,
         c.setting AS currency_setting, tf.line_id AS service_line,
         coalesce(d.counts_activity, 1) AS counts_activity
  FROM published_judged j
  LEFT JOIN published_departments d ON d.department_code = j.department_code
  LEFT JOIN published_currency_lines c ON c.currency_code = j.currency_code
  LEFT JOIN published_functions tf ON tf.treatment_function_code = j.service_code
  WHERE j.reason = ''
), settled AS (
  SELECT *, CASE WHEN known_setting IS NOT NULL THEN known_setting
                 WHEN currency_setting <> '' THEN currency_setting ELSE 'MIXED' END AS setting
  FROM placed
)
SELECT year, org_code, setting, coalesce(service_code, '') AS service_code, currency_code,
       CASE WHEN department_line <> '' THEN department_line
            WHEN setting IN ('CL', 'NCL', 'OUT') AND service_line IS NOT NULL THEN service_line
            ELSE coalesce(currency_line, 'OTHER') END AS line_id,
       sum(CASE WHEN counts_activity = 1 AND cost_pence IS NOT NULL THEN activity END) AS activity,
       CAST(coalesce(sum(cost_pence), 0) AS BIGINT) AS cost_pence,
       CAST(coalesce(sum(CASE WHEN activity IS NULL THEN cost_pence END), 0) AS BIGINT) AS cost_only_pence,
       sum(bed_days) AS bed_days,
       sum(activity * length_of_stay) / nullif(sum(CASE WHEN length_of_stay IS NOT NULL THEN activity END), 0)
         AS length_of_stay,
       sum(expected_cost) AS expected_gbp, count(*) AS n_rows,
       max(CASE WHEN is_adjusted THEN 1 ELSE 0 END) = 1 AS is_adjusted,
       max(CASE WHEN is_suppressed THEN 1 ELSE 0 END) = 1 AS is_suppressed
FROM settled
GROUP BY ALL
"""


def make_cells(
    db: QueryEngine,
    *,
    departments: pd.DataFrame,
    currencies: pd.DataFrame,
    functions: pd.DataFrame,
) -> pd.DataFrame:
    """Type, judge and group ``published_rows``; return how many rows and pounds had each fate.

    Makes ``published_cells``: year, org_code, setting, service_code, currency_code, line_id, activity,
    cost_pence (whole pence), cost_only_pence (of it, where activity is suppressed), bed_days,
    length_of_stay (days), expected_gbp (as the publisher states it), n_rows.

    Parameters
    ----------
    db
        Holds ``published_rows``.
    departments, currencies, functions
        Lookups: department to setting (and line); shape and beginning of a currency to line (and
        setting, where no department is published); treatment function to line (decisions D-221, D-222).
    """
    db.create("published_typed", TYPED_SQL)
    db.drop(ROWS)
    db.create("published_fullest", FULLEST_SQL)
    db.create("published_judged", JUDGED_SQL)
    db.drop("published_typed")
    known = db.frame("SELECT DISTINCT currency_code FROM published_judged WHERE reason = ''")
    db.add_frame("published_currency_lines", place_currencies(known["currency_code"], currencies))
    db.add_frame(
        "published_departments",
        departments.assign(
            department_code=departments["department_code"].str.upper(),
            counts_activity=departments["counts_activity"].astype("int64"),
        ).drop_duplicates("department_code"),
    )
    db.add_frame("published_functions", functions)
    db.create(CELLS, CELLS_SQL.replace("GROUP BY ALL", "GROUP BY 1, 2, 3, 4, 5, 6"))
    accounts = db.frame(ACCOUNTS_SQL)
    names = """SELECT currency_code, max(currency_name) AS currency_name FROM published_judged
               WHERE currency_name IS NOT NULL GROUP BY currency_code"""
    db.create("published_currency_names", names)
    db.create(
        "published_unknown_departments",
        """SELECT j.file, j.department_code, count(*) AS n_rows, CAST(sum(j.cost_pence) AS BIGINT) AS cost_pence
           FROM published_judged j LEFT JOIN published_departments d USING (department_code)
           WHERE j.reason = '' AND j.department_code IS NOT NULL AND d.setting IS NULL
           GROUP BY j.file, j.department_code""",
    )
    db.create(
        "published_department_sums",
        f"""SELECT file, department_code, sum(activity) AS activity, sum(cost) AS cost_gbp FROM published_judged
            WHERE reason = '' AND org_code = '{ENGLAND}' AND department_code IS NOT NULL
            GROUP BY file, department_code""",
    )
    db.drop("published_judged")
    return accounts


def place_currencies(codes: pd.Series, rules: pd.DataFrame) -> pd.DataFrame:
    """Return line and setting of each currency: the longest beginning of its shape that is listed.

    An HRG is two capitals, two digits and a capital; anything else is a code of another list, so that
    community's ``A01C1`` is not taken for a casemix group of chapter A.
    """
    codes = codes.drop_duplicates().reset_index(drop=True)
    is_hrg = codes.str.fullmatch(HRG_SHAPE)
    shape = is_hrg.map({True: "hrg", False: "other"})
    chosen = pd.DataFrame({"currency_code": codes, "line_id": "OTHER", "setting": ""})
    for row in rules.sort_values("prefix", key=lambda text: text.str.len()).itertuples():
        takes = (shape == row.shape) & codes.str.startswith(row.prefix)
        chosen.loc[takes, ["line_id", "setting"]] = [row.line_id, row.setting]
    return chosen
