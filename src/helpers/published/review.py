"""Which currencies cost a trust unusually much or little, beside every other trust that provides them.

For each setting and currency the unit costs of trusts, freed of the market forces factor, scatter round
their median: by how trusts differ, and by chance, which is larger where there are few patients. Chance is
measured from the data: unit costs of small volumes scatter more than those of large ones.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtr

from helpers.contracts import QueryEngine
from helpers.published.cells import ENGLAND

LEAST_PEERS = 8  # trusts with the currency, for a trust to be compared
LEAST_TO_SPLIT = 16  # trusts, for chance to be told from difference by volume
LEAST_ACTIVITY = 10  # units in the year, for a unit cost to be looked at
FALSE_DISCOVERY_RATE = 0.10
MATERIAL_PROP = 0.15  # a difference below this is not named
USUAL_SPREAD = 0.25  # log units between trusts, where a currency has too few to measure it
MAD_TO_SD = 1.4826
MAD_EFFICIENCY = (
    0.37  # of a median absolute deviation: it tells as much as so many times its trusts
)
PRIOR_TRUSTS = 8.0  # what the usual spread of all currencies is worth, in degrees of freedom

UNITS_SQL = """
SELECT org_code, setting, currency_code, any_value(line_id) AS line_id, sum(activity) AS activity,
       CAST(sum(observed_pence) AS BIGINT) AS cost_pence,
       ln(sum(observed_pence) / sum(activity) / max(factor)) AS log_unit
FROM published_compared
WHERE activity > 0 AND observed_pence > 0 AND org_code <> '{england}' AND setting <> 'MIXED'
GROUP BY org_code, setting, currency_code HAVING sum(activity) >= {least}
"""

# Each currency's median and robust variance, for all its trusts and for the smaller and larger half.
SPREADS_SQL = f"""
WITH centred AS (
  SELECT u.*, log_unit - median(log_unit) OVER w AS r, count(*) OVER w AS n_orgs,
         median(activity) OVER w AS middle
  FROM published_units u WINDOW w AS (PARTITION BY setting, currency_code)
)
SELECT setting, currency_code, max(n_orgs) AS n_orgs,
       power({MAD_TO_SD} * median(abs(r)), 2) AS v_all, avg(1 / activity) AS c_all,
       power({MAD_TO_SD} * median(CASE WHEN activity <= middle THEN abs(r) END), 2) AS v_small,
       avg(CASE WHEN activity <= middle THEN 1 / activity END) AS c_small,
       power({MAD_TO_SD} * median(CASE WHEN activity > middle THEN abs(r) END), 2) AS v_large,
       avg(CASE WHEN activity > middle THEN 1 / activity END) AS c_large
FROM centred GROUP BY setting, currency_code
"""


def measure_spreads(db: QueryEngine) -> pd.DataFrame:
    """Make ``published_units`` and return how each currency's unit costs differ between trusts.

    Returns
    -------
    pd.DataFrame
        ``setting, currency_code, n_orgs, noise`` (variance of the log unit cost of a single unit of
        activity), ``spread`` (standard deviation between trusts, log units), ``degrees`` (of freedom).
    """
    db.create("published_units", UNITS_SQL.format(england=ENGLAND, least=LEAST_ACTIVITY))
    return split_spreads(db.frame(SPREADS_SQL))


def split_spreads(halves: pd.DataFrame) -> pd.DataFrame:
    """Split each currency's scatter into chance and difference between trusts.

    If a unit cost's variance is ``spread**2 + noise / activity``, the smaller half of trusts shows more
    of it than the larger half; ``noise`` is the median slope over all currencies with enough trusts.
    Each currency's spread is then drawn towards the usual one, more where its trusts are few, and what is
    left unsure of it is kept as degrees of freedom (decision D-230).
    """
    enough = halves["n_orgs"] >= LEAST_TO_SPLIT
    slope = (halves["v_small"] - halves["v_large"]) / (halves["c_small"] - halves["c_large"])
    known = slope[enough & np.isfinite(slope)]
    noise = max(float(known.median()), 0.0) if len(known) else 0.0
    variance = (halves["v_all"] - noise * halves["c_all"]).clip(lower=0)
    measured = np.sqrt(variance)[enough & variance.gt(0)]
    usual = float(measured.median()) if len(measured) else USUAL_SPREAD
    own = (MAD_EFFICIENCY * halves["n_orgs"]).where(enough, 0.0)
    degrees = own + PRIOR_TRUSTS
    spread = np.sqrt((own * variance.where(enough, 0.0) + PRIOR_TRUSTS * usual**2) / degrees)
    return halves[["setting", "currency_code", "n_orgs"]].assign(
        noise=noise, spread=spread, degrees=degrees
    )


REVIEW_SQL = """
WITH centred AS (
  SELECT *, log_unit - median(log_unit) OVER (PARTITION BY setting, currency_code) AS log_ratio
  FROM published_units
)
SELECT c.*, s.n_orgs, s.noise, s.spread, s.degrees FROM centred c
JOIN published_spreads s ON s.setting = c.setting AND s.currency_code = c.currency_code
WHERE c.org_code = $org AND s.n_orgs >= $least
ORDER BY c.setting, c.currency_code
"""


def review_currencies(db: QueryEngine, spreads: pd.DataFrame, org_code: str) -> pd.DataFrame:
    """Return one trust's currencies beside its peers'.

    Returns
    -------
    pd.DataFrame
        ``setting, currency_code, line_id, n_orgs, activity, cost_pence, ratio`` (unit cost over the
        median trust's), ``ci_low, ci_high`` (95%, chance alone), ``shrunk_ratio`` (the ratio with the
        part that chance explains taken off), ``p_value`` (two-sided: as far from the median as this by
        chance and the usual difference between trusts), ``excess_pence`` (cost above the median trust's
        for the same activity, after shrinking; negative if below).
    """
    db.add_frame("published_spreads", spreads)
    rows = db.frame(REVIEW_SQL, org=org_code, least=LEAST_PEERS)
    return judge_units(rows)


def judge_units(rows: pd.DataFrame) -> pd.DataFrame:
    """Add ratio, interval, p-value and shrunken excess to ``log_ratio, activity, noise, spread, degrees``."""
    chance = rows["noise"] / rows["activity"]
    between = rows["spread"] ** 2
    z = rows["log_ratio"] / np.sqrt(between + chance)
    kept = rows["log_ratio"] * between / (between + chance)
    excess = rows["cost_pence"] * (1 - np.exp(-kept))
    reach = ndtri(0.975) * np.sqrt(chance)
    return rows.assign(
        ratio=np.exp(rows["log_ratio"]),
        ci_low=np.exp(rows["log_ratio"] - reach),
        ci_high=np.exp(rows["log_ratio"] + reach),
        shrunk_ratio=np.exp(kept),
        p_value=2 * stdtr(rows["degrees"], -np.abs(z)),
        excess_pence=np.floor(excess + 0.5).astype("int64"),
    ).drop(columns=["org_code", "log_unit", "log_ratio", "noise", "degrees"], errors="ignore")


def flag_currencies(review: pd.DataFrame, q_value: np.ndarray) -> pd.DataFrame:
    """Add ``q_value`` and ``flag``: dearer, cheaper or blank.

    A currency is named if its adjusted p-value is at most 0.10 and its shrunken ratio is 15% or more from
    the median.
    """
    named = (q_value <= FALSE_DISCOVERY_RATE) & (
        np.abs(np.log(review["shrunk_ratio"])) >= np.log1p(MATERIAL_PROP)
    )
    flag = pd.Series("", index=review.index, dtype="str")
    flag = flag.mask(named & review["shrunk_ratio"].gt(1), "dearer")
    return review.assign(
        q_value=q_value, flag=flag.mask(named & review["shrunk_ratio"].lt(1), "cheaper")
    )
