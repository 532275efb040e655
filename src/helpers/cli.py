"""`python -m helpers ...`: what the Makefile calls, the same with or without make."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from helpers.errors import (
    DEBUG,
    CommandError,
    HelpersError,
    InputError,
    describe_disk_error,
    name_a_few,
)
from helpers.parameters import (
    DEFAULT_YEAR,
    PARAMETERS,
    PROJECT,
    TRUST_CODE,
    check_trust,
    check_values,
    place,
    show_path,
)
from helpers.run import DEMO_TRUSTS, PUBLIC, Run, find_reports_folder, open_run

REPORT_OPTIONS = ("what_if",)  # for one trust: questions name its lines
RUN_OPTIONS = ("year", "audience", "method", "engine", "data", "out", "allow_unreconciled")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 when it is whole, 1 when a step failed, 2 when it was asked wrongly."""
    # One thread for linear algebra: the sums are small, and waiting threads double the time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal may lack a letter of a path
    parser = build_parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help(sys.stderr)
        return CommandError.exit_code
    given = parser.parse_args(arguments)
    try:
        wanted = {
            name: value
            for name, value in vars(given).items()
            if name in PARAMETERS and value is not None
        }
        vars(given).update(check_values(wanted))
        return given.command(given)
    except HelpersError as error:
        print(f"\n{error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(
            "\nStopped. The last whole report stands as it was; finished steps are not redone.",
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(f"\nStopped: {describe_disk_error(error)}", file=sys.stderr)
        return 1
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        print(
            f"\nStopped by an unexpected {type(error).__name__}. This is a fault in the program, not in "
            f"your files; {DEBUG}=1 shows where. The last whole report stands as it was.",
            file=sys.stderr,
        )
        return 1


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helpers", description="Service line reporting for NHS trusts."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    report = _add(commands, "report", report_trust, "run one trust's series and write its report")
    report.add_argument("trust", help=PARAMETERS["trust"].words)
    _add_options(report, *RUN_OPTIONS, *REPORT_OPTIONS)
    pdf = _add(commands, "pdf", print_trust, "the same, and the whole report as one PDF")
    pdf.add_argument("trust", help=PARAMETERS["trust"].words)
    _add_options(pdf, *RUN_OPTIONS, *REPORT_OPTIONS)
    reports = _add(commands, "reports", report_all, "run every trust found under DATA")
    _add_options(reports, *RUN_OPTIONS, "jobs")
    comparison = _add(
        commands, "comparison", compare, "all trusts that have a report, side by side"
    )
    _add_options(comparison, "year", "audience", "out")
    demo = _add(commands, "demo", write_demos, "write the demonstration trusts' files")
    demo.add_argument("trusts", nargs="*", help="which ones; all if none is named")
    _add_options(demo, "year", "data", "size")
    trace = _add(
        commands,
        "trace",
        trace_pence,
        "one event's cost back to the ledger, or a ledger line's forward",
    )
    trace.add_argument("trust", help=PARAMETERS["trust"].words)
    which = trace.add_mutually_exclusive_group(required=True)
    which.add_argument("--event", help="episode or attendance; or UNMATCHED:LINE, RD, ET, OTHER")
    which.add_argument("--ledger", help="COST_CENTRE:EXPENSE_CODE, as 401123:52110")
    _add_options(trace, "year", "audience", "out")
    months = _add(
        commands, "months", cost_by_month, "a report's year costed month by month, and R14 checked"
    )
    months.add_argument("trust", help=PARAMETERS["trust"].words)
    _add_options(months, "year", "out")
    check = _add(
        commands, "check", check_something, "a trust's FOLDER; without one, format, lint and rules"
    )
    check.add_argument("folder", nargs="?", help="one trust's files, as data/raw/R0A/2024-25")
    review = _add(commands, "review", review_a_file, "the consultant review of any table of cases")
    review.add_argument("--episodes", required=True, help="the table of cases, one row each")
    review.add_argument(
        "--out", required=True, help="folder for consultants.csv, summary.csv, notes.md"
    )
    published = _add(
        commands,
        "published",
        list_published,
        "what was found of NHS England’s files, and what it enables",
    )
    _add_options(published, "data")
    test = _add(commands, "test", run_tests, "the whole test suite; more words go to pytest")
    test.add_argument("words", nargs=argparse.REMAINDER)
    _add(commands, "bench", run_benchmarks, "the benchmarks")
    _add(commands, "lab", open_lab, "JupyterLab with the notebooks")
    clean = _add(commands, "clean", clean_outputs, "remove the reports that were made")
    _add_options(clean, "out")
    return parser


def _add(
    commands: argparse._SubParsersAction, name: str, command: Callable, words: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=words, description=words, allow_abbrev=False)
    parser.set_defaults(command=command)
    return parser


def _add_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add parameters as options; their values are checked before the command starts.

    The audience is None where it was not given: the trust's own settings may name it then.
    """
    for name in names:
        one, option = PARAMETERS[name], f"--{name.replace('_', '-')}"
        if isinstance(one.default, bool):
            parser.add_argument(option, action="store_true", help=one.words)
        else:
            shown = f" ({one.default})" if one.default else ""
            default = None if name == "audience" else one.default
            words = f"{one.words}{shown}".replace("%", "%%")  # argparse reads a % as a place holder
            parser.add_argument(option, default=default, help=words)


def _open(given: argparse.Namespace, trust: str) -> Run:
    from helpers.sources.settings import read_audience

    code = check_trust(trust)
    audience = given.audience or read_audience(place(given.data) / code / given.year)
    building = find_reports_folder(given.out, audience) / code / f".{given.year}.building"
    return open_run(
        trust=code,
        year=given.year,
        audience=audience,
        method=given.method,
        engine=given.engine,
        data=given.data,
        out=given.out,
        folder=building,
        allow_unreconciled=given.allow_unreconciled,
        what_if=getattr(given, "what_if", ""),
    )


def report_trust(given: argparse.Namespace) -> int:
    """Make one trust's report, its demonstration files first if it has none."""
    from helpers.report.public import make_edition

    run = _open(given, given.trust)
    began = time.monotonic()
    _make_demo_if_absent(run)
    print(f"{run.trust} {run.year}", flush=True)
    if run.is_on_published:
        print(
            f"  from {show_path(run.public_dir)}: {run.trust} has no files of its own", flush=True
        )
    made = make_edition(run, say=lambda line: print(line, flush=True))
    print(f"  done in {time.monotonic() - began:.1f} s\nOpen {show_path(made.page)}", flush=True)
    return 0


def print_trust(given: argparse.Namespace) -> int:
    """Make one trust's report where it is not current, and print it to one PDF."""
    from helpers.report.pdf import find_browser, write_pdf

    find_browser()  # before minutes are spent on a report that cannot be printed
    code = report_trust(given)
    began = time.monotonic()
    pdf = write_pdf(_open(given, given.trust))
    print(f"  printed in {time.monotonic() - began:.1f} s\nOpen {show_path(pdf)}", flush=True)
    return code


def report_all(given: argparse.Namespace) -> int:
    """Make the report of every trust found; one that fails does not stop the others."""
    from helpers.report import batch

    data, year = place(given.data), given.year
    found = sorted(path.name for path in data.glob("[!.]*") if (path / year).is_dir())
    if not found:
        raise CommandError(
            f"There are no trusts with files for {year} under {data}.\n"
            "Put each trust's files in a folder of its own there, or write the demonstration trusts "
            "with `make demo`."
        )
    trusts = [name for name in found if TRUST_CODE.match(name)]
    outcomes = batch.make_reports(
        [_open(given, trust) for trust in trusts],
        jobs=batch.find_jobs(given.jobs),
        memory_bytes=batch.find_memory_bytes(),
        say=lambda line: print(line, flush=True),
    )
    outcomes += [batch.refuse_folder(name) for name in found if name not in trusts]
    print(f"\n{batch.describe_outcomes(outcomes)}", flush=True)
    if any(one.state != "failed" for one in outcomes):
        print()
        compare_if_possible(given)
    return 1 if any(one.state == "failed" for one in outcomes) else 0


def compare_if_possible(given: argparse.Namespace) -> None:
    """Compare the trusts, or say why there is no comparison: that is no fault of any trust."""
    try:
        compare(given)
    except InputError as error:
        print(f"There is no comparison of trusts. {error}", flush=True)


def compare(given: argparse.Namespace) -> int:
    """Set every trust that has a report for the year beside the others."""
    from helpers.report.comparing import find_building, make_comparison

    audience = given.audience or PARAMETERS["audience"].default
    reports = find_reports_folder(given.out, audience)
    run = open_run(
        trust=PARAMETERS["trust"].default, year=given.year, audience=audience, out=given.out,
        folder=find_building(reports, given.year),
    )  # fmt: skip
    page = make_comparison(run, say=lambda line: print(line, flush=True))
    print(f"Open {show_path(page)}", flush=True)
    return 0


def trace_pence(given: argparse.Namespace) -> int:
    """Print where an event's cost comes from, or where a ledger line's cost went."""
    from helpers.report.words import trace as words
    from helpers.sources.traced import open_tracer

    centre, colon, code = (given.ledger or ":").strip().partition(":")
    if given.ledger and not (centre and colon and code):
        raise CommandError(
            f"--ledger is {name_a_few([repr(given.ledger)])}; write COST_CENTRE:EXPENSE_CODE, as "
            "401123:52110."
        )
    if given.audience == PUBLIC:
        raise CommandError("A trace follows one patient: there is none in the public edition.")
    run, method = _find_report(given)
    with open_tracer(run, method=method) as tracer:
        names = words.collect_names(tracer.frames)
        if given.event:
            print(words.write_event_trace(tracer.trace_event(given.event.strip()), names))
        else:
            print(words.write_ledger_trace(tracer.trace_ledger_line(centre, code), names))
    return 0


def _find_report(given: argparse.Namespace) -> tuple[Run, str]:
    """Return the run of a finished report, and the overhead method that it was asked for."""
    from helpers.report.series import Record

    run = open_run(trust=given.trust, year=given.year, out=given.out)
    record = Record.read(run.published)
    if not record.whole:
        raise CommandError(
            f"There is no report of {run.trust} {run.year} under {show_path(place(given.out))}.\n"
            f"Make it first: `make report TRUST={run.trust}`."
        )
    return run, record.parameters.get("method", "")


def cost_by_month(given: argparse.Namespace) -> int:
    """Cost every month of a report's year by itself; fail if the twelve do not add up to the year."""
    from helpers.report.words.months import write_months
    from helpers.report.words.trace import collect_names
    from helpers.sources.monthly import run_months

    run, method = _find_report(given)
    runs, compared, frames = run_months(run, method=method)
    print(write_months(runs.lines, runs.checks, compared, runs.notices, collect_names(frames)))
    return 0 if runs.checks["passed"].all() else 1


def _make_demo_if_absent(run: Run) -> None:
    if not run.is_demo or run.input_dir.exists() or run.year != DEFAULT_YEAR:
        return
    from helpers.sources.demo import write_demo

    began = time.monotonic()
    print(
        f"Writing the demonstration trust {run.trust} to {show_path(run.input_dir)} ...",
        flush=True,
    )
    write_demo(run.trust, run.input_dir)
    print(f"  written in {time.monotonic() - began:.1f} s", flush=True)


def write_demos(given: argparse.Namespace) -> int:
    """Write demonstration trusts' files afresh."""
    from helpers.sources.demo import write_demo

    wanted = [check_trust(trust) for trust in given.trusts] or list(DEMO_TRUSTS)
    unknown = [trust for trust in wanted if trust not in DEMO_TRUSTS]
    if unknown:
        raise CommandError(
            f"{name_a_few(unknown)} is not a demonstration trust; they are {', '.join(DEMO_TRUSTS)}."
        )
    for trust in wanted:
        folder = place(given.data) / trust / given.year
        write_demo(trust, folder, size=given.size, year=given.year)
        print(f"{trust}: {show_path(folder)}", flush=True)
    return 0


def review_a_file(given: argparse.Namespace) -> int:
    """Review one table of cases by itself; paths start where the command is given."""
    from helpers.sources.case_review import review_cases

    out = Path(given.out).expanduser().absolute()
    notes = review_cases(Path(given.episodes).expanduser().absolute(), out)
    print(notes.split("\n## ")[0].strip())
    print(f"\nOpen {show_path(out / 'notes.md')}")
    return 0


def list_published(given: argparse.Namespace) -> int:
    """Say which published files are there, what each is, and what they make possible; 2 if none is known."""
    from helpers.sources.published.listing import describe_published

    words, n_known = describe_published(place(given.data).parent / "published")
    print(words, flush=True)
    return 0 if n_known else 2


def check_something(given: argparse.Namespace) -> int:
    """Check a trust's folder if one is named, else the project."""
    return check_files(place(given.folder)) if given.folder else check_project()


def check_files(folder: Path) -> int:
    """Say what is right and wrong with a trust's files; 2 if something stops a run."""
    from helpers.sources.checkup import check_folder, describe_check

    check = check_folder(folder)
    print(describe_check(check))
    return 2 if check.n_wrong else 0


def check_project() -> int:
    """Run the formatter's check, the linter, and the tests of the project's rules."""
    codes = [
        _run_module("ruff", "format", "--check", "."),
        _run_module("ruff", "check", "."),
        _run_module("pytest", "tests/rules"),
    ]
    return max(codes)


def run_tests(given: argparse.Namespace) -> int:
    """Run the test suite on all cores."""
    return _run_module("pytest", "-n", "auto", "--dist", "loadgroup", *given.words)


def run_benchmarks(_: argparse.Namespace) -> int:
    return subprocess.run([sys.executable, "benchmarks/run.py"], cwd=PROJECT).returncode


def open_lab(_: argparse.Namespace) -> int:
    """Open JupyterLab on the notebooks, with the files they start from, and say what can be run."""
    run = open_run(trust=PARAMETERS["trust"].default)
    _make_demo_if_absent(run)
    print(describe_lab(run), flush=True)
    return _run_module(
        "jupyterlab", "--notebook-dir", ".", "--LabApp.default_url=/lab/tree/notebooks"
    )


def describe_lab(run: Run) -> str:
    """Say whether the notebooks must be run in order, which hangs on whether there is a report."""
    from helpers.report.series import Record

    if Record.read(run.published).whole:
        return (
            f"There is a report of {run.trust} {run.year}: any notebook runs by itself, on its tables.\n"
            "docs/explore.md has questions to start from."
        )
    return (
        f"There is no report of {run.trust} {run.year} yet: run the notebooks in order, 01 first; or stop "
        f"here, run `make report TRUST={run.trust}` once, and any notebook runs by itself."
    )


def clean_outputs(given: argparse.Namespace) -> int:
    """Remove reports and what unfinished runs left; nothing else in the folder is touched."""
    from helpers.report.series import remove_reports

    out = place(given.out)
    print(f"Removed {remove_reports(out)} folders from {show_path(out)}.")
    return 0


def _run_module(*words: str) -> int:
    return subprocess.run([sys.executable, "-m", *words], cwd=PROJECT, env=os.environ).returncode
