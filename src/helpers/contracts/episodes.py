"""The one table of the stand-alone review: a case a row, from any system."""

from __future__ import annotations

from helpers.contracts.model import Column, Table


def _optional(kind: str, meaning: str, unit: str = "", **more: object) -> Column:
    return Column(kind, meaning, unit, required=False, **more)  # type: ignore[arg-type]


EPISODES = Table(
    "episodes",
    "Cases to compare consultants on; only the first four columns and one of cost and stay must be there.",
    {
        "episode_id": Column("code", "The case; each stands once."),
        "specialty": Column("code", "Whose consultants are each other's peers."),
        "consultant_id": Column("code", "Whose case it is."),
        "hrg": Column("code", "Casemix group."),
        "age": _optional("number", "Age.", "years"),
        "sex": _optional("code", "1 or M, 2 or F; anything else is not known."),
        "charlson": _optional("number", "Comorbidity score.", "points"),
        "admission_method": _optional("code", "How the patient came.", allowed=("EL", "EM")),
        "imd_quintile": _optional("number", "1 = most deprived fifth.", allowed=tuple("12345")),
        "admission_date": _optional("date", "Day of admission."),
        "los_days": _optional("number", "Stay.", "days"),
        "ward_cost": _optional("money", "Of the cost: for days on wards.", "pounds"),
        "other_cost": _optional("money", "Of the cost: the rest.", "pounds"),
        "total_cost": _optional("money", "Cost.", "pounds"),
        "readmit30": _optional("number", "Readmitted within 30 days.", allowed=("0", "1")),
        "died": _optional("number", "Died in hospital.", allowed=("0", "1")),
        "complication": _optional("number", "Had a complication.", allowed=("0", "1")),
    },
    key=("episode_id",),
    mandatory=True,
    large=True,
    level="patient",
    row_words="cases",
)
