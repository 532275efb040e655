"""An invented file of the shape of NHS England's organisation-level costs, with known truths.

No figure in it is any trust's: codes are made up, costs are drawn from a seeded law. Trusts' codes begin
with Z, which no English trust's does.
"""

from __future__ import annotations

import string
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

CHAPTERS = "ABCDEFGHJKLMNPQS"
ADMITTED = ("EL", "DC", "NEL", "NES", "OPROC", "RP")
FUNCTIONS = (
    "100",
    "101",
    "110",
    "120",
    "130",
    "300",
    "301",
    "320",
    "330",
    "340",
    "400",
    "420",
    "502",
)
ATTENDANCES = ("WF01A", "WF01B", "WF02A", "WF02B")
EMERGENCY = ("VB01Z", "VB02Z", "VB03Z", "VB04Z", "VB07Z", "VB08Z", "VB09Z", "VB11Z")
SPREAD = 0.15  # log units between trusts, of one currency
NOISE = 1.0  # variance of the log cost of one unit of activity
PLANTED_RATIO = 3.0
SUPPRESSED_BELOW = 3  # units of activity
HEADER = {
    "org": "Org code", "department": "Department code", "service": "Service code",
    "currency": "Currency code", "unit_cost": "Unit cost", "activity": "Activity", "mean": "Mean",
    "cost": "Actual cost", "expected": "Expected cost", "pot": "Mapping pot",
}  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """What was put into the file.

    Attributes
    ----------
    factors
        Market forces factor by trust.
    planted
        ``org, department, currency``: unit costs three times the usual.
    cost_gbp
        Cost of each trust.
    """

    factors: pd.Series
    planted: pd.DataFrame
    cost_gbp: pd.Series


def make_organisations(
    *, n_orgs: int = 24, n_currencies: int = 80, n_planted: int = 6, seed: int = 1
) -> tuple[pd.DataFrame, Truth]:
    """Return rows as numbers, and the truth. At 205 and 1,240 it has about 1.67 million rows."""
    rng = np.random.default_rng(seed)
    orgs = np.array(
        [f"Z{a}{b}" for a in string.ascii_uppercase for b in string.ascii_uppercase][:n_orgs]
    )
    factors = rng.uniform(1.0, 1.25, n_orgs)
    size = np.exp(rng.normal(0, 0.5, n_orgs))
    kinds = list_kinds(n_currencies, rng)
    lean = np.exp(
        rng.normal(0, 0.6, (n_orgs, len(CHAPTERS)))
    )  # what each trust does more or less of
    chapter = np.array([CHAPTERS.find(code[0]) for code in kinds["currency"]])
    weight = np.where(chapter >= 0, lean[:, chapter], 1.0) * size[:, None]
    expected = kinds["volume"].to_numpy()[None, :] * weight
    activity = rng.poisson(expected)
    org_at, kind_at = np.nonzero(activity)
    n = activity[org_at, kind_at]
    effect = rng.normal(0, SPREAD, activity.shape)
    planted = _plant(rng, activity, kinds, n_planted)
    effect[planted] += np.log(PLANTED_RATIO)
    chance = rng.normal(0, 1, len(n)) * np.sqrt(NOISE / n)
    national = kinds["unit_cost"].to_numpy()[kind_at]
    unit = national * factors[org_at] * np.exp(effect[org_at, kind_at] + chance)
    cost = np.round(unit * n, 2)
    rows = pd.DataFrame(
        {
            "org": orgs[org_at],
            **{name: kinds[name].to_numpy()[kind_at] for name in ("department", "service", "currency")},
            "unit_cost": np.round(cost / n, 2), "activity": n, "mean": np.round(national, 2),
            "cost": cost, "expected": np.round(national * n, 2), "pot": "ONE",
        }
    )  # fmt: skip
    truth = Truth(
        factors=pd.Series(factors, index=orgs),
        planted=pd.DataFrame(
            {
                "org": orgs[planted[0]],
                **{name: kinds[name].to_numpy()[planted[1]] for name in ("department", "currency")},
            }
        ),
        cost_gbp=rows.groupby("org")["cost"].sum(),
    )
    return rows, truth


def list_kinds(n_currencies: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return every kind of row: department, service, currency, usual unit cost and volume."""
    codes = [
        f"{CHAPTERS[at % len(CHAPTERS)]}Z{at // len(CHAPTERS) // 4 + 10:02d}{'ABCD'[at // len(CHAPTERS) % 4]}"
        for at in range(n_currencies)
    ]
    base = np.exp(rng.normal(7.3, 0.8, n_currencies))
    parts = []
    for department, share, volume in zip(
        ADMITTED, (1.3, 0.5, 1.2, 0.4, 0.15, 0.3), (60, 90, 80, 90, 50, 8), strict=True
    ):
        for services in (FUNCTIONS[:1], FUNCTIONS[5:6]):
            parts.append(
                pd.DataFrame(
                    {"department": department, "service": services[0], "currency": codes,
                     "unit_cost": base * share, "volume": volume * rng.gamma(0.7, 1.4, n_currencies)}
                )
            )  # fmt: skip
    for department, codes_of, services in (
        ("CL", ATTENDANCES, FUNCTIONS), ("NCL", ATTENDANCES, FUNCTIONS), ("EM", EMERGENCY, ("T01A", "T01NA")),
    ):  # fmt: skip
        grid = pd.MultiIndex.from_product(
            [codes_of, services], names=["currency", "service"]
        ).to_frame(index=False)
        parts.append(
            grid.assign(
                department=department,
                unit_cost=np.exp(rng.normal(5.0, 0.3, len(grid))),
                volume=4_000 * rng.gamma(1.0, 1.0, len(grid)),
            )
        )
    return pd.concat(parts, ignore_index=True)


def _plant(
    rng: np.random.Generator, activity: np.ndarray, kinds: pd.DataFrame, n_planted: int
) -> tuple[np.ndarray, np.ndarray]:
    """Choose cells of much activity, all services of one currency in a setting at once."""
    large = np.argwhere(
        (activity >= 60) & kinds["department"].isin(["EL", "NEL"]).to_numpy()[None, :]
    )
    chosen = large[rng.permutation(len(large))[:n_planted]]
    same = [
        (org, other)
        for org, kind in chosen
        for other in np.flatnonzero(
            (kinds["department"] == kinds["department"][kind])
            & (kinds["currency"] == kinds["currency"][kind])
        )
    ]
    pairs = sorted(set(same))
    return np.array([org for org, _ in pairs], dtype=int), np.array(
        [kind for _, kind in pairs], dtype=int
    )


def write_organisations(
    path: Path, rows: pd.DataFrame, *, suppress: bool = True, delimiter: str = ",",
    header: dict[str, str] | None = None, encoding: str = "utf-8-sig",
) -> None:  # fmt: skip
    """Write rows as published: small activities as stars, a byte order mark, the given separator."""
    text = rows.rename(columns=HEADER if header is None else header)
    if suppress:
        small = (rows["activity"] < SUPPRESSED_BELOW).to_numpy()
        for name in ("activity", "mean", "expected", "unit_cost"):
            shown = (HEADER if header is None else header)[name]
            text[shown] = text[shown].astype("object").where(~small, "*")
    text.to_csv(path, index=False, sep=delimiter, encoding=encoding, lineterminator="\r\n")


def pack(path: Path, members: dict[str, bytes], *, twice: bool = False) -> None:
    """Write a zip of files, or a zip in which that zip is."""
    inner = path.with_suffix(".inner") if twice else path
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    if twice:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner.zip", inner.read_bytes())
        inner.unlink()
