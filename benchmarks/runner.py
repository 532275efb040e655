"""Time our way of running and rendering notebooks beside the plain way, on notebooks that calculate little.

    python benchmarks/runner.py                     figures as a plain notebook saves them, then as SVG
    python benchmarks/runner.py --python PYTHON     the plain way with another environment's Python

A whole report is mostly calculation, which no runner can save. Here are four notebooks with 13 figures
and 10 tables of a small frame: what is left is starting, importing, running and rendering. Three ways,
in one run, on the same notebooks; CPU seconds are told per trust, of two for the plain way and
of twelve, as many as a run of `make reports` may have, for the others:

    plain   papermill, then nbconvert, for each notebook and trust
    ours    one warm parent for all, a forked child for each trust, pages by `render_page`
    floor   the notebooks' code alone, in one process that has the libraries loaded

The tables and figures that the ways give are compared byte by byte before any time is told.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
FIGURES = (4, 3, 3, 3)
TABLES = (3, 3, 2, 2)
# The plain way starts afresh for everything, so that each trust costs it the same; ours has one parent for all.
N_PLAIN, N_TRUSTS = 2, 12
SET_UP = """
import base64, io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers.report import exhibits as show
from helpers.report.exhibits import Exhibit

mpl.rcParams["svg.hashsalt"] = "light"
random = np.random.default_rng(int(seed))
spells = pd.DataFrame({
    "line": random.integers(0, 12, 20_000).astype(str), "days": random.gamma(2, 2, 20_000),
    "cost_pence": random.integers(10_000, 900_000, 20_000),
})

def draw(position):
    figure = Figure(figsize=(7.4, 4))
    axes = figure.subplots()
    means = spells[spells["days"] > position].groupby("line")["cost_pence"].mean()
    axes.barh(means.index, means, color="#12436D")
    axes.set_xlabel("mean cost (pence)")
    buffer = io.BytesIO()
    if kind == "png":
        figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
        head = "image/png"
    else:
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        head = "image/svg+xml"
    picture = base64.b64encode(buffer.getvalue()).decode()
    return Exhibit(f'<img alt="mean cost by line" src="data:{head};base64,{picture}">', "a figure")

def tabulate(position):
    table = spells.groupby("line")["cost_pence"].agg(["size", "sum"]).reset_index()
    table.to_csv(Path(folder) / f"{seed}_{position}.csv", index=False)
    return show.show_table(table, number=f"{seed}.{position}", caption="Cost by line.", source="invented",
        columns={"line": "Line", "size": "Spells", "sum": "Cost"})
"""
RUN_OURS = """
import sys
from pathlib import Path
from helpers.report.apart import Apart
from helpers.report.execute import execute_notebook, warm_up
from helpers.report.render import PageInfo, render_page
warm_up()
kind, n_trusts = sys.argv[2], int(sys.argv[3])
for trust in range(n_trusts):
    folder = Path(sys.argv[1], str(trust))
    with Apart() as child:
        for place, name in enumerate(sys.argv[4:], start=1):
            done = folder / Path(name).name
            given = {"seed": f"{trust}{place}", "kind": kind, "folder": str(folder)}
            execute_notebook(Path(name), done, given, child=child)
    page = PageInfo(trust="XYZ", trust_name="Invented", year="2024-25", title="Light")
    for done in sorted(folder.glob("*.ipynb")):
        render_page(done, done.with_suffix(".html"), page=page)
"""
RUN_FLOOR = """
import sys, time, nbformat
from helpers.report.execute import warm_up
warm_up()
began = time.process_time()
for trust in range(int(sys.argv[3])):
    for place, name in enumerate(sys.argv[4:], start=1):
        names = {"__name__": "__main__"}
        for cell in nbformat.read(name, 4).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, name, "exec"), names)
                if "parameters" in cell.metadata.get("tags", []):
                    folder = f"{sys.argv[1]}/{trust}"
                    names |= {"seed": f"{trust}{place}", "kind": sys.argv[2], "folder": folder}
print(time.process_time() - began)
"""


def write_notebooks(folder: Path) -> list[Path]:
    """Write the light notebooks: words, parameters, then one call a cell."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    paths = []
    for place, (n_figures, n_tables) in enumerate(zip(FIGURES, TABLES, strict=True), start=1):
        given = new_code_cell('seed = "0"\nkind = "png"\nfolder = "."')
        given.metadata["tags"] = ["parameters"]
        calls = [f"draw({i})" for i in range(n_figures)] + [
            f"tabulate({i})" for i in range(n_tables)
        ]
        cells = [new_markdown_cell("# Light"), given, new_code_cell(SET_UP)]
        notebook = new_notebook(
            cells=[*cells, *map(new_code_cell, calls)], metadata={"kernelspec": kernel}
        )
        paths.append(folder / f"{place:02}_light.ipynb")
        nbformat.write(notebook, paths[-1])
    return paths


def run_plain(python: str, notebooks: list[Path], out: Path, kind: str) -> float:
    """Run papermill then nbconvert for each notebook and trust; return CPU seconds a trust."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for trust in range(N_PLAIN):
        for place, path in enumerate(notebooks, start=1):
            done = out / str(trust) / path.name
            given = {"seed": f"{trust}{place}", "kind": kind, "folder": str(done.parent)}
            options = [word for name, value in given.items() for word in ("-r", name, value)]
            run(python, "-m", "papermill", str(path), str(done), "--no-progress-bar", *options)
            run(python, "-m", "nbconvert", "--to", "html", str(done))
    return used_since(before) / N_PLAIN


def run_ours(notebooks: list[Path], out: Path, kind: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(sys.executable, "-c", RUN_OURS, str(out), kind, str(N_TRUSTS), *map(str, notebooks))
    return used_since(before) / N_TRUSTS


def run_floor(notebooks: list[Path], out: Path, kind: str) -> float:
    """Run the code alone; return its own CPU seconds a trust, without the loading of libraries."""
    words = (str(out), kind, str(N_TRUSTS), *map(str, notebooks))
    return float(run(sys.executable, "-c", RUN_FLOOR, *words).split()[-1]) / N_TRUSTS


def run(*words: str) -> str:
    paths = {"PYTHONPATH": str(ROOT / "src"), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        words, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, **paths},
    )  # fmt: skip
    return done.stdout


def used_since(before: resource.struct_rusage) -> float:
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def read_results(out: Path) -> dict[str, object]:
    """Return what a way gave: the bytes of each table, and the pictures and tables of each page."""
    first = [out / str(trust) for trust in range(N_PLAIN)]
    tables = {
        str(path.relative_to(out)): path.read_bytes()
        for one in first
        for path in one.rglob("*.csv")
    }
    shown = {}
    for path in sorted(path for one in first for path in one.rglob("*.ipynb")):
        cells = nbformat.read(path, 4).cells
        given = [
            str(one.get("data", {}).get("text/html", ""))
            for c in cells
            for one in c.get("outputs", [])
        ]
        shown[str(path.relative_to(out))] = [
            hashlib.sha256(text.encode()).hexdigest() for text in given if text
        ]
    pages = [path.read_text("utf-8") for one in first for path in one.rglob("*.html")]
    pictures = sum(len(re.findall("<img", page)) for page in pages)
    return {"tables": tables, "shown": shown, "pictures": pictures}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--python", default=sys.executable)
    given = parser.parse_args()
    print("| figures | plain | ours | floor | plain / ours | ours / floor |\n" + "| --- " * 6 + "|")
    print(f"Load before: {os.getloadavg()[0]:.1f}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        notebooks = write_notebooks(Path(name))
        for kind in ("png", "svg"):
            ways: dict[str, Callable[[Path], float]] = {
                "plain": lambda out, k=kind: run_plain(given.python, notebooks, out, k),
                "ours": lambda out, k=kind: run_ours(notebooks, out, k),
                "floor": lambda out, k=kind: run_floor(notebooks, out, k),
            }
            used: dict[str, list[float]] = {way: [] for way in ways}
            results = {}
            for repeat in range(given.repeats):
                for way, start in ways.items():
                    began = time.monotonic()
                    out = Path(name) / f"{kind}-{way}-{repeat}"
                    for trust in range(N_TRUSTS):
                        (out / str(trust)).mkdir(parents=True)
                    used[way].append(start(out))
                    results[way] = read_results(out)
                    words = f"{kind} {way}: {used[way][-1]:.1f} s CPU, {time.monotonic() - began:.1f} s wall"
                    print(words, file=sys.stderr, flush=True)
            if results["plain"] != results["ours"]:
                raise SystemExit("the two ways gave different tables or figures: no time is told")
            plain, ours, floor = (median(used[way]) for way in ways)
            print(
                f"| {kind} | {plain:.1f} | {ours:.1f} | {floor:.1f} "
                f"| {plain / ours:.1f} | {ours / floor:.2f} |", flush=True,
            )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
