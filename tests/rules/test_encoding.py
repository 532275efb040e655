"""Text is read and written as UTF-8 wherever the project runs; Windows would choose another."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
FILES = [*sorted((PROJECT / "src").rglob("*.py")), PROJECT / "setup_env.py"]
NOT_TEXT_FILES = ("Image", "os", "archive")  # descriptors, and the members of a zip, are bytes
TEXT_CALLS = ("read_text", "write_text", "open")


def find_unnamed_encodings(source: str) -> list[int]:
    """Return the lines that open a file as text without naming its encoding."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        words = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
        is_binary = name == "open" and any(
            isinstance(one, str) and "b" in one and len(one) <= 3 for one in words
        )
        named = any(keyword.arg == "encoding" for keyword in node.keywords)
        is_other = (
            isinstance(node.func, ast.Attribute)
            and getattr(node.func.value, "id", "") in NOT_TEXT_FILES
        )
        is_ours = isinstance(node.func, ast.Name) and name != "open"
        if name in TEXT_CALLS and not is_ours and not (is_binary or named or is_other):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_text_file_is_opened_with_its_encoding(path):
    assert find_unnamed_encodings(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("path.read_text()", [1]),
        ("path.write_text(words)", [1]),
        ("path.open()", [1]),
        ("open(path, 'w')", [1]),
        ("path.open('rb')", []),
        ("path.open('w', encoding='utf-8')", []),
        ("path.read_text(encoding='ascii')", []),
        ("os.open(path, flags)", []),
        ("archive.open(name)", []),
    ],
)
def test_a_text_file_without_its_encoding_is_found(source, expected):
    assert find_unnamed_encodings(source) == expected
