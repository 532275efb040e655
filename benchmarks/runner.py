"""Time our way of running and rendering notebooks beside the plain way, on notebooks that calculate little.

    python benchmarks/runner.py                     figures as a plain notebook saves them, then as SVG
    python benchmarks/runner.py --python PYTHON     the plain way with another environment's Python
    python benchmarks/runner.py --trusts 40         of how many trusts the medians are

A whole report is mostly calculation, which no runner can save. Here are four notebooks with 13 figures
and 10 tables of a small frame: what is left is starting, importing, running and rendering. Three ways,
on the same notebooks:

    plain   papermill, then nbconvert, for each notebook and trust
    ours    one warm parent for all, a forked child for each trust, pages by `render_page`
    floor   the notebooks' code alone, in one process that has the libraries loaded

Machines change their pace from second to second. So the ways take turns: ours and the floor do a trust
each, one after the other, and the plain way one in between now and then. Told are medians of CPU
seconds a trust, and medians of the ratios of neighbours. Our start (Python and the libraries, once for all
trusts) is told apart, and in a second ratio shared among twelve trusts. The tables and figures that the
ways give are compared byte by byte before any time is told.
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
from pathlib import Path
from statistics import median

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OPENBLAS_NUM_THREADS": "1"}
FIGURES = (4, 3, 3, 3)
TABLES = (3, 3, 2, 2)
N_COMPARED = 2  # trusts whose results are compared between the ways
BETWEEN_PLAIN = 8  # the plain way does a trust after so many of the others
SHARING_START = 12  # trusts that share our start in the second ratio
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
# Each reads the number of a trust, does it, and says the CPU seconds used so far, by itself and its children.
SERVE = """
import os, resource, sys
from pathlib import Path
from helpers.report.execute import warm_up
def say():
    own, theirs = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(sum(w.ru_utime + w.ru_stime for w in (own, theirs)), flush=True)
warm_up()
out, kind, notebooks = sys.argv[1], sys.argv[2], sys.argv[3:]
"""
RUN_OURS = (
    SERVE
    + """
from helpers.report.apart import Apart
from helpers.report.execute import execute_notebook
from helpers.report.render import PageInfo, render_page
say()
for trust in map(str.strip, sys.stdin):
    folder = Path(out, trust)
    with Apart() as child:
        for place, name in enumerate(notebooks, start=1):
            given = {"seed": f"{trust}{place}", "kind": kind, "folder": str(folder)}
            execute_notebook(Path(name), folder / Path(name).name, given, child=child)
    page = PageInfo(trust="XYZ", trust_name="Invented", year="2024-25", title="Light")
    for done in sorted(folder.glob("*.ipynb")):
        render_page(done, done.with_suffix(".html"), page=page)
    say()
"""
)
RUN_FLOOR = (
    SERVE
    + """
import nbformat
say()
for trust in map(str.strip, sys.stdin):
    for place, name in enumerate(notebooks, start=1):
        names = {"__name__": "__main__"}
        for cell in nbformat.read(name, 4).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, name, "exec"), names)
                if "parameters" in cell.metadata.get("tags", []):
                    given = {"seed": f"{trust}{place}", "kind": kind, "folder": f"{out}/{trust}"}
                    names |= given
    say()
"""
)


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


class Server:
    """One of the two ways that stay alive from trust to trust; ``start`` is what starting it took."""

    def __init__(self, program: str, out: Path, kind: str, notebooks: list[Path]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, str(out), kind, *map(str, notebooks)], env=ENVIRONMENT,
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._out = out
        self.start = self._used = self._hear()

    def run(self, trust: int) -> float:
        """Do a trust; return the CPU seconds it took."""
        (self._out / str(trust)).mkdir(parents=True)
        print(trust, file=self._process.stdin, flush=True)
        before, self._used = self._used, self._hear()
        return self._used - before

    def end(self) -> None:
        self._process.communicate()

    def _hear(self) -> float:
        return float(self._process.stdout.readline())


def run_plain(python: str, notebooks: list[Path], out: Path, kind: str, trust: int) -> float:
    """Run papermill then nbconvert for each notebook of a trust; return CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for place, path in enumerate(notebooks, start=1):
        done = out / str(trust) / path.name
        done.parent.mkdir(parents=True, exist_ok=True)
        given = {"seed": f"{trust}{place}", "kind": kind, "folder": str(done.parent)}
        options = [word for name, value in given.items() for word in ("-r", name, value)]
        run(python, "-m", "papermill", str(path), str(done), "--no-progress-bar", *options)
        run(python, "-m", "nbconvert", "--to", "html", str(done))
    return used_since(before)


def run(*words: str) -> None:
    quiet = subprocess.DEVNULL
    subprocess.run(words, check=True, stdout=quiet, stderr=quiet, env=ENVIRONMENT)


def used_since(before: resource.struct_rusage) -> float:
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def read_results(out: Path) -> dict[str, object]:
    """Return what a way gave: the bytes of each table, and the pictures and tables of each page."""
    first = [out / str(trust) for trust in range(N_COMPARED)]
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


def time_ways(
    python: str, notebooks: list[Path], folder: Path, kind: str, n_trusts: int
) -> tuple[dict[str, list[float]], float]:
    """Let the ways take turns; return CPU seconds of each trust by way, and those of our start."""
    ways = ("plain", "ours", "floor")
    out = {way: folder / f"{kind}-{way}" for way in ways}
    ours = Server(RUN_OURS, out["ours"], kind, notebooks)
    floor = Server(RUN_FLOOR, out["floor"], kind, notebooks)
    used: dict[str, list[float]] = {way: [] for way in ways}
    for trust in range(n_trusts):
        if trust % BETWEEN_PLAIN == 0 or trust < N_COMPARED:
            used["plain"].append(run_plain(python, notebooks, out["plain"], kind, trust))
        used["ours"].append(ours.run(trust))
        used["floor"].append(floor.run(trust))
    ours.end()
    floor.end()
    results = {way: read_results(out[way]) for way in ("plain", "ours")}
    if results["plain"] != results["ours"]:
        raise SystemExit("the two ways gave different tables or figures: no time is told")
    return used, ours.start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trusts", type=int, default=40)
    parser.add_argument("--kinds", nargs="+", default=["png", "svg"])
    parser.add_argument("--python", default=sys.executable)
    given = parser.parse_args()
    heads = "figures, plain, ours, our start, floor, plain / ours, ours / floor, start shared: plain / ours, ours / floor"
    print(f"Load before: {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print(f"| {heads.replace(', ', ' | ')} |\n" + "| --- " * 9 + "|")
    for kind in given.kinds:
        with tempfile.TemporaryDirectory() as name:
            notebooks = write_notebooks(Path(name))
            used, start = time_ways(given.python, notebooks, Path(name), kind, given.trusts)
        plain, ours, floor = (median(used[way]) for way in used)
        pairs = sorted(o / f for o, f in zip(used["ours"], used["floor"], strict=True))
        share = start / SHARING_START
        print(
            f"| {kind} | {plain:.1f} | {ours:.2f} | {start:.1f} | {floor:.2f} | {plain / ours:.1f} | {median(pairs):.2f} "
            f"| {plain / (ours + share):.1f} | {median(pairs) + share / floor:.2f} |", flush=True,
        )  # fmt: skip
        print(f"{kind}: ratios from {pairs[0]:.2f} to {pairs[-1]:.2f}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
