"""Tell, for many rules in one look at a table, which of them can find nothing there.

Most rules find nothing in most files. A rule that judges rows by themselves is looked at by its condition,
all of a file's rules of one stage in one pass; a rule about rows that repeat, by whether any do. Only the
rules that are left are run.
"""

from __future__ import annotations

from collections.abc import Sequence

from helpers.cleaning.apply import bind
from helpers.cleaning.model import Settings, SqlRule
from helpers.contracts import QueryEngine

CHANGING = (
    "rewrite",
    "add rows",
)  # effects after which rows may meet a condition that none met before


class Screen:
    """What is known, within one stage, of the rules of each file.

    Setting rows aside makes no row meet a condition, and no row repeat another; a value rewritten or a row
    added may. So what is known of a file is forgotten when a rule has changed it (``note``).
    """

    def __init__(self, db: QueryEngine, rules: Sequence[SqlRule], settings: Settings) -> None:
        self._db, self._rules, self._settings = db, rules, settings
        self._unmet: dict[str, set[str]] = {}
        self._unique: dict[tuple[str, ...], bool] = {}

    def can_find(self, rule: SqlRule) -> bool:
        """Tell whether a rule may find something; where not, it need not be run."""
        if rule.unless_unique and self._is_unique(rule.file, rule.unless_unique):
            return False
        if not rule.where:
            return True
        if rule.file not in self._unmet:
            self._unmet[rule.file] = self._find_unmet(rule.file)
        return rule.where not in self._unmet[rule.file]

    def note(self, rule: SqlRule, n_found: int) -> None:
        """Take note of what a rule has found and done."""
        if n_found and rule.effect in CHANGING:
            self._unmet.pop(rule.file, None)
            self._unique = {key: one for key, one in self._unique.items() if key[0] != rule.file}

    def _find_unmet(self, file: str) -> set[str]:
        """Return the conditions of a file's rules that no row of it meets."""
        conditions = sorted(
            {rule.where for rule in self._rules if rule.file == file and rule.where}
        )
        counts = ", ".join(
            f"count(CASE WHEN {condition} THEN 1 END) AS c{place}"
            for place, condition in enumerate(conditions)
        )
        sql = f"SELECT {counts} FROM clean_{file}"
        found = self._db.frame(sql, **bind(sql, self._settings)).iloc[0]
        return {condition for place, condition in enumerate(conditions) if found.iloc[place] == 0}

    def _is_unique(self, file: str, columns: tuple[str, ...]) -> bool:
        key = (file, *columns)
        if key not in self._unique:
            self._unique[key] = not self._db.has_repeats(f"clean_{file}", columns)
        return self._unique[key]
