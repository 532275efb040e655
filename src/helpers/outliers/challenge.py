"""What a consultant needs to answer a finding: the cases, the facts to check, and whether it holds.

None of this decides who is named. It puts a consultant's own data beside that of the line's others,
so that both can be questioned.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.contracts import QueryEngine
from helpers.outliers.stay_expected import assign_cells, expect_days, pair_groups

N_DEAREST = 5
FIRST_HALF = (4, 5, 6, 7, 8, 9)  # calendar months April to September
KEYS = ["line_id", "consultant_code"]
CASE_COLUMNS = [*KEYS, "hrg", "admission_type", "n", "mean_pence", "n_peers", "peers_mean_pence"]
CHECK_COLUMNS = [*KEYS, "kind", "item", "n", "value", "peers_value"]
FACTS = (
    "several_consultants", "came_by_transfer", "left_by_transfer", "emergency", "died",
    "critical_care", "private", "waited_to_leave",
)  # fmt: skip
FACT_SQL = """
WITH whole AS (
    SELECT spell_id, count(DISTINCT consultant_code) AS n_consultants
    FROM patient_events WHERE event_kind = 'episode' GROUP BY spell_id
)
SELECT e.spell_id, extract(month FROM e.discharge_dt) AS month, w.n_consultants,
       e.admission_method, e.discharge_method, e.discharge_destination, e.admin_category,
       CASE WHEN CAST(e.discharge_dt AS DATE) > CAST(e.discharge_ready_date AS DATE) THEN 1 ELSE 0 END
           AS is_waiting
FROM patient_events e
JOIN whole w ON w.spell_id = e.spell_id
WHERE e.event_kind = 'episode' AND e.is_discharging
ORDER BY e.spell_id
"""


def select_facts(db: QueryEngine) -> pd.DataFrame:
    """Return one row a discharged spell with what may explain its cost, by ``spell_id``."""
    return db.frame(FACT_SQL)


def list_cases(spells: pd.DataFrame) -> pd.DataFrame:
    """Return each consultant's casemix with mean costs, own and of the line's others.

    Parameters
    ----------
    spells
        From ``resources.select_resources``.

    Returns
    -------
    pd.DataFrame
        One row a line, consultant, HRG and way of coming, most spells first: means in whole pence;
        ``peers_mean_pence`` missing where no other consultant of the line treats the HRG.
    """
    by = ["line_id", "hrg", "admission_type"]
    cost = spells.assign(pence=spells["controllable_pence"].astype("float64"))
    own = cost.groupby(
        ["line_id", "consultant_code", "hrg", "admission_type"], as_index=False, sort=True
    ).agg(n=("pence", "size"), pence=("pence", "sum"))
    whole = cost.groupby(by, as_index=False).agg(n_all=("pence", "size"), all=("pence", "sum"))
    table = own.merge(whole, on=by, how="left", validate="many_to_one")
    table["n_peers"] = table["n_all"] - table["n"]
    peers = (table["all"] - table["pence"]) / table["n_peers"].where(table["n_peers"] > 0)
    table["mean_pence"] = np.rint(table["pence"] / table["n"]).astype("int64")
    table["peers_mean_pence"] = peers.round().astype("Int64")
    table = table.sort_values([*KEYS, "n", "hrg"], ascending=[True, True, False, True])
    return table[CASE_COLUMNS].reset_index(drop=True)


def check_consultants(spells: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """Return facts to check and repeated measurements, each beside the line's other patients.

    Parameters
    ----------
    spells
        From ``resources.select_resources``.
    facts
        From ``select_facts``.

    Returns
    -------
    pd.DataFrame
        ``kind`` is ``fact`` (``value`` and ``peers_value`` are shares of spells, 0-1) or ``again``
        (``value`` is cost over that of the same casemix elsewhere in the line, chance included):
        ``all`` spells, ``without_dearest`` (every consultant's five dearest left out, against
        their casemix), ``first_half`` and ``second_half`` of the year, ``planned``, ``unplanned``.
    """
    rows = spells.merge(facts, on="spell_id", how="left", validate="one_to_one")
    if rows.empty:
        return pd.DataFrame(columns=CHECK_COLUMNS)
    table = pd.concat([_list_facts(rows), _measure_again(rows)], ignore_index=True)
    return table[CHECK_COLUMNS].sort_values([*KEYS, "kind", "item"], ignore_index=True)


def _list_facts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return shares of spells, the consultant's and the others' of the line."""
    found = pd.DataFrame(
        {
            "several_consultants": rows["n_consultants"] > 1,
            "came_by_transfer": rows["admission_method"] == "81",
            "left_by_transfer": rows["discharge_destination"].isin(["51", "52", "53"]),
            "emergency": rows["admission_method"].astype("str").str.startswith("2"),
            "died": rows["discharge_method"] == "4",
            "critical_care": rows["critical_care_pence"] > 0,
            "private": rows["admin_category"] == "02",
            "waited_to_leave": rows["is_waiting"] == 1,
        }
    ).astype("float64")
    keys = rows[KEYS]
    own = pd.concat([keys, found.assign(n=1.0)], axis=1).groupby(KEYS, sort=True).sum()
    line = own.groupby(level="line_id").transform("sum")
    others = line - own
    parts = [
        pd.DataFrame(
            {
                "kind": "fact",
                "item": name,
                "n": own["n"].astype("int64"),
                "value": own[name] / own["n"],
                "peers_value": others[name] / others["n"].where(others["n"] > 0),
            }
        ).reset_index()
        for name in FACTS
    ]
    return pd.concat(parts, ignore_index=True)


def _measure_again(rows: pd.DataFrame) -> pd.DataFrame:
    """Return cost over that of the same casemix elsewhere in the line, for parts of the spells."""
    cells = [assign_cells(group) for _, group in rows.groupby("line_id", sort=True)]
    rows = rows.assign(cell=rows["line_id"] + "|" + pd.concat(cells).reindex(rows.index))
    first = rows["month"].isin(FIRST_HALF)
    parts = {
        "all": rows,
        "without_dearest": rows[~_find_dearest(rows)],
        "first_half": rows[first],
        "second_half": rows[~first],
        "planned": rows[rows["admission_type"] == "EL"],
        "unplanned": rows[rows["admission_type"] != "EL"],
    }
    return pd.concat(
        [_compare(part).assign(kind="again", item=name) for name, part in parts.items() if len(part)],
        ignore_index=True,
    )  # fmt: skip


def _find_dearest(rows: pd.DataFrame) -> pd.Series:
    """Mark each consultant's five spells that are dearest against the mean of their cell."""
    cost = rows["controllable_pence"].astype("float64")
    excess = cost - cost.groupby(rows["cell"]).transform("mean")
    rank = excess.groupby([rows["line_id"], rows["consultant_code"]]).rank(
        ascending=False, method="first"
    )
    return rank <= N_DEAREST


def _compare(rows: pd.DataFrame) -> pd.DataFrame:
    cell = pd.factorize(rows["cell"], sort=True)[0]
    pairs = pair_groups(rows["line_id"] + "\t" + rows["consultant_code"], cell)
    found = expect_days(pairs, rows["controllable_pence"].to_numpy(dtype="float64"), cell)
    keys = found.index.to_series().str.split("\t", n=1, expand=True)
    expected = found["expected_days"].where(found["expected_days"] > 0)
    return pd.DataFrame(
        {
            "line_id": keys[0].to_numpy(),
            "consultant_code": keys[1].to_numpy(),
            "n": found["n_spells"].to_numpy(),
            "value": (found["observed_days"] / expected).to_numpy(),
            "peers_value": 1.0,
        }
    )
