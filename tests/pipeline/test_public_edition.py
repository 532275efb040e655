"""The public edition of a small trust, and a reader who tries to work out what it hides."""

from __future__ import annotations

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

from attacker import Attacker
from helpers.cli import main
from helpers.contracts.outputs import OUTPUTS
from helpers.errors import CommandError, DisclosureError
from helpers.report.execute import execute_notebook
from helpers.report.public import find_analyst_run, make_public_report
from helpers.report.series import NOTEBOOKS, PUBLIC_STEPS, STEPS
from helpers.run import open_run
from helpers.sources.tables import read_table, write_table
from small_report import YEAR, Place

pytestmark = pytest.mark.xdist_group("pipeline")

MEASURES = {"n_events": "count", "n_spells": "count", "bed_days": "count", "income_pence": "money", "cost_pence": "money"}  # fmt: skip
HALF_A_ROUNDING = 2  # a count that reads 10 is 8 to 12
ON_LINES = {"n_events": "n_events", "income_pence": "income_pence", "cost_pence": "full_cost_pence"}
TOKEN = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")


def find_public(place: Place) -> Path:
    return place.out / "public" / "XYZ" / YEAR


def read_public(place: Place, name: str) -> pd.DataFrame:
    return pd.read_parquet(find_public(place) / "tables" / f"{name}.parquet")


def read_analyst(place: Place, name: str, **more) -> pd.DataFrame:
    return pd.read_parquet(place.final() / "tables" / f"{name}.parquet", **more)


def read_everything(place: Place) -> dict[str, str]:
    """Return every file of the edition as text, with pictures and downloads inside pages unpacked."""
    texts = {}
    for path in sorted(find_public(place).rglob("*")):
        if path.suffix == ".parquet":
            texts[path.name] = pd.read_parquet(path).to_csv()
        elif path.is_file():
            text = path.read_text(encoding="utf-8-sig")
            for payload in re.findall(r"base64,([A-Za-z0-9+/=]+)", text):
                text += base64.b64decode(payload).decode("utf-8", errors="replace")
            texts[path.name] = text + unquote(text)
    return texts


class Tables(HTMLParser):
    """Collects every table of a page as rows of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.is_in_cell = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.is_in_cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.is_in_cell = False

    def handle_data(self, data):
        if self.is_in_cell:
            self.tables[-1][-1][-1] += data


def arm(place: Place, activity: pd.DataFrame, measure: str) -> Attacker:
    """Return an attacker who has read the whole edition, for one measure of activity.

    Cells of line and kind of activity, and the trust's of each kind; that lines add up to the trust;
    that kinds add up to what page 2 says of the line, with what is no activity; and for counts, that
    each is rounded to 5.
    """
    slack = HALF_A_ROUNDING if MEASURES[measure] == "count" else 0
    attacker = Attacker()
    cells = activity[activity["pod"].ne("REST")]
    for row in cells.itertuples():
        cell = (row.line_id, row.pod)
        if measure in row.hidden.split():
            attacker.miss(cell)
        else:
            value = float(getattr(row, measure))
            attacker.see(cell, max(value - slack, 0), value + slack)
    for pod, rows in cells.groupby("pod"):
        lines = [(line, pod) for line in rows["line_id"] if line != "TRUST"]
        attacker.add_up(lines, 0, total=("TRUST", pod))
    if measure in ON_LINES:
        known = read_public(place, "public_lines").set_index("line_id")[ON_LINES[measure]]
        rest = activity[activity["pod"].eq("REST")].set_index("line_id")[measure]
        for line, rows in cells[cells["line_id"].ne("TRUST")].groupby("line_id"):
            left = float(known[line]) - float(rest.get(line, 0))
            attacker.add_up([(line, pod) for pod in rows["pod"]], left - slack, left + slack)
    return attacker


def find_small(place: Place) -> dict[tuple[str, str], dict[str, float]]:
    """Return the true figures of cells with fewer than 8 events, spells or patients, from the analyst's tables."""
    events = read_analyst(place, "patient_events", columns=["event_id", "line_id", "pod"])
    keys = [
        read_analyst(place, f"clean_{name}", columns=[key, "patient_key"]).set_axis(["event_id", "who"], axis=1)
        for name, key in (("apc_episodes", "episode_id"), ("op_attendances", "attendance_id"), ("ed_attendances", "attendance_id"))
    ]  # fmt: skip
    events = events.merge(pd.concat(keys), on="event_id", how="left")
    lines = set(read_public(place, "public_lines")["line_id"])
    together = "TOGETHER"
    events["line_id"] = events["line_id"].where(events["line_id"].isin(lines), together)
    true = read_analyst(place, "line_activity")
    true["line_id"] = true["line_id"].where(true["line_id"].isin(lines), together)
    sums = true.groupby(["line_id", "pod"])[list(MEASURES)].sum()
    people = events.groupby(["line_id", "pod"])["who"].nunique()
    found = {}
    for cell, row in sums.iterrows():
        counts = [row["n_events"], row["n_spells"], people.get(cell, 0)]
        if any(0 < n < 8 for n in counts):
            found[cell] = row.to_dict()
    return found


def attack(place: Place, activity: pd.DataFrame) -> dict[tuple, tuple[float, float, float]]:
    """Return, by measure and small cell, the truth and the range an attacker is left with."""
    small = find_small(place)
    assert len(small) > 10, "a test of nothing"
    found = {}
    for measure in MEASURES:
        attacker = arm(place, activity, measure)
        for cell, true in small.items():
            if true[measure] > 0:
                found[measure, *cell] = (true[measure], *attacker.find_range(cell))
    return found


def find_recovered(found: dict) -> list[tuple]:
    """Return what was worked out: a count within less than 8, money within less than its own size."""
    return [
        cell
        for cell, (true, low, high) in found.items()
        if high - low < (min(8, true) if cell[0] == "bed_days" else 8 if MEASURES[cell[0]] == "count" else true) * (1 - 1e-6)
    ]  # fmt: skip


def test_no_small_cell_can_be_worked_out_from_the_whole_edition(edition):
    found = attack(edition, read_public(edition, "public_activity"))
    assert find_recovered(found) == []
    assert all(low - 1 <= true <= high + 1 for true, low, high in found.values())


def test_the_same_attack_succeeds_where_only_small_cells_are_hidden(edition):
    """So the test above can fail: without further hiding, totals give many cells away to the penny."""
    activity = read_public(edition, "public_activity")
    small = find_small(edition)
    true = read_analyst(edition, "line_activity").groupby(["line_id", "pod"])[list(MEASURES)].sum()
    totals = true.groupby("pod").sum()
    for place, row in activity.iterrows():
        cell = (row["line_id"], row["pod"])
        if row["hidden"] and cell not in small and "TOGETHER" not in cell:
            known = totals.loc[row["pod"]] if row["line_id"] == "TRUST" else true.loc[cell]
            for measure in MEASURES:
                activity.loc[place, measure] = known[measure]
            activity.loc[place, "hidden"] = ""
    found = attack(edition, activity)
    assert len([cell for cell in find_recovered(found) if cell[0] == "cost_pence"]) > 5


def test_what_a_table_hides_every_page_and_download_hides(edition):
    """The same cell may not be shown anywhere else: page, CSV and Parquet agree row by row."""
    activity = read_public(edition, "public_activity")
    hidden = activity[activity["hidden"].ne("")]
    assert len(hidden) > 10
    assert hidden[list(MEASURES)].isna().all(axis=None)
    csv = pd.read_csv(find_public(edition) / "tables" / "public_activity.csv", dtype=str)
    starred = csv[csv["n_events"].eq("*")]
    assert set(zip(starred["line_id"], starred["pod"], strict=True)) == set(zip(hidden["line_id"], hidden["pod"], strict=True))  # fmt: skip
    assert (starred[list(MEASURES)] == "*").all(axis=None)
    page = Tables((find_public(edition) / "22_public_lines.html").read_text(encoding="utf-8"))
    rows = [row for table in page.tables for row in table if "*" in row]
    assert len(rows) == len(hidden)
    for row in rows:
        # after the names, every cell of a hidden row is a star
        assert set(row[-6:]) == {"*"}


def test_no_count_from_one_to_seven_stands_in_any_table(edition):
    for path in (find_public(edition) / "tables").glob("*.parquet"):
        table = pd.read_parquet(path)
        counts = [name for name in table.columns if name.startswith("n_") and name != "n_rules"]
        for name in [*counts, *(["bed_days"] if "bed_days" in table else [])]:
            shown = pd.to_numeric(table[name]).dropna()
            assert (shown % 5 == 0).all(), (path.name, name)


def test_nobody_is_named_anywhere(edition):
    texts = read_everything(edition)
    words = {name: set(TOKEN.findall(text)) for name, text in texts.items()}
    kept = {
        "patient_events": ["event_id", "spell_id", "consultant_code"],
        "clean_apc_episodes": ["patient_key", "episode_id"],
        "clean_op_attendances": ["patient_key"],
        "clean_ward_stays": ["stay_id"],
        "clean_consultants": ["consultant_code", "pseudonym"],
    }
    n_looked_for = 0
    for table, columns in kept.items():
        for column in columns:
            values = set(
                read_analyst(edition, table, columns=[column])[column].dropna().astype(str)
            )
            n_looked_for += len(values)
            found = {name for name, there in words.items() if there & values}
            assert not found, (table, column)
    assert n_looked_for > 10_000
    everything = "\n".join(texts.values())
    consultants = read_analyst(edition, "clean_consultants")
    for code in [*consultants["consultant_code"], *consultants["pseudonym"]]:
        assert not re.search(rf"(?<![A-Za-z0-9]){re.escape(code)}(?![A-Za-z0-9])", everything)


def test_no_casemix_group_stands_beside_anything(edition):
    """A rare HRG in a line is a patient; the edition names none at all."""
    groups = set(read_analyst(edition, "patient_events", columns=["hrg"])["hrg"].dropna())
    assert len(groups) > 50
    for name, text in read_everything(edition).items():
        assert not groups & set(TOKEN.findall(text)), name


def test_its_money_is_the_analysts(edition):
    lines, position = (
        read_public(edition, "public_lines"),
        read_analyst(edition, "service_line_position"),
    )
    for name in ("income_pence", "full_cost_pence", "surplus_pence"):
        assert lines[name].sum() == position[name].sum()
    trust = (
        read_analyst(edition, "service_line_statement")
        .query("line_id == 'TRUST'")
        .set_index("row_id")
    )
    totals = read_public(edition, "public_totals").set_index("measure")["amount_pence"]
    for row in ("I", "C1", "C2", "C3", "C4", "T4"):
        assert totals[row] == trust.loc[row, "amount_pence"]
    assert "R19" in set(read_public(edition, "public_checks")["id"])


def test_small_lines_stand_together(edition):
    """UNMAPPED has two events in this trust: it may not stand alone, nor with a total that tells it."""
    events = read_analyst(edition, "line_activity").groupby("line_id")["n_events"].sum()
    assert events["UNMAPPED"] < 8
    lines = read_public(edition, "public_lines").set_index("line_id")
    assert "UNMAPPED" not in lines.index
    assert lines.loc["TOGETHER", "line_name"].startswith("Together: ")
    for path in (find_public(edition) / "tables").glob("*.parquet"):
        assert "UNMAPPED" not in pd.read_parquet(path).to_csv()


def test_only_declared_tables_and_columns_are_in_it(edition):
    there = {path.stem: pd.read_parquet(path) for path in (find_public(edition) / "tables").glob("*.parquet")}  # fmt: skip
    for name, table in there.items():
        assert OUTPUTS[name].level == "public"
        assert list(table.columns) == [c for c in table.columns if c in OUTPUTS[name].columns]
    files = {
        path.relative_to(find_public(edition)).parts[0] for path in find_public(edition).rglob("*")
    }
    assert files == {"tables", "run.json", *(step.page for step in PUBLIC_STEPS)}


def test_its_record_holds_no_checksum_of_a_file_and_no_place(edition):
    told = json.loads((find_public(edition) / "run.json").read_text(encoding="utf-8"))
    assert told["inputs"] == {}
    assert str(edition.data) not in json.dumps(told)
    assert str(edition.data) not in "\n".join(read_everything(edition).values())


def test_each_edition_says_which_it_is(edition):
    for step in STEPS:
        page = (edition.final() / step.page).read_text(encoding="utf-8")
        assert "Analyst edition, for use inside the trust." in page
        assert "Public edition." not in page
    for step in PUBLIC_STEPS:
        page = (find_public(edition) / step.page).read_text(encoding="utf-8")
        assert "Public edition." in page
        assert "Analyst edition" not in page
        assert '<pre class="code">' not in page
        assert "from helpers" not in page


def test_a_second_run_makes_nothing_anew_and_a_fresh_one_makes_the_same_bytes(edition, capsys):
    before = {path: path.read_bytes() for path in find_public(edition).rglob("*") if path.is_file()}
    assert edition.report("XYZ", "--audience", "public") == 0
    assert "nothing has changed since the last public edition" in capsys.readouterr().out
    shutil.rmtree(edition.out / "public")
    assert edition.report("XYZ", "--audience", "public") == 0
    after = {path: path.read_bytes() for path in find_public(edition).rglob("*") if path.is_file()}
    assert after == before


def test_an_edition_that_would_name_somebody_is_not_made_and_the_last_one_stands(edition, tmp_path):
    """A service line that bears a consultant's code stops the edition at its last search."""
    out = tmp_path / "out"
    shutil.copytree(edition.out, out)
    tables = out / "XYZ" / YEAR / "tables"
    code = pd.read_parquet(tables / "clean_consultants.parquet")["consultant_code"].iloc[0]
    position = pd.read_parquet(tables / "service_line_position.parquet")
    position.loc[position["line_id"].eq("TO"), "line_name"] = f"Clinic of {code}"
    position.to_parquet(tables / "service_line_position.parquet")
    public = out / "public" / "XYZ" / YEAR
    (public / "tables" / "public_lines.csv").unlink()  # so that it is made again
    before = (public / "index.html").read_bytes()
    run = open_run(
        trust="XYZ", audience="public", data=edition.data, out=out,
        folder=out / "public" / "XYZ" / f".{YEAR}.building",
    )  # fmt: skip
    with pytest.raises(DisclosureError, match="consultant_code in index") as stopped:
        make_public_report(run, find_analyst_run(run), say=lambda line: None)
    assert code not in str(stopped.value)
    assert (public / "index.html").read_bytes() == before
    assert not run.folder.exists()


def test_the_comparison_reads_public_tables_alone(edition):
    assert main(["comparison", "--audience", "public", "--out", str(edition.out)]) == 0
    out = edition.out / "public"
    assert "Public edition." in (out / "index.html").read_text(encoding="utf-8")
    kept = {path.stem for path in (out / "comparison" / YEAR / "tables").iterdir()}
    assert kept == {"public_trusts", "public_trust_lines"}
    assert not (out / "comparison" / YEAR / "notebooks").exists()
    assert not (edition.out / "index.html").exists()


@pytest.mark.parametrize("name", [step.name for step in STEPS])
def test_an_analysts_page_cannot_be_made_as_a_public_one(edition, tmp_path, name):
    given = {"trust": "XYZ", "audience": "public", "data": str(edition.data), "out": str(edition.out),
             "folder": str(tmp_path / "building")}  # fmt: skip
    with pytest.raises(Exception, match="analyst's"):
        execute_notebook(NOTEBOOKS / f"{name}.ipynb", tmp_path / f"{name}.ipynb", given)
    assert not list((tmp_path / "building").rglob("*.parquet"))


def test_a_public_run_neither_reads_nor_writes_other_tables(edition, tmp_path):
    run = open_run(
        trust="XYZ", audience="public", data=edition.data, out=edition.out, folder=tmp_path
    )
    private = [name for name, table in OUTPUTS.items() if table.level != "public"]
    assert len(private) > 100
    for name in private:
        with pytest.raises(DisclosureError, match="not one of the public edition"):
            read_table(run, name)
        with pytest.raises(DisclosureError, match="not one of the public edition"):
            write_table(run, name, pd.DataFrame())
    facts = pd.DataFrame({"fact": ["a"], "value": ["b"], "patient_key": ["c"]})
    with pytest.raises(DisclosureError, match="not declared: patient_key"):
        write_table(run, "public_facts", facts)
    assert not list(tmp_path.rglob("public_facts*"))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"allow_unreconciled": True}, "may not be published"),
        ({"what_if": "prices:+2%"}, "WHAT_IF"),
    ],
)
def test_what_a_public_edition_cannot_be_is_refused(edition, more, words):
    with pytest.raises(CommandError, match=words):
        open_run(trust="XYZ", audience="public", data=edition.data, out=edition.out, **more)
