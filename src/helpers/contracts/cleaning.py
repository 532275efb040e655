"""Tables that data cleaning writes."""

from __future__ import annotations

from helpers.contracts.define import define_table, in_pence

CLEANING = [
    define_table(
        "cleaning_accounts",
        "Rows read, kept and set aside, file by file.",
        {
            "file": ("code", "Input file."),
            "n_read": ("int", "Rows read."),
            "n_kept": ("int", "Rows kept, repaired and warned ones among them."),
            "n_repaired": ("int", "Rows kept after a repair."),
            "n_excluded": ("int", "Rows set aside."),
            "n_added": ("int", "Rows made by a repair, over and above the rows read."),
            "n_warned": ("int", "Rows kept with a warning."),
        },
        "file",
        "trust",
    ),
    define_table(
        "cleaning_log",
        "Every change and finding.",
        {
            "file": ("code", "Input file."),
            "row_key": ("code", "Key of the row, or of the group of rows."),
            "rule": ("code", "Rule."),
            "severity": ("code", "F stop, X excluded, R repaired, W kept with warning."),
            "action": ("text", "What was done."),
            "column": ("code", "Column, where one is concerned."),
            "old_value": ("text", "Value as received."),
            "new_value": ("text", "Value after."),
            "amount_pence": in_pence("Money touched, where known."),
        },
        level="patient",
        large=True,
    ),
    define_table(
        "cleaning_summary",
        "The log by rule.",
        {
            "file": ("code", "Input file."),
            "rule": ("code", "Rule."),
            "words": ("text", "What the rule finds, in plain words."),
            "severity": ("code", "F, X, R or W."),
            "action": ("text", "What was done."),
            "n_rows": ("int", "Rows touched."),
            "rows_prop": ("number", "Share of the file's rows.", "0-1"),
            "amount_pence": in_pence("Money touched, where known."),
            "is_fault": ("bool", "The trust can mend it; otherwise it is how things are."),
        },
        "file rule severity",
        "trust",
    ),
    define_table(
        "clean_settings",
        "What trust.yml says, typed, as later steps read it.",
        {
            "key": ("code", "Setting."),
            "value": ("text", "Its value, as JSON."),
        },
        "key",
        "trust",
    ),
    define_table(
        "input_files",
        "Files found, and panels that are off because an optional file is absent.",
        {
            "file": ("code", "Input table."),
            "found": ("text", "File name; blank if absent."),
            "n_rows": ("int", "Rows read."),
            "sha256": ("code", "Checksum of the file."),
            "panel": ("text", "What the file makes possible."),
            "is_on": ("bool", "The file was there."),
            "notice": ("text", "What the reader noticed, in words."),
        },
        "file",
        "trust",
    ),
]
