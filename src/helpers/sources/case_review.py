"""The stand-alone review from file to files: consultants.csv, summary.csv and notes.md."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from helpers.errors import CommandError
from helpers.outliers.cases import (
    MIN_CASES_NAMED,
    build_sample,
    describe_cases,
    has_costs,
    list_consultants,
    tabulate_consultants,
    tabulate_summary,
)
from helpers.outliers.consultants import review_consultants
from helpers.sources.case_file import read_cases
from helpers.sources.spreadsheets import guard_text

SEED = 1
CONSULTANTS_FILE, SUMMARY_FILE, NOTES_FILE = "consultants.csv", "summary.csv", "notes.md"


def review_cases(path: Path, out: Path, *, seed: int = SEED) -> str:
    """Review a file of cases and write what was found; return the notes.

    The three files appear together, when all is done: a review that stops leaves what stood there.

    Parameters
    ----------
    path, out
        The file of cases (contract ``episodes``), and the folder to write to.
    seed
        Of the intervals' draws; the same file and seed give the same bytes.
    """
    if out.exists() and not out.is_dir():
        raise CommandError(f"OUT is {out}, which is a file. Name a folder.")
    file = read_cases(path)
    sample = build_sample(file.cases)
    by_cost = has_costs(sample)
    review = review_consultants(
        sample, list_consultants(sample), seed=seed, min_spells=MIN_CASES_NAMED, drivers_of_all=True
    )
    consultants = tabulate_consultants(review, by_cost=by_cost)
    summary = tabulate_summary(review, by_cost=by_cost)
    notes = describe_cases(
        review, consultants, summary, file=path.name, n_cases=len(file.cases), seed=seed,
        notices=file.notices, not_judged=file.not_judged,
    )  # fmt: skip
    _write_together(
        out,
        {
            CONSULTANTS_FILE: _to_csv(consultants),
            SUMMARY_FILE: _to_csv(summary),
            NOTES_FILE: notes,
        },
    )
    return notes


def _to_csv(table: pd.DataFrame) -> str:
    return guard_text(table).to_csv(index=False, lineterminator="\n", float_format="%.10g")


def _write_together(out: Path, texts: dict[str, str]) -> None:
    """Write files beside their places first, and move them there when all are written."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".review-") as waiting:
        for name, text in texts.items():
            (Path(waiting) / name).write_text(text, encoding="utf-8", newline="\n")
        for name in texts:
            (Path(waiting) / name).replace(out / name)
