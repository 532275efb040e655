"""Where a test's small trust and its report are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from helpers.cli import main

YEAR = "2024-25"


@dataclass(frozen=True)
class Place:
    """Where a test's trusts and reports are."""

    data: Path
    out: Path

    def report(self, trust: str = "XYZ", *more: str) -> int:
        return main(["report", trust, "--data", str(self.data), "--out", str(self.out), *more])

    def files(self, trust: str = "XYZ") -> Path:
        return self.data / trust / YEAR

    def final(self, trust: str = "XYZ") -> Path:
        return self.out / trust / YEAR
