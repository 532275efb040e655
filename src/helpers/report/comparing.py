"""The comparison of trusts: run its notebook over the reports that stand, and publish its page."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from helpers.report.execute import execute_notebook, warm_up
from helpers.report.formats import count_words
from helpers.report.lock import hold_lock
from helpers.report.render import PageInfo, render_page
from helpers.report.series import NOTEBOOKS, publish, recover
from helpers.report.stopping import stop_on_signals
from helpers.run import DEMO_TRUSTS, PUBLIC, Run, show_path
from helpers.sources.comparison_tables import find_reports
from helpers.sources.public_comparison import find_editions

NAMES = {"analyst": "06_trust_comparison", PUBLIC: "26_public_comparison"}
FOLDER = "comparison"
PAGE = "index.html"
EVERYTHING = {"analyst": "trust_comparison.csv", PUBLIC: "public_trusts.csv"}


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
    noun = "public edition" if run.audience == PUBLIC else "report"
    name, everything = NAMES[run.audience], EVERYTHING[run.audience]
    final = out / FOLDER / run.year
    with hold_lock(out / f".{FOLDER}.lock", "The comparison"), stop_on_signals() as check_stopped:
        recover(run.folder, final)
        try:
            warm_up()
            executed = run.folder / "notebooks" / f"{name}.ipynb"
            given = {
                "year": run.year, "audience": run.audience, "out": show_path(run.out), "folder": str(run.folder),
            }  # fmt: skip
            execute_notebook(NOTEBOOKS / f"{name}.ipynb", executed, given)
            page = PageInfo(
                trust=count_words(len(reports), noun),
                trust_name="Comparison of trusts",
                year=run.year,
                title="Comparison of trusts",
                audience=run.audience,
                has_published_figures=not set(reports).isdisjoint(DEMO_TRUSTS),
            )
            render_page(executed, run.folder / PAGE, page=page)
            if run.audience == PUBLIC:
                shutil.rmtree(executed.parent)
            check_stopped()
            publish(run.folder, final)
        finally:
            shutil.rmtree(run.folder, ignore_errors=True)
        for source in (final / PAGE, final / "tables" / everything):
            part = out / f".{source.name}.part"
            shutil.copyfile(source, part)
            part.replace(out / source.name)
    say(f"{count_words(len(reports), 'report')} compared")
    return out / PAGE
