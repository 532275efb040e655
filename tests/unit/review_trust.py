"""Invented spells for the tests of the consultant review: what is planted is known."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.outliers.spells import SpellSample, prepare_spells

PROJECT = Path(__file__).resolve().parents[2]
OUTCOMES = ("readmit_30d", "complication")
Place = tuple[int, int]


def read_golden(name: str) -> pd.DataFrame:
    """Return a reference table worked out by other software, or skip."""
    shared = Path(os.environ.get("SHARED_DIR", PROJECT.parent / "shared"))
    path = shared / "golden" / name
    if not path.exists():
        pytest.skip("the reference tables worked out in R are not here (set SHARED_DIR)")
    return pd.read_csv(path)


def invent_spells(
    seed: int,
    *,
    n_lines: int = 2,
    n_consultants: int = 12,
    n_spells: int = 150,
    tau: float = 0.05,
    planted: Mapping[Place, float] | None = None,
    odds: Mapping[Place, float] | None = None,
) -> pd.DataFrame:
    """Return raw spells. ``planted`` multiplies the cost of (line, consultant); ``odds`` its bad outcomes."""
    rng = np.random.default_rng(seed)
    rows = []
    for line in range(n_lines):
        level = rng.uniform(7, 9, 8)
        for consultant in range(n_consultants):
            hrg = rng.choice(8, n_spells, p=rng.dirichlet(np.full(8, 3.0)))
            age, emergency = rng.integers(20, 95, n_spells), rng.random(n_spells) < 0.4
            effect = rng.normal(0, tau) + np.log((planted or {}).get((line, consultant), 1.0))
            mean = np.exp(level[hrg] + effect + 0.05 * (age - 60) / 10 + 0.2 * emergency)
            risk = 0.1 * (odds or {}).get((line, consultant), 1.0)
            risk = risk / (0.9 + risk)
            frame = {
                "spell_id": [f"S{line}{consultant:02d}{k:04d}" for k in range(n_spells)],
                "line_id": f"L{line}",
                "consultant_code": f"C{line:03d}{consultant:04d}",
                "hrg": np.array([f"AA1{k}Z" for k in range(8)])[hrg],
                "admission_type": np.where(emergency, "EM", "EL"),
                "patient_classification": "1",
                "discharge_method": "1",
                "age": age,
                "sex": rng.choice(["1", "2"], n_spells),
                "imd_decile": rng.integers(1, 11, n_spells),
                "los_days": rng.negative_binomial(1.5, 1.5 / (1.5 + mean / 1500)),
                "controllable_pence": np.rint(rng.gamma(2.5, mean / 2.5) * 100).astype("int64"),
            }
            for measure in OUTCOMES:
                frame[f"value_{measure}"] = (rng.random(n_spells) < risk).astype(float)
                frame[f"expected_{measure}"] = 0.1
            rows.append(pd.DataFrame(frame))
    spells = pd.concat(rows, ignore_index=True)
    return spells.assign(ward_pence=(spells["controllable_pence"] * 2) // 5)


def make_sample(spells: pd.DataFrame, outcomes: tuple[str, ...] = OUTCOMES) -> SpellSample:
    """Return spells as ``select_spells`` would hand them on."""
    total = spells.groupby("line_id", as_index=False)["controllable_pence"].sum()
    exclusions = pd.DataFrame(
        {
            "reason": ["kept"],
            "words": ["compared"],
            "n_spells": [len(spells)],
            "controllable_pence": [int(spells["controllable_pence"].sum())],
        }
    )
    return SpellSample(prepare_spells(spells, outcomes), exclusions, total, outcomes)


def name_consultants(spells: pd.DataFrame) -> pd.DataFrame:
    """Return a consultants table with pseudonyms."""
    codes = sorted(spells["consultant_code"].unique())
    return pd.DataFrame(
        {"consultant_code": codes, "pseudonym": [f"Cons-{k:02d}" for k in range(1, len(codes) + 1)]}
    ).astype("str")
