"""How soon does a page show what matters, and does it stay where it is? Promised: LCP under 1 s on the demo.

    make demo                                            # in another terminal, until its story is told
    python -m benchmarks.paint http://127.0.0.1:8000

Each page is opened several times in a browser that has never seen the atlas (a new context: no cookie, nothing cached),
at both widths, by Debian's Chromium. LCP is the largest contentful paint as the browser reports it (W3C), from the
click to the largest picture or text in view; CLS the sum of shifts that nobody caused; kB what the page's own bytes
are. The browser, the web server and its worker share the processors of this machine, so wait until nothing is computed.
"""

import argparse
import shutil
import statistics
import sys
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

from benchmarks import machine

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
WIDTHS = (1440, 390)
TIMES = 5
GOAL = 1_000  # milliseconds
PAGES = ("/", "/c", "/c/curve-circuit", "/c/curve-circuit/curve", "/c/curve-circuit/curve/0", "/c/miniception",
         "/f", "/search?q=curve", "/review", "/changes")  # fmt: skip
WATCH = """
  window.painted = 0; window.shifted = 0;
  new PerformanceObserver(list => list.getEntries().forEach(it => { window.painted = it.startTime; }))
    .observe({type: "largest-contentful-paint", buffered: true});
  new PerformanceObserver(list => list.getEntries().filter(it => !it.hadRecentInput)
    .forEach(it => { window.shifted += it.value; })).observe({type: "layout-shift", buffered: true});
"""


def painted(browser: Browser, address: str, width: int) -> tuple[float, float, int] | None:
    """(LCP in ms, CLS, bytes of the page) of a page that was never seen; None where there is no such page."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    try:
        page = context.new_page()
        page.add_init_script(WATCH)
        answer = page.goto(address, wait_until="load")
        if answer is None or answer.status >= 400:
            return None
        page.wait_for_timeout(300)
        return page.evaluate("window.painted"), page.evaluate("window.shifted"), len(answer.body())
    finally:
        context.close()


def found(browser: Browser, origin: str) -> Iterator[str]:
    """The pages, and the first claim and circuit that the lists lead to."""
    yield from PAGES
    page = browser.new_page()
    for listed in ("/f", "/f?kind=circuit"):
        page.goto(origin + listed)
        first = page.locator("main a[href^='/f/']").first
        if first.count():
            yield str(first.get_attribute("href"))
    page.close()


def main() -> None:
    """Open, measure, print."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("origin", help="where the demo is, as http://127.0.0.1:8000")
    origin = reading.parse_args().origin.rstrip("/")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        print(f"{machine.processor()}, Chromium {browser.version}. LCP in ms: median, longest of {TIMES}.\n")
        print("| page | kB | LCP at 1440 | longest | LCP at 390 | longest | CLS |\n|---|---|---|---|---|---|---|")
        worst = 0.0
        for path in found(browser, origin):
            told = [[painted(browser, origin + path, width) for _ in range(TIMES)] for width in WIDTHS]
            if None in told[0] + told[1]:
                print(f"no page at {path}", file=sys.stderr)
                continue
            times = [[one[0] for one in runs if one] for runs in told]
            shifts = max(one[1] for runs in told for one in runs if one)
            size = max(one[2] for runs in told for one in runs if one)
            worst = max(worst, *map(statistics.median, times))
            spread = " | ".join(f"{statistics.median(some):.0f} | {max(some):.0f}" for some in times)
            print(f"| `{path}` | {size / 1000:.0f} | {spread} | {shifts:.3f} |", flush=True)
        print(f"\nThe slowest page's median is {worst:.0f} ms; the goal is {GOAL} ms.")


if __name__ == "__main__":
    main()
