"""What is hidden stays hidden from a reader who knows every total and every shown cell exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attacker import attack_margins
from helpers.disclosure.protected import (
    build_activity_system,
    protect_accounts,
    protect_activity,
    protect_findings,
    protect_long_stays,
    protect_months,
    protect_variation,
    round_counts,
)
from helpers.disclosure.suppression import System, hide_cells
from helpers.errors import DisclosureError

PODS = ["DC", "EL", "NEL", "OPFA", "OPFU"]
NOBODY_ELSE = pd.DataFrame({"line_id": [], "pod": [], "n_patients": []})


def activity(rows: dict[str, list[int]], cost_of_one: int = 10_000) -> pd.DataFrame:
    """A table of events by line and kind; each costs £100 and earns £120; no spells, no days."""
    cells = [
        (line, PODS[place], n, 0, 0, n * cost_of_one * 12 // 10, n * cost_of_one)
        for line, counts in rows.items()
        for place, n in enumerate(counts)
        if n
    ]
    names = ["line_id", "pod", "n_events", "n_spells", "bed_days", "income_pence", "cost_pence"]
    return pd.DataFrame(cells, columns=names)


def attack(table: pd.DataFrame, protected: pd.DataFrame, measure: str) -> dict:
    """Return the range of each hidden cell of a measure, and its true value."""
    lines = [*sorted(table["line_id"].unique()), "TRUST"]
    pods = sorted(table["pod"].unique())
    true = table.pivot(index="line_id", columns="pod", values=measure).reindex(
        index=lines[:-1], columns=pods
    )
    true = true.fillna(0).to_numpy("float64")  # fmt: skip
    true = np.vstack([true, true.sum(axis=0)])
    marks = protected.assign(is_hidden=protected["hidden"].ne("")).pivot(
        index="line_id", columns="pod", values="is_hidden"
    )
    hidden = marks.reindex(index=lines, columns=pods).fillna(False).to_numpy("bool") & (true > 0)
    found = attack_margins(true, hidden)
    return {cell: (true[cell], *ends) for cell, ends in found.items()}


def test_one_small_cell_hides_three_more():
    # Row A: 5 is hidden, so another of row A must be; each of these needs another in its column.
    table = activity({"A": [5, 30], "B": [40, 50], "C": [60, 70]})
    protected = protect_activity(table, NOBODY_ELSE)
    hidden = protected[protected["hidden"].ne("")]
    assert len(hidden) == 4
    assert hidden["line_id"].nunique() == hidden["pod"].nunique() == 2
    assert {("A", "DC"), ("A", "EL")} <= set(zip(hidden["line_id"], hidden["pod"], strict=True))
    assert hidden[["n_events", "n_spells", "bed_days", "income_pence", "cost_pence"]].isna().all(axis=None)  # fmt: skip


def test_the_attack_succeeds_where_only_the_small_cell_is_hidden():
    """The attacker can do what these tests say cannot be done, once further hiding is left out."""
    table = activity({"A": [5, 30], "B": [40, 50], "C": [60, 70]})
    careless = protect_activity(table, NOBODY_ELSE)
    is_small = careless["line_id"].eq("A") & careless["pod"].eq("DC")
    careless["hidden"] = np.where(is_small, "n_events cost_pence", "")
    assert [round(end, 6) for _, *ends in attack(table, careless, "n_events").values() for end in ends] == [5, 5]  # fmt: skip


def test_a_table_without_small_cells_hides_nothing():
    protected = protect_activity(activity({"A": [10, 30], "B": [40, 50]}), NOBODY_ELSE)
    assert protected["hidden"].eq("").all()
    # 10 + 40 in all, and counts of 8 to 12 read 10
    trust = protected[protected["line_id"].eq("TRUST")].set_index("pod")["n_events"]
    assert trust.to_dict() == {"DC": 50, "EL": 80}


def test_many_events_of_few_people_are_hidden():
    """A hundred dialysis sessions may be one patient's."""
    people = pd.DataFrame({"line_id": ["A"], "pod": ["DC"], "n_patients": [1]})
    protected = protect_activity(activity({"A": [100, 30], "B": [40, 50]}), people)
    cell = protected[protected["line_id"].eq("A") & protected["pod"].eq("DC")].iloc[0]
    assert "n_events" in cell["hidden"]


def test_a_small_number_of_spells_hides_its_cell():
    table = activity({"A": [100, 30], "B": [40, 50]})
    table.loc[0, "n_spells"] = 3
    protected = protect_activity(table, NOBODY_ELSE)
    assert protected["hidden"].ne("").sum() >= 2


SMALL_TABLES = st.lists(
    st.lists(st.one_of(st.integers(0, 12), st.integers(8, 400)), min_size=3, max_size=5),
    min_size=2, max_size=5,
).filter(lambda rows: len({len(row) for row in rows}) == 1)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(SMALL_TABLES, st.randoms(use_true_random=False))
def test_no_hidden_cell_can_be_worked_out(rows, random):
    """Each small count keeps a range of 8 at least, its cost one as wide as itself; no hidden cell is certain."""
    rows = [row for row in rows if sum(row) >= 8]  # smaller lines are put together before
    if len(rows) < 2:
        return
    table = activity({f"L{place}": row for place, row in enumerate(rows)})
    costs = [random.randint(100, 90_000) for _ in range(len(table))]
    table["cost_pence"] = table["n_events"] * costs
    table["income_pence"] = table["n_events"] * costs[::-1]
    try:
        protected = protect_activity(table, NOBODY_ELSE)
    except DisclosureError:
        return  # nothing is published; test_a_table_is_refused_only_where_it_must_be keeps this honest
    counts = {cell: true for cell, (true, _, _) in attack(table, protected, "n_events").items()}
    for measure in ("n_events", "cost_pence", "income_pence"):
        for cell, (true, low, high) in attack(table, protected, measure).items():
            need = true if counts[cell] < 8 else 100_00
            assert high - low >= (8 if measure == "n_events" else max(need, 100_00)) * (1 - 1e-6)
            assert low - 1e-3 <= true <= high + 1e-3
    small = table["n_events"].lt(8)
    keys = set(zip(protected["line_id"], protected["pod"], protected["hidden"].ne(""), strict=True))
    assert {(row.line_id, row.pod, True) for row in table[small].itertuples()} <= keys


@settings(max_examples=60, deadline=None)
@given(SMALL_TABLES)
def test_a_table_is_refused_only_where_it_must_be(rows):
    """With every line of 8 events or more, hiding everything is enough, so nothing is refused."""
    rows = [row for row in rows if sum(row) >= 8]
    if len(rows) >= 2:
        protect_activity(
            activity({f"L{place}": row for place, row in enumerate(rows)}), NOBODY_ELSE
        )


def test_a_small_cell_that_something_else_tells_is_refused():
    system = System(
        values={"n_events": np.array([3.0, 20.0])},
        relations={"n_events": np.array([[1.0, 1.0]])},
        is_small=np.array([True, False]),
        is_fixed=np.array([False, True]),
        is_total=np.array([False, False]),
    )
    with pytest.raises(DisclosureError, match="could be worked out"):
        hide_cells(system)


def test_what_a_reader_knows_holds_of_the_true_table():
    table = activity({"A": [5, 30], "B": [40, 50]})
    totals = table.groupby("pod")[
        ["n_events", "n_spells", "bed_days", "income_pence", "cost_pence"]
    ].sum()
    whole = pd.concat([table, totals.reset_index().assign(line_id="TRUST")], ignore_index=True)
    system = build_activity_system(whole.assign(n_patients=whole["n_events"]))
    # A: 35, B: 90; each kind of activity less the trust's total is nought
    assert (system.relations["n_events"] @ system.values["n_events"]).tolist() == [35, 90, 0, 0]


@pytest.mark.parametrize(
    ("n", "expected"), [(0, 0), (8, 10), (12, 10), (13, 15), (17, 15), (18, 20)]
)
def test_counts_are_rounded_to_five(n, expected):
    assert round_counts(pd.Series([n])).tolist() == [expected]


def long_stays(*rows: tuple) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lines given as all stays, and stays of 7, 14 and 21 days and more; a tenth of days for each ten stays."""
    parts, sizes = [], []
    for line, n_all, *counts in rows:
        sizes.append((line, n_all))
        parts += [(line, days, n, n / n_all) for days, n in zip((7, 14, 21), counts, strict=True)]
    names = ["line_id", "threshold_days", "n_spells", "bed_days_prop"]
    return pd.DataFrame(parts, columns=names), pd.DataFrame(sizes, columns=["line_id", "n_spells"])


def read_shares(protected: pd.DataFrame, line: str) -> list:
    rows = protected[protected["line_id"].eq(line)]
    return ["*" if row.hidden else row.share_prop for row in rows.itertuples()]


def test_shares_of_long_stays_keep_eight_on_either_side_and_between():
    # each fault stands twice, so that no line is hidden for another's sake
    counts, sizes = long_stays(
        ("A", 100, 50, 20, 5), ("B", 100, 50, 20, 5),  # 5 of 21 days and more
        ("C", 100, 97, 40, 20), ("D", 100, 97, 40, 20),  # only 3 of less than 7 days
        ("E", 100, 30, 26, 0), ("F", 100, 30, 26, 0),  # only 4 from 7 to 13 days
        ("G", 200, 60, 40, 20),
    )  # fmt: skip
    protected = protect_long_stays(counts, sizes)
    assert read_shares(protected, "A") == [0.5, 0.2, "*"]
    assert read_shares(protected, "C") == ["*", 0.4, 0.2]
    # nought of 21 days and more tells of nobody
    assert read_shares(protected, "E") == [0.3, "*", 0.0]
    assert read_shares(protected, "G") == [0.3, 0.2, 0.1]


def test_one_hidden_share_hides_the_smallest_other():
    """Else the trust's own share, less those of the lines shown, would tell it."""
    counts, sizes = long_stays(
        ("A", 100, 50, 20, 5), ("B", 200, 60, 40, 20), ("C", 100, 30, 20, 10)
    )
    protected = protect_long_stays(counts, sizes)
    assert [read_shares(protected, line)[2] for line in "ABC"] == ["*", 0.1, "*"]


def test_a_line_that_is_put_together_has_no_share_and_hides_another():
    counts, sizes = long_stays(
        ("A", 100, 50, 20, 10), ("B", 100, 40, 20, 10), ("C", 200, 90, 60, 30)
    )
    protected = protect_long_stays(counts, sizes, withheld=["A"])
    assert "A" not in set(protected["line_id"])
    assert [read_shares(protected, "B"), read_shares(protected, "C")] == [["*", "*", "*"], [0.45, 0.3, 0.15]]  # fmt: skip


def test_a_month_with_few_stays_takes_the_whole_year_away():
    months = pd.DataFrame(
        {"line_id": "TRUST", "month": ["2024-04", "2024-05"], "n_spells": [50, 7], "ratio": [1.0, 2.0],
         "centre": 1.5, "low": 0.5, "high": 2.5, "signal": ""}
    )  # fmt: skip
    assert protect_months(months).empty
    assert len(protect_months(months.assign(n_spells=[50, 8]))) == 2


def variation(*rows: tuple) -> pd.DataFrame:
    names = ["line_id", "measure", "n_consultants", "n_spells", "tau"]
    return pd.DataFrame([(line, "cost", n, 500, 0.123) for line, n in rows], columns=names)


def test_fewer_than_eight_consultants_are_hidden_and_one_line_hides_another():
    protected = protect_variation(variation(("A", 5), ("B", 12), ("C", 40))).set_index("line_id")
    assert protected.loc["A", "hidden"] == protected.loc["B", "hidden"] == "n_consultants tau"
    assert (protected.loc["C", "n_consultants"], protected.loc["C", "tau"]) == (40, 0.123)
    assert protected.loc["TRUST", "n_consultants"] == 55  # 5 + 12 + 40 = 57


def findings(n_named: int, n_tested: int = 60) -> dict[str, object]:
    flags = ["outlier"] * n_named + ["none"] * (n_tested - n_named)
    review = pd.DataFrame({"measure": "cost", "flag": flags})
    saving = pd.DataFrame({"consultant_code": ["TOTAL", *(f"C{n}" for n in range(n_named))],
                           "saving_pence": [n_named * 100, *([100] * n_named)]})  # fmt: skip
    rows = protect_findings(review, saving).set_index("measure")
    return {name: "*" if row["hidden"] else row["amount"] for name, row in rows.iterrows()}


def test_a_saving_is_shown_only_where_eight_people_carry_it():
    assert findings(0) == {"n_tested": 60, "n_named": 0, "saving_pence": 0}
    assert findings(3) == {"n_tested": 60, "n_named": "*", "saving_pence": "*"}
    assert findings(9) == {"n_tested": 60, "n_named": 10, "saving_pence": 900}


def test_rows_set_aside_are_told_in_bands():
    accounts = pd.DataFrame(
        {"file": ["a", "b", "c"], "n_read": [1003, 4, 100], "n_excluded": [5, 1, 6]}
    )
    protected = protect_accounts(accounts).set_index("file")
    assert protected["set_aside"].tolist() == ["under 1 in 100", "", "over 5 in 100"]
    assert protected.loc["a", "n_read"] == 1005
    assert protected.loc["b", "hidden"] == "n_read"
