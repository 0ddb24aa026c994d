"""From the shell to the first hit: `tower search` as the owner of the workspace, and while `tower serve` runs.

Prints the figures and writes their part of docs/benchmarks.md. Usage: bench_start.py WORKSPACE [TOWER]; TOWER is the
command (default: the one beside this Python).
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.bench_page import machine, publish, table

RUNS = 15
UP_S = 60.0


def search(tower: str, home: Path) -> tuple[float, float]:
    """Seconds of wall and of processor time of one search."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [tower, "search", "warranty on zips", "-k", "3", "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.startswith("1. "), done.stdout
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(tower: str, home: Path) -> list[str]:
    """Median and longest of several searches, the first left out."""
    search(tower, home)
    walls, used = zip(*(search(tower, home) for _ in range(RUNS)), strict=True)
    return [f"{statistics.median(walls):.3f} s", f"{max(walls):.3f} s", f"{statistics.median(used):.3f} s"]


def main() -> None:
    """Measure both ways."""
    home = Path(sys.argv[1])
    tower = sys.argv[2] if len(sys.argv) > 2 else str(Path(sys.executable).with_name("tower"))
    began = machine()
    owner = measure(tower, home)
    server = subprocess.Popen(
        [tower, "serve", "--home", str(home), "--port", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        started = time.perf_counter()
        while not (home / "serve.json").is_file():
            assert server.poll() is None and time.perf_counter() - started < UP_S, "tower serve did not start"
            time.sleep(0.1)
        thin = measure(tower, home)
    finally:
        server.terminate()
        server.wait()
    rows = [["as the owner of the workspace", *owner], ["while `tower serve` runs", *thin]]
    publish("start", f"{began}\n\n{table(['', 'wall, p50', 'longest', 'processor, p50'], rows)}\n")


if __name__ == "__main__":
    main()
