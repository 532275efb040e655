"""The comparison of trusts: run its notebook over the reports that stand, and publish its page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from helpers.report.checksums import hash_code, hash_file, hash_text
from helpers.report.execute import execute_notebook, warm_up
from helpers.report.lock import hold_lock
from helpers.report.series import NOTEBOOKS, RECORD, publish, recover
from helpers.report.stopping import stop_on_signals
from helpers.run import DEMO_TRUSTS, PUBLIC, Run, show_path
from helpers.sources.report_folders import find_editions, find_reports

NAMES = {"analyst": "06_trust_comparison", PUBLIC: "26_public_comparison"}
FOLDER = "comparison"
PAGE = "index.html"
EVERYTHING = {"analyst": "trust_comparison.csv", PUBLIC: "public_trusts.csv"}
NOUNS = {"analyst": "report", PUBLIC: "public edition"}
MADE_FROM = "made_from.txt"


def find_building(out: Path, year: str) -> Path:
    """Return where a comparison is built before it takes its name."""
    return out / FOLDER / f".{year}.building"


def make_comparison(run: Run, *, say: Callable[[str], None] = print) -> Path:
    """Compare every trust that has a report for the year.

    The tables go to ``comparison/<YEAR>/`` in the folder of reports, the page to its ``index.html``
    and all figures to ``trust_comparison.csv`` beside it. The comparison of public editions stands in
    their folder and reads their tables alone; it keeps no executed notebook, as they do not.

    Parameters
    ----------
    run
        Its ``folder`` is ``find_building(out, year)``; its trust is not used.

    Raises
    ------
    HelpersError
        If there are no reports, or the notebook stops. The last page stands as it was.
    """
    out = run.published.parents[1]
    reports = find_editions(run) if run.audience == PUBLIC else find_reports(run)
    final = out / FOLDER / run.year
    key = _find_key(run, reports)
    with hold_lock(out / f".{FOLDER}.lock", "The comparison"), stop_on_signals() as check_stopped:
        recover(run.folder, final)
        if _is_current(run, out, final, key):
            say("Comparison: nothing has changed.")
            return out / PAGE
        try:
            _build(run, reports)
            check_stopped()
            (run.folder / MADE_FROM).write_text(key, encoding="ascii")
            publish(run.folder, final)
        finally:
            shutil.rmtree(run.folder, ignore_errors=True)
        for source, name in _list_copies(run, final):
            part = out / f".{name}.part"
            shutil.copyfile(source, part)
            part.replace(out / name)
    say(f"{_count(run, reports)} compared")
    return out / PAGE


def _build(run: Run, reports: Mapping[str, Mapping[str, Path]]) -> None:
    """Run the notebook and render its page in the run's own folder."""
    from helpers.report.render import PageInfo, render_page

    warm_up()
    name = NAMES[run.audience]
    executed = run.folder / "notebooks" / f"{name}.ipynb"
    given = {
        "year": run.year, "audience": run.audience, "out": show_path(run.out), "folder": str(run.folder),
    }  # fmt: skip
    execute_notebook(NOTEBOOKS / f"{name}.ipynb", executed, given)
    page = PageInfo(
        trust=_count(run, reports),
        trust_name="Comparison of trusts",
        year=run.year,
        title="Comparison of trusts",
        audience=run.audience,
        has_published_figures=not set(reports).isdisjoint(DEMO_TRUSTS),
    )
    render_page(executed, run.folder / PAGE, page=page)
    if run.audience == PUBLIC:
        shutil.rmtree(executed.parent)  # public editions keep no executed notebooks (D-243)


def _count(run: Run, reports: Mapping[str, Mapping[str, Path]]) -> str:
    from helpers.report.formats import count_words

    return count_words(len(reports), NOUNS[run.audience])


def _find_key(run: Run, reports: Mapping[str, Mapping[str, Path]]) -> str:
    """Return the checksum of what a comparison is made from: the reports, and the project's code."""
    places = {trust: next(iter(paths.values())).parents[1] for trust, paths in reports.items()}
    records = [f"{trust} {hash_file(place / RECORD)}" for trust, place in places.items()]
    notebook = hash_file(NOTEBOOKS / f"{NAMES[run.audience]}.ipynb")
    return hash_text("\n".join([*records, run.audience, notebook, hash_code(("",))]))


def _is_current(run: Run, out: Path, final: Path, key: str) -> bool:
    """Tell whether the comparison that stands is of the same reports, and all of it is there."""
    try:
        is_same = (final / MADE_FROM).read_text(encoding="ascii") == key
    except OSError:
        return False
    return is_same and all(
        source.is_file() and (out / name).is_file() and hash_file(source) == hash_file(out / name)
        for source, name in _list_copies(run, final)
    )


def _list_copies(run: Run, final: Path) -> tuple[tuple[Path, str], ...]:
    """Return what of a comparison stands beside the trusts' folders too, and its name there."""
    everything = EVERYTHING[run.audience]
    return ((final / PAGE, PAGE), (final / "tables" / everything, everything))
