"""A trust's settings: `trust.yml`, and `columns.yml` for a trust's own column names."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from helpers.contracts import INPUTS
from helpers.contracts.terms import METHODS
from helpers.errors import InputError, name_a_few
from helpers.run import TRUST_CODE, Run
from helpers.sources.headers import SHEET

TRUST_FILE, COLUMNS_FILE = "trust.yml", "columns.yml"
LOWEST_MFF, HIGHEST_MFF = 0.5, 2.0
FIRST_MONTH_OF_YEAR = 4
# Every value as text; the compiled reader, where PyYAML has it, takes a tenth of the time.
TEXT_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def _read_text(text: str) -> str:
    if not text:
        raise ValueError("a blank")
    return text


def _read_whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValueError("a whole number, zero or more")
    return int(text)


def _read_mff(text: str) -> float:
    if not re.fullmatch(r"\d(\.\d{1,8})?", text) or not LOWEST_MFF <= float(text) <= HIGHEST_MFF:
        raise ValueError(f"a number from {LOWEST_MFF} to {HIGHEST_MFF}, as 1.0654")
    return float(text)


def _read_pounds(text: str) -> int:
    found = re.fullmatch(r"(-?)£?(\d{1,12})(?:\.(\d{2}))?", text.replace(",", ""))
    if not found:
        raise ValueError("pounds, as 40000 or 40000.00")
    pence = int(found[2]) * 100 + int(found[3] or 0)
    return -pence if found[1] else pence


def _read_range(text: str) -> tuple[float, float]:
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,2})?)\s*-\s*(\d{1,6}(?:\.\d{1,2})?)", text)
    if not found or float(found[1]) >= float(found[2]):
        raise ValueError("a range in pounds, low-high, as 5-60")
    return float(found[1]), float(found[2])


def _read_code(text: str) -> str:
    if not TRUST_CODE.match(text.upper()):
        raise ValueError("a trust code, 3 to 5 letters and digits")
    return text.upper()


def _choose(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return read


def _read_order(value: str | list[str]) -> str | list[str]:
    if isinstance(value, list) and value:
        return [str(item).strip() for item in value]
    if value == "auto":
        return "auto"
    raise ValueError("auto, or a list of overhead services: [ESTATES, IT]")


@dataclass(frozen=True)
class Setting:
    """One key of `trust.yml`: how it is read, and what holds where it is left out."""

    read: Callable[[Any], Any]
    default: Any = None
    needed: bool = False


SETTINGS = {
    "trust_code": Setting(_read_code, needed=True),
    "trust_name": Setting(_read_text, needed=True),
    "fy": Setting(_read_text, needed=True),
    "mff": Setting(_read_mff, needed=True),
    "currency": Setting(_choose("GBP"), "GBP"),
    "overhead_method": Setting(_choose(*METHODS), "reciprocal"),
    "step_order": Setting(_read_order, "auto"),
    "non_patient_care": Setting(_choose("separate", "netted", "credited"), "separate"),
    "missed_appointments": Setting(_choose("free", "costed"), "free"),
    "residual_rule": Setting(_choose("unmatched", "proportional"), "unmatched"),
    "income_basis": Setting(_choose("contract", "price"), "price"),
    "los_quantile": Setting(_choose("linear"), "linear"),
    "trim_floor_days": Setting(_read_whole, 5),
    "min_spells_consultant": Setting(_read_whole, 20),
    "behaviour_horizon": Setting(_choose("12m", "3y", "long"), "12m"),
    "retention_rule": Setting(_choose("R0", "R1", "R2", "R3"), "R0"),
    "required_surplus": Setting(_read_pounds, 0),
    "theatre_minute_range": Setting(_read_range),
    "ward_hour_range": Setting(_read_range),
    "clinic_minute_range": Setting(_read_range),
    "audience": Setting(_choose("analyst", "public"), "analyst"),
    "seed": Setting(_read_whole, 1),
}
# Money settings gain `_pence` once read, as columns do.
MONEY_SETTINGS = ("required_surplus",)


def read_settings(folder: Path, run: Run | None = None) -> tuple[dict[str, Any], list[str]]:
    """Return what ``trust.yml`` says, typed, and the keys nobody knows.

    ``period_start`` and ``period_end`` (dates, both in the year) are added. Without a run, only what the
    file says is returned.

    Raises
    ------
    InputError
        If the file is absent, a value is not one its key can take, or the folder belongs to
        another trust or year than the run.
    """
    path = folder / TRUST_FILE
    if not path.is_file():
        raise InputError(
            f"{folder} has no {TRUST_FILE}: it says whose files these are and how to cost them.\n"
            f"Write at least {', '.join(key for key, one in SETTINGS.items() if one.needed)}; "
            "docs/your-own-data.md shows one."
        )
    given = _read_yaml(path)
    settings: dict[str, Any] = {}
    for key, setting in SETTINGS.items():
        name = f"{key}_pence" if key in MONEY_SETTINGS else key
        settings[name] = _read_setting(given, key, setting)
    if run is None:  # whoever's they are
        return settings, []
    _check_owner(settings, run)
    settings["fy"] = run.fy
    first = int(run.year[:4])
    settings["period_start"] = dt.date(first, FIRST_MONTH_OF_YEAR, 1)
    settings["period_end"] = dt.date(first + 1, FIRST_MONTH_OF_YEAR - 1, 31)
    unknown = sorted(set(given) - set(SETTINGS))
    return settings, [f"Not used: {name_a_few(unknown)}."] if unknown else []


def read_audience(folder: Path) -> str:
    """Return the audience that ``trust.yml`` asks for; the usual one where it says none that can be read.

    What is wrong with the file is said by the run, which reads it whole.
    """
    usual = SETTINGS["audience"].default
    try:
        return _read_setting(_read_yaml(folder / TRUST_FILE), "audience", SETTINGS["audience"])
    except (InputError, OSError):
        return usual


def _read_setting(given: dict[str, Any], key: str, setting: Setting) -> Any:
    value = given.get(key, "")
    value = value.strip() if isinstance(value, str) else value
    if value in ("", "null", "~"):
        if setting.needed:
            raise InputError(f"{TRUST_FILE} lacks {key}. Add a line `{key}: ...`.")
        return setting.default
    if not isinstance(value, str) and setting.read is not _read_order:
        raise InputError(f"{TRUST_FILE}: {key} must be one value, not a list.")
    try:
        return setting.read(value)
    except ValueError as error:
        raise InputError(
            f"{TRUST_FILE}: {key} is {name_a_few([repr(value)])}; it must be {error}."
        ) from None


def _check_owner(settings: dict[str, Any], run: Run) -> None:
    if settings["trust_code"] != run.trust:
        raise InputError(
            f"{TRUST_FILE} says that these are the files of {settings['trust_code']}, and the run is for "
            f"{run.trust}.\nMove the files to the folder of {settings['trust_code']}, or correct trust_code."
        )
    if settings["fy"].replace("-", "/") != run.fy:
        raise InputError(
            f"{TRUST_FILE} says that these are the files of {name_a_few([settings['fy']])}, and the run is "
            f"for {run.fy}.\nMove the files to the folder of their year, or correct fy."
        )


def read_renames(folder: Path) -> dict[str, dict[str, str]]:
    """Return ``columns.yml``: for each file, the trust's own column names and ours.

    Raises
    ------
    InputError
        If it names a file or a column that the report does not know.
    """
    path = folder / COLUMNS_FILE
    if not path.is_file():
        return {}
    renames = {}
    for file, names in _read_yaml(path, may_be_empty=True).items():
        if file not in INPUTS:
            raise InputError(
                f"{COLUMNS_FILE} names a file that the report does not read: {name_a_few([file])}.\n"
                f"The files are: {', '.join(INPUTS)}."
            )
        if not isinstance(names, dict) or not all(isinstance(ours, str) for ours in names.values()):
            raise InputError(f"{COLUMNS_FILE}: under {file}, write lines `their name: our name`.")
        wrong = sorted(set(names.values()) - set(INPUTS[file].columns) - {SHEET})
        if wrong:
            raise InputError(
                f"{COLUMNS_FILE}: {file} has no column {name_a_few(wrong)}.\n"
                f"Its columns are: {', '.join(INPUTS[file].columns)}."
            )
        renames[file] = names
    return renames


def _read_yaml(path: Path, *, may_be_empty: bool = False) -> dict[str, Any]:
    """Return a YAML file whose values are all text, so that 007 stays 007."""
    try:
        found = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=TEXT_LOADER)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise InputError(
            f"{path.name}{where} is not YAML text: write lines `key: value`."
        ) from error
    if found is None and may_be_empty:
        return {}  # proposals that are still commented out
    if found is None:
        raise InputError(f"{path.name} is empty. Write lines `key: value`.")
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise InputError(f"{path.name} must hold lines `key: value`.")
    return found
