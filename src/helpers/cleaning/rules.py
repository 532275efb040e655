"""All rules in one list, and their description for readers."""

from __future__ import annotations

import pandas as pd

from helpers.cleaning.attendances import ATTENDANCE_RULES
from helpers.cleaning.corrections import ACTION, WORDS
from helpers.cleaning.drivers import DRIVER_RULES
from helpers.cleaning.episodes import EPISODE_RULES
from helpers.cleaning.feeds import FEED_RULES
from helpers.cleaning.ledger import LEDGER_RULES
from helpers.cleaning.links import LINK_RULES
from helpers.cleaning.maps import MAP_RULES
from helpers.cleaning.model import FACTS, SEVERITY_WORDS, STAGES, FrameRule, Rule, SqlRule
from helpers.cleaning.stays import STAY_RULES
from helpers.cleaning.types import describe_type_rules
from helpers.contracts import INPUTS

FRAME_RULES: list[FrameRule] = [*MAP_RULES, *LEDGER_RULES, *DRIVER_RULES]
SQL_RULES: list[SqlRule] = [
    *EPISODE_RULES,
    *ATTENDANCE_RULES,
    *STAY_RULES,
    *FEED_RULES,
    *LINK_RULES,
]


def list_rules() -> list[Rule]:
    """Return every rule, in the order in which they run."""
    corrections = [
        Rule("COR-001", name, "corrections", "R", "rewrite", WORDS, ACTION)
        for name, table in INPUTS.items()
        if table.key
    ]
    rules = [*describe_type_rules(), *corrections, *FRAME_RULES, *SQL_RULES]
    return sorted(rules, key=lambda rule: STAGES.index(rule.stage))


def describe_rules() -> pd.DataFrame:
    """Return one row a rule, file and severity: code, words, severity, action, stage."""
    records = [
        {
            "rule": rule.code,
            "file": rule.file,
            "stage": rule.stage,
            "severity": rule.severity,
            "words": rule.words,
            "action": rule.action,
            "is_fault": rule.code not in FACTS,
        }
        for rule in list_rules()
    ]
    return pd.DataFrame(records).drop_duplicates(["rule", "file", "severity"], ignore_index=True)


def write_rules_page() -> str:
    """Return docs/cleaning-rules.md: the rules as they stand in the code."""
    rules = describe_rules()
    lines = [
        "# Cleaning rules",
        "",
        "Written from the rules themselves by `helpers.cleaning.rules.write_rules_page`; a test keeps it current.",
        "",
        "Nothing is dropped in silence: every finding is in `cleaning_log`, and rows read = rows kept + rows set",
        "aside for every file. Rules run stage by stage, and a row that one rule sets aside is not seen by the next.",
        "",
        "; ".join(f"**{code}** {words}" for code, words in SEVERITY_WORDS.items()) + ".",
    ]
    for stage in STAGES:
        some = rules[rules["stage"].eq(stage)]
        grouped = some.groupby(["rule", "severity", "words", "action"], sort=False)["file"].agg(
            list
        )
        lines += [
            "",
            f"## {stage.capitalize()}",
            "",
            "| code | file | finds | | then |",
            "| --- | --- | --- | --- | --- |",
        ]
        for (code, severity, words, action), files in grouped.items():
            lines.append(f"| {code} | {_name_files(files)} | {words} | {severity} | {action} |")
    return "\n".join(lines) + "\n"


def _name_files(files: list[str]) -> str:
    """Return the files of a rule, or what they have in common where there are many."""
    groups = (
        (
            "every activity file and outcomes",
            {name for name, table in INPUTS.items() if table.large},
        ),
        ("every other file", {name for name, table in INPUTS.items() if not table.large}),
        ("every file with a key", {name for name, table in INPUTS.items() if table.key}),
        (
            "every other file with a key",
            {name for name, table in INPUTS.items() if table.key and not table.large},
        ),
    )
    return next((words for words, group in groups if set(files) == group), ", ".join(files))
