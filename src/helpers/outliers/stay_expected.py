"""The stay expected of a group of patients: that of the same casemix elsewhere in the trust.

A cell is an HRG and an admission type (elective or emergency). The group under review is always
left out of its own comparison, so that it cannot hide behind itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

ROOT_LETTERS = 4
CHAPTER_LETTERS = 2
MIN_CELL_SPELLS = 10
MIN_OTHER_SPELLS = 5
N_DRAWS = 1_000
DRAWS_AT_ONCE = 125
INTERVAL = (0.025, 0.975)
# Poisson(1) weights are read from a table of 65,536 equally likely places: one random 16-bit number each.
PLACES = 65_536


def assign_cells(spells: pd.DataFrame, *, min_spells: int = MIN_CELL_SPELLS) -> pd.Series:
    """Return each spell's casemix cell: HRG and admission type, rare HRGs pooled.

    HRGs with fewer than ``min_spells`` spells of the admission type are pooled with the other rare
    ones of their root (four characters), and what is still rare with the rest of its chapter (two
    letters). A star marks a pool: `HN22* EL`.

    Parameters
    ----------
    spells
        One row a spell, with ``hrg`` and ``admission_type`` (EL or EM).
    min_spells
        Spells a cell needs to stand alone.
    """
    hrg, kind = spells["hrg"].astype("str"), " " + spells["admission_type"].astype("str")
    cell = hrg + kind
    for letters in (ROOT_LETTERS, CHAPTER_LETTERS):
        is_rare = cell.groupby(cell).transform("size") < min_spells
        cell = cell.where(~is_rare, hrg.str[:letters] + "*" + kind)
    return cell


@dataclass(frozen=True)
class Pairs:
    """Groups crossed with casemix cells, as arrays: one place for each pair that has spells.

    ``of_spell`` is the pair of each spell (-1 where its group is blank); ``group`` and ``cell`` are
    positions in ``groups`` and in the cells.
    """

    groups: list[str]
    of_spell: np.ndarray
    group: np.ndarray
    cell: np.ndarray
    n: np.ndarray
    others: np.ndarray
    cell_n: np.ndarray
    is_compared: np.ndarray

    def add_up(self, values: np.ndarray) -> np.ndarray:
        """Return a value for each group from one for each pair; pairs without peers are left out."""
        kept = np.where(self.is_compared, values, 0.0)
        return np.bincount(self.group, weights=kept, minlength=len(self.groups))


def pair_groups(group: pd.Series, cell: np.ndarray, *, min_others: int = MIN_OTHER_SPELLS) -> Pairs:
    """Cross each group with the casemix cells its patients fall in.

    Parameters
    ----------
    group
        Group of each spell; blank or missing where it has none (such spells still serve as peers).
    cell
        Position of each spell's cell, 0 upwards.
    min_others
        Spells of other groups that a cell needs to say what to expect. Spells in a cell with fewer
        have no comparator and are counted, not compared.
    """
    codes, names = pd.factorize(group.mask(group.astype("str").str.strip() == ""), sort=True)
    n_cells = int(cell.max()) + 1 if len(cell) else 0
    cell_n = np.bincount(cell, minlength=n_cells)
    key = np.where(codes >= 0, codes.astype("int64") * n_cells + cell, -1)
    found = np.unique(key[key >= 0])
    of_spell = np.where(key >= 0, np.searchsorted(found, key), -1)
    n = np.bincount(of_spell[of_spell >= 0], minlength=len(found))
    pair_cell = found % n_cells if n_cells else found
    others = cell_n[pair_cell] - n
    return Pairs(
        groups=[str(name) for name in names],
        of_spell=of_spell,
        group=found // n_cells if n_cells else found,
        cell=pair_cell,
        n=n,
        others=others,
        cell_n=cell_n,
        is_compared=others >= max(min_others, 1),
    )


def add_pairs(pairs: Pairs, days: np.ndarray) -> np.ndarray:
    """Return the days of each pair."""
    kept = pairs.of_spell >= 0
    return np.bincount(pairs.of_spell[kept], weights=days[kept], minlength=len(pairs.n))


def expect_days(pairs: Pairs, days: np.ndarray, cell: np.ndarray) -> pd.DataFrame:
    """Set each group's days beside those expected of its casemix, itself left out.

    A group with 60 patients in a cell where the others stay 5.14 days on average is expected to use
    60 x 5.14 days there.

    Parameters
    ----------
    pairs
        Groups crossed with cells.
    days
        Days of each spell.
    cell
        Position of each spell's cell.

    Returns
    -------
    pd.DataFrame
        Indexed by group: ``n_spells`` compared, ``n_no_comparator``, ``observed_days``,
        ``expected_days`` (both of the spells compared) and ``trust_days``, expected when the group
        itself is counted among its peers.
    """
    pair_days = add_pairs(pairs, days)
    cell_days = np.bincount(cell, weights=days, minlength=len(pairs.cell_n))
    others_mean = (cell_days[pairs.cell] - pair_days) / np.maximum(pairs.others, 1)
    n_all = np.bincount(pairs.group, weights=pairs.n, minlength=len(pairs.groups))
    n_compared = pairs.add_up(pairs.n).astype("int64")
    return pd.DataFrame(
        {
            "n_spells": n_compared,
            "n_no_comparator": n_all.astype("int64") - n_compared,
            "observed_days": pairs.add_up(pair_days),
            "expected_days": pairs.add_up(pairs.n * others_mean),
            "trust_days": pairs.add_up(pairs.n * cell_days[pairs.cell] / pairs.cell_n[pairs.cell]),
        },
        index=pd.Index(pairs.groups, name="group"),
    )


def bootstrap_ratios(
    groupings: Mapping[str, Pairs],
    days: np.ndarray,
    cell: np.ndarray,
    *,
    seed: int,
    n_draws: int = N_DRAWS,
) -> dict[str, pd.DataFrame]:
    """Return 95% intervals of each group's ratio and effect, by resampling spells.

    Every spell, the peers' as well as the group's own, is drawn a Poisson(1) number of times: the
    bootstrap for large tables. The same seed gives the same intervals.

    Parameters
    ----------
    groupings
        Groups crossed with cells, by the name of the grouping.
    days
        Whole days of each spell.
    cell
        Position of each spell's cell.
    seed
        Seed of the random draws.
    n_draws
        Times the spells are drawn.

    Returns
    -------
    dict
        For each grouping a frame indexed by group: ``ci_low``, ``ci_high`` (of observed over
        expected), ``effect_low_days``, ``effect_high_days`` (days a spell).
    """
    rng = np.random.default_rng(seed)
    table = _tabulate_poisson()
    makers = {name: _make_sums(pairs) for name, pairs in groupings.items()}
    by_cell = _sum_by(cell, int(cell.max()) + 1 if len(cell) else 0)
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in groupings}
    for start in range(0, n_draws, DRAWS_AT_ONCE):
        width = min(DRAWS_AT_ONCE, n_draws - start)
        weights = table[rng.integers(0, PLACES, size=(len(days), width), dtype=np.uint16)]
        both = np.hstack([weights, weights * days.astype("float32")[:, None]])
        cell_sums = by_cell @ both
        for name, pairs in groupings.items():
            by_pair, by_group = makers[name]
            peers = cell_sums[pairs.cell[pairs.is_compared]]
            drawn[name].append(_draw_groups(by_pair @ both, peers, by_group, width))
    return {name: _take_interval(pairs, drawn[name]) for name, pairs in groupings.items()}


def _make_sums(pairs: Pairs) -> tuple[csr_matrix, csr_matrix]:
    """Return the matrices that add spells up to compared pairs, and compared pairs to groups."""
    place = np.where(pairs.is_compared, np.cumsum(pairs.is_compared) - 1, -1)
    of_spell = np.where(pairs.of_spell >= 0, np.append(place, -1)[pairs.of_spell], -1)
    n_compared = int(pairs.is_compared.sum())
    return (
        _sum_by(of_spell, n_compared),
        _sum_by(pairs.group[pairs.is_compared], len(pairs.groups)),
    )


def _draw_groups(
    own: np.ndarray, peers: np.ndarray, by_group: csr_matrix, width: int
) -> np.ndarray:
    """Return ratio and effect (2 x groups x draws) of some draws.

    ``own`` and ``peers`` hold spells (first ``width`` columns) and days of each pair, and of its
    whole cell; ``peers`` is used up.
    """
    peers -= own
    n_peers, n = peers[:, :width], own[:, :width]
    # A draw that leaves a cell without peers says nothing of it: its spells are left out of that draw.
    is_alone = n_peers == 0
    if is_alone.any():
        n_peers[is_alone] = 1.0
        own[np.hstack([is_alone, is_alone])] = 0.0
    expected = peers[:, width:]
    expected /= n_peers
    expected *= n
    n_group, expected = by_group @ np.ascontiguousarray(n), by_group @ expected
    observed = by_group @ np.ascontiguousarray(own[:, width:])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([observed / expected, (observed - expected) / n_group]).astype("float64")


def _take_interval(pairs: Pairs, drawn: list[np.ndarray]) -> pd.DataFrame:
    draws = np.concatenate(drawn, axis=2)
    draws[~np.isfinite(draws)] = np.nan
    is_blank = np.isnan(draws).all(axis=2)
    draws[is_blank] = 0.0
    low, high = np.full((2, *is_blank.shape), np.nan)
    if pairs.groups:
        low, high = np.nanquantile(draws, INTERVAL, axis=2)
    low[is_blank], high[is_blank] = np.nan, np.nan
    return pd.DataFrame(
        {
            "ci_low": low[0],
            "ci_high": high[0],
            "effect_low_days": low[1],
            "effect_high_days": high[1],
        },
        index=pd.Index(pairs.groups, name="group"),
    )


def _sum_by(position: np.ndarray, size: int) -> csr_matrix:
    """Return the matrix that adds up rows by position; rows at -1 are left out."""
    kept = np.flatnonzero(position >= 0)
    ones = np.ones(len(kept), dtype="float32")
    return csr_matrix((ones, (position[kept], kept)), shape=(size, len(position)))


def _tabulate_poisson() -> np.ndarray:
    """Return the Poisson(1) count of each of 65,536 equally likely places."""
    steps = np.exp(-1.0) / np.cumprod(np.concatenate([[1.0], np.arange(1.0, 9.0)]))
    edges = np.round(np.cumsum(steps) * PLACES)
    return np.searchsorted(edges, np.arange(PLACES), side="right").astype("float32")
