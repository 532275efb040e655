"""Small tables that belong to the method, kept beside the code that reads them."""

from __future__ import annotations

from functools import cache
from importlib import resources

import pandas as pd


@cache
def _load(name: str) -> pd.DataFrame:
    with resources.files("helpers.costing").joinpath(f"{name}.csv").open(encoding="utf-8") as text:
        return pd.read_csv(text, dtype={"acuity": "int64", "weight": "float64"})


def get_reference(name: str) -> pd.DataFrame:
    """Return `feeds`, `match_rules`, `ed_acuity` or `plan_activities`, each with a source for every row."""
    return _load(name).copy()
