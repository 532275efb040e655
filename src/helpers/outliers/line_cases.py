"""The spells of one line as numbers: who treated, which casemix group, what the patients were like.

Codes are turned into numbers once for each line. Every model of the line then works on arrays, which
is what makes a review of a hundred thousand spells a matter of seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

MIN_SPELLS_HRG = 10
ROOT_CHARACTERS = 4
CHARLSON_CAP = 3  # points, above which the score counts for less
OTHER = "other"


@dataclass(frozen=True)
class LineCases:
    """Spells of one line, an element a spell unless said.

    Attributes
    ----------
    who, people
        Place of each spell's consultant in ``people``, the consultants' codes in order.
    hrg, groups
        Place of each spell's HRG in ``groups``: all HRGs, their roots of four characters, and ``other``.
    root
        Place of each group's root, by group.
    age, fifth
        Years, and deprivation fifth (1-5); NaN where not known.
    is_female, is_emergency
        True or false.
    charlson
        Comorbidity score, or None where the file has none.
    """

    who: np.ndarray
    people: np.ndarray
    hrg: np.ndarray
    groups: np.ndarray
    root: np.ndarray
    age: np.ndarray
    fifth: np.ndarray
    is_female: np.ndarray
    is_emergency: np.ndarray
    charlson: np.ndarray | None

    def keep(self, rows: np.ndarray) -> LineCases:
        """Return some of the spells, given as places or as true and false."""
        by_spell = ("who", "hrg", "age", "fifth", "is_female", "is_emergency")
        kept = {name: getattr(self, name)[rows] for name in by_spell}
        return replace(
            self, **kept, charlson=None if self.charlson is None else self.charlson[rows]
        )


def read_line_cases(spells: pd.DataFrame) -> LineCases:
    """Return spells of one line (as ``prepare_spells`` gives them) as numbers."""
    who, people = pd.factorize(spells["consultant_code"], sort=True)
    code, hrgs = pd.factorize(spells["hrg"])
    names = [str(name) for name in hrgs]
    groups = sorted({OTHER, *names, *[name[:ROOT_CHARACTERS] for name in names]})
    place = {name: k for k, name in enumerate(groups)}
    score = spells["charlson"].to_numpy(dtype=float) if "charlson" in spells else None
    return LineCases(
        who=who,
        people=np.asarray(people, dtype=object),
        hrg=np.array([place[name] for name in names], dtype=np.int64)[code],
        groups=np.array(groups, dtype=object),
        root=np.array([place.get(name[:ROOT_CHARACTERS], place[OTHER]) for name in groups]),
        age=spells["age"].to_numpy(dtype=float),
        fifth=np.ceil(spells["imd_decile"].to_numpy(dtype=float) / 2),
        is_female=(spells["sex"] == "2").to_numpy(dtype=bool),
        is_emergency=(spells["admission_type"] == "EM").to_numpy(dtype=bool),
        charlson=None if score is None else np.nan_to_num(score),
    )


def pool_casemix(cases: LineCases, who: np.ndarray) -> np.ndarray:
    """Return each spell's casemix group, as a place in ``groups``: its HRG, the HRG's root, or ``other``.

    An HRG with fewer than ten spells, or with one consultant, says little about peers: its spells
    join others of the same root (four characters), and failing that a single remainder.

    Parameters
    ----------
    who
        Consultant of each spell, 0, 1, 2 ...; those with few spells may stand as one.
    """
    n_groups = len(cases.groups)
    small = _is_thin(cases.hrg, n_groups, who)
    group = np.where(small, cases.root[cases.hrg], cases.hrg)
    thin = small & _is_thin(group, n_groups, who)
    return np.where(thin, int(np.flatnonzero(cases.groups == OTHER)[0]), group)


def _is_thin(group: np.ndarray, n_groups: int, who: np.ndarray) -> np.ndarray:
    """Tell which spells are of a group with few spells, or with one consultant."""
    count = np.bincount(group, minlength=n_groups)
    return ((count < MIN_SPELLS_HRG) | (count_people(group, n_groups, who) < 2))[group]


def count_people(group: np.ndarray, n_groups: int, who: np.ndarray) -> np.ndarray:
    """Return how many consultants each group has."""
    return pair_people(group, n_groups, who).sum(axis=1)


def pair_people(group: np.ndarray, n_groups: int, who: np.ndarray) -> np.ndarray:
    """Return which groups (rows) each consultant (columns) treats."""
    n_people = int(who.max(initial=-1)) + 1
    return np.bincount(group * n_people + who, minlength=n_groups * n_people).reshape(
        n_groups, n_people
    ).astype(bool)  # fmt: skip


def build_covariates(cases: LineCases) -> np.ndarray:
    """Return patient covariates: age, its square, sex, emergency, deprivation fifth, comorbidity.

    Age is in decades from 60. Missing ages take the line's median and missing deprivation is a
    level of its own; levels with fewer than ten spells on either side are dropped. Comorbidity, where
    the file has it (missing is 0), counts as it is and once more up to three points.
    """
    known = np.isfinite(cases.age)
    middle = np.median(cases.age[known]) if known.any() else 60.0
    decades = (np.where(known, cases.age, middle) - 60) / 10
    levels = [
        cases.is_female,
        cases.is_emergency,
        *[cases.fifth == k for k in (2, 3, 4, 5)],
        ~np.isfinite(cases.fifth),
    ]
    numbers = [decades, decades**2]
    if cases.charlson is not None:
        numbers += [cases.charlson, np.minimum(cases.charlson, CHARLSON_CAP)]
    kept = [column for column in numbers if len(column) and column.std() > 0]
    for flag in levels:
        if MIN_SPELLS_HRG <= np.count_nonzero(flag) <= len(flag) - MIN_SPELLS_HRG:
            kept.append(flag.astype(float))
    return np.column_stack(kept) if kept else np.empty((len(decades), 0))
