"""An optional file taken away takes its own tables and nothing else (costing)."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.costing.trust import Costed, cost_trust
from helpers.engine import open_engine
from mini_trust import SETTINGS, add_activity, make_frame, make_money_frames, make_patient_frames

OPTIONAL = {
    "trainees": make_frame("trainees", [{"line_id": "TO", "trainee_wte": 1.0, "research_wte": 1.0}]),
    "plan": make_frame("plan", [
        {"line_id": "TO", "month": 1, "income_pence": 100, "direct_pence": 50, "indirect_pence": 20,
         "activity_el": 3.0}
    ]),
    "wip_opening": make_frame("wip_opening", [
        {"episode_id": "P1", "source_department": "WARD", "element": "PAY_NURSING", "amount_pence": 500}
    ]),
    "contract_income": make_frame("contract_income", [
        {"commissioner": "QKK", "element": "fixed", "scope_rule": "EL", "amount_pence": 1_000}
    ]),
    "benchmarks": make_frame("benchmarks", [
        {"hrg": "P1Z", "pod": "EL", "national_mean_cost_pence": 100, "n": 5}
    ]),
    "job_plans": make_frame("job_plans", [
        {"consultant_code": "C1111111", "from": pd.Timestamp("2020-01-01"), "activity": "ward", "pas": 3.0}
    ]),
}  # fmt: skip
# What each of them may change.
CHANGES = {
    "trainees": {"education_subsidy"},
    "plan": {"line_against_plan", "line_activity_plan", "notices"},  # a plan of one month is said
    "wip_opening": {"notices"},  # P1 began in the year: it is said, and takes no part
    "contract_income": {"line_contract_income"},
    "benchmarks": {"cost_checks"},
    "job_plans": {"medical_time", "cost_checks"},  # no pool of this trust follows doctors' time
}


def cost(*left_out: str) -> tuple[Costed, pd.DataFrame]:
    frames = {**make_money_frames(), **make_patient_frames(), **OPTIONAL}
    with open_engine(threads=1) as db:
        add_activity(db)
        found = cost_trust(db, {n: f for n, f in frames.items() if n not in left_out}, SETTINGS)
        return found, db.frame("SELECT * FROM patient_events ORDER BY event_id")


@pytest.fixture(scope="module")
def whole():
    return cost()


@pytest.mark.parametrize("file", OPTIONAL)
def test_a_file_taken_away_takes_its_own_tables_and_nothing_else(file, whole):
    (before, events), (after, events_after) = whole, cost(file)
    pd.testing.assert_frame_equal(events, events_after)
    tables = {n: t for n, t in vars(before).items() if isinstance(t, pd.DataFrame)}
    changed = {n for n, t in tables.items() if not t.equals(getattr(after, n))}
    changed |= {n for n, t in before.analyses.items() if not t.equals(after.analyses[n])}
    changed |= {"notices"} if before.notices != after.notices else set()
    assert changed == CHANGES[file]
