"""Imports run one way, and calculation neither opens files nor draws."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "helpers"
CALCULATION = (
    "cleaning", "costing", "subsidy", "outliers", "published", "comparison", "disclosure",
)  # fmt: skip
GROUND = {"errors", "contracts"}
DISK = {"sources", "parameters", "run", "memory", "engine", "engine_spark"}

# What each part may import, beside itself. A part that is not named here may import anything.
MAY_IMPORT = {
    "errors": set(),
    "contracts": {"errors"},
    **dict.fromkeys(CALCULATION, GROUND),
    "parameters": GROUND,
    "run": GROUND | {"parameters"},
    "memory": set(),
    "engine": GROUND | {"memory", "engine_spark"},
    "engine_spark": GROUND,
    "sources": GROUND | DISK | set(CALCULATION),
    "report": GROUND | DISK,
}
FRONT = {"cli", "explore", "__main__", "__init__"}
NOT_IN_CALCULATION = {
    "duckdb", "glob", "IPython", "matplotlib", "nbconvert", "os", "papermill", "pathlib", "pyarrow",
    "seaborn", "shutil", "subprocess", "tempfile",
}  # fmt: skip
DISK_CALLS = {"read_parquet", "to_csv", "to_excel", "to_parquet", "write_bytes", "write_text"}
MODULES = sorted(SOURCE.rglob("*.py"))


def find_imports(source: str) -> set[str]:
    """Return the modules that a source file imports, `from helpers import x` as `helpers.x`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                found.add("(a relative import)")
            elif node.module == "helpers":
                found |= {f"helpers.{alias.name}" for alias in node.names}
            else:
                found.add(node.module or "")
    return found


def find_breaches(part: str, source: str) -> list[str]:
    """Return what a file of one part imports or calls against the rule."""
    imports = find_imports(source)
    own = {name.split(".")[1] for name in imports if name.startswith("helpers.")}
    allowed = MAY_IMPORT.get(part, own) | {part, "__version__"}
    breaches = sorted(own - allowed)
    breaches += sorted(name for name in imports if name.startswith(("(a relative", "notebooks")))
    if part in CALCULATION:
        breaches += sorted({name.split(".")[0] for name in imports} & NOT_IN_CALCULATION)
        breaches += find_disk_calls(source)
    return breaches


def find_disk_calls(source: str) -> list[str]:
    """Return calls that open a file by its path."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            found.append("open()")
        if isinstance(node.func, ast.Attribute) and node.func.attr in DISK_CALLS:
            found.append(f"{node.func.attr}()")
    return found


def name_part(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_run_one_way(path):
    assert find_breaches(name_part(path), path.read_text(encoding="utf-8")) == []


def test_every_part_has_its_place_in_the_rule():
    parts = {name_part(path) for path in MODULES}
    assert parts - set(MAY_IMPORT) - FRONT == set()


@pytest.mark.parametrize(
    ("part", "source", "expected"),
    [
        ("costing", "from helpers.subsidy.funding import build", ["subsidy"]),
        ("costing", "from helpers import engine", ["engine"]),
        ("costing", "import helpers.report.formats", ["report"]),
        ("subsidy", "from pathlib import Path", ["pathlib"]),
        ("outliers", "import matplotlib.pyplot as plt", ["matplotlib"]),
        ("cleaning", "x = open('a')", ["open()"]),
        ("cleaning", "frame.to_csv('a')", ["to_csv()"]),
        ("errors", "from helpers.contracts import OUTPUTS", ["contracts"]),
        ("report", "from helpers.outliers.stays import review", ["outliers"]),
        ("sources", "from notebooks import x", ["notebooks"]),
        ("costing", "from .ledger import x", ["(a relative import)"]),
        ("costing", "from helpers.contracts.money import hamilton", []),
        ("costing", "from helpers.costing.ledger import x", []),
        ("sources", "from helpers.cleaning.model import Cleaned", []),
        ("cli", "from helpers.report.runner import run_report", []),
    ],
)
def test_the_rule_finds_a_breach(part, source, expected):
    assert find_breaches(part, source) == expected


def test_the_command_line_starts_light():
    """Nothing heavy is read before a command is judged, and linear algebra can be told its threads."""
    code = (
        "import sys, helpers.cli; print(sorted({'numpy', 'pandas', 'duckdb'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
