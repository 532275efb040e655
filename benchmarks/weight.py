"""Weigh a report's pages, and time how soon each can be read from disk in a headless Chromium.

    python benchmarks/weight.py                          outputs/XYZ/2024-25
    python benchmarks/weight.py outputs/R0A/2024-25      another report
    python benchmarks/weight.py --repeat 9               more openings of each page (5)

Each page is opened in a new window, from a file, on a desktop and on a phone. Told are the medians of

    painted    first words or lines on the screen (first contentful paint)
    parsed     the whole text is there (DOMContentLoaded)
    readable   all pictures loaded, the whole page laid out, and two frames drawn after that

The goals: a page under 1.5 MB and readable within 1 s, a trust's pages under 6 MB together. It ends
with 1 if one of them is missed. Needs `python setup_env.py --browser`, and Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
MB = 1_000_000
LARGEST_PAGE_MB, LARGEST_SET_MB, SLOWEST_SECONDS = 1.5, 6.0, 1.0
WINDOWS = {"desktop": (1280, 900), "phone": (390, 844)}
BLANK = "<!DOCTYPE html><title>Blank</title><p>Nothing"
TIMES = """async () => {
  await Promise.all([...document.images].map(one => one.decode().catch(() => {})));
  document.documentElement.getBoundingClientRect();
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const end = performance.now();
  const navigation = performance.getEntriesByType('navigation')[0];
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  return [paint ? paint.startTime : NaN, navigation.domContentLoadedEventEnd, end];
}"""


def time_page(browser, page: Path, size: tuple[int, int]) -> tuple[float, float, float]:
    """Return the seconds until a page is painted, parsed and readable, from the order to open it."""
    window = browser.new_context(viewport={"width": size[0], "height": size[1]})
    tab = window.new_page()
    tab.goto(page.as_uri(), wait_until="load")
    seconds = tuple(milliseconds / 1000 for milliseconds in tab.evaluate(TIMES))
    window.close()
    return seconds


def time_pages(pages: list[Path], repeat: int) -> dict[tuple[str, str], list[float]]:
    """Return the median times of each page in each window."""
    from playwright.sync_api import sync_playwright

    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise SystemExit("There is no Chromium here: apt-get install chromium")
    times = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=QUIET)
        time_page(
            browser, pages[0], WINDOWS["desktop"]
        )  # the first opening starts the browser's parts
        for window, size in WINDOWS.items():
            for page in pages:
                rounds = [time_page(browser, page, size) for _ in range(repeat)]
                times[page.name, window] = [median(column) for column in zip(*rounds, strict=True)]
        browser.close()
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", default=str(ROOT / "outputs" / "XYZ" / "2024-25"))
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    pages = sorted(Path(given.folder).resolve().glob("*.html"))
    if not pages:
        raise SystemExit(f"There are no pages in {given.folder}. Make them: make report TRUST=xyz")
    began = time.monotonic()
    blank = pages[0].parent / ".blank.html"
    blank.write_text(BLANK, encoding="utf-8")
    try:
        times = time_pages([*pages, blank], given.repeat)
    finally:
        blank.unlink()
    sizes = {page.name: page.stat().st_size / MB for page in pages}
    print(f"{'page':34}{'MB':>6}  {'window':9}{'painted':>9}{'parsed':>9}{'readable':>9} s")
    for (name, window), seconds in times.items():
        size = sizes.get(name, 0.0)
        print(f"{name:34}{size:6.2f}  {window:9}" + "".join(f"{one:9.2f}" for one in seconds))
    slowest = max(seconds[-1] for seconds in times.values())
    total = sum(sizes.values())
    missed = [
        words
        for words, is_missed in (
            (f"a page of {max(sizes.values()):.2f} MB", max(sizes.values()) >= LARGEST_PAGE_MB),
            (f"{total:.2f} MB in all", total >= LARGEST_SET_MB),
            (f"{slowest:.2f} s until a page is readable", slowest > SLOWEST_SECONDS),
        )
        if is_missed
    ]
    print(
        f"in all {total:.2f} MB; slowest readable after {slowest:.2f} s ({time.monotonic() - began:.0f} s)"
    )
    print(f"missed: {', '.join(missed)}" if missed else "every goal is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
