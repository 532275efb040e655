"""A notebook is the argument: words, then one call. The working is in the modules."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4

from helpers.parameters import list_defaults

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
WORKING = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If,
    ast.With, ast.Try, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.BinOp,
    ast.AugAssign, ast.IfExp, ast.Compare, ast.NamedExpr, ast.Delete,
)  # fmt: skip
CELL_ID = re.compile(r"^c\d{2,3}[a-z]?$")
NUMBER = re.compile(r"^(\d)\.(\d{1,2})$")


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def is_parameters(cell: Any) -> bool:
    return "parameters" in cell.metadata.get("tags", [])


def find_working(source: str) -> list[str]:
    """Return what a cell holds beside imports, calls, and names given to what they return."""
    tree = ast.parse(source)
    found = [type(node).__name__ for node in ast.walk(tree) if isinstance(node, WORKING)]
    for statement in tree.body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            continue
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Attribute):
            continue  # a shorter name for a table of a result
        value = statement.value if isinstance(statement, (ast.Assign, ast.Expr)) else None
        if not isinstance(value, ast.Call):
            found.append(f"{type(statement).__name__} of no call")
    return found


def find_cells_without_words(cells: list[Any]) -> list[str]:
    """Return code cells that do not follow words; parameters and set-up follow the title."""
    orphans = []
    for before, cell in zip([None, *cells], cells, strict=False):
        is_code = cell.cell_type == "code" and not is_parameters(cell)
        is_set_up = before is not None and is_parameters(before)
        if is_code and not is_set_up and (before is None or before.cell_type != "markdown"):
            orphans.append(cell.id)
    return orphans


def list_exhibits(cells: list[Any]) -> list[tuple[str, str]]:
    """Return kind and number of every exhibit, in order."""
    found = []
    for cell in cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call):
                kind = getattr(node.func, "attr", getattr(node.func, "id", ""))
                found += [
                    (kind, keyword.value.value)
                    for keyword in node.keywords
                    if keyword.arg == "number" and isinstance(keyword.value, ast.Constant)
                ]
    return found


def find_misnumbered(exhibits: list[tuple[str, str]], notebook: int) -> list[str]:
    """Return numbers that are not of this notebook, come twice for one kind, or out of order."""
    wrong = []
    last = 0
    for place, (kind, number) in enumerate(exhibits):
        parts = NUMBER.match(str(number))
        if not parts or int(parts[1]) != notebook or int(parts[2]) < last:
            wrong.append(str(number))
            continue
        last = int(parts[2])
        if (kind, number) in exhibits[:place]:
            wrong.append(str(number))
    return wrong


every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


def test_the_series_is_whole():
    assert [path.stem for path in NOTEBOOKS if path.name[:2] <= "05"] == [
        "01_data_cleaning",
        "02_service_line_costing",
        "03_cross_subsidy",
        "04_outlier_review",
        "05_summary",
    ]


@every_notebook
def test_it_is_kept_without_outputs(path):
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count is not None] == []


@every_notebook
def test_its_parameters_are_the_same_plain_literals(path):
    cells = [cell for cell in read(path).cells if is_parameters(cell)]
    assert len(cells) == 1
    statements = ast.parse(cells[0].source).body
    given = {statement.targets[0].id: ast.literal_eval(statement.value) for statement in statements}
    assert list(given.items()) == list(list_defaults().items())
    assert [type(value) for value in given.values()] == [
        type(value) for value in list_defaults().values()
    ]


@every_notebook
def test_its_cells_hold_calls_only(path):
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    found = {cell.id: find_working(cell.source) for cell in code if not is_parameters(cell)}
    assert {cell: working for cell, working in found.items() if working} == {}


@every_notebook
def test_words_stand_before_every_call(path):
    assert find_cells_without_words(read(path).cells) == []


@every_notebook
def test_it_opens_with_a_title_and_closes_with_words(path):
    cells = read(path).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    assert cells[-1].cell_type == "markdown"


@every_notebook
def test_its_exhibits_are_numbered_in_order(path):
    """The second digit of its name is the number of its page: 13 is page 3 of its own series."""
    exhibits = list_exhibits(read(path).cells)
    assert exhibits
    assert find_misnumbered(exhibits, int(path.name[1])) == []


@every_notebook
def test_its_cells_keep_their_names(path):
    names = [cell.id for cell in read(path).cells]
    assert [name for name in names if not CELL_ID.match(name)] == []
    assert len(set(names)) == len(names)


@every_notebook
def test_it_runs_on_the_kernel_that_every_environment_has(path):
    assert read(path).metadata.kernelspec.name == "python3"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("total = 1 + 2", ["BinOp", "Assign of no call"]),
        ("show(a if b else c)", ["IfExp"]),
        ("show([x for x in y])", ["ListComp"]),
        ("for x in y:\n    show(x)", ["For", "For of no call"]),
        ("def f():\n    pass", ["FunctionDef", "FunctionDef of no call"]),
        ("show(lambda: 1)", ["Lambda"]),
        ("show(a > b)", ["Compare"]),
        ("frame", ["Expr of no call"]),
        ("import a\nfrom b import c\nx = c(a.d)\ny = x.table\nshow(x, columns={'a': 'A'})", []),
    ],
)
def test_working_in_a_cell_is_found(source, expected):
    assert sorted(find_working(source)) == sorted(expected)


def test_a_call_without_words_is_found():
    cells = [
        v4.new_markdown_cell("# T", id="c01"),
        v4.new_code_cell("a = 1", id="c02", metadata={"tags": ["parameters"]}),
        v4.new_code_cell("setup()", id="c03"),
        v4.new_code_cell("orphan()", id="c04"),
        v4.new_markdown_cell("words", id="c05"),
        v4.new_code_cell("fine()", id="c06"),
    ]
    assert find_cells_without_words(cells) == ["c04"]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (["3.1", "3.2", "3.10"], []),
        (["3.2", "3.1"], ["3.1"]),
        (["3.1", "3.1"], ["3.1"]),
        (["2.1"], ["2.1"]),
        (["3"], ["3"]),
    ],
)
def test_exhibits_out_of_order_are_found(numbers, expected):
    assert find_misnumbered([("show_table", number) for number in numbers], 3) == expected


def test_a_figure_and_a_table_may_share_the_number_of_their_section():
    assert find_misnumbered([("show_figure", "3.2"), ("show_table", "3.2")], 3) == []
