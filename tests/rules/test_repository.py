"""What is kept: no data of a trust, no outputs, nothing that a reader of the project cannot follow."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
THIS = Path(__file__).resolve().relative_to(PROJECT).as_posix()
LARGEST_KEPT_BYTES = 1_000_000
TEXT_ENDINGS = {
    "", ".cfg", ".css", ".csv", ".html", ".ini", ".ipynb", ".j2", ".json", ".lock", ".md", ".py",
    ".sh", ".sql", ".toml", ".txt", ".yaml", ".yml",
}  # fmt: skip
# Names of papers that stand outside the project, of its tools, and of one machine's folders.
NOT_FOR_READERS = {
    "a paper outside the project": re.compile(
        r"\b(METHOD|DESIGN|OUTLIERS)\.md\b|\bMETHOD \d|of METHOD\b"
    ),
    "a folder of one machine": re.compile(r"(?<!\.\./)\bshared/|/home/\w+/|/Users/\w+/"),
    "who typed it": re.compile(
        r"\b(Claude|Anthropic|ChatGPT|Copilot|subagents?|language model)\b", re.I
    ),
}
STYLE_PAPER = re.compile(r"\bSTYLE\.md\b")


def list_kept() -> list[str]:
    """Return the files that git keeps, or skip where this is not a git checkout."""
    found = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip("not a git checkout: nothing says which files are kept")
    return [name for name in found.stdout.split("\0") if name and (PROJECT / name).is_file()]


def find_mentions(text: str, *, has_style_paper: bool = False) -> list[str]:
    """Return what a text mentions that a reader of the project cannot follow."""
    found = [words for words, pattern in NOT_FOR_READERS.items() if pattern.search(text)]
    if not has_style_paper and STYLE_PAPER.search(text):
        found.append("a paper outside the project")
    return found


def test_nothing_kept_mentions_what_a_reader_cannot_follow():
    kept = list_kept()
    mentions = {}
    for name in kept:
        if Path(name).suffix not in TEXT_ENDINGS or name == THIS:
            continue
        text = (PROJECT / name).read_text(encoding="utf-8", errors="replace")
        found = find_mentions(text, has_style_paper="STYLE.md" in kept)
        if found:
            mentions[name] = found
    assert mentions == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see METHOD.md", ["a paper outside the project"]),
        ("as METHOD 4 says", ["a paper outside the project"]),
        ("as STYLE.md says", ["a paper outside the project"]),
        ("cd /home/ann/project", ["a folder of one machine"]),
        ("read shared/golden", ["a folder of one machine"]),
        ("METHOD=reciprocal, ../shared beside the project, /network/ and social work/life", []),
    ],
)
def test_a_mention_is_found(text, expected):
    assert find_mentions(text) == expected


def test_no_data_of_a_trust_and_no_output_is_kept():
    kept = [
        name
        for name in list_kept()
        if name.startswith(("data/raw/", "data/published/", "outputs/"))
    ]
    assert [name for name in kept if Path(name).name != "README.md"] == []


def test_nothing_large_is_kept():
    sizes = {name: (PROJECT / name).stat().st_size for name in list_kept()}
    assert {name: size for name, size in sizes.items() if size > LARGEST_KEPT_BYTES} == {}


def test_the_readme_of_the_notebooks_lists_every_notebook():
    readme = (PROJECT / "notebooks" / "README.md").read_text(encoding="utf-8")
    notebooks = {path.name for path in (PROJECT / "notebooks").glob("*.ipynb")}
    assert set(re.findall(r"\]\((\w+\.ipynb)\)", readme)) == notebooks


@pytest.mark.parametrize("task", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_code_is_tidy(task):
    files = [name for name in list_kept() if name.endswith((".py", ".ipynb"))]
    found = subprocess.run(
        [sys.executable, "-m", "ruff", *task, "--quiet", *files],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, (found.stdout + found.stderr)[:2_000]
