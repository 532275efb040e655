"""Cost against what the same activity costs nationally: like for like, with an interval.

Expected cost is activity x national mean of the same setting, service and currency x the trust's
market forces factor. Where a file holds many organisations the mean is that of all others, so that no
trust is compared with itself; where it holds few, it is the national schedule's.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from helpers.contracts import QueryEngine
from helpers.published.cells import ENGLAND

LEAST_ORGANISATIONS = 20  # in a file, for its own means to stand for the nation
LEAST_CURRENCIES = 5  # for an interval
LEVEL = 0.95
COMPARED = "published_compared"

FACTORED_SQL = """
SELECT c.*, CASE WHEN c.is_adjusted THEN 1.0 ELSE f.factor END AS factor
FROM published_cells c JOIN published_factors f ON f.org_code = c.org_code
"""

# Sums over all organisations: by setting, service and currency, and by setting and currency.
SUMS_SQL = """
SELECT setting, {service} AS service_code, currency_code, count(DISTINCT org_code) AS n_orgs,
       sum(activity) AS activity, sum((cost_pence - cost_only_pence) / 100.0 / factor) AS cost_gbp
FROM published_factored WHERE activity > 0 AND org_code {which} '{england}'
GROUP BY 1, 2, 3
"""

COMPARED_SQL = """
SELECT c.year, c.org_code, c.setting, c.service_code, c.currency_code, c.line_id, c.activity, c.factor,
       c.cost_pence, c.cost_only_pence, c.cost_pence - c.cost_only_pence AS observed_pence, c.bed_days,
       c.length_of_stay, coalesce(a.mean_gbp, b.mean_gbp, m.mean_gbp) AS mean_gbp,
       CASE WHEN a.mean_gbp IS NOT NULL THEN 'service' WHEN b.mean_gbp IS NOT NULL THEN 'setting'
            WHEN m.mean_gbp IS NOT NULL THEN 'currency' ELSE 'none' END AS compared_at,
       CAST(floor(c.activity * coalesce(a.mean_gbp, b.mean_gbp, m.mean_gbp) * c.factor * 100 + 0.5) AS BIGINT)
         AS expected_pence
FROM published_factored c
LEFT JOIN published_others_service a ON c.activity > 0 AND a.org_code = c.org_code AND a.setting = c.setting
  AND a.service_code = c.service_code AND a.currency_code = c.currency_code
LEFT JOIN published_others_setting b ON c.activity > 0 AND b.org_code = c.org_code AND b.setting = c.setting
  AND b.currency_code = c.currency_code
LEFT JOIN published_means_currency m ON c.activity > 0 AND m.currency_code = c.currency_code
  AND c.setting IN ('MIXED', 'OUT')
"""

# The schedule's mean, which is the nation's.
NATIONAL_SQL = """
SELECT c.org_code, s.setting, s.service_code, s.currency_code, s.cost_gbp / s.activity AS mean_gbp
FROM {sums} s CROSS JOIN (SELECT DISTINCT org_code FROM published_factored WHERE org_code <> '{england}') c
"""

# The mean of all organisations but this one.
OTHERS_SQL = """
SELECT o.org_code, o.setting, o.service_code, o.currency_code,
       (s.cost_gbp - o.cost_gbp) / (s.activity - o.activity) AS mean_gbp
FROM {sums} s
JOIN (SELECT org_code, setting, {service} AS service_code, currency_code, sum(activity) AS activity,
             sum((cost_pence - cost_only_pence) / 100.0 / factor) AS cost_gbp
      FROM published_factored WHERE activity > 0 AND org_code <> '{england}' GROUP BY 1, 2, 3, 4) o
  ON o.setting = s.setting AND o.service_code = s.service_code AND o.currency_code = s.currency_code
WHERE s.n_orgs > 1
"""

NO_MEANS_SQL = """
SELECT org_code, setting, {service} AS service_code, currency_code, 0.0 AS mean_gbp
FROM published_factored WHERE 1 = 0
"""

CURRENCY_SQL = """
SELECT currency_code, sum(cost_gbp) / sum(activity) AS mean_gbp FROM published_sums_setting
WHERE setting <> 'MIXED' AND {condition} GROUP BY currency_code
"""
MEANS = {"organisations": OTHERS_SQL, "schedule": NATIONAL_SQL, "none": NO_MEANS_SQL}


def choose_factors(factors: pd.DataFrame, *, year: str, organisations: list[str]) -> pd.DataFrame:
    """Return one market forces factor an organisation, and where it is from.

    Parameters
    ----------
    factors
        ``org_code, year, factor`` as published; the year nearest to ``year`` is used.
    organisations
        All that need one. One that has none takes the mean of those that have (decision D-224); with no
        factors at all every one is 1.

    Returns
    -------
    pd.DataFrame
        ``org_code, factor, factor_year`` (blank if not its own), ``is_own``.
    """
    known = factors.assign(distance=(factors["year"].str[:4].astype("int64") - int(year[:4])).abs())
    known = known.sort_values(["distance", "org_code"]).drop_duplicates("org_code")
    frame = pd.DataFrame({"org_code": sorted(set(organisations))}, dtype="str").merge(
        known[["org_code", "factor", "year"]].rename(columns={"year": "factor_year"}),
        on="org_code", how="left", validate="one_to_one",
    )  # fmt: skip
    usual = float(known["factor"].astype("float64").mean()) if len(known) else 1.0
    frame["is_own"] = frame["factor"].notna()
    frame["factor"] = frame["factor"].astype("float64").fillna(usual)
    frame["factor_year"] = frame["factor_year"].astype("str").where(frame["is_own"], "")
    return frame


def compare_with_nation(db: QueryEngine) -> str:
    """Make ``published_compared``: every cell with the national mean and expected cost.

    Columns added: ``mean_gbp`` (pounds a unit, before the market forces factor), ``compared_at``
    (service, setting, currency or none), ``expected_pence`` (whole pence).

    Returns
    -------
    str
        ``organisations`` if the mean is that of all others in the file, ``schedule`` if the national
        schedule's, ``none`` if there is neither.
    """
    db.create("published_factored", FACTORED_SQL)
    basis = _find_basis(db)
    for name, service in (("service", "service_code"), ("setting", "''")):
        which = "=" if basis == "schedule" else "<>"
        sums = f"published_sums_{name}"
        db.create(sums, SUMS_SQL.format(service=service, which=which, england=ENGLAND))
        means = MEANS[basis].format(sums=sums, service=service, england=ENGLAND)
        db.create(f"published_others_{name}", means)
    condition = "1 = 1" if basis == "schedule" else "1 = 0"
    db.create("published_means_currency", CURRENCY_SQL.format(condition=condition))
    db.create(COMPARED, COMPARED_SQL)
    db.drop("published_others_service", "published_others_setting", "published_sums_service")
    return basis


def _find_basis(db: QueryEngine) -> str:
    counts = db.frame(
        f"""SELECT count(DISTINCT CASE WHEN org_code <> '{ENGLAND}' THEN org_code END) AS n_orgs,
                   count(DISTINCT CASE WHEN org_code = '{ENGLAND}' THEN org_code END) AS n_national
            FROM published_factored"""
    ).iloc[0]
    return choose_basis(int(counts["n_orgs"]), int(counts["n_national"]))


def choose_basis(n_organisations: int, n_national: int) -> str:
    """Return whose means stand for the nation: organisations, schedule or none."""
    if n_organisations >= LEAST_ORGANISATIONS:
        return "organisations"
    return "schedule" if n_national else "none"


INDEX_SQL = """
SELECT org_code, {line} AS line_id, currency_code, CAST(sum(observed_pence) AS BIGINT) AS observed_pence,
       CAST(sum(expected_pence) AS BIGINT) AS expected_pence
FROM published_compared WHERE expected_pence > 0 AND org_code <> '{england}' {also}
GROUP BY 1, 2, 3
"""


def index_lines(db: QueryEngine, org_code: str) -> pd.DataFrame:
    """Return the index of each line of one organisation, and of all its lines as ``ALL``."""
    also = "AND org_code = $org"
    parts = [
        db.frame(INDEX_SQL.format(line=line, england=ENGLAND, also=also), org=org_code)
        for line in ("line_id", "'ALL'")
    ]
    return measure_index(pd.concat(parts, ignore_index=True), ["line_id"])


def index_organisations(db: QueryEngine) -> pd.DataFrame:
    """Return the index of every organisation over all its lines."""
    rows = db.frame(INDEX_SQL.format(line="'ALL'", england=ENGLAND, also=""))
    return measure_index(rows, ["org_code"])


def measure_index(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return observed over expected cost by group, with an interval over currencies.

    The interval is that of a ratio of sums over currencies (linearised, on the log scale, Student's t
    with one degree fewer than currencies): how far the index would move with another choice of
    comparable currencies (decision D-225). It is missing below five currencies.

    Parameters
    ----------
    rows
        ``keys``, ``currency_code``, ``observed_pence``, ``expected_pence`` (above zero).

    Returns
    -------
    pd.DataFrame
        ``keys``, ``n_currencies``, ``observed_pence``, ``expected_pence``, ``index_ratio``,
        ``log_error``, ``ci_low``, ``ci_high``.
    """
    data = rows.astype({"observed_pence": "float64", "expected_pence": "float64"})
    groups = data.groupby(keys)
    sums = groups[["observed_pence", "expected_pence"]].sum()
    sums["n_currencies"] = groups.size()
    ratio = sums["observed_pence"] / sums["expected_pence"]
    own = ratio.reindex(pd.MultiIndex.from_frame(data[keys]) if len(keys) > 1 else data[keys[0]])
    residual = (
        data["observed_pence"].to_numpy() - own.to_numpy() * data["expected_pence"].to_numpy()
    )
    squares = pd.Series(residual**2, index=data.index).groupby([data[key] for key in keys]).sum()
    n = sums["n_currencies"]
    enough = n >= LEAST_CURRENCIES
    variance = (squares / sums["expected_pence"] ** 2 * n / (n - 1).where(n > 1)).where(enough)
    error = np.sqrt(variance) / ratio.where(ratio > 0)
    reach = stdtrit(np.maximum(n - 1, 1), 0.5 + LEVEL / 2) * error
    out = sums.assign(
        index_ratio=ratio, log_error=error,
        ci_low=ratio * np.exp(-reach), ci_high=ratio * np.exp(reach),
    ).reset_index()  # fmt: skip
    whole = {"observed_pence": "int64", "expected_pence": "int64", "n_currencies": "int64"}
    return out.astype(whole)
