"""Episodes: each rule on a planted row of a trust small enough to check by eye."""

from __future__ import annotations

import pytest

from small_trust import FILES, add_rows, clean_small, get_account, list_log

FIELDS = FILES["apc_episodes.csv"].splitlines()[0].split(",")
USUAL = dict(zip(FIELDS, FILES["apc_episodes.csv"].splitlines()[1].split(","), strict=True))


def episode(episode_id: str, **changes: str) -> str:
    """Return a row like the small trust's own, of another patient and spell unless said."""
    row = USUAL | {
        "episode_id": episode_id,
        "spell_id": f"S{episode_id}",
        "patient_key": f"p{episode_id}",
    }
    return ",".join((row | changes).values())


def clean_episodes(tmp_path, *rows: str, **more):
    return clean_small(tmp_path, apc_episodes=add_rows("apc_episodes", *rows), **more)


def kept(db) -> list[str]:
    return db.frame("SELECT episode_id FROM clean_apc_episodes ORDER BY episode_id")[
        "episode_id"
    ].tolist()


def value(db, column: str, episode_id: str = "E2"):
    found = db.frame(
        f"SELECT {column} AS v FROM clean_apc_episodes WHERE episode_id = $id", id=episode_id
    )
    assert len(found) == 1
    return found["v"].iloc[0]


def test_a_sound_episode_is_kept_and_nothing_is_logged(tmp_path):
    cleaned, db = clean_episodes(tmp_path)
    assert kept(db) == ["E1"]
    assert db.count("cleaning_log") == 0
    assert get_account(cleaned, "apc_episodes") == {
        "read": 1, "kept": 1, "repaired": 0, "excluded": 0, "added": 0, "warned": 0
    }  # fmt: skip


def test_apc_001_the_same_row_twice_leaves_one(tmp_path):
    cleaned, db = clean_episodes(tmp_path, episode("E2"), episode("E2"), episode("E2"))
    assert kept(db) == ["E1", "E2"]
    assert list_log(db, "APC-001") == [("E2", "X", "episode_id", "E2", "")] * 2
    # 4 read = 2 kept + 2 set aside
    account = get_account(cleaned, "apc_episodes")
    assert (account["read"], account["kept"], account["excluded"]) == (4, 2, 2)


def test_apc_002_one_id_with_two_contents_keeps_the_later_end_and_logs_both(tmp_path):
    early, late = "2024-07-05T12:00", "2024-07-06T11:00"
    _, db = clean_episodes(
        tmp_path, episode("E2", episode_end_dt=early), episode("E2", episode_end_dt=late)
    )
    assert str(value(db, "episode_end_dt")) == "2024-07-06 11:00:00"
    assert list_log(db, "APC-002") == [
        ("E2", "X", "episode_end_dt", "2024-07-05 12:00:00", "2024-07-06 11:00:00")
    ]


def test_apc_003_the_same_episode_under_another_id_is_set_aside(tmp_path):
    _, db = clean_episodes(
        tmp_path, episode("E2"), episode("E9", patient_key="pE2", tfc="420", age="4")
    )
    assert kept(db) == ["E1", "E2"]
    assert list_log(db, "APC-003") == [("E9", "X", "episode_id", "E9", "E2")]


def test_apc_003_does_not_join_patients_who_are_not_known(tmp_path):
    _, db = clean_episodes(
        tmp_path, episode("E2", patient_key=""), episode("E3", patient_key="NULL")
    )
    assert kept(db) == ["E1", "E2", "E3"]


def test_apc_004_and_005_impossible_dates_are_set_aside_once(tmp_path):
    cleaned, db = clean_episodes(
        tmp_path,
        episode("E2", episode_end_dt="2024-07-03T07:29"),
        episode("E3", discharge_dt="2024-07-02T12:00", episode_end_dt="2024-07-03T07:30"),
        episode("E4", discharge_dt="2024-07-02T12:00", episode_end_dt="2024-07-02T12:00"),
    )
    assert kept(db) == ["E1"]
    assert [row[0] for row in list_log(db, "APC-004")] == ["E2", "E4"]
    # E4 breaks both rules; the first has set it aside, so the second does not see it
    assert [row[0] for row in list_log(db, "APC-005")] == ["E3"]
    assert get_account(cleaned, "apc_episodes")["excluded"] == 3


@pytest.mark.parametrize(
    ("start", "expected"),
    [("2024-07-02T07:30", "2024-07-03 07:30:00"), ("2024-07-02T07:29", None)],
    ids=["24 hours outside is cut", "24 hours and a minute is set aside"],
)
def test_apc_006_an_episode_outside_its_spell(tmp_path, start, expected):
    _, db = clean_episodes(tmp_path, episode("E2", episode_start_dt=start))
    if expected is None:
        assert kept(db) == ["E1"]
        assert [row[1] for row in list_log(db, "APC-006")] == ["X"]
    else:
        assert str(value(db, "episode_start_dt")) == expected
        assert [row[1] for row in list_log(db, "APC-006")] == ["R"]


def test_apc_006_cuts_the_end_too(tmp_path):
    _, db = clean_episodes(tmp_path, episode("E2", episode_end_dt="2024-07-06T20:00"))
    assert str(value(db, "episode_end_dt")) == "2024-07-06 12:00:00"


def test_apc_007_overlapping_episodes_are_cut_at_the_later_start_and_both_kept(tmp_path):
    _, db = clean_episodes(
        tmp_path,
        episode("E2", spell_id="S2", episode_end_dt="2024-07-05T00:00"),
        episode("E3", spell_id="S2", episode_number="2", episode_start_dt="2024-07-04T00:00"),
    )
    assert kept(db) == ["E1", "E2", "E3"]
    assert str(value(db, "episode_end_dt")) == "2024-07-04 00:00:00"
    assert list_log(db, "APC-007") == [
        ("E2", "R", "episode_end_dt", "2024-07-05 00:00:00", "2024-07-04 00:00:00")
    ]


@pytest.mark.parametrize(("start", "n_found"), [("2024-07-05T07:30", 0), ("2024-07-05T07:31", 1)])
def test_apc_008_a_gap_of_more_than_a_day_is_warned_of(tmp_path, start, n_found):
    _, db = clean_episodes(
        tmp_path,
        episode("E2", spell_id="S2", episode_end_dt="2024-07-04T07:30"),
        episode("E3", spell_id="S2", episode_number="2", episode_start_dt=start),
    )
    assert len(list_log(db, "APC-008")) == n_found


def test_apc_009_a_day_case_that_stayed_a_night_becomes_ordinary(tmp_path):
    same_day = {"discharge_dt": "2024-07-03T18:00", "episode_end_dt": "2024-07-03T18:00"}
    _, db = clean_episodes(
        tmp_path,
        episode("E2", patient_classification="2"),
        episode("E3", patient_classification="2", **same_day),
    )
    assert value(db, "patient_classification") == "1"
    assert value(db, "patient_classification", "E3") == "2"
    assert list_log(db, "APC-009") == [("E2", "R", "patient_classification", "2", "1")]


def test_apc_010_a_stay_of_more_than_a_year_is_warned_of(tmp_path):
    _, db = clean_episodes(
        tmp_path,
        # 366 nights and 365 nights
        episode("E2", admission_dt="2023-07-06T07:30", episode_start_dt="2023-07-06T07:30"),
        episode("E3", admission_dt="2023-07-07T07:30", episode_start_dt="2023-07-07T07:30"),
    )
    assert [row[0] for row in list_log(db, "APC-010")] == ["E2"]


def test_apc_011_an_impossible_age_is_taken_as_missing(tmp_path):
    _, db = clean_episodes(
        tmp_path, episode("E2", age="121"), episode("E3", age="-1"), episode("E4", age="120")
    )
    ages = db.frame("SELECT age FROM clean_apc_episodes ORDER BY episode_id")["age"]
    assert ages.isna().tolist() == [False, True, True, False]
    assert [row[3] for row in list_log(db, "APC-011")] == ["121", "-1"]


@pytest.mark.parametrize("code", ["", "C12345", "X1234567", "c1234567"])
def test_apc_012_a_malformed_consultant_is_not_known(tmp_path, code):
    _, db = clean_episodes(tmp_path, episode("E2", consultant_code=code))
    assert value(db, "consultant_code") == "C9999998"
    assert list_log(db, "APC-012") == [("E2", "R", "consultant_code", code, "C9999998")]


def test_apc_013_a_treatment_function_outside_the_map_is_warned_of(tmp_path):
    _, db = clean_episodes(tmp_path, episode("E2", tfc="999"), episode("E3", tfc=""))
    assert list_log(db, "APC-013") == [
        ("E2", "W", "tfc", "999", "UNMAPPED"),
        ("E3", "W", "tfc", "", "UNMAPPED"),
    ]
    assert kept(db) == ["E1", "E2", "E3"]


def test_apc_013_a_map_row_without_a_treatment_function_can_take_it(tmp_path):
    by_category = FILES["service_line_map.csv"] + "0,,,,,02,MED\n"
    _, db = clean_episodes(
        tmp_path, episode("E2", tfc="999", admin_category="02"), service_line_map=by_category
    )
    assert list_log(db, "APC-013") == []


@pytest.mark.parametrize("hrg", ["", "UZ01Z", "DZ11", "dz11k"])
def test_apc_014_an_unusable_hrg_is_warned_of_and_kept(tmp_path, hrg):
    _, db = clean_episodes(tmp_path, episode("E2", hrg_fce=hrg))
    assert list_log(db, "APC-014") == [("E2", "W", "hrg_fce", hrg, "")]
    assert kept(db) == ["E1", "E2"]


COMPLETION = [
    # name, start, end, completion (None: another year's)
    ("inside", "2024-04-01T00:00", "2025-03-31T23:59", 1),
    ("carried in", "2024-03-31T23:59", "2024-04-01T00:00", 2),
    ("open", "2025-03-31T08:00", "", 3),
    ("ends next year", "2025-03-31T08:00", "2025-04-01T00:00", 3),
    ("open all year", "2024-03-31T08:00", "", 4),
    ("last year's", "2024-03-01T08:00", "2024-03-31T23:59", None),
    ("next year's", "2025-04-01T00:00", "2025-04-02T08:00", None),
]


@pytest.mark.parametrize(
    ("start", "end", "expected"), [case[1:] for case in COMPLETION], ids=[c[0] for c in COMPLETION]
)
def test_apc_015_and_016_completion_follows_the_episodes_dates(tmp_path, start, end, expected):
    row = episode(
        "E2", admission_dt=start, episode_start_dt=start, episode_end_dt=end, discharge_dt=end
    )
    _, db = clean_episodes(tmp_path, row)
    if expected is None:
        assert kept(db) == ["E1"]
        assert [found[0] for found in list_log(db, "APC-015")] == ["E2"]
    else:
        assert value(db, "completion") == expected
        assert len(list_log(db, "APC-016")) == (expected >= 3)


def test_apc_017_an_unknown_admission_method_becomes_99(tmp_path):
    _, db = clean_episodes(
        tmp_path, episode("E2", admission_method="77"), episode("E3", admission_method="2D")
    )
    assert value(db, "admission_method") == "99"
    assert value(db, "admission_method", "E3") == "2D"


def test_apc_018_a_man_in_obstetrics_and_an_adult_in_paediatrics_are_warned_of(tmp_path):
    _, db = clean_episodes(
        tmp_path,
        episode("E2", tfc="501", sex="1", age="30"),
        episode("E3", tfc="501", sex="2", age="30"),
        episode("E4", tfc="420", age="19"),
        episode("E5", tfc="420", age="18"),
    )
    assert [row[0] for row in list_log(db, "APC-018")] == ["E2", "E4"]


def test_an_unreadable_date_of_no_weight_is_missing_and_a_row_without_its_admission_is_set_aside(
    tmp_path,
):
    header = FILES["apc_episodes.csv"].replace(
        "commissioner\n", "commissioner,discharge_ready_date\n"
    )
    rows = header.replace("QKK\n", "QKK,05/07/2024\n")
    rows += episode("E2") + ",soon\n" + episode("E3", admission_dt="31/02/2024") + ",\n"
    cleaned, db = clean_small(tmp_path, apc_episodes=rows)
    assert str(value(db, "discharge_ready_date", "E1"))[:10] == "2024-07-05"
    assert ("E2", "W", "discharge_ready_date", "soon", "") in list_log(db, "TYP-001")
    assert list_log(db, "TYP-002") == [("E3", "X", "admission_dt", "", "")]
    assert get_account(cleaned, "apc_episodes")["excluded"] == 1
