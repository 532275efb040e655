"""A trust of a few rows, written file by file, for tests that need a whole folder."""

from __future__ import annotations

from pathlib import Path

from helpers.cleaning import clean
from helpers.contracts import Cleaned, Column, Table
from helpers.engine import Engine
from helpers.run import Run, open_run
from helpers.sources.extracts import read_trust

TRUST, YEAR = "XYZ", "2024-25"
# A table of two columns, for tests that read one file
NAMES = Table(
    "departments",
    "Test table.",
    {"code": Column("code", "Code."), "name": Column("text", "Name.", required=False)},
)

FILES = {
    "trust.yml": "trust_code: XYZ\ntrust_name: Small Trust\nfy: 2024/25\nmff: 1.0654\n",
    # £100.00 estates, £200.10 ward, £59.90 medical team, and £400.00 of income: the sums in control_totals
    "general_ledger.csv": """fy,month,cost_centre,expense_code,amount,wte_actual
2024/25,1,CC01,5001,100.00,1.5
2024/25,2,CC02,5001,200.10,
2024/25,3,CC03,5002,59.90,
2024/25,3,CC02,4001,-400.00,
""",
    "cost_centre_map.csv": """cost_centre,cost_centre_name,department_id,owner_line_id,site_code
CC01,Estates,ESTATES,,
CC02,Ward A,WARD_A,MED,X0101
CC03,Doctors,MED_TEAM,MED,
""",
    "expense_map.csv": """expense_code,name,account_type,element,behaviour,variable_share_12m,variable_share_3y,variable_share_long
5001,Nurses,expenditure,PAY_NURSING,semi_fixed,0.2,0.5,1
5002,Doctors,expenditure,PAY_MEDICAL,fixed,0,0.5,1
4001,Contract,clinical_income,,,,,
""",
    "departments.csv": """department_id,name,kind,owner_line_id,step_rank
ESTATES,Estates,service,,1
WARD_A,Ward A,clinical,MED,
MED_TEAM,Doctors,clinical,MED,
""",
    "overhead_drivers.csv": """service_department,consumer_department,driver,quantity,driver_set
ESTATES,WARD_A,floor_m2,842.5,base
ESTATES,MED_TEAM,floor_m2,100,base
""",
    "cost_pools.csv": """pool_id,department_id,element_filter,share,feed,weight_rule,fallback_feed,quality_score,feed_filter
P1,WARD_A,*,1,ward,,,0.75,
P2,MED_TEAM,*,1,medical,,,0.25,
""",
    "control_totals.csv": "measure,value,source\ntotal_expenditure,360.00,TB\ntotal_income,400.00,TB\n",
    "service_lines.csv": """line_id,line_name,division,adopted_slm_date,population_obligation
MED,Medicine,Medicine,2012-04-01,none
""",
    "service_line_map.csv": """priority,site_code,ward_id,tfc,consultant_code,admin_category,line_id
1,,,300,,,MED
1,,,501,,,MED
1,,,420,,,MED
""",
    "consultants.csv": """consultant_code,pseudonym,main_tfc,line_id,start_date,end_date,is_line_lead,lead_from,lead_to
C1234567,Cons-01,300,MED,2010-01-01,,1,2012-04-01,
""",
    "apc_episodes.csv": """episode_id,spell_id,episode_number,patient_key,site_code,admission_dt,discharge_dt,episode_start_dt,episode_end_dt,admission_method,patient_classification,discharge_method,discharge_destination,tfc,consultant_code,hrg_fce,hrg_spell,primary_diag,primary_proc,age,sex,admin_category,commissioner
E1,S1,1,p1,X0101,2024-07-03T07:30,2024-07-06T12:00,2024-07-03T07:30,2024-07-06T12:00,21,1,1,19,300,C1234567,DZ11K,DZ11K,J189,,68,2,01,QKK
""",
    "op_attendances.csv": """attendance_id,patient_key,appointment_dt,tfc,consultant_code,first_attendance,attended,booked_minutes,hrg,procedure_flag,admin_category,commissioner
O1,p1,2024-08-01T09:00,300,C1234567,1,5,20,WF01A,0,01,QKK
""",
    "ward_stays.csv": """stay_id,spell_id,ward_id,start_dt,end_dt,acuity_weight
W1,S1,WARD_A,2024-07-03T07:30,2024-07-06T12:00,1.0
""",
}


def write_trust(
    data: Path, *, code: str = TRUST, year: str = YEAR, **changes: str | bytes | None
) -> Path:
    """Write the small trust's files; a change replaces a file (by its stem) or, if None, leaves it out.

    A key may name the ending too, with two underscores: ``general_ledger__xlsx``.
    """
    folder = data / code / year
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, str | bytes] = dict(FILES)
    for key, content in changes.items():
        stem, _, ending = key.partition("__")
        files = {name: text for name, text in files.items() if name.partition(".")[0] != stem}
        if content is not None:
            files[f"{stem}.{ending or ('yml' if stem in ('trust', 'columns') else 'csv')}"] = (
                content
            )
    for name, content in files.items():
        data_bytes = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(data_bytes)
    return folder


def add_rows(name: str, *rows: str) -> str:
    """Return a small-trust file with more rows."""
    return FILES[f"{name}.csv"] + "".join(f"{row}\n" for row in rows)


def open_small_run(base: Path, **changes: str | bytes | None) -> Run:
    """Write the small trust under ``base`` and return a run on it."""
    write_trust(base / "raw", **changes)
    return open_run(trust=TRUST, year=YEAR, data=base / "raw", out=base / "out")


def open_small_engine() -> Engine:
    """Return an engine of one thread: tests are small."""
    return Engine(threads=1)


def clean_small(base: Path, **changes: str | bytes | None) -> tuple[Cleaned, Engine]:
    """Read and clean the small trust with some files changed; return what came out, and the engine."""
    db = open_small_engine()
    return clean(read_trust(open_small_run(base, **changes), db), db), db


def list_log(db: Engine, rule: str) -> list[tuple[str, ...]]:
    """Return what a rule logged: row key, severity, column, old and new value."""
    rows = db.frame(
        'SELECT row_key, severity, "column", old_value, new_value FROM cleaning_log '
        'WHERE rule = $rule ORDER BY row_key, "column", old_value',
        rule=rule,
    )
    return [
        tuple("" if value is None or value != value else value for value in row)
        for row in rows.to_numpy()
    ]


def get_account(cleaned: Cleaned, file: str) -> dict[str, int]:
    """Return a file's row account."""
    row = cleaned.accounts.set_index("file").loc[file]
    return {name.removeprefix("n_"): int(value) for name, value in row.items()}
