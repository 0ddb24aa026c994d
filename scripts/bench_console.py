"""How quick a served console is: `python scripts/bench_console.py http://127.0.0.1:8000`, on a server just started.

Milliseconds until the first streamed event and the first proven sentence of questions that it has not planned yet,
after one of each kind, which opens what it needs; and for each page until the first paint in headless Chromium, with
what it weighs. The server must let in without sign-in.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import urllib.request

from playwright.sync_api import Browser, Response, sync_playwright

CHROMIUM = "/usr/bin/chromium"
PAGES = ("/", "/console/at-risk", "/console/drafts", "/console/sources", "/console/audit")
QUESTIONS = (
    "Which {segment} customers in {region} are at risk of leaving, why, and draft a retention e-mail for each?",
    "How many {segment} customers do we have in {region}?",
    "What do customers in {region} complain about?",
)
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def streamed(url: str, question: str) -> tuple[float, float]:
    """Milliseconds until the first event and until the first sentence."""
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    request = urllib.request.Request(f"{url}/v1/ask", json.dumps({"question": question}).encode(), headers)
    began, first = time.perf_counter(), 0.0
    with urllib.request.urlopen(request) as reply:
        for line in reply:
            now = (time.perf_counter() - began) * 1000
            first = first or (now if line.startswith(b"event: ") else 0.0)
            if line.startswith(b"event: sentence"):
                return first, now
    return first, float("nan")


def painted(browser: Browser, address: str) -> tuple[float, int]:
    """Milliseconds until the first paint in a browser context of its own, and the bytes that came for it."""
    page = browser.new_context().new_page()
    replies: list[Response] = []
    page.on("response", lambda reply: replies.append(reply))
    page.goto(address, wait_until="networkidle")
    found = page.evaluate(PAINT), sum(len(reply.body()) for reply in replies)
    page.context.close()
    return found


def main(url: str) -> None:
    """Measure and print."""
    for question in QUESTIONS:
        streamed(url, question.format(segment="SMB", region="AMER"))  # what a first question opens
    for question in QUESTIONS:
        asked = [(s, r) for s in ("SMB", "enterprise", "mid-market") for r in ("EMEA", "APAC", "LATAM")]
        found = [streamed(url, question.format(segment=segment, region=region)) for segment, region in asked]
        event, sentence = ([pair[at] for pair in found] for at in (0, 1))
        said = f"first event {statistics.median(event):.0f} ms (worst {max(event):.0f})"
        print(
            f"{question[:40]}: {said}, first sentence {statistics.median(sentence):.0f} ms (worst {max(sentence):.0f})"
        )
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for path in PAGES:
            seen = [painted(browser, url + path) for _ in range(5)]
            times = [paint for paint, _ in seen]
            paint = f"first paint {statistics.median(times):.0f} ms (worst {max(times):.0f})"
            print(f"{path}: {paint}, {seen[-1][1] / 1000:.0f} kB")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
