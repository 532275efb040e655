"""Every input and output table: key, columns, types, units, meaning."""

from helpers.contracts.inputs import (
    ACTIVITY_EVENTS,
    COSTED_FILE,
    COSTED_MANDATORY,
    INPUTS,
    PLICS_MANDATORY,
)
from helpers.contracts.model import STORED_AS, Column, QueryEngine, Table
from helpers.contracts.outputs import OUTPUTS
from helpers.contracts.received import REPAIRS, ROW_NUMBER, Cleaned, Received

__all__ = [
    "ACTIVITY_EVENTS",
    "COSTED_FILE",
    "COSTED_MANDATORY",
    "INPUTS",
    "OUTPUTS",
    "PLICS_MANDATORY",
    "REPAIRS",
    "ROW_NUMBER",
    "STORED_AS",
    "Cleaned",
    "Column",
    "QueryEngine",
    "Received",
    "Table",
]
