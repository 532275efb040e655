"""Length of stay, where it is published: bed days by currency up to 2017/18, and occupied beds (KH03)."""

from __future__ import annotations

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.published.cells import ENGLAND

STAYS_SQL = """
WITH all_cells AS (
  SELECT org_code, line_id, setting, currency_code, sum(activity) AS activity,
         sum(coalesce(bed_days, length_of_stay * activity)) AS days
  FROM published_cells WHERE activity > 0 AND setting IN ('EL', 'NEL')
    AND (bed_days IS NOT NULL OR length_of_stay IS NOT NULL)
  GROUP BY org_code, line_id, setting, currency_code
), national AS (
  SELECT setting, currency_code, sum(days) / sum(activity) AS mean_days FROM all_cells
  WHERE org_code = $reference OR ($reference = '' AND org_code <> '{england}')
  GROUP BY setting, currency_code
)
SELECT c.line_id, CAST(count(*) AS BIGINT) AS n_currencies, sum(c.activity) AS episodes, sum(c.days) AS days,
       sum(c.activity * n.mean_days) AS expected_days
FROM all_cells c JOIN national n ON n.setting = c.setting AND n.currency_code = c.currency_code
WHERE c.org_code = $org GROUP BY c.line_id ORDER BY c.line_id
"""


def find_stays(db: QueryEngine, org_code: str, *, reference: str) -> pd.DataFrame:
    """Return days in bed by line against the national mean of the same currencies.

    Parameters
    ----------
    reference
        ``ENGLAND`` for the national schedule's mean, blank for the mean of all organisations.

    Returns
    -------
    pd.DataFrame
        ``line_id, n_currencies, episodes, days, expected_days``; no rows where no bed days are published.
    """
    return db.frame(STAYS_SQL.format(england=ENGLAND), org=org_code, reference=reference)
