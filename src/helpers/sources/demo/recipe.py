"""The recipe of a demonstration trust: `data/demo/<TRUST>.yml` and the small tables beside it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import yaml

from helpers.errors import CommandError, name_a_few
from helpers.run import DEMO_TRUSTS, PROJECT

RECIPES = PROJECT / "data" / "demo"
DAY = 1440  # minutes
DAYS_BEFORE = (
    60  # admissions start this long before the year, so that it opens with patients in beds
)
# Another year of the same trust: the same consultants, other patients, fewer and cheaper the further back.
GROWTH_A_YEAR = 1.03  # activity
INFLATION_A_YEAR = 1.04  # cost of the same care
LASTING = "consultants"  # random numbers that stay from year to year
SETTINGS = ("DC", "EL", "NEL", "NES")


@dataclass(frozen=True)
class Recipe:
    """All that is needed to make one trust.

    Attributes
    ----------
    settings
        The trust's own YAML.
    size
        Factor on activity and money; 1 is the trust as described.
    lines, departments, services, ...
        The tables of data/demo, cut to the lines this trust has.
    years_on
        Years from the one that the recipe describes; below 0 before it.
    """

    trust: str
    settings: dict[str, Any]
    size: float
    lines: pd.DataFrame
    hrgs: pd.DataFrame
    other_hrgs: pd.DataFrame
    departments: pd.DataFrame
    classes: pd.DataFrame
    services: pd.DataFrame
    service_use: pd.DataFrame
    tests: pd.DataFrame
    products: pd.DataFrame
    expenses: pd.DataFrame
    years_on: int = 0

    @property
    def start(self) -> np.datetime64:
        """First minute of the financial year."""
        return np.datetime64(f"{self.settings['fy'][:4]}-04-01T00:00", "m")

    @property
    def year_minutes(self) -> int:
        first = int(self.settings["fy"][:4])
        end = np.datetime64(f"{first + 1}-04-01T00:00", "m")
        return int((end - self.start).astype("int64"))

    def random(self, name: str) -> np.random.Generator:
        """Return the random numbers of one part; parts do not disturb each other."""
        words = [self.settings["seed"], zlib.crc32(name.encode())]
        if self.years_on and name != LASTING:
            words.append(int(self.settings["fy"][:4]))
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))

    @property
    def price_level(self) -> float:
        """What the same care costs, beside the year of the recipe."""
        return INFLATION_A_YEAR**self.years_on

    def has(self, table: str) -> bool:
        """Tell whether this trust supplies an optional file."""
        return table not in self.settings["absent"]

    def line_number(self, line_id: str) -> int:
        return int(self.lines.index[self.lines["line_id"] == line_id][0])

    def counted(self, number: float) -> int:
        """Return a planted count at this size, at least one."""
        return max(1, round(number * self.size * self.settings["activity_scale"]))


def read_recipe(trust: str, *, size: float = 1.0, year: str = "") -> Recipe:
    """Read a trust's recipe, for its own year or another (``2023-24``).

    Raises
    ------
    CommandError
        If there is no recipe of that name, or ``size`` is not above zero.
    """
    path = RECIPES / f"{trust}.yml"
    if trust not in DEMO_TRUSTS or not path.exists():
        raise CommandError(
            f"{name_a_few([repr(trust)])} is not a demonstration trust; there are "
            f"{name_a_few(DEMO_TRUSTS, 9)}."
        )
    if not size > 0:
        raise CommandError(f"The size of a demonstration trust is {size}; it must be above zero.")
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    years_on = _move_year(settings, year) if year else 0
    lines = _read("lines")
    if settings["lines"] != "all":
        lines = lines[lines["line_id"].isin(settings["lines"])].reset_index(drop=True)
    for column in ("spells", "op"):
        lines[column] = (lines[column] * size * settings["activity_scale"]).round().astype(int)
    lines["consultants"] = (
        (lines["consultants"] * settings["consultant_scale"]).round().clip(lower=3).astype(int)
    )
    departments = _read("departments")
    kept = departments["owner_line_id"].isin([*lines["line_id"], "", "RD", "ET", "OTHER"])
    return Recipe(
        trust=trust,
        settings=settings,
        size=size,
        lines=lines,
        hrgs=_number_lines(_read("hrgs"), lines),
        other_hrgs=_read("other_hrgs"),
        departments=departments[kept].reset_index(drop=True),
        classes=_read("department_classes").set_index("class"),
        services=_read("services"),
        service_use=_read("service_use"),
        tests=_read("tests"),
        products=_read("products"),
        expenses=_read("expenses"),
        years_on=years_on,
    )


def _move_year(settings: dict[str, Any], year: str) -> int:
    """Move a recipe to another year; return how many years on."""
    years_on = int(year[:4]) - int(settings["fy"][:4])
    growth = GROWTH_A_YEAR**years_on
    settings["fy"] = year.replace("-", "/")
    settings["activity_scale"] *= growth
    settings["ed_attendances"] = round(settings["ed_attendances"] * growth)
    return years_on


def _read(name: str) -> pd.DataFrame:
    """Read one table of the recipe: codes stay text, blanks in text are empty strings."""
    frame = pd.read_csv(
        RECIPES / f"{name}.csv",
        dtype={"tfc": "str", "expense_code": "str", "feed_filter": "str", "adopted": "str"},
        keep_default_na=False,
        na_values={"trim_point": [""], "pounds_per_wte": [""], "variable_share_12m": [""],
                   "variable_share_3y": [""], "variable_share_long": [""], "quality_score": [""],
                   "national_activity": [""]},
    )  # fmt: skip
    return frame


def _number_lines(hrgs: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Keep the HRGs of the trust's lines, with the line's and the setting's number."""
    hrgs = hrgs[hrgs["line_id"].isin(lines["line_id"])].reset_index(drop=True)
    number = pd.Series(lines.index, index=lines["line_id"])
    return hrgs.assign(
        line=hrgs["line_id"].map(number).astype("int64"),
        setting_number=pd.Categorical(hrgs["setting"], categories=SETTINGS).codes.astype("int64"),
    )
