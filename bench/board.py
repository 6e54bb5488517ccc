"""`python -m bench.board`: the board over all executions, when 1,000 of them run with 20 tasks each.

Server time and bytes of each view, and in Chromium when something is first to be seen and how far it moves after that.
"""

import argparse
import gzip
import json
import os
import sys
import time
from statistics import median, quantiles
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from playwright.sync_api import sync_playwright

from bench.sides import run_side
from tests.browser.chromium import find_chromium

EXECUTIONS = 1000
VIEWS = {
    "by status": "/board?by=status",
    "by date": "/board?by=due",
    "by person": "/board?by=assignee",
    "list": "/board?by=status&view=list",
    "calendar": "/board?by=due&view=calendar",
    "my tasks": "/",
}
# Layout shifts count when nobody has done anything, as browsers report it.
SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
PAINT = """
() => ({ first: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
  answer: performance.getEntriesByType("navigation")[0].responseStart, shifts: window.shifts })
"""


def measure_server(side: Any, path: str, count: int) -> dict[str, float]:
    client = side.client(browser=True)
    request = client.prepare("GET", path)
    body = client.send(request)
    seconds = []
    cpu = side.cpu_seconds()
    for _ in range(count):
        begin = time.perf_counter()
        client.send(request)
        seconds.append(time.perf_counter() - begin)
    cpu = side.cpu_seconds() - cpu
    client.close()
    return {
        "p50_ms": median(seconds) * 1000,
        "p95_ms": quantiles(seconds, n=20)[-1] * 1000,
        "cpu_ms": cpu / count * 1000,
        "bytes": len(body),
        "gzip": len(gzip.compress(body, 6)),
    }


def measure_browser(side: Any, width: int) -> dict[str, dict[str, float]]:
    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        context = browser.new_context(base_url=f"http://127.0.0.1:{side.port}", viewport={"width": width, "height": 800})
        context.add_cookies([{"name": "sessionid", "value": side.keys["session"], "url": f"http://127.0.0.1:{side.port}"}])
        context.add_init_script(SHIFTS)
        for name, path in VIEWS.items():
            runs = []
            for _ in range(3):
                page = context.new_page()
                page.goto(path, wait_until="load")
                page.wait_for_timeout(1500)
                runs.append(page.evaluate(PAINT))
                page.close()
            found[name] = {
                "first_paint_ms": median(run["first"] for run in runs),
                "answer_ms": median(run["answer"] for run in runs),
                "shift": max(run["shifts"] for run in runs),
            }
        browser.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.board", description="The board over 1,000 running executions.")
    parser.add_argument("--executions", type=int, default=EXECUTIONS)
    parser.add_argument("--count", type=int, default=40, help="requests for each view")
    options = parser.parse_args()
    with run_side("product", options.executions, "board") as side:
        server = {name: measure_server(side, path, options.count) for name, path in VIEWS.items()}
        shown = {width: measure_browser(side, width) for width in (1280, 360)}
    print(
        f"{'view':<10} {'p50 ms':>7} {'p95 ms':>7} {'cpu ms':>7} {'KB':>6} {'gzip':>6} {'paint ms':>9} {'shift':>7} {'phone':>7}"
    )
    for name, row in server.items():
        wide, phone = shown[1280][name], shown[360][name]
        print(
            f"{name:<10} {row['p50_ms']:>7.0f} {row['p95_ms']:>7.0f} {row['cpu_ms']:>7.0f} {row['bytes'] / 1000:>6.0f} "
            f"{row['gzip'] / 1000:>6.0f} {wide['first_paint_ms']:>9.0f} {wide['shift']:>7.3f} {phone['shift']:>7.3f}"
        )
    worst = max(row["shift"] for rows in shown.values() for row in rows.values())
    print(json.dumps({"executions": options.executions, "worst_shift": round(worst, 4)}))
    return int(worst >= 0.05)


if __name__ == "__main__":
    sys.exit(main())
