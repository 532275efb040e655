"""What a spell's cost is made of, and which parts make a consultant or a patient dear.

Controllable cost is split by the kind of work it pays for: ward, theatre, implants, tests, drugs
and so on. A consultant's parts are set beside those of the line's other patients with the same HRG
and way of coming; a patient's beside the median patient of the HRG.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import ELEMENTS_ABOVE_EBITDA
from helpers.outliers.spells import SPELL_SQL
from helpers.outliers.stay_expected import assign_cells, pair_groups

BUCKETS = (
    "ward", "critical_care", "theatre", "implants", "tests", "drugs", "therapies", "medical", "other",
)  # fmt: skip
BUCKET_OF_FEED = (
    ("ward", "ward"),
    ("critical_care", "critical_care"),
    ("theatre", "theatre"),
    ("recovery", "theatre"),
    ("implants", "implants"),
    ("tests", "tests"),
    ("drugs", "drugs"),
    ("high_cost_drugs", "drugs"),
    ("therapies", "therapies"),
    ("medical", "medical"),
)
MIN_HRG_SPELLS = 10
MOST_MODIFIED_Z = 3.5
NORMAL_MAD = 0.6745  # median absolute deviation of a standard normal value
N_DRIVERS = 3
DRIVER_COLUMNS = [
    "line_id", "consultant_code", "bucket", "n", "observed_pence", "expected_pence", "excess_pence",
]  # fmt: skip
OUTLIER_COLUMNS = [
    "spell_id", "line_id", "consultant_code", "hrg", "n_hrg", "cost_pence", "median_pence",
    "modified_z", "los_days", "median_los_days",
    *(f"driver_{k}" for k in range(1, N_DRIVERS + 1)),
    *(f"driver_{k}_pence" for k in range(1, N_DRIVERS + 1)),
]  # fmt: skip


def list_buckets(cost_pools: pd.DataFrame | None) -> pd.DataFrame:
    """Return the kind of work that each department's cost pays for: ``department_id, bucket, has_implants``.

    A department takes the kind of its largest pool that is not for implants or high-cost drugs.
    Supplies of a department with an implant pool count as implants and supplies, and drugs as drugs
    wherever they are issued; that is settled cost by cost when spells are read.
    """
    columns = ["department_id", "bucket", "has_implants"]
    if cost_pools is None or cost_pools.empty:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
    pools = cost_pools.assign(
        bucket=cost_pools["feed"].map(dict(BUCKET_OF_FEED)).fillna("other"),
        is_implants=cost_pools["feed"] == "implants",
        is_all=cost_pools["element_filter"].astype("str").str.len(),
    )
    has = pools.groupby("department_id")["is_implants"].any()
    plain = pools[~pools["feed"].isin(["implants", "high_cost_drugs"])]
    largest = plain.sort_values(["is_all", "pool_id"], ascending=[False, True], kind="stable")
    bucket = largest.groupby("department_id")["bucket"].first()
    table = has.rename("has_implants").to_frame().join(bucket, how="left", validate="one_to_one")
    table["bucket"] = table["bucket"].fillna("implants").astype("str")
    return table.reset_index()[columns].sort_values("department_id", ignore_index=True)


def select_resources(db: QueryEngine, buckets: pd.DataFrame) -> pd.DataFrame:
    """Return one row a compared spell with its controllable cost by kind of work, whole pence.

    The kinds add up to ``controllable_pence``. Needs ``patient_costs`` beside ``patient_events``.
    """
    db.add_frame("department_buckets", buckets.astype({"has_implants": "bool"}))
    db.create("resource_spells", SPELL_SQL)
    elements = ", ".join(f"'{name}'" for name in ELEMENTS_ABOVE_EBITDA)
    sums = ", ".join(
        f"CAST(sum(CASE WHEN bucket = '{name}' THEN amount_pence ELSE 0 END) AS BIGINT) AS {name}_pence"
        for name in BUCKETS
    )
    names = ", ".join(f"coalesce(b.{name}_pence, 0) AS {name}_pence" for name in BUCKETS)
    spells = db.frame(
        "WITH kinds AS (SELECT c.spell_id, c.amount_pence, CASE "
        "WHEN c.element = 'DRUGS' THEN 'drugs' "
        "WHEN c.element = 'CLIN_SUPPLIES' AND d.has_implants THEN 'implants' "
        "ELSE coalesce(d.bucket, 'other') END AS bucket "
        "FROM patient_costs c LEFT JOIN department_buckets d ON d.department_id = c.source_department "
        f"WHERE c.event_kind = 'episode' AND c.tier IN ('direct', 'indirect') AND c.element IN ({elements})), "
        f"b AS (SELECT spell_id, {sums} FROM kinds GROUP BY spell_id) "
        "SELECT s.spell_id, s.line_id, s.consultant_code, s.hrg, s.admission_type, s.los_days, "
        f"s.controllable_pence, {names} FROM resource_spells s LEFT JOIN b ON b.spell_id = s.spell_id "
        "WHERE s.reason = 'kept' ORDER BY s.spell_id"
    )
    db.drop("resource_spells", "department_buckets")
    return spells


def measure_drivers(spells: pd.DataFrame) -> pd.DataFrame:
    """Set each consultant's cost, kind by kind, beside that of like patients of the line's others.

    Returns
    -------
    pd.DataFrame
        One row a line, consultant and kind of work: ``n`` spells compared, ``observed_pence``,
        ``expected_pence`` and ``excess_pence``. The excess holds chance; it is not the saving.
    """
    if spells.empty:
        return pd.DataFrame(columns=DRIVER_COLUMNS)
    cells = [assign_cells(rows) for _, rows in spells.groupby("line_id", sort=True)]
    cell_name = spells["line_id"] + "|" + pd.concat(cells).reindex(spells.index)
    cell = pd.factorize(cell_name, sort=True)[0]
    pairs = pair_groups(spells["line_id"] + "\t" + spells["consultant_code"], cell)
    keys = pd.Series(pairs.groups, dtype="str").str.split("\t", n=1, expand=True)
    n = pairs.add_up(pairs.n).astype("int64")
    parts = []
    for bucket in BUCKETS:
        amount = spells[f"{bucket}_pence"].to_numpy(dtype="float64")
        own = np.bincount(pairs.of_spell, weights=amount, minlength=len(pairs.n))
        whole = np.bincount(cell, weights=amount, minlength=len(pairs.cell_n))[pairs.cell]
        expected = pairs.add_up(pairs.n * (whole - own) / np.maximum(pairs.others, 1))
        parts.append(
            pd.DataFrame(
                {
                    "line_id": keys[0],
                    "consultant_code": keys[1],
                    "bucket": bucket,
                    "n": n,
                    "observed_pence": np.rint(pairs.add_up(own)).astype("int64"),
                    "expected_pence": np.rint(expected).astype("int64"),
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    table["excess_pence"] = table["observed_pence"] - table["expected_pence"]
    return table[DRIVER_COLUMNS].sort_values(
        ["line_id", "consultant_code", "bucket"], ignore_index=True
    )


def score_modified_z(cost: np.ndarray) -> np.ndarray:
    """Return 0.6745 x (ln cost - median) / MAD of some costs; nan where half of them are equal.

    The median and the median absolute deviation are not moved by the outlier itself.
    """
    log = np.log(np.maximum(cost, 1.0))
    gap = log - np.median(log)
    mad = np.median(np.abs(gap))
    return NORMAL_MAD * gap / mad if mad > 0 else np.full(len(cost), np.nan)


def find_patient_outliers(
    spells: pd.DataFrame, *, min_spells: int = MIN_HRG_SPELLS, most_z: float = MOST_MODIFIED_Z
) -> pd.DataFrame:
    """Return spells that cost far more or less than others of their HRG, and what makes them so.

    Parameters
    ----------
    spells
        From ``select_resources``.
    min_spells
        Fewest spells of an HRG that is looked at.
    most_z
        Modified z beyond which a spell is an outlier.

    Returns
    -------
    pd.DataFrame
        One row an outlier, the dearest first: cost, the HRG's median, ``modified_z``, and three kinds
        of work, largest gap to the HRG's median of that kind first, with the gaps. A spell below
        the median has its gaps below.
    """
    n_hrg = spells.groupby("hrg")["spell_id"].transform("size")
    rows = spells[n_hrg >= min_spells].reset_index(drop=True)
    if rows.empty:
        return _no_outliers()
    cost = rows["controllable_pence"].astype("float64") / 100
    score = cost.groupby(rows["hrg"]).transform(lambda one: score_modified_z(one.to_numpy()))
    amounts = rows[[f"{name}_pence" for name in BUCKETS]].astype("float64")
    medians = amounts.groupby(rows["hrg"]).transform("median")
    others = {
        "n_hrg": n_hrg[n_hrg >= min_spells].to_numpy(),
        "median_pence": rows["controllable_pence"].groupby(rows["hrg"]).transform("median"),
        "median_los_days": rows["los_days"].astype("float64").groupby(rows["hrg"]).transform("median"),
        "cost_pence": rows["controllable_pence"],
        "modified_z": score,
    }  # fmt: skip
    far = (score.abs() > most_z).to_numpy()
    if not far.any():
        return _no_outliers()
    found = rows.assign(**others)[far].reset_index(drop=True)
    gaps = (amounts - medians)[far].to_numpy()
    found["median_pence"] = np.rint(found["median_pence"]).astype("int64")
    found["los_days"] = found["los_days"].astype("float64")
    found = _add_drivers(found, gaps)
    order = ["cost_pence", "spell_id"]
    return found[OUTLIER_COLUMNS].sort_values(order, ascending=[False, True], ignore_index=True)


def _add_drivers(found: pd.DataFrame, gaps: np.ndarray) -> pd.DataFrame:
    """Add the kinds of work with the largest gaps in the direction of the whole gap."""
    side = np.where(found["modified_z"].to_numpy() > 0, 1.0, -1.0)
    order = np.argsort(-gaps * side[:, None], axis=1, kind="stable")[:, :N_DRIVERS]
    names, table = np.array(BUCKETS), found.copy()
    for k in range(N_DRIVERS):
        gap = np.take_along_axis(gaps, order[:, [k]], axis=1)[:, 0]
        helps = gap * side > 0
        table[f"driver_{k + 1}"] = pd.Series(np.where(helps, names[order[:, k]], ""), dtype="str")
        table[f"driver_{k + 1}_pence"] = np.where(helps, np.rint(gap), 0).astype("int64")
    return table


def _no_outliers() -> pd.DataFrame:
    texts = {"spell_id", "line_id", "consultant_code", "hrg", "driver_1", "driver_2", "driver_3"}
    return pd.DataFrame(
        {
            name: pd.Series(dtype="str" if name in texts else "int64" if "pence" in name or name == "n_hrg" else "float64")
            for name in OUTLIER_COLUMNS
        }
    )  # fmt: skip
