"""A copy of the project whose notebooks and code a test may break, run as a user would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.report.series import STEPS

ROOT = Path(__file__).resolve().parents[2]
BESIDE = [".2024-25.lock", ".2024-25.seen", "2024-25"]
SECONDS = 120


@dataclass(frozen=True)
class Project:
    """A copy of the project, and the trusts and reports that it is run on."""

    root: Path
    data: Path
    out: Path

    @property
    def files(self) -> Path:
        return self.data / "XYZ" / "2024-25"

    @property
    def final(self) -> Path:
        return self.out / "XYZ" / "2024-25"

    @property
    def failed(self) -> Path:
        return self.out / "XYZ" / "2024-25.failed"

    def start(self, *words: str, **settings: object) -> subprocess.Popen:
        """Start a command; ``report XYZ`` if no words are given."""
        variables = {**os.environ, "PYTHONPATH": str(self.root / "src"), **settings.pop("env", {})}
        return subprocess.Popen(
            [sys.executable, "-m", "helpers", *(words or ("report", "XYZ")), "--data", str(self.data),
             "--out", str(self.out)],
            cwd=self.root.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables,
            text=True, encoding="utf-8", errors="replace", **settings,
        )  # fmt: skip

    def run(self, *words: str, **settings: object) -> tuple[int, str, str]:
        """Run a command to its end; return its exit code and what it said and complained."""
        process = self.start(*words, **settings)
        said, complained = process.communicate(timeout=SECONDS)
        assert "Traceback" not in complained, complained
        return process.returncode, said, complained

    def add_cell(self, step: int, source: str) -> None:
        """Put a cell into a notebook, after its parameters."""
        path = self.root / "notebooks" / f"{STEPS[step - 1].name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.insert(2, new_code_cell(source, id=f"c9{len(notebook.cells)}"))
        nbformat.write(notebook, path)

    def add_words(self, step: int, words: str = "More words.") -> None:
        """Add a paragraph to a notebook: a change that makes it worth doing again."""
        path = self.root / "notebooks" / f"{STEPS[step - 1].name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.append(new_markdown_cell(words, id=f"c8{len(notebook.cells)}"))
        nbformat.write(notebook, path)

    def restore(self) -> None:
        """Take back every change of a notebook."""
        for step in STEPS:
            name = f"{step.name}.ipynb"
            shutil.copyfile(ROOT / "notebooks" / name, self.root / "notebooks" / name)

    def read_report(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.final).as_posix(): path.read_bytes()
            for path in self.final.rglob("*")
            if path.is_file()
        }

    def list_beside(self) -> list[str]:
        return sorted(path.name for path in self.final.parent.iterdir())


def copy_project(root: Path) -> None:
    """Copy what a run needs; the trusts' files and reports stay where they are."""
    shutil.copytree(ROOT / "src", root / "src")
    shutil.copytree(ROOT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(ROOT / "data" / "demo", root / "data" / "demo")
    if (ROOT / "data" / "reference").is_dir():
        shutil.copytree(ROOT / "data" / "reference", root / "data" / "reference")
    shutil.copyfile(ROOT / "requirements.lock", root / "requirements.lock")
    (root / "docs").mkdir()
    shutil.copyfile(ROOT / "docs" / "glossary.md", root / "docs" / "glossary.md")


def wait_for_file(path: Path) -> str:
    """Return the words of a file once it is there."""
    ends = time.monotonic() + SECONDS
    while not (path.exists() and path.read_text(encoding="utf-8")):
        assert time.monotonic() < ends, f"{path.name} never came"
        time.sleep(0.05)
    return path.read_text(encoding="utf-8")


def wait_for_end(process_id: int) -> bool:
    """Tell whether a process ends within a few seconds."""
    import psutil

    ends = time.monotonic() + 10
    while psutil.pid_exists(process_id):
        if psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE:
            return True
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True
