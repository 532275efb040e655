"""What a line's total hides: margins by point of delivery, and private against NHS work."""

from __future__ import annotations

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import PRIVATE_CARE

PRIVATE = "02"  # administrative category of a private patient
CRITICAL_INCOME_SQL = """
SELECT event_id, CAST(sum(income_pence) AS BIGINT) AS income_pence FROM critical_care_income GROUP BY event_id
"""  # by event
REST = "REST"  # income and cost that belong to no point of delivery


def total_private(db: QueryEngine) -> pd.DataFrame:
    """Total private patients' income and cost by line, from the engine's ``patient_events``.

    Returns
    -------
    pd.DataFrame
        ``line_id``, ``n_private_events``, ``private_income_pence``, ``private_cost_pence``; empty
        where the trust has no private patients, or is costed without patients.
    """
    return db.frame(
        """
        SELECT line_id, count(*) AS n_private_events,
               CAST(sum(income_pence) AS BIGINT) AS private_income_pence,
               CAST(sum(full_cost_pence) AS BIGINT) AS private_cost_pence
        FROM patient_events
        WHERE admin_category = $private
        GROUP BY line_id
        ORDER BY line_id
        """,
        private=PRIVATE,
    )


def split_private(position: pd.DataFrame, private: pd.DataFrame) -> pd.DataFrame:
    """Set private patients apart from the rest of each line that has any; whole pence.

    The rest is the line's total less its private patients: NHS patients, unmatched cost and other
    income. ``is_masked`` tells where the line breaks even or better while its NHS work does not,
    so that private income hides an NHS loss.
    """
    split = position[["line_id", "line_name", "income_pence", "full_cost_pence"]].merge(
        private, on="line_id", how="inner", validate="one_to_one"
    )
    split["nhs_income_pence"] = split["income_pence"] - split["private_income_pence"]
    split["nhs_cost_pence"] = split["full_cost_pence"] - split["private_cost_pence"]
    split["nhs_surplus_pence"] = split["nhs_income_pence"] - split["nhs_cost_pence"]
    split["private_surplus_pence"] = split["private_income_pence"] - split["private_cost_pence"]
    split["surplus_pence"] = split["income_pence"] - split["full_cost_pence"]
    split["is_masked"] = (split["surplus_pence"] >= 0) & (split["nhs_surplus_pence"] < 0)
    columns = [
        "line_id", "line_name", "n_private_events",
        "nhs_income_pence", "nhs_cost_pence", "nhs_surplus_pence",
        "private_income_pence", "private_cost_pence", "private_surplus_pence",
        "surplus_pence", "is_masked",
    ]  # fmt: skip
    return split[columns].sort_values("line_id", kind="stable").reset_index(drop=True)


def is_priced(line_hrgs: pd.DataFrame) -> bool:
    """Tell whether NHS care has prices: without them every part of a line would look like a loss."""
    return bool((line_hrgs.loc[line_hrgs["pod"] != PRIVATE_CARE, "income_pence"] != 0).any())


def total_pods(line_hrgs: pd.DataFrame) -> pd.DataFrame:
    """Return activity, income and cost of each line by point of delivery, whole pence.

    ``line_hrgs`` holds critical care apart (decision D-322), so its days' income stands with its cost
    under CC, and not with what belongs to no patient. Without prices there are no rows (D-374).
    """
    numbers = ["n_events", "income_pence", "full_cost_pence"]
    line_hrgs = line_hrgs if is_priced(line_hrgs) else line_hrgs.iloc[:0]
    totals = line_hrgs.groupby(["line_id", "pod"], as_index=False)[numbers].sum()
    return totals.rename(columns={"full_cost_pence": "cost_pence"})


def split_lines(position: pd.DataFrame, line_pods: pd.DataFrame) -> pd.DataFrame:
    """Split each line's surplus by point of delivery; the rows of a line add up to its total.

    Cost matched to no patient, and income that belongs to no point of delivery, are a row of their
    own (``REST``). Whole pence. ``line_pods`` is as ``total_pods`` gives it.
    """
    by_pod = line_pods[["line_id", "pod", "n_events", "income_pence", "cost_pence"]]
    by_pod = by_pod[by_pod["line_id"].isin(position["line_id"])]
    known = by_pod.groupby("line_id")[["income_pence", "cost_pence"]].sum()
    total = position.set_index("line_id")[["income_pence", "full_cost_pence"]]
    total.columns = ["income_pence", "cost_pence"]
    rest = total.loc[known.index] - known
    rest = rest[(rest != 0).any(axis=1)].reset_index().assign(pod=REST, n_events=0)
    split = pd.concat([by_pod, rest[by_pod.columns]], ignore_index=True)
    split["surplus_pence"] = split["income_pence"] - split["cost_pence"]
    numbers = ["n_events", "income_pence", "cost_pence", "surplus_pence"]
    split = split.astype(dict.fromkeys(numbers, "int64"))
    return split.sort_values(["line_id", "pod"], kind="stable").reset_index(drop=True)


def measure_masking(within_line: pd.DataFrame) -> pd.DataFrame:
    """Return how much of each line's gains and losses by point of delivery cancel out.

    ``masking_prop = 1 - |G - D| / (G + D)``: 0 when every part points the same way, 1 when gains
    and losses cancel wholly. The ``REST`` row is not a group of patients and is left out.
    """
    pods = within_line[within_line["pod"] != REST]
    margin = pods["surplus_pence"]
    parts = pd.DataFrame(
        {
            "line_id": pods["line_id"],
            "surpluses_pence": margin.clip(lower=0),
            "deficits_pence": (-margin).clip(lower=0),
        }
    )
    lines = parts.groupby("line_id", sort=True).sum().reset_index()
    lines["net_pence"] = lines["surpluses_pence"] - lines["deficits_pence"]
    gross = lines["surpluses_pence"] + lines["deficits_pence"]
    kept = (lines["net_pence"].abs() / gross.where(gross > 0)).astype("float64")
    lines["masking_prop"] = (1 - kept).fillna(0.0)
    return lines
