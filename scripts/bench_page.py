"""docs/benchmarks.md: each benchmark prints its part of the page and writes it between two marks; the rest stays."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/benchmarks.md"


def evals_folder(name: str) -> Path | None:
    """A folder of shared/evals in or next to the checkout, or None where it is not on this machine."""
    found = (base / "shared/evals" / name for base in (ROOT, *ROOT.parents[:2]))
    return next((path for path in found if path.is_dir()), None)


def machine() -> str:
    """The machine and how busy it is now, in a sentence: timings on a busy one say little."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    model = next((line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")), "")
    return f"{os.cpu_count()} cores {model}, Python {platform.python_version()}; load when it began {load}.".replace(
        "cores ,", "cores,"
    )


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return []


def publish(part: str, text: str) -> None:
    """Print `text`, and put it into the page between the marks of `part`; `SystemExit` where there are none."""
    sys.stdout.write(text.rstrip() + "\n")
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    page = PAGE.read_text(encoding="utf-8")
    if begin not in page or end not in page:
        sys.exit(f"{PAGE} has no marks {begin} and {end}: nothing was written")
    before, after = page.partition(begin)[0], page.partition(end)[2]
    PAGE.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
