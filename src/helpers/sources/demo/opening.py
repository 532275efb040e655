"""Cost carried in: patients who were in hospital when the year began."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.sources.demo.costs import (
    MEDICAL_GBP_MINUTE,
    MEDICAL_WARD_MINUTES_HOUR,
    Costs,
)
from helpers.sources.demo.files import as_pounds
from helpers.sources.demo.recipe import Recipe


def list_opening(
    recipe: Recipe, costs: Costs, parts: pd.DataFrame, episodes: pd.DataFrame
) -> pd.DataFrame:
    """Return wip_opening.csv: ward and medical cost before the year of episodes that end in it."""
    before = parts[(parts["start"] < 0) & (parts["kind"] != 2)]
    own = episodes.iloc[before["episode"]].reset_index(drop=True)
    before = before.reset_index(drop=True)
    hours = (np.minimum(before["end"], 0) - before["start"]) / 60
    wards = costs.departments[costs.departments["feed"] == "ward"]
    keyed = wards.assign(ward=wards["feed_filter"].str.split(";")).explode("ward").set_index("ward")
    rate = before["ward"].map(keyed["gbp_per_weight"].astype(float)).astype(float)
    rows = pd.DataFrame(
        {
            "episode_id": [f"{recipe.trust}-{s:07d}-{n}" for s, n in zip(own["spell"], own["number"], strict=True)],
            "source_department": before["ward"].map(keyed["department_id"]), "element": "PAY_NURSING",
            "pence": np.round(hours * rate * 100),
        }
    )  # fmt: skip
    lines = recipe.lines["line_id"].to_numpy(object)[before["line"]]
    doctors = rows.assign(
        source_department="MED_" + pd.Series(lines, dtype="str"), element="PAY_MEDICAL",
        pence=np.round(hours * MEDICAL_WARD_MINUTES_HOUR * MEDICAL_GBP_MINUTE * 100),
    )  # fmt: skip
    whole = pd.concat([rows, doctors], ignore_index=True)
    ends_in_year = (own["end"] >= 0).to_numpy()
    whole = whole[np.concatenate([ends_in_year, ends_in_year])]
    key = ["episode_id", "source_department", "element"]
    whole = whole.groupby(key, sort=True, as_index=False)["pence"].sum()
    whole["amount"] = as_pounds(whole.pop("pence").astype("int64").to_numpy()).to_pylist()
    return whole


def list_line_drivers(recipe: Recipe, costs: Costs) -> pd.DataFrame:
    """Return line_drivers.csv for a trust without activity feeds: thousandths of each department's use."""
    clinical = costs.departments.index[costs.departments["kind"] == "clinical"]
    share = np.round(costs.line_shares[clinical] * 1000, 1)
    place, line = np.nonzero(share)
    return pd.DataFrame(
        {
            "department_id": costs.departments["department_id"].to_numpy(object)[clinical[place]],
            "line_id": recipe.lines["line_id"].to_numpy(object)[line],
            "driver": "share_of_" + pd.Series(costs.departments["feed"].to_numpy(object)[clinical[place]]),
            "quantity": share[place, line], "driver_set": "base",
        }
    )  # fmt: skip
