"""The steps of a report from published files: what each reads, and what it writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from helpers.engine import Engine
from helpers.errors import InputError, name_a_few
from helpers.outliers.funnel import Z_95, Z_998, measure_overdispersion
from helpers.outliers.multiplicity import adjust_p_values
from helpers.published import checks, compare, prices, review, stays, trusts
from helpers.published.cells import CELLS, ENGLAND, REASONS, make_cells
from helpers.run import Run, show_path
from helpers.sources.published import trusts as lists
from helpers.sources.published.costs import COST_KINDS, add_rows
from helpers.sources.published.files import (
    KINDS,
    Found,
    find_files,
    read_reference,
    remove_unpacked,
)
from helpers.sources.published.schedules import read_stated_totals
from helpers.sources.published.tariff import PRICE_COLUMNS, Tariff, read_tariff
from helpers.sources.tables import open_table, read_table, write_table

FACTOR_COLUMNS = ["org_code", "year", "factor"]


def read_published(run: Run, db: Engine) -> None:
    """Step 1: read the files that concern the run's year; write cells, prices, organisations and facts.

    Raises
    ------
    InputError
        If the organisation, or the year of it, is in none of the files.
    """
    files = find_files(run.public_dir, run.spill)
    reference_year = choose_reference_year(files, run)
    costs = [
        file
        for file in files
        if file.kind in COST_KINDS
        and (file.year in ("", run.fy) or (file.kind == "schedule" and file.year == reference_year))
    ]
    accounts = read_cells(costs, db, run.spill)
    known = db.frame(f"SELECT DISTINCT org_code, year FROM {CELLS}")
    check_there(run, known, files)
    cells_pence = _count_pence(db, "1 = 1")
    db.create(
        "published_year",
        f"SELECT * FROM {CELLS} WHERE year = $year OR (org_code = '{ENGLAND}' AND year = $reference)",
        year=run.fy, reference=reference_year,
    )  # fmt: skip
    db.create(CELLS, "SELECT * FROM published_year")
    write_table(run, CELLS, db)
    tariff = choose_tariff(files, run.fy)
    organisations = _list_organisations(run, db, files, tariff)
    write_table(run, "published_files", list_found(files))
    write_table(run, "published_accounts", describe_accounts(accounts))
    write_table(run, "published_totals", _compare_totals(costs, db))
    write_table(run, "published_prices", tariff.prices)
    write_table(run, "published_organisations", organisations)
    write_table(run, "published_listed_peers", lists.read_peers(files, run.spill))
    beds = lists.read_beds(files)
    own = beds[beds["org_code"] == run.trust].drop(columns="org_code")
    write_table(run, "published_beds", own)
    write_table(
        run,
        "published_facts",
        find_facts(run, db, files, accounts, tariff, organisations, reference_year),
    )
    own_pence = _count_pence(db, "org_code = $org", org=run.trust)
    by_line = _count_pence(db, "org_code = $org", org=run.trust, group="line_id")
    rows = checks.check_cells(accounts, cells_pence, own_pence, by_line)
    write_table(run, "published_reconciliation", checks.list_checks(rows))
    remove_unpacked(run.spill)


def choose_reference_year(files: list[Found], run: Run) -> str:
    """Return the year of the national schedule that a trust is held against; blank if there is none.

    The run's own year, else the nearest at most two years away, the earlier of two (decision D-229).
    """
    years = [
        (abs(int(file.year[:4]) - int(run.fy[:4])), file.year)
        for file in files
        if file.kind == "schedule" and file.year and run.trust != ENGLAND
    ]
    near = sorted(one for one in years if one[0] <= prices.MOST_YEARS_APART)
    return near[0][1] if near else run.fy


def read_cells(files: list[Found], db: Engine, workspace: Path) -> pd.DataFrame:
    """Make ``published_cells`` of some cost files; return the account of their rows."""
    add_rows(files, db, workspace)
    return make_cells(
        db,
        departments=read_reference("published_departments"),
        currencies=read_reference("published_currencies"),
        functions=read_reference("treatment_functions"),
    )


def _count_pence(db: Engine, condition: str, *, group: str = "", **given: str) -> int:
    inner = f"SELECT sum(cost_pence) AS pence FROM {CELLS} WHERE {condition}"
    inner += f" GROUP BY {group}" if group else ""
    return int(
        db.frame(f"SELECT CAST(coalesce(sum(pence), 0) AS BIGINT) AS n FROM ({inner})", **given)[
            "n"
        ].iloc[0]
    )


def check_there(run: Run, known: pd.DataFrame, files: list[Found]) -> None:
    """Stop, with what to do, if an organisation's year is not in the files."""
    if ((known["org_code"] == run.trust) & (known["year"] == run.fy)).any():
        return
    where = f"{show_path(run.public_dir)} (what NHS England publishes)"
    years = set(known.loc[known["org_code"] == run.trust, "year"])
    years |= {
        file.year
        for file in files
        if file.kind == "schedule" and run.trust == ENGLAND and file.year
    }
    if years:
        raise InputError(
            f"The files in {where} hold {run.trust} for {name_a_few(years)}, not for {run.fy}.\n"
            f"Choose one of these with YEAR, as YEAR={max(years).replace('/', '-')}."
        )
    successors = lists.read_successors(files, run.spill)
    now = sorted(set(successors.loc[successors["old_code"] == run.trust, "new_code"]))
    if now:
        advice = f"{run.trust} became part of {name_a_few(now)}: try TRUST={now[-1]}."
    elif len(known):
        advice = f"For {run.fy} or without a year of their own they hold: {name_a_few(known['org_code'])}."
    else:
        advice = "No file there holds costs of that year: `python -m helpers published` lists what was found."
    raise InputError(
        f"There are no files for {run.trust} in {run.year}: {show_path(run.input_dir)} does not exist, and the "
        f"files in {where} hold no {run.trust}.\n{advice}\ndocs/published-data.md says which files to put there."
    )


def choose_tariff(files: list[Found], year: str) -> Tariff:
    """Return the prices of the nearest year, none if the nearest is more than two years away."""
    found = sorted(
        (abs(int(file.year[:4]) - int(year[:4])), file.year, file.name, file)
        for file in files
        if file.kind == "tariff"
    )
    if found and found[0][0] <= prices.MOST_YEARS_APART:
        return read_tariff(found[0][3])
    empty = {name: pd.Series(dtype="str") for name in PRICE_COLUMNS}
    return Tariff(
        year="", name="", prices=pd.DataFrame(empty).astype({"price_gbp": "float64"}),
        trim_points=pd.DataFrame(columns=["currency_code", "basis", "trim_days"]),
        factors=pd.DataFrame(columns=FACTOR_COLUMNS).astype({"year": "str", "org_code": "str"}),
    )  # fmt: skip


def _list_organisations(run: Run, db: Engine, files: list[Found], tariff: Tariff) -> pd.DataFrame:
    """Return every organisation of the year with its name and market forces factor."""
    codes = db.frame(f"SELECT DISTINCT org_code FROM {CELLS}")["org_code"].tolist()
    factors = compare.choose_factors(tariff.factors, year=run.fy, organisations=[*codes, run.trust])
    names = lists.read_names(files, run.spill)
    named = factors.merge(names, on="org_code", how="left", validate="one_to_one")
    named["org_name"] = named["org_name"].fillna(named["org_code"]).astype("str")
    named["org_name"] = named["org_name"].mask(named["org_code"].eq(ENGLAND), "England")
    return named


def list_found(files: list[Found]) -> pd.DataFrame:
    """Return the files as table ``published_files``."""
    rows = [
        (
            file.name,
            file.kind,
            file.year,
            f"Not used: {file.problem}" if file.problem else KINDS[file.kind],
        )
        for file in files
    ]
    return pd.DataFrame(rows, columns=["file", "kind", "year", "words"], dtype="str")


def describe_accounts(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return the account of rows with each reason in words."""
    frame = accounts.drop(columns="cost_gbp").fillna({"cost_pence": 0, "year": ""})
    counts = ["n_rows", "n_suppressed", "n_cost_only", "cost_pence"]
    words = frame["reason"].map(REASONS).astype("str")
    return frame.astype(dict.fromkeys(counts, "int64")).assign(words=words)


def _compare_totals(files: list[Found], db: Engine) -> pd.DataFrame:
    books = [
        file for file in files if file.kind == "schedule" and file.path.suffix.lower() == ".xlsx"
    ]
    stated = [read_stated_totals(file).assign(file=file.name) for file in books]
    sums = db.frame("SELECT * FROM published_department_sums")
    whole = sums.groupby("file", as_index=False)[["activity", "cost_gbp"]].sum()
    sums = pd.concat([sums, whole.assign(department_code="TOTAL QUANTUM")], ignore_index=True)
    columns = ["file", "sheet", "item", "measure", "stated", "recomputed"]
    empty = pd.DataFrame(columns=columns).astype({"stated": "float64", "recomputed": "float64"})
    given = (
        pd.concat(stated, ignore_index=True)
        if stated
        else empty.astype({"file": "str", "item": "str"})
    )
    return checks.compare_totals(given, sums)


def find_facts(
    run: Run, db: Engine, files: list[Found], accounts: pd.DataFrame, tariff: Tariff,
    organisations: pd.DataFrame, reference_year: str,
) -> pd.DataFrame:  # fmt: skip
    """Return what the report rests on, as pairs of fact and value."""
    own = organisations.set_index("org_code").loc[run.trust]
    counts = db.frame(
        f"""SELECT count(DISTINCT CASE WHEN org_code <> '{ENGLAND}' THEN org_code END) AS n_orgs,
                   count(DISTINCT CASE WHEN org_code = '{ENGLAND}' THEN org_code END) AS n_national,
                   CAST(coalesce(sum(CASE WHEN org_code = $org AND setting = 'MIXED' OR org_code = $org
                        AND setting = 'OUT' THEN cost_pence END), 0) AS BIGINT) AS mixed_pence,
                   CAST(sum(CASE WHEN org_code = $org THEN cost_pence END) AS BIGINT) AS cost_pence,
                   max(CASE WHEN org_code = $org AND is_adjusted THEN 1 ELSE 0 END) AS is_adjusted
            FROM {CELLS}""",
        org=run.trust,
    ).iloc[0]
    totals = lists.read_totals(files, run.spill)
    reference = compare.choose_basis(int(counts["n_orgs"]), int(counts["n_national"]))
    stated = totals.loc[totals["org_code"].eq(run.trust) & totals["year"].eq(run.fy), "cost_gbp"]
    kept = accounts[(accounts["reason"] == "") & (accounts["year"] == run.fy)]
    is_adjusted = bool(counts["is_adjusted"])
    facts = {
        "trust_name": own["org_name"],
        "year": run.fy,
        "cost_files": "; ".join(sorted(set(kept["file"]))),
        "n_orgs": int(counts["n_orgs"]),
        "cost_pence": int(counts["cost_pence"]),
        "stated_total_pence": round(float(stated.iloc[0]) * 100) if len(stated) else "",
        "mixed_pence": int(counts["mixed_pence"]),
        "reference": reference,
        "reference_year": reference_year if reference == "schedule" else run.fy,
        "tariff_year": tariff.year,
        "tariff_file": tariff.name,
        "factor": 1.0 if is_adjusted else round(float(own["factor"]), 6),
        "factor_year": "" if pd.isna(own["factor_year"]) else own["factor_year"],
        "factor_is_own": bool(own["is_own"]),
        "is_adjusted": is_adjusted,
    }
    return pd.DataFrame(
        {"fact": list(facts), "value": [str(value) for value in facts.values()]}, dtype="str"
    )


def read_facts(run: Run) -> dict[str, str]:
    """Return the facts of a run by name."""
    table = read_table(run, "published_facts")
    return dict(zip(table["fact"], table["value"], strict=True))


def open_compared(run: Run, db: Engine) -> None:
    """Make ``published_compared`` in the engine for every organisation of the year."""
    open_table(run, db, CELLS)
    db.add_frame(
        "published_factors", read_table(run, "published_organisations")[["org_code", "factor"]]
    )
    compare.compare_with_nation(db)


def compare_costs(run: Run, db: Engine) -> None:
    """Step 2: every cell beside the national mean; the index by line; stays and beds."""
    facts = read_facts(run)
    open_compared(run, db)
    own = db.frame(
        """SELECT setting, service_code, currency_code, line_id, activity, cost_pence, cost_only_pence,
                  observed_pence, mean_gbp, compared_at, expected_pence
           FROM published_compared WHERE org_code = $org""",
        org=run.trust,
    )
    priced = prices.add_prices(
        own, read_table(run, "published_prices"), factor=float(facts["factor"])
    )
    write_table(run, "published_compared", priced)
    write_table(run, "published_index", compare.index_lines(db, run.trust))
    reference = ENGLAND if facts["reference"] == "schedule" else ""
    found = stays.find_stays(db, run.trust, reference=reference)
    write_table(run, "published_stays", found)


def find_positions(run: Run) -> None:
    """Step 3: income at price against cost, by line, by setting and by both; and the identities."""
    cells = read_table(run, "published_compared")
    cells["line_setting"] = cells["line_id"] + "|" + cells["setting"]
    names = {"line_id": "lines", "setting": "settings", "line_setting": "line_settings"}
    made = {by: prices.find_positions(cells, by) for by in names}
    for by, name in names.items():
        write_table(run, f"published_{name}", made[by])
    rows = checks.check_positions(cells, made["line_id"], made["setting"])
    both = pd.concat([read_table(run, "published_reconciliation"), checks.list_checks(rows)])
    write_table(run, "published_position_checks", both.reset_index(drop=True))


def review_trust(run: Run, db: Engine) -> None:
    """Step 4: the trust's unit costs beside those of every other trust."""
    open_compared(run, db)
    spreads = review.measure_spreads(db)
    found = review.review_currencies(db, spreads, run.trust)
    q_value = adjust_p_values(found["p_value"].to_numpy())
    write_table(run, "published_review", review.flag_currencies(found, q_value))


def compare_trusts(run: Run, db: Engine) -> None:
    """Step 5: every trust's index in a funnel, and the peers of each."""
    open_compared(run, db)
    index = trusts.add_coverage(compare.index_organisations(db), db)
    names = read_table(run, "published_organisations")[["org_code", "org_name"]]
    index = index.merge(names, on="org_code", how="left", validate="one_to_one")
    drawn = index[index["compared_prop"] >= trusts.LEAST_COMPARED_PROP]
    noise, tau2 = trusts.find_noise(drawn), 0.0
    if len(drawn) >= trusts.LEAST_TRUSTS and noise > 0:
        error = noise / np.sqrt(drawn["expected_pence"].to_numpy() / 100)
        z = np.log(drawn["index_ratio"].to_numpy()) / error
        tau2 = measure_overdispersion(z, error).tau2
    limits = trusts.add_limits(index, noise=noise, tau2=tau2, z95=Z_95, z998=Z_998)
    write_table(run, "published_trusts", limits.assign(noise=noise, tau2=tau2))
    listed = read_table(run, "published_listed_peers").assign(is_listed=True)
    peers = trusts.find_peers(db).merge(
        listed, on=["org_code", "peer_code"], how="left", validate="one_to_one"
    )
    peers["is_listed"] = peers["is_listed"].eq(True)
    write_table(run, "published_peers", peers)
