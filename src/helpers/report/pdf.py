"""A report as one PDF: the pages as they are, printed by the browser that is on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from helpers.errors import CommandError, StepError
from helpers.report.book import bind_pages, read_leaves
from helpers.run import Run

PRINT_SECONDS = 180
NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge",
    "microsoft-edge-stable", "brave-browser", "chrome", "msedge",
)  # fmt: skip
ON_MACOS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
WINDOWS_ROOTS = ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData")
ON_WINDOWS = ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")
OPTIONS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip
NO_BROWSER = (
    "A PDF is printed by a browser, and there is no Chromium, Chrome or Edge where they usually are.\n"
    "Install one of them (on Debian or Ubuntu: apt-get install chromium), or name one that is elsewhere "
    "with SLR_BROWSER. The web pages stand as they were; any browser can print them."
)


def find_browser(
    environment: Mapping[str, str] | None = None, *, platform: str = sys.platform
) -> str:
    """Return the browser to print with; ``SLR_BROWSER`` names one that is not in a usual place.

    Raises
    ------
    CommandError
        If there is none.
    """
    environment = os.environ if environment is None else environment
    named = environment.get("SLR_BROWSER", "")
    if named:
        found = shutil.which(named, path=environment.get("PATH", ""))
        if found:
            return found
        raise CommandError(f"SLR_BROWSER names {named}, which is not a program on this machine.")
    found = [shutil.which(name, path=environment.get("PATH", "")) for name in NAMES]
    usual = [Path(place) for place in ON_MACOS] if platform == "darwin" else []
    if platform == "win32":
        roots = [environment[root] for root in WINDOWS_ROOTS if environment.get(root)]
        usual = [Path(root) / place for root in roots for place in ON_WINDOWS]
    for place in [*filter(None, found), *(str(path) for path in usual if path.is_file())]:
        return place
    raise CommandError(NO_BROWSER)


def write_pdf(run: Run) -> Path:
    """Print the published report of a run to one PDF beside its pages; whole or not at all.

    Raises
    ------
    CommandError
        If there is no browser to print with.
    StepError
        If it could not print.
    """
    browser = find_browser()
    book = bind_pages(read_leaves(run.published))
    final = run.published / f"{run.trust}-{run.year}.pdf"
    with tempfile.TemporaryDirectory() as folder:
        bound, part = Path(folder) / "book.html", Path(folder) / "book.pdf"
        bound.write_text(book, encoding="utf-8", newline="\n")
        print_page(browser, bound, part, profile=Path(folder) / "profile")
        moved = final.with_name(final.name + ".part")
        shutil.copyfile(part, moved)
        moved.replace(final)
    return final


def print_page(browser: str, page: Path, pdf: Path, *, profile: Path) -> None:
    """Print one page to a PDF, with its headings as bookmarks."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    command = [browser, *OPTIONS, *(["--no-sandbox"] if is_root else []),
               f"--user-data-dir={profile}", f"--print-to-pdf={pdf}", page.as_uri()]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, timeout=PRINT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise StepError(
            f"{Path(browser).name} did not finish printing within {PRINT_SECONDS} s. Run the command again."
        ) from error
    if done.returncode or not pdf.is_file() or not pdf.read_bytes().startswith(b"%PDF-"):
        raise StepError(
            f"{Path(browser).name} could not print the report (it ended with {done.returncode}).\n"
            "Open the pages in a browser and print them from there, or name another with SLR_BROWSER."
        )
