"""A trust costed a second time, in plain Python, from the words of the method and none of the project's code.

Slow and simple on purpose: floats, loops and dictionaries. It reads the clean tables of a report and works out
what each patient event costs and earns, to be held against what the report says.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ELEMENTS = [
    "PAY_MEDICAL",
    "PAY_NURSING",
    "PAY_AHP_SCI",
    "PAY_OTHER",
    "DRUGS",
    "CLIN_SUPPLIES",
    "OTHER_NONPAY",
    "CNST",
    "DEPRECIATION",
    "PDC",
    "INTEREST",
    "IMPAIRMENT",
]
TRACED = ("implants", "high_cost_drugs")
ACUITY = {1: 3.0, 2: 2.0, 3: 1.3, 4: 1.0, 5: 0.8}
PLAIN = {"ward": 0.02, "theatre": 1.0, "clinic": 1.0, "ed": 0.15}
PLANNED_IN = {
    "ward": "ward",
    "oncall": "ward",
    "theatre": "theatre",
    "clinic": "clinic",
    "ed": "ed",
}
DAY = 86_400


class SecondCosting:
    """Costs (``cost``, pence by event) and income at price (``income``) of a report's trust."""

    def __init__(self, tables: Path, first_day: str, last_day: str) -> None:
        self.tables = tables
        self.start, self.end = (
            pd.Timestamp(first_day),
            pd.Timestamp(last_day) + pd.Timedelta(days=1),
        )
        self.events = self.read("patient_events").set_index("event_id", drop=False)
        self.lines = self.events["line_id"].to_dict()
        self._arrange_patients()
        self.activity: list[tuple[str, str, str | None, float, str | None]] = []
        self.minutes: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.weigh()
        self.cost = self.share()
        self.income = self.earn()

    def read(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.tables / f"{name}.parquet")

    def in_year(self, moment: Any) -> bool:
        return pd.isna(moment) or self.start <= moment < self.end

    # From the ledger to pools.

    def total_departments(self) -> pd.Series:
        ledger = self.read("clean_general_ledger")
        centres = self.read("clean_cost_centre_map")[["cost_centre", "department_id"]]
        codes = self.read("clean_expense_map")[["expense_code", "account_type", "element"]]
        rows = ledger.merge(centres).merge(codes)
        spent = rows[rows["account_type"] == "expenditure"]
        return spent.groupby(["department_id", "element"])["amount_pence"].sum()

    def pass_on(self, costs: pd.Series) -> dict[str, float]:
        """Pass overheads on round after round until nothing is left with a service."""
        departments = self.read("clean_departments").set_index("department_id")["kind"]
        rows = self.read("clean_overhead_drivers")
        rows = rows[rows["driver_set"].fillna("base") == "base"]
        rows = rows[rows["service_department"] != rows["consumer_department"]]
        use: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for row in rows.itertuples():
            use[row.service_department][row.consumer_department] += row.quantity
        held = {
            d: float(p)
            for d, p in costs.groupby(level=0).sum().items()
            if departments[d] == "service"
        }
        ended: dict[str, float] = defaultdict(float)
        while sum(held.values()) > 1e-6:
            passed: dict[str, float] = defaultdict(float)
            for service, pence in held.items():
                whole = sum(use[service].values())
                for consumer, quantity in use[service].items():
                    target = passed if departments[consumer] == "service" else ended
                    target[consumer] += pence * quantity / whole
            held = passed
        return ended

    def fill_pools(self) -> list[dict[str, Any]]:
        costs = self.total_departments()
        overhead = self.pass_on(costs)
        pools = []
        for row in self.read("clean_cost_pools").itertuples():
            text = "" if pd.isna(row.element_filter) else row.element_filter
            elements = ELEMENTS if text in ("", "*") else [part.strip() for part in text.split(";")]
            own = sum(costs.get((row.department_id, e), 0) * row.share for e in elements)
            wanted = (
                [] if pd.isna(row.feed_filter) else [k.strip() for k in row.feed_filter.split(";")]
            )
            pools.append(
                {"department": row.department_id, "feed": row.feed, "keys": wanted, "own": own}
            )
        own = defaultdict(float)
        for pool in pools:
            own[pool["department"]] += pool["own"]
        for pool in pools:
            received = overhead[pool["department"]] * pool["own"] / own[pool["department"]]
            pool["cost"] = (pool["own"] + received) * (1 - self.find_apart(pool))
        return pools

    # Whose activity it was.

    def _arrange_patients(self) -> None:
        self.spells, self.there = (
            defaultdict(list),
            {k: defaultdict(list) for k in ("episode", "op", "ed")},
        )
        keys = {}
        for name, column in (("apc_episodes", "episode_id"), ("op_attendances", "attendance_id"),
                             ("ed_attendances", "attendance_id")):  # fmt: skip
            keys |= self.read(f"clean_{name}").set_index(column)["patient_key"].to_dict()
        for row in self.events.sort_values("start_dt").itertuples():
            self.there[row.event_kind][keys[row.event_id]].append(row)
            if row.event_kind == "episode":
                self.spells[row.spell_id].append(row)

    @staticmethod
    def gap(moment: Any, row: Any) -> float:
        if moment < row.start_dt:
            return (row.start_dt - moment).total_seconds()
        if pd.notna(row.end_dt) and moment > row.end_dt:
            return (moment - row.end_dt).total_seconds()
        return 0.0

    def match(self, ref: Any, patient: Any, moment: Any, tfc: Any) -> str | None:
        """Try the rules in order: the event, the spell, then the patient."""
        if isinstance(ref, str) and ref in self.lines:
            return ref
        if isinstance(ref, str) and pd.notna(moment) and self.spells.get(ref):
            inside = [row for row in self.spells[ref] if self.gap(moment, row) == 0]
            if inside:
                return max(inside, key=lambda row: row.start_dt).event_id
            near = min(self.spells[ref], key=lambda row: (self.gap(moment, row), row.event_id))
            if self.gap(moment, near) <= DAY:
                return near.event_id
        if not isinstance(patient, str) or pd.isna(moment):
            return None
        stays = [row for row in self.there["episode"][patient] if moment >= row.admission_dt
                 and (pd.isna(row.discharge_dt) or moment <= row.discharge_dt)]  # fmt: skip
        if stays:
            return min(
                stays,
                key=lambda row: (self.gap(moment, row), self.since(moment, row), row.event_id),
            ).event_id
        emergencies = [
            row for row in self.there["ed"][patient] if self.gap(moment, row) <= 4 * 3600
        ]
        if emergencies:
            return min(emergencies, key=lambda row: (self.gap(moment, row), row.event_id)).event_id
        clinics = [row for row in self.there["op"][patient] if row.tfc == tfc]
        same_day = [row for row in clinics if row.start_dt.date() == moment.date()]
        near = [
            row
            for row in clinics
            if -14 * DAY <= (row.start_dt - moment).total_seconds() <= 30 * DAY
        ]
        for found in (same_day, near):
            if found:
                away = min(
                    found,
                    key=lambda row: (abs((row.start_dt - moment).total_seconds()), row.event_id),
                )
                return away.event_id
        return None

    def since(self, moment: Any, row: Any) -> float:
        return (moment - row.start_dt).total_seconds() if self.gap(moment, row) == 0 else 0.0

    # What it weighs.

    def add(
        self, feed: str, key: str, event: str | None, weight: float, tfc: str | None = None
    ) -> None:
        self.activity.append((feed, key, event, weight, tfc))

    def weigh(self) -> None:
        for weigh in (self.weigh_wards, self.weigh_theatres, self.weigh_tests, self.weigh_items,
                      self.weigh_visits, self.weigh_doctors):  # fmt: skip
            weigh()

    def weigh_wards(self) -> None:
        for stay in self.read("clean_ward_stays").itertuples():
            begin = max(stay.start_dt, self.start)
            end = self.end if pd.isna(stay.end_dt) else min(stay.end_dt, self.end)
            if stay.start_dt >= self.end or (pd.notna(stay.end_dt) and stay.end_dt < self.start):
                continue
            seconds = max((end - begin).total_seconds(), 3600)
            acuity = 1.0 if pd.isna(stay.acuity_weight) else stay.acuity_weight
            shared = []
            for row in self.spells.get(stay.spell_id, []):
                stop = self.end if pd.isna(row.end_dt) else row.end_dt
                shared.append(((min(end, stop) - max(begin, row.start_dt)).total_seconds(), row))
            inside = [(overlap, row) for overlap, row in shared if overlap > 0]
            if not inside and shared:
                last = max(shared, key=lambda pair: (pair[0], pair[1].start_dt))
                inside = [(1.0, last[1])] if last[0] >= -DAY else []
            whole = sum(overlap for overlap, _ in inside)
            for overlap, row in inside:
                part = seconds * overlap / whole
                self.add("ward", stay.ward_id, row.event_id, part / 3600 * acuity)
                self.minutes["ward"][row.event_id] += part / 60
            if not inside:
                self.add("ward", stay.ward_id, None, seconds / 3600 * acuity)

    def weigh_theatres(self) -> None:
        for case in self.read("clean_theatre_cases").itertuples():
            if not self.in_year(case.into_dt):
                continue
            setup = 0 if pd.isna(case.setup_minutes) else case.setup_minutes
            spent = max((case.out_dt - case.into_dt).total_seconds() / 60, 0) + setup
            event = self.match(case.spell_id, None, case.into_dt, None)
            team = 1 if pd.isna(case.team_weight) else case.team_weight
            self.add("theatre", case.theatre_id, event, spent * team)
            if event:
                self.minutes["theatre"][event] += spent
            if case.recovery_minutes > 0:
                self.add("recovery", case.theatre_id, event, case.recovery_minutes)
        for care in self.read("clean_critical_care").itertuples():
            begin = max(care.start_dt, self.start)
            end = self.end if pd.isna(care.end_dt) else min(care.end_dt, self.end)
            if begin < self.end and end >= self.start:
                event = self.match(care.spell_id, None, begin, None)
                hours = max((end - begin).total_seconds(), 0) / 3600
                self.add(
                    "critical_care", care.unit_id, event, hours * (1 + 0.35 * care.organs_supported)
                )

    def weigh_tests(self) -> None:
        weights = self.read("clean_relative_weights")
        given = weights[weights["feed"] == "tests"].set_index("code")["weight"].to_dict()
        people = weights[weights["feed"] == "therapies"].set_index("code")["weight"].to_dict()
        tests = self.read("clean_tests").rename(columns={"count": "n"})
        kinds = tests[["discipline", "test_code"]].drop_duplicates()
        usual = kinds.assign(w=kinds["test_code"].map(given)).groupby("discipline")["w"].median()
        for test in tests.itertuples():
            if self.in_year(test.requested_dt):
                weight = given.get(test.test_code, usual.get(test.discipline, 1.0))
                event = self.match(
                    test.spell_or_attendance_id,
                    test.patient_key,
                    test.requested_dt,
                    test.requesting_tfc,
                )
                weight = 1.0 if pd.isna(weight) else weight
                self.add(
                    "tests", test.discipline, event, max(test.n, 0) * weight, test.requesting_tfc
                )
        for contact in self.read("clean_therapy_contacts").itertuples():
            if self.in_year(contact.start_dt):
                event = self.match(
                    contact.spell_or_attendance_id, contact.patient_key, contact.start_dt, None
                )
                weight = max(contact.minutes, 0) * people.get(contact.profession, 1.0)
                self.add("therapies", contact.profession, event, weight)

    def weigh_items(self) -> None:
        issues = self.read("clean_drug_issues")
        usual = issues.groupby("product")["cost_pence"].median()
        for issue in issues.itertuples():
            if self.in_year(issue.issue_dt):
                pence = (
                    issue.cost_pence if pd.notna(issue.cost_pence) else usual.get(issue.product, 0)
                )
                feed = "high_cost_drugs" if issue.high_cost_flag == "1" else "drugs"
                event = self.match(
                    issue.spell_or_attendance_id, issue.patient_key, issue.issue_dt, None
                )
                self.add(feed, issue.product, event, pence if feed in TRACED else max(pence, 0))
        for implant in self.read("clean_implants").itertuples():
            if self.in_year(implant.used_dt):
                event = self.match(implant.spell_id, None, implant.used_dt, None)
                self.add("implants", implant.product, event, implant.cost_pence)

    def weigh_visits(self) -> None:
        for seen in self.read("clean_op_attendances").itertuples():
            if seen.is_attended and self.start <= seen.appointment_dt < self.end:
                self.add("clinic", seen.tfc, seen.attendance_id, seen.booked_minutes)
                self.minutes["clinic"][seen.attendance_id] += seen.booked_minutes
        for came in self.read("clean_ed_attendances").itertuples():
            if self.start <= came.arrival_dt < self.end:
                stayed = (came.departure_dt - came.arrival_dt).total_seconds() / 60
                stayed = min(max(stayed, 0), 2880)
                self.add(
                    "ed", came.department_type, came.attendance_id, stayed * ACUITY[came.acuity]
                )
                self.minutes["ed"][came.attendance_id] += stayed

    def total_plans(self) -> pd.DataFrame:
        """Return each line's PAs by activity, for the part of the year in which they ran."""
        plans = self.read("clean_job_plans")
        lines = self.read("clean_consultants").set_index("consultant_code")["line_id"]
        begin = plans["from"].fillna(self.start).clip(lower=self.start)
        end = (plans["to"] + pd.Timedelta(days=1)).fillna(self.end).clip(upper=self.end)
        days = (end - begin).dt.days.clip(lower=0) / (self.end - self.start).days
        plans = plans.assign(line=plans["consultant_code"].map(lines), pas=plans["pas"] * days)
        return plans.dropna(subset=["line"])

    def weigh_doctors(self) -> None:
        """A line's clinical time goes to places by PAs; inside a place by minutes."""
        plans = self.total_plans()
        clinical = (
            plans[~plans["activity"].isin(["teaching", "research"])].groupby("line")["pas"].sum()
        )
        placed = (
            plans.assign(place=plans["activity"].map(PLANNED_IN))
            .groupby(["line", "place"])["pas"]
            .sum()
        )
        spent: dict[tuple[str, str], float] = defaultdict(float)
        for place, by_event in self.minutes.items():
            for event, minutes in by_event.items():
                spent[self.lines[event], place] += minutes
        for place, by_event in self.minutes.items():
            for event, minutes in by_event.items():
                line = self.lines[event]
                usable = {p: placed.get((line, p), 0.0) for p in PLAIN if spent[line, p] > 0}
                whole = sum(usable.values())
                rate = (
                    usable[place] / whole * clinical[line] * 240 * 42 / spent[line, place]
                    if whole > 0
                    else PLAIN[place]
                )
                self.add("medical", line, event, minutes * rate)

    def find_apart(self, pool: dict[str, Any]) -> float:
        """Return the share of a medical pool that is teaching and research."""
        if pool["feed"] != "medical":
            return 0.0
        plans = self.total_plans()
        own = plans[plans["line"].isin(pool["keys"])] if pool["keys"] else plans
        beside = own.loc[own["activity"].isin(["teaching", "research"]), "pas"].sum()
        return beside / own["pas"].sum() if own["pas"].sum() > 0 else 0.0

    def share(self) -> pd.Series:
        """Return each event's cost: rate of each pool x what it used of it."""
        names = ["feed", "key", "event", "weight", "tfc"]
        activity = pd.DataFrame(self.activity, columns=names)
        cost: dict[str, float] = defaultdict(float)
        for pool in self.fill_pools():
            rows = activity[activity["feed"] == pool["feed"]]
            if pool["keys"]:
                rows = rows[rows["key"].isin(pool["keys"])]
            whole = rows["weight"].sum()
            if pool["feed"] in TRACED:  # at cost; what the ledger holds beyond it is nobody's
                whole = max(whole, pool["own"])
            for event, weight in (
                rows.dropna(subset=["event"]).groupby("event")["weight"].sum().items()
            ):
                cost[event] += pool["cost"] * weight / whole
        return pd.Series(cost).reindex(self.events.index).fillna(0.0)

    # What it earns.

    def earn(self) -> pd.Series:
        """Return income at price of every NHS event; a spell's price by its episodes' days."""
        prices = self.read("clean_prices").set_index(["hrg", "pod"])
        settings = self.read("clean_settings").set_index("key")["value"]
        mff = float(settings["mff"].strip('"'))
        earned: dict[str, float] = defaultdict(float)
        for rows in self.spells.values():
            last = next((row for row in rows if row.is_discharging), None)
            if (
                last is None
                or last.completion not in (1, 2)
                or (last.hrg_spell, last.spell_pod) not in prices.index
            ):
                continue
            price = prices.loc[(last.hrg_spell, last.spell_pod)]
            beyond = (
                0 if pd.isna(price["trim_point"]) else max(0, last.los_days - price["trim_point"])
            )
            a_day = 0 if pd.isna(price["per_diem_pence"]) else price["per_diem_pence"]
            pence = np.floor((price["unit_price_pence"] + a_day * beyond) * mff + 0.5)
            days = [(row.end_dt.normalize() - row.start_dt.normalize()).days for row in rows]
            for row, n in zip(rows, days, strict=True):
                earned[row.event_id] += pence * n / sum(days) if sum(days) else pence / len(rows)
        for row in self.events[self.events["event_kind"] != "episode"].itertuples():
            if (row.hrg, row.pod) in prices.index:
                pence = prices.loc[(row.hrg, row.pod)]["unit_price_pence"]
                earned[row.event_id] += np.floor(pence * mff + 0.5)
        return pd.Series(earned).reindex(self.events.index).fillna(0.0)
