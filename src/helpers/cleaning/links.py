"""Rules for links between files (LNK): one patient a link, and nothing before birth or after death."""

from __future__ import annotations

from helpers.cleaning.model import SPELLS, SqlRule, row_rule
from helpers.contracts import QueryEngine

APC = "apc_episodes"
BIRTH_METHODS = "('82', '83')"  # admission methods of a baby's birth
DIED = "4"  # discharge method
# Files with a patient, a date, and the column that names the event they were for.
LINKED_FILES = (
    ("tests", "requested_dt", "spell_or_attendance_id"),
    ("drug_issues", "issue_dt", "spell_or_attendance_id"),
    ("therapy_contacts", "start_dt", "spell_or_attendance_id"),
)
NAMING_FILES = (
    *((file, column) for file, _, column in LINKED_FILES),
    ("ed_attendances", "admitted_spell_id"),
)
DATED_FILES = (
    (APC, "episode_start_dt"),
    ("op_attendances", "appointment_dt"),
    ("ed_attendances", "arrival_dt"),
    *((file, date) for file, date, _ in LINKED_FILES),
)
_ATTENDANCES = ("op_attendances", "ed_attendances")
_NOTHING = "CAST(NULL AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence"


def add_link_tables(db: QueryEngine) -> None:
    """Make what the rules of links look up, from the clean events.

    ``stray_<file>`` holds the rows that name an event which is not known, or is not of their patient: few,
    and the only ones the rules need look at. ``link_patients`` holds each id that these name (spell, episode,
    attendance) and its patient; NULL where an id has several. ``link_lives`` holds the births and deaths that
    admissions tell of, ``link_spells`` when each spell began and ended, and whether all its episodes know the end.
    """
    has_episodes = db.has(f"clean_{APC}")
    ids = [
        f"SELECT attendance_id AS ref_id, patient_key FROM clean_{file}"
        for file in _ATTENDANCES
        if db.has(f"clean_{file}")
    ]
    if has_episodes:
        ids += [
            f"SELECT {name} AS ref_id, patient_key FROM clean_{APC} WHERE {name} IS NOT NULL"
            for name in ("spell_id", "episode_id")
        ]
    if not ids:
        return
    db.create_view("link_ids", " UNION ALL ".join(ids))
    for file, column in NAMING_FILES:
        if db.has(f"clean_{file}"):
            db.create(f"stray_{file}", _select_strays(file, column))
    _add_link_patients(db)
    if has_episodes:
        db.create(
            "link_lives",
            "SELECT patient_key, "
            f"min(CASE WHEN admission_method IN {BIRTH_METHODS} AND age = 0 THEN admission_dt END) AS born_dt, "
            f"min(CASE WHEN discharge_method = '{DIED}' THEN discharge_dt END) AS died_dt "
            f"FROM clean_{APC} WHERE patient_key IS NOT NULL "
            f"AND ((admission_method IN {BIRTH_METHODS} AND age = 0) OR discharge_method = '{DIED}') "
            "GROUP BY patient_key",
        )
        db.create(
            SPELLS,
            "SELECT spell_id, min(admission_dt) AS admission_dt, max(discharge_dt) AS discharge_dt, "
            f"count(*) = count(discharge_dt) AS is_ended FROM clean_{APC} "
            "WHERE spell_id IS NOT NULL GROUP BY spell_id",
        )


def forget_link_tables(db: QueryEngine) -> None:
    """Forget what ``add_link_tables`` made."""
    strays = (f"stray_{file}" for file, _ in NAMING_FILES)
    db.drop("link_ids", "link_patients", "link_lives", SPELLS, *strays)


def _select_strays(file: str, column: str) -> str:
    return (
        f"SELECT row_number, {column}, patient_key FROM clean_{file} AS rows WHERE {column} IS NOT NULL "
        f"AND NOT EXISTS (SELECT 1 FROM link_ids AS ids WHERE ids.ref_id = rows.{column} "
        "AND ids.patient_key = rows.patient_key)"
    )


def _add_link_patients(db: QueryEngine) -> None:
    named = [
        f"SELECT {column} AS ref_id FROM stray_{file}"
        for file, column in NAMING_FILES
        if db.has(f"stray_{file}")
    ]
    if named:
        db.create(
            "link_patients",
            "SELECT ref_id, CASE WHEN min(patient_key) = max(patient_key) THEN min(patient_key) END AS patient_key "
            f"FROM link_ids WHERE ref_id IN ({' UNION ALL '.join(named)}) GROUP BY ref_id",
        )


def _other_patient(file: str, column: str) -> SqlRule:
    """Return LNK-001: the event that a row names belongs to another patient."""
    sql = (
        f"SELECT rows.row_number, '{column}' AS column_name, rows.{column} AS old_value, {_NOTHING} "
        f"FROM stray_{file} AS rows JOIN link_patients AS link ON link.ref_id = rows.{column} "
        "WHERE rows.patient_key <> link.patient_key"
    )
    return SqlRule(
        "LNK-001", file, "links", "W", "note",
        "The patient differs from that of the spell or attendance it names.",
        "kept; the spell or attendance named is believed, not the patient", sql=sql, needs=(APC,),
    )  # fmt: skip


def _outside_life(file: str, date: str) -> SqlRule:
    """Return LNK-002: the row is dated before the patient's birth or more than a day after death."""
    sql = (
        f"SELECT rows.row_number, '{date}' AS column_name, CAST(rows.{date} AS VARCHAR) AS old_value, {_NOTHING} "
        f"FROM clean_{file} AS rows JOIN link_lives AS lives ON lives.patient_key = rows.patient_key "
        f"WHERE CAST(rows.{date} AS DATE) < CAST(lives.born_dt AS DATE) "
        f"OR rows.{date} > lives.died_dt + INTERVAL 1 DAY"
    )
    return SqlRule(
        "LNK-002", file, "links", "W", "note",
        "It is dated before the patient's birth, or more than a day after death in hospital.", "kept",
        sql=sql, needs=(APC,),
    )  # fmt: skip


def _names_nothing_known(file: str, column: str) -> SqlRule:
    """Return LNK-003: the spell or attendance that a row names is not among the events."""
    sql = (
        f"SELECT rows.row_number, '{column}' AS column_name, rows.{column} AS old_value, {_NOTHING} "
        f"FROM stray_{file} AS rows LEFT JOIN link_patients AS link ON link.ref_id = rows.{column} "
        f"WHERE rows.{column} IS NOT NULL AND link.ref_id IS NULL"
    )
    return SqlRule(
        "LNK-003", file, "links", "W", "note",
        "The spell or attendance it names is not among the events.",
        "kept; the patient and the time are tried instead", sql=sql, needs=(APC,),
    )  # fmt: skip


def _names_nobody(file: str, column: str) -> SqlRule:
    """Return LNK-004: a row has neither an event nor a patient, so nothing can find its patient."""
    return row_rule(
        "LNK-004", file, "links", "W", "note",
        "It names no spell, attendance or patient.", "kept; its cost is shown as unmatched",
        f"{column} IS NULL AND patient_key IS NULL", column,
    )  # fmt: skip


LINK_RULES = [
    *(_other_patient(file, column) for file, _, column in LINKED_FILES),
    _other_patient("ed_attendances", "admitted_spell_id"),
    *(_outside_life(file, date) for file, date in DATED_FILES),
    *(_names_nothing_known(file, column) for file, _, column in LINKED_FILES),
    *(_names_nobody(file, column) for file, _, column in LINKED_FILES),
]
