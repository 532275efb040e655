"""A trust without activity feeds: line drivers give the same statement, and say so."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.contracts import OUTPUTS
from helpers.costing.reconciliation import check_reconciled
from helpers.costing.trust import cost_trust
from helpers.engine import open_engine
from helpers.errors import AllocationError, InputError
from mini_trust import SETTINGS, make_frame, make_money_frames

# The pounds of each department that the patient-level costing of the same trust gives its lines.
QUANTITIES = {
    "WARD": (396, 384), "THEATRE": (342.5, 0), "CLINIC": (45, 49), "MED_TO": (1_060, 0), "HCD": (0, 1),
}  # fmt: skip


def make_drivers(quantities=QUANTITIES) -> pd.DataFrame:
    return make_frame(
        "line_drivers",
        [
            {"department_id": d, "line_id": line, "driver": "units", "quantity": float(q), "driver_set": "base"}
            for d, pair in quantities.items()
            for line, q in zip(("TO", "GENMED"), pair, strict=True)
        ],
    )  # fmt: skip


def cost(**changes):
    db = open_engine(threads=1)
    return db, cost_trust(
        db, {**make_money_frames(), "line_drivers": make_drivers(), **changes}, SETTINGS
    )


def get_row(found, row_id: str) -> dict[str, int]:
    rows = found.service_line_statement
    return rows[rows["row_id"] == row_id].set_index("line_id")["amount_pence"].to_dict()


def test_lines_get_the_same_cost_as_by_patient():
    db, found = cost()
    with db:
        cost_of = {
            line: sum(get_row(found, row)[line] for row in ("C1", "C2", "C3", "C4"))
            for line in ("TO", "GENMED", "RD", "TRUST")
        }
        # T&O 344,700; GENMED 210,300, for MED_GM has no driver rows and its owner takes it; R&D 17,000
        assert cost_of == pytest.approx(
            {"TO": 34_470_000, "GENMED": 21_030_000, "RD": 1_700_000, "TRUST": 57_200_000}, abs=12
        )
        assert get_row(found, "C1")["TO"] == 10_000_000  # its own medical team


def test_clinical_income_goes_to_the_line_that_owns_the_cost_centre():
    frames = make_money_frames()
    centres = frames["cost_centre_map"].copy()
    db, found = cost()
    with db:  # the ward holds all clinical income and no line owns it
        assert get_row(found, "I1")["NOT_ATTRIBUTED"] == 48_700_000
        assert get_row(found, "I4")["TO"] == 6_000_000
    centres.loc[centres["cost_centre"] == "WARD", "owner_line_id"] = "GENMED"
    db, found = cost(cost_centre_map=centres)
    with db:
        assert get_row(found, "I1")["GENMED"] == 48_700_000
        assert get_row(found, "I1")["NOT_ATTRIBUTED"] == 0


def test_every_identity_that_needs_no_patients_holds():
    db, found = cost()
    with db:
        assert check_reconciled(found.reconciliation)["passed"].all()
        assert {"R1", "R3", "R4", "R5", "R7", "R8", "R9", "R10"} <= set(found.reconciliation["id"])


def test_patient_tables_are_there_and_empty():
    db, found = cost()
    with db:
        for name in ("patient_events", "patient_costs"):
            assert db.columns(name) == list(OUTPUTS[name].columns)
            assert db.frame(f"SELECT count(*) AS n FROM {name}")["n"].iloc[0] == 0
        assert found.line_activity.empty and found.matching_summary.empty
        assert set(found.credibility["grade"]) == {"E"}
        assert (found.credibility["traced_pence"] == 0).all()


def test_tables_hold_their_contracts_columns():
    db, found = cost()
    with db:
        for name, table in OUTPUTS.items():
            if hasattr(found, name):
                assert set(table.columns) <= set(getattr(found, name).columns), name


def test_overhead_passes_to_lines_as_the_departments_cost_does():
    db, found = cost()
    with db:
        shares = found.department_line_shares.set_index(["department_id", "line_id"])["share_prop"]
        assert shares["WARD", "TO"] == pytest.approx(396 / 780, abs=1e-6)
        sums = shares.groupby("department_id").sum()
        assert sums.to_numpy() == pytest.approx([1.0] * len(sums))


def test_a_department_without_drivers_or_owner_is_refused():
    few = {name: pair for name, pair in QUANTITIES.items() if name != "WARD"}
    with pytest.raises(
        InputError, match=r"SLR-002.*1 clinical departments.*WARD.*\n.*£156,000\.00"
    ):
        cost(line_drivers=make_drivers(few))


def test_an_unknown_line_and_a_negative_quantity_are_refused():
    wrong = make_drivers()
    wrong.loc[0, "line_id"] = "NOWHERE"
    with pytest.raises(InputError, match=r"SLR-001.*NOWHERE"):
        cost(line_drivers=wrong)
    with pytest.raises(AllocationError, match=r"ALLOC-E03.*WARD"):
        cost(line_drivers=make_drivers({**QUANTITIES, "WARD": (-1, 2)}))


def test_neither_activity_nor_line_drivers_is_refused():
    with (
        open_engine(threads=1) as db,
        pytest.raises(InputError, match=r"no activity.*no line_drivers"),
    ):
        cost_trust(db, make_money_frames(), SETTINGS)
