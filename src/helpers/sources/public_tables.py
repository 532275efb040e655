"""From the analyst's tables to those of the public edition: the one place where both are in sight.

What the public pages, their pictures, words and downloads are made from is read back from what this
module wrote, and from nothing else (decision D-240).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from helpers.contracts.terms import find_own_line
from helpers.disclosure.lines import TOGETHER, find_small_lines, name_together, put_together
from helpers.disclosure.protected import (
    AMOUNTS,
    COUNTS,
    TRUST,
    protect_accounts,
    protect_activity,
    protect_findings,
    protect_long_stays,
    protect_months,
    protect_variation,
    round_counts,
)
from helpers.engine import open_engine
from helpers.errors import CommandError, ReconciliationError
from helpers.run import Run
from helpers.sources.extracts import read_clean_settings
from helpers.sources.tables import has_table, open_table, read_table, write_table
from helpers.subsidy.funding import build_funding_lines, build_funding_matrix, measure_volumes
from helpers.subsidy.position import NOT_ATTRIBUTED, classify
from helpers.subsidy.sensitivity import summarise_rules

KEYS = {
    "clean_apc_episodes": "episode_id",
    "clean_op_attendances": "attendance_id",
    "clean_ed_attendances": "attendance_id",
}
MONEY = [
    "income_pence", "direct_pence", "indirect_pence", "overhead_pence", "below_ebitda_pence",
    "full_cost_pence", "contribution_pence", "surplus_pence",
]  # fmt: skip
STATEMENT = ("I", "C1", "C2", "C3", "C4", "T2", "T4")
PARTS = ("traced", "averaged", "apportioned")
OTHERS = {
    "ET": "Surplus of education and training",
    "RD": "Surplus of research",
    "OTHER": "Surplus of other services",
    "EXCLUDED": "Cost that belongs to no service, such as impairments",
    NOT_ATTRIBUTED: "Income that no line earned",
}
VOLUMES = {
    "surpluses": "Surpluses of the lines",
    "deficits": "Deficits of the lines",
    "volume": "Cross-subsidy: deficits paid for by surpluses",
    "volume_low": "The same under the rule that gives least",
    "volume_high": "The same under the rule that gives most",
}
RULE = ["rule_id", "income_basis"]
REST = "REST"


def write_public_tables(analyst: Run, run: Run) -> None:
    """Read a whole analyst's report and write the protected tables of the public edition.

    Parameters
    ----------
    analyst
        The run whose published report is read.
    run
        The public run; its folder gets ``tables/``.

    Raises
    ------
    CommandError
        If the trust has no activity by patient: then nobody can tell which numbers are small.
    DisclosureError
        If something could not be protected. Nothing is published then.
    ReconciliationError
        If the money of the public edition is not the analyst's (R19).
    """
    source = _Source(analyst)
    lines = build_lines(source)
    write_table(run, "public_lines", lines)
    totals = build_totals(source, lines)
    write_table(run, "public_totals", totals)
    matrix = build_funding_matrix(lines[["line_id", "surplus_pence"]])
    write_table(run, "public_funding", matrix)
    write_table(run, "public_funding_lines", build_funding_lines(lines, matrix))
    write_table(run, "public_activity", build_activity(source, lines))
    _write_care(source, run)
    accounts = source.read("cleaning_accounts")
    write_table(run, "public_accounts", protect_accounts(accounts))
    write_table(run, "public_checks", build_checks(source, lines, totals))
    write_table(run, "public_facts", build_facts(source, lines))


class _Source:
    """The analyst's tables, with lines that are too small put together."""

    def __init__(self, analyst: Run) -> None:
        self.run = replace(analyst, folder=analyst.published)
        if not has_table(self.run, "patient_events"):
            raise CommandError(
                "A public edition hides what rests on fewer than 8 patients, and this trust has no activity "
                "by patient, so nobody can tell what does.\n"
                "Leave AUDIENCE out, and do not publish the result."
            )
        self.activity = self.read("line_activity")
        self.together: list[str] = []
        self.people = self._list_people()
        position = self.read("service_line_position").set_index("line_id")
        self.together = find_small_lines(self._size_lines(), position["surplus_pence"])

    def read(self, name: str) -> pd.DataFrame:
        return read_table(self.run, name)

    def merge(self, frame: pd.DataFrame, *by: str) -> pd.DataFrame:
        """Return a table of sums by line, small lines put together."""
        return put_together(frame, self.together, by=by)

    def _list_people(self) -> pd.DataFrame:
        """Return which person each line saw at which point of delivery; patients' keys, kept in memory."""
        keys = [name for name in KEYS if has_table(self.run, name)]
        with TemporaryDirectory() as spill, open_engine(spill=Path(spill)) as db:
            for name in ("patient_events", *keys):
                open_table(self.run, db, name)
            return db.frame(_write_people(keys))

    def count_people(self, *by: str) -> pd.DataFrame:
        """Return ``n_patients`` by the line as published and what else is named."""
        lines = self.people["line_id"]
        own = self.people.assign(line_id=lines.where(~lines.isin(self.together), TOGETHER))
        counts = own.groupby(["line_id", *by])["person"].nunique()
        return counts.rename("n_patients").reset_index()

    def _size_lines(self) -> pd.DataFrame:
        own = self.activity.assign(line_id=self.activity["line_id"].map(find_own_line))
        events = own.groupby("line_id")["n_events"].sum()
        whole = self.count_people().set_index("line_id")["n_patients"]
        sizes = events.rename("n_events").to_frame()
        sizes["n_patients"] = whole.reindex(sizes.index).fillna(sizes["n_events"]).astype("int64")
        return sizes.reset_index()


def _write_people(keys: Sequence[str]) -> str:
    known = " UNION ALL ".join(
        f"SELECT {KEYS[name]} AS event_id, patient_key FROM {name}" for name in keys
    )
    return f"""
        SELECT DISTINCT e.line_id, e.pod, coalesce(k.patient_key, 'event ' || e.event_id) AS person
        FROM patient_events e LEFT JOIN ({known}) k ON e.event_id = k.event_id
        ORDER BY line_id, pod, person"""


def build_lines(source: _Source) -> pd.DataFrame:
    """Return ``public_lines``: nothing in it is hidden, because no line in it is small."""
    position = source.read("service_line_position")
    lines = source.merge(position[["line_id", *MONEY]])
    names = dict(zip(position["line_id"], position["line_name"], strict=True))
    names[TOGETHER] = name_together(source.together, names)
    lines.insert(1, "line_name", lines["line_id"].map(names))
    events = source.merge(source.activity[["line_id", "n_events"]]).set_index("line_id")
    counts = events["n_events"].reindex(lines["line_id"]).fillna(0).astype("int64")
    lines["n_events"] = round_counts(counts).to_numpy()
    lines["class"] = classify(lines["surplus_pence"], lines["contribution_pence"])
    base = source.read("sensitivity_summary")["base_rule_id"].iloc[0]
    tried = source.merge(
        source.read("rule_sensitivity")[[*RULE, "line_id", "surplus_pence"]], *RULE
    )
    found = summarise_rules(tried, lines, base).set_index("line_id")
    for name in ("min_pence", "max_pence", "n_rules", "sign_label"):
        lines[name] = found[name].reindex(lines["line_id"]).to_numpy()
    return lines.merge(_grade(source), on="line_id", how="left", validate="one_to_one")


def _grade(source: _Source) -> pd.DataFrame:
    """Return grades and the shares behind them, in whole per cent; none for lines put together."""
    credibility = source.read("credibility")
    grades = credibility[["line_id", "grade"]].assign(score=credibility["score"].round(2))
    total = credibility[[f"{part}_pence" for part in PARTS]].sum(axis=1)
    for part in PARTS:
        share = credibility[f"{part}_pence"] / total.where(total > 0)
        grades[f"{part}_prop"] = share.astype("float64").round(2)
    return grades[~grades["line_id"].isin(source.together)]


def build_totals(source: _Source, lines: pd.DataFrame) -> pd.DataFrame:
    """Return ``public_totals``: the trust's statement, what is no line, and the cross-subsidy."""
    statement = source.read("service_line_statement")
    trust = statement[statement["line_id"].eq(TRUST) & statement["row_id"].isin(STATEMENT)]
    rows = [(row.row_id, row.label, int(row.amount_pence)) for row in trust.itertuples()]
    beside = statement[statement["row_id"].eq("T4")].set_index("line_id")["amount_pence"]
    rows += [(key, words, int(beside[key])) for key, words in OTHERS.items() if key in beside.index]
    volumes = measure_volumes(lines["surplus_pence"].tolist())
    tried = source.merge(
        source.read("rule_sensitivity")[[*RULE, "line_id", "surplus_pence"]], *RULE
    )
    by_rule = tried.groupby(RULE)["surplus_pence"].agg(
        lambda values: measure_volumes(values.tolist())["volume"]
    )
    amounts = {**volumes, "volume_low": int(by_rule.min()), "volume_high": int(by_rule.max())}
    rows += [(key, words, amounts[key]) for key, words in VOLUMES.items()]
    return pd.DataFrame(rows, columns=["measure", "label", "amount_pence"])


def build_activity(source: _Source, lines: pd.DataFrame) -> pd.DataFrame:
    """Return ``public_activity``: protected cells, and each line's rest, which is no activity."""
    columns = ["line_id", "pod", *COUNTS, *AMOUNTS]
    activity = source.activity[source.activity["n_events"].gt(0)]
    cells = source.merge(activity[columns], "pod")
    protected = protect_activity(cells, source.count_people("pod"))
    sums = cells.groupby("line_id")[AMOUNTS].sum().reindex(lines["line_id"]).fillna(0)
    rest = pd.DataFrame(
        {
            "line_id": lines["line_id"],
            "pod": REST,
            "income_pence": lines["income_pence"] - sums["income_pence"].to_numpy(),
            "cost_pence": lines["full_cost_pence"] - sums["cost_pence"].to_numpy(),
        }
    )
    whole = rest[AMOUNTS].sum().to_frame().T.assign(line_id=TRUST, pod=REST)
    rest = pd.concat([rest, whole], ignore_index=True)
    rest = rest[rest[AMOUNTS].ne(0).any(axis=1)].assign(**dict.fromkeys(COUNTS, 0), hidden="")
    rest[COUNTS + AMOUNTS] = rest[COUNTS + AMOUNTS].astype("Int64")
    return pd.concat([protected, rest], ignore_index=True)


def _write_care(source: _Source, run: Run) -> None:
    """Write what may be said of stays and of how consultants differ."""
    stays = source.read("stay_value")
    write_table(
        run, "public_long_stays",
        protect_long_stays(source.read("stay_long"), stays, withheld=source.together),
    )  # fmt: skip
    write_table(run, "public_stay_months", protect_months(source.read("stay_trend")))
    variation = protect_variation(source.read("specialty_variation"), withheld=source.together)
    write_table(run, "public_variation", variation)
    findings = protect_findings(source.read("consultant_review"), source.read("saving"))
    write_table(run, "public_findings", findings)


def build_checks(source: _Source, lines: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    """Return ``public_checks``: the run's identities without their amounts, and R19.

    Raises
    ------
    ReconciliationError
        If income, cost or surplus of the public edition differ from the analyst's by a penny.
    """
    names = ["id", "description", "passed"]
    checks = pd.concat(
        [source.read(name)[names] for name in ("reconciliation", "subsidy_reconciliation")],
        ignore_index=True,
    )
    failed = checks[~checks["passed"].astype(bool)]
    if len(failed):
        raise ReconciliationError(
            f"{len(failed)} of {len(checks)} checks of the money failed in the analyst's report.\n"
            "A report that does not reconcile is not published."
        )
    position = source.read("service_line_position")
    trust = totals.set_index("measure")["amount_pence"]
    beside = sum(int(trust.get(key, 0)) for key in OTHERS)
    pairs = [(f"{name.removesuffix('_pence')} of all lines", int(lines[name].sum()), int(position[name].sum()))
             for name in MONEY]  # fmt: skip
    pairs.append(
        ("surplus of the trust", int(lines["surplus_pence"].sum()) + beside, int(trust["T4"]))
    )
    wrong = [f"{words}: {left:,} against {right:,} pence" for words, left, right in pairs if left != right]  # fmt: skip
    if wrong:
        raise ReconciliationError(
            f"R19: the public edition differs from the analyst's report in {'; '.join(wrong)}.\n"
            "No public edition was made."
        )
    own = {"id": "R19", "description": "Public edition's money = the analyst's, for all lines and the trust",
           "passed": True}  # fmt: skip
    return pd.concat([checks, pd.DataFrame([own])], ignore_index=True).astype({"passed": "bool"})


def build_facts(source: _Source, lines: pd.DataFrame) -> pd.DataFrame:
    """Return ``public_facts``."""
    settings = read_clean_settings(source.run)
    together = lines.loc[lines["line_id"].eq(TOGETHER), "line_name"]
    facts = {
        "trust_name": str(settings["trust_name"]),
        "overhead_method": source.run.method or str(settings["overhead_method"]),
        "n_files": str(int(source.read("input_files")["found"].fillna("").ne("").sum())),
        "together": str(together.iloc[0]) if len(together) else "",
    }
    return pd.DataFrame(sorted(facts.items()), columns=["fact", "value"])
