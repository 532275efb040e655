"""`python -m helpers check FOLDER`: what it says, what it writes, what it returns."""

from __future__ import annotations

import pytest

from helpers.cli import main
from helpers.contracts import INPUTS
from helpers.sources.checkup import check_folder, propose_names
from small_trust import FILES, write_trust

LEDGER = FILES["general_ledger.csv"]


def say(capsys, folder) -> tuple[int, str]:
    code = main(["check", str(folder)])
    return code, capsys.readouterr().out


def test_a_whole_folder_is_right_and_says_what_more_would_add(tmp_path, capsys):
    code, said = say(capsys, write_trust(tmp_path))
    assert code == 0
    assert "XYZ 2024/25, costs by patient" in said
    assert "right  4 postings, 6 of 6 columns" in said
    assert "theatre_cases     theatre time by patient" in said
    assert "line_drivers" not in said  # this trust has activity feeds
    assert said.endswith("Nothing stops a run.\n")


def test_all_that_is_wrong_is_said_at_once(tmp_path, capsys):
    folder = write_trust(
        tmp_path,
        departments="",
        general_ledger=LEDGER + "cut,off\n",
        expense_map=FILES["expense_map.csv"].replace("semi_fixed", "sometimes"),
        service_lines=None,
    )
    code, said = say(capsys, folder)
    assert code == 2
    assert "WRONG  departments.csv is empty" in said
    assert "WRONG  general_ledger.csv, line 6: the row has 2 fields and the header 6." in said
    assert "WRONG  TYP-005: expense_map, column behaviour: 1 rows hold values" in said
    assert "lacks 1 of the files that a report needs: service_lines" in said
    assert said.endswith("4 things stop a run.\n")


def test_two_files_for_one_table_hide_nothing_of_the_others(tmp_path, capsys):
    folder = write_trust(tmp_path, departments="", expense_map=FILES["expense_map.csv"])
    (folder / "general_ledger.tsv").write_text("a\tb\n1\t2\n", encoding="utf-8")
    code, said = say(capsys, folder)
    assert code == 2
    assert "WRONG  2 files hold general_ledger: general_ledger.csv, general_ledger.tsv." in said
    assert "WRONG  departments.csv is empty" in said and "lacks" not in said
    assert "expense_map.csv\n  right" in said
    assert said.endswith("2 things stop a run.\n")


def test_a_file_that_no_table_has_the_name_of_is_told(tmp_path, capsys):
    folder = write_trust(tmp_path)
    for name in ("theatre_case.csv", "tests.xls", "README.md", ".hidden"):
        (folder / name).write_text("", encoding="utf-8")
    code, said = say(capsys, folder)
    assert code == 0
    assert (
        "note   Not read, as no file of the report has the name: tests.xls, theatre_case.csv."
        in said
    )


def test_a_rule_that_compares_files_is_tried_when_each_is_right(tmp_path, capsys):
    code, said = say(capsys, write_trust(tmp_path, general_ledger=LEDGER.replace("59.90", "59.91")))
    assert code == 2
    assert "all files together\n  WRONG  LED-005" in said


def test_values_that_will_be_taken_as_missing_are_counted(tmp_path, capsys):
    rows = FILES["op_attendances.csv"].replace(",5,20,", ",5,soon,")
    code, said = say(capsys, write_trust(tmp_path, op_attendances=rows))
    assert code == 0
    assert "note   booked_minutes: 1 of 1 values cannot be read as a number" in said


def test_closest_names_are_proposed_and_none_is_used(tmp_path, capsys):
    text = LEDGER.replace("amount", "Net: Amount").replace("cost_centre", "CostCentre Code")
    folder = write_trust(tmp_path, general_ledger=text)
    code, said = say(capsys, folder)
    assert code == 2
    assert "Wrote columns.yml" in said
    proposed = (folder / "columns.yml").read_text()
    assert (
        '# general_ledger:\n#   CostCentre Code: cost_centre\n#   "Net: Amount": amount\n'
        in proposed
    )
    assert all(line.startswith("#") for line in proposed.splitlines())
    assert say(capsys, folder)[0] == 2  # nothing was applied
    assert sorted(path.name for path in folder.glob("columns*")) == ["columns.yml"]
    _, rest = proposed.split("# general_ledger", 1)
    (folder / "columns.yml").write_text(("# general_ledger" + rest).replace("# ", ""))
    assert say(capsys, folder)[0] == 0  # taken over by hand, it is


def test_a_columns_yml_that_is_there_is_never_written_over(tmp_path, capsys):
    mine = "departments:\n  Title: name\n"
    folder = write_trust(
        tmp_path, general_ledger=LEDGER.replace("amount", "Net amount"), columns=mine
    )
    code, said = say(capsys, folder)
    assert code == 2
    assert (folder / "columns.yml").read_text() == mine
    assert "#   Net amount: amount" in (folder / "columns.proposed.yml").read_text()
    assert "Wrote columns.proposed.yml" in said


def test_each_name_is_proposed_once_and_only_if_close():
    ledger = INPUTS["general_ledger"]
    given = ["Cost Centre", "Cost Centre Name", "Subjective", "xx"]
    # "Cost Centre" is nearer than "Cost Centre Name"; nothing is like expense_code or month
    assert propose_names(given, ledger, ["cost_centre", "month"]) == {"Cost Centre": "cost_centre"}


@pytest.mark.parametrize("place", ["R0A/2024-25", "somewhere"])
def test_a_folder_of_another_trust_is_told_by_its_place(tmp_path, capsys, place):
    written = write_trust(tmp_path / "raw")
    folder = tmp_path / place
    folder.parent.mkdir(exist_ok=True)
    written.rename(folder)
    code, said = say(capsys, folder)
    if place == "somewhere":  # a place that names no trust: the files say whose they are
        assert code == 0
        assert "XYZ 2024/25" in said
    else:
        assert code == 2
        assert "these are the files of XYZ, and the run is for R0A" in said


def test_a_trusts_folder_of_years_is_told(tmp_path, capsys):
    code, said = say(capsys, write_trust(tmp_path).parent)
    assert code == 2
    assert "holds no file of a report. It holds the folders 2024-25: name one of them." in said


def test_no_folder_is_a_wrong_command(tmp_path, capsys):
    assert main(["check", str(tmp_path / "nowhere")]) == 2
    assert "nowhere is not a folder" in capsys.readouterr().err


def test_a_trust_without_feeds_is_not_asked_for_them(tmp_path):
    drivers = "department_id,line_id,driver,quantity\nWARD_A,MED,bed_days,10\nMED_TEAM,MED,pas,1\n"
    feeds = (
        "apc_episodes",
        "op_attendances",
        "ward_stays",
        "cost_pools",
        "service_line_map",
        "consultants",
    )
    check = check_folder(write_trust(tmp_path, line_drivers=drivers, **dict.fromkeys(feeds)))
    assert check.n_wrong == 0
    assert "costs by line, without activity feeds" in check.title
    assert "apc_episodes" not in [one.name for one in check.files]
