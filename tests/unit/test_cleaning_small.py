"""Ledger, drivers, maps and corrections: what stops the run, what is set aside, what is only said."""

from __future__ import annotations

import pytest

from helpers.errors import AllocationError, InputError
from small_trust import FILES, add_rows, clean_small, get_account, list_log


def refuse(tmp_path, *words: str, rule: str, **changes) -> str:
    with pytest.raises(InputError, match=rule) as stopped:
        clean_small(tmp_path, **changes)
    message = str(stopped.value)
    for word in words:
        assert word in message
    assert stopped.value.rule == rule
    return message


def replaced(name: str, old: str, new: str) -> str:
    text = FILES[f"{name}.csv"]
    assert old in text
    return text.replace(old, new)


def test_led_001_and_002_an_unmapped_code_stops_the_run_and_says_how_much_it_holds(tmp_path):
    refuse(
        tmp_path / "a", "CC99", "£12.34", "1 of 5 postings", "cost_centre_map",
        rule="LED-001", general_ledger=add_rows("general_ledger", "2024/25,1,CC99,5001,12.34,"),
    )  # fmt: skip
    refuse(
        tmp_path / "b", "5999", "-£1.00", "expense_map",
        rule="LED-002", general_ledger=add_rows("general_ledger", "2024/25,1,CC01,5999,-1.00,"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "amount", ["10.123", "ten", "1e5", "1234,56", "--5", "12.3.4", "nan", "inf", ""]
)
def test_led_003_an_amount_that_is_not_pounds_and_pence_stops_the_run(tmp_path, amount):
    refuse(
        tmp_path, "general_ledger", "column amount", rule="LED-003",
        general_ledger=add_rows("general_ledger", f'2024/25,1,CC01,5001,"{amount}",'),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("written", "pence"),
    [
        ("£1,234.50", 123_450), ("(1,234.50)", -123_450), ("1234.5", 123_450), ("1234.500", 123_450),
        ("-£0.07", -7), ("12.30-", -1_230), (" 5 ", 500), ("−5.00", -500), ("£(5.00)", -500), (".5", 50),
    ],
)  # fmt: skip
def test_amounts_are_exact_pence_however_they_are_written(tmp_path, written, pence):
    total = 36_000 + pence  # the small ledger's £360.00 and this posting
    text = f"{'-' if total < 0 else ''}{abs(total) // 100}.{abs(total) % 100:02d}"
    cleaned, _ = clean_small(
        tmp_path,
        general_ledger=add_rows("general_ledger", f'2024/25,4,CC01,5001,"{written}",'),
        control_totals=replaced("control_totals", "360.00", text),
    )
    assert cleaned.frames["general_ledger"]["amount_pence"].iloc[-1] == pence


def test_the_penny_survives_where_a_float_would_lose_it(tmp_path):
    # 2^53 + 1 pence and the same less a penny: £360.00 + £0.01
    cleaned, _ = clean_small(
        tmp_path,
        general_ledger=add_rows(
            "general_ledger", "2024/25,4,CC01,5001,90071992547409.93,", "2024/25,4,CC01,5001,-90071992547409.92,"
        ),
        control_totals=replaced("control_totals", "360.00", "360.01"),
    )  # fmt: skip
    assert cleaned.frames["general_ledger"]["amount_pence"].tolist()[-2:] == [
        9_007_199_254_740_993, -9_007_199_254_740_992
    ]  # fmt: skip


def test_led_004_other_years_and_months_are_set_aside_with_their_amount(tmp_path):
    cleaned, db = clean_small(
        tmp_path,
        general_ledger=add_rows(
            "general_ledger", "2023/24,1,CC01,5001,1.00,", "2024/25,13,CC01,5001,2.00,",
            "2024/25,x,CC01,5001,4.00,", "2024-25,12,CC01,5001,0.00,",
        ),
    )  # fmt: skip
    assert [(row[2], row[3]) for row in list_log(db, "LED-004")] == [
        ("fy", "2023/24"), ("month", "13"), ("month", "(unreadable)")
    ]  # fmt: skip
    summary = cleaned.summary.set_index("rule").loc["LED-004"]
    assert (summary["n_rows"], summary["amount_pence"]) == (3, 700)
    # 8 read = 5 kept + 3 set aside
    account = get_account(cleaned, "general_ledger")
    assert (account["read"], account["kept"], account["excluded"]) == (8, 5, 3)


def test_led_005_a_ledger_a_penny_off_stops_the_run(tmp_path):
    refuse(
        tmp_path / "a", "£360.00", "£360.01", "-£0.01", rule="LED-005",
        control_totals=replaced("control_totals", "360.00", "360.01"),
    )  # fmt: skip
    refuse(
        tmp_path / "b", "total_income", "£400.00", "£399.00", rule="LED-005",
        control_totals=replaced("control_totals", "400.00", "399.00"),
    )  # fmt: skip
    refuse(
        tmp_path / "c", "total_expenditure", rule="LED-005",
        control_totals=replaced("control_totals", "total_expenditure,360.00,TB\n", ""),
    )  # fmt: skip


def test_led_005_follows_what_led_004_sets_aside(tmp_path):
    refuse(
        tmp_path, "£260.00", "-£100.00", rule="LED-005",
        general_ledger=replaced("general_ledger", "2024/25,1,CC01", "2023/24,1,CC01"),
    )  # fmt: skip


def test_led_006_a_department_with_negative_cost_is_warned_of(tmp_path):
    # estates: £100.00 - £150.00 = -£50.00; the trust £210.00
    _, db = clean_small(
        tmp_path,
        general_ledger=add_rows("general_ledger", "2024/25,4,CC01,5001,-150.00,"),
        control_totals=replaced("control_totals", "360.00", "210.00"),
    )
    assert list_log(db, "LED-006") == [("ESTATES", "W", "department_id", "ESTATES", "")]
    found = db.frame("SELECT amount_pence AS a FROM cleaning_log WHERE rule = 'LED-006'")
    assert found["a"].tolist() == [-5_000]


def test_led_007_a_posting_that_repeats_is_kept_and_counted(tmp_path):
    cleaned, db = clean_small(
        tmp_path,
        general_ledger=add_rows("general_ledger", "2024/25,1,CC01,5001,100.00,1.5"),
        control_totals=replaced("control_totals", "360.00", "460.00"),
    )
    assert list_log(db, "LED-007") == [("row 5", "W", "amount", "100.00", "")]
    assert len(cleaned.frames["general_ledger"]) == 5


def test_led_008_and_009_maps_must_answer(tmp_path):
    refuse(
        tmp_path / "a", "NOWHERE", rule="LED-008",
        cost_centre_map=add_rows("cost_centre_map", "CC09,X,NOWHERE,,"),
    )  # fmt: skip
    refuse(
        tmp_path / "b", "5999", rule="LED-009",
        expense_map=add_rows("expense_map", "5999,X,expenditure,,,,,"),
    )  # fmt: skip


SERVICES = add_rows(
    "departments", "IT,IT,service,,", "HR,HR,service,,", "CHARITY,Charity,excluded,,"
)


def with_drivers(*rows: str) -> dict[str, str]:
    return {"departments": SERVICES, "overhead_drivers": add_rows("overhead_drivers", *rows)}


def test_drv_001_a_service_nobody_uses_stops_the_run(tmp_path):
    refuse(
        tmp_path, "HR", rule="DRV-001",
        **with_drivers("IT,WARD_A,devices,5,base", "HR,WARD_A,wte,0,base", "HR,WARD_A,wte,5,alt1"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("IT,NOWHERE,devices,5,base", "NOWHERE"),
        ("IT,CHARITY,devices,5,base", "CHARITY"),
        ("WARD_A,MED_TEAM,devices,5,base", "WARD_A"),
    ],
    ids=["unknown", "excluded", "a ward is no service"],
)
def test_drv_002_a_driver_to_or_from_the_wrong_department_stops_the_run(tmp_path, row, word):
    refuse(tmp_path, word, rule="DRV-002", **with_drivers(row))


def test_drv_003_services_that_use_only_each_other_stop_the_run(tmp_path):
    with pytest.raises(AllocationError, match="DRV-003") as stopped:
        clean_small(
            tmp_path,
            **with_drivers("IT,HR,devices,5,base", "HR,IT,wte,5,base", "HR,WARD_A,wte,0,base"),
        )
    assert "HR, IT" in str(stopped.value)
    assert "ESTATES" not in str(stopped.value)


def test_drv_003_a_chain_that_ends_at_a_ward_is_no_loop(tmp_path):
    clean_small(
        tmp_path,
        **with_drivers("IT,HR,devices,5,base", "HR,IT,wte,5,base", "HR,ESTATES,wte,1,base"),
    )


def test_drv_003_looks_at_every_driver_set(tmp_path):
    rows = ("IT,WARD_A,devices,5,base", "HR,IT,wte,5,base", "IT,HR,devices,5,alt1")
    refuse(tmp_path, "alt1", "HR, IT", rule="DRV-003", **with_drivers(*rows))


def test_drv_004_a_services_use_of_itself_is_set_aside(tmp_path):
    cleaned, db = clean_small(
        tmp_path, overhead_drivers=add_rows("overhead_drivers", "ESTATES,ESTATES,floor_m2,25,base")
    )
    assert list_log(db, "DRV-004") == [("row 3", "R", "consumer_department", "ESTATES", "")]
    assert len(cleaned.frames["overhead_drivers"]) == 2
    # 3 read = 2 kept + 1 set aside
    assert get_account(cleaned, "overhead_drivers")["excluded"] == 1


def test_drv_005_a_department_without_overhead_is_warned_of(tmp_path):
    _, db = clean_small(tmp_path, departments=add_rows("departments", "LAB,Lab,clinical,,"))
    assert list_log(db, "DRV-005") == [("LAB", "W", "department_id", "LAB", "")]


def test_drv_006_one_service_measured_in_two_units_stops_the_run(tmp_path):
    refuse(
        tmp_path, "ESTATES (base)", rule="DRV-006",
        overhead_drivers=add_rows("overhead_drivers", "ESTATES,WARD_A,wte,5,base"),
    )  # fmt: skip


def test_a_negative_driver_stops_the_run(tmp_path):
    refuse(
        tmp_path, "ESTATES", rule="ALLOC-E03",
        overhead_drivers=add_rows("overhead_drivers", "ESTATES,WARD_A,floor_m2,-5,base"),
    )  # fmt: skip


def test_map_001_two_lines_at_equal_rank_stop_the_run(tmp_path):
    lines = add_rows("service_lines", "SURG,Surgery,Surgery,,")
    refuse(
        tmp_path / "a", "300", rule="MAP-001", service_lines=lines,
        service_line_map=add_rows("service_line_map", "1,,,300,,,SURG"),
    )  # fmt: skip
    # another priority settles it
    clean_small(
        tmp_path / "b",
        service_lines=lines,
        service_line_map=add_rows("service_line_map", "2,,,300,,,SURG"),
    )


def test_map_002_a_key_that_stands_twice_stops_the_run(tmp_path):
    refuse(
        tmp_path, "CC01", rule="MAP-002",
        cost_centre_map=add_rows("cost_centre_map", "CC01,Again,WARD_A,,"),
    )  # fmt: skip


def test_map_003_a_line_that_does_not_exist_stops_the_run(tmp_path):
    refuse(
        tmp_path, "service_line_map", "SURG", rule="MAP-003",
        service_line_map=add_rows("service_line_map", "2,,,100,,,SURG"),
    )  # fmt: skip


def test_map_003_education_research_and_other_may_own_departments(tmp_path):
    clean_small(
        tmp_path, departments=add_rows("departments", "RD_DEPT,Research,non_patient_care,RD,")
    )


def test_a_value_outside_its_list_or_missing_from_a_key_stops_the_run(tmp_path):
    refuse(
        tmp_path / "a", "departments", "kind", "wardish", rule="TYP-005",
        departments=add_rows("departments", "X1,X,wardish,,"),
    )  # fmt: skip
    refuse(
        tmp_path / "b", "departments", "department_id", "data row 4", rule="TYP-004",
        departments=add_rows("departments", ",X,clinical,,"),
    )  # fmt: skip
    refuse(
        tmp_path / "c", "overhead_drivers", "quantity", "lots", rule="TYP-004",
        overhead_drivers=add_rows("overhead_drivers", "ESTATES,WARD_A,floor_m2,lots,base"),
    )  # fmt: skip


def test_codes_keep_their_zeros_and_lose_outer_blanks(tmp_path):
    cleaned, _ = clean_small(
        tmp_path,
        cost_centre_map=replaced("cost_centre_map", "CC01,", " 0012 ,"),
        general_ledger=replaced("general_ledger", "CC01", "0012\u00a0"),
    )
    assert cleaned.frames["cost_centre_map"]["cost_centre"].iloc[0] == "0012"
    assert cleaned.frames["general_ledger"]["cost_centre"].iloc[0] == "0012"


CORRECTIONS = "file,key,column,old,new,reason,raised_by,date\n"


def test_a_correction_is_put_in_before_the_rules_judge(tmp_path):
    _, db = clean_small(
        tmp_path,
        apc_episodes=FILES["apc_episodes.csv"].replace(",68,", ",680,"),
        corrections=CORRECTIONS
        + "apc_episodes,E1,age,680,68,typing slip,ward clerk,2025-05-01\n"
        + "departments,WARD_A,owner_line_id,MED,,shared by two lines,finance,2025-05-01\n",
    )
    assert db.frame("SELECT age FROM clean_apc_episodes")["age"].tolist() == [68]
    assert list_log(db, "APC-011") == []
    assert list_log(db, "COR-001") == [
        ("E1", "R", "age", "680", "68"), ("WARD_A", "R", "owner_line_id", "MED", "")
    ]  # fmt: skip


def test_a_correction_to_a_small_table_changes_it(tmp_path):
    cleaned, _ = clean_small(
        tmp_path,
        corrections=CORRECTIONS
        + "departments,WARD_A,owner_line_id,MED,,shared,finance,2025-05-01\n",
    )
    owner = cleaned.frames["departments"].set_index("department_id")["owner_line_id"]
    assert owner.isna().tolist() == [True, True, False]
    assert get_account(cleaned, "departments")["repaired"] == 1


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("apc_episodes,E1,age,67,68,r,,", "match nothing"),
        ("apc_episodes,E9,age,68,67,r,,", "match nothing"),
        ("apc_episodes,E1,shoe_size,68,67,r,,", "shoe_size"),
        ("nowhere,E1,age,68,67,r,,", "nowhere"),
        ("general_ledger,1,amount,100.00,1.00,r,,", "no key"),
    ],
    ids=["another old value", "no such row", "no such column", "no such file", "no key"],
)
def test_a_correction_that_matches_nothing_stops_the_run(tmp_path, row, word):
    message = refuse(tmp_path, word, rule="COR-001", corrections=CORRECTIONS + row + "\n")
    assert "E9" not in message  # a patient's row is never named
