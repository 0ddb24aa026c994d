"""How much sooner two workers end a large embed job than one.

    python scripts/bench_workers.py --passages 1200 --rounds 2

A server hands out `reindex --vectors-only` of the same passages, in turns to two workers and to one. Each computes
on one thread, on a core of its own where there are two. The SQL index is a real PostgreSQL, the vector server a
stand-in (`scripts/local_qdrant.py`), whose work is small beside the vectors'.

`speed_up` is of wall time, from the first passage to the last; it is fair on a machine that does nothing else, which
`idle` tells (the share of the cores that others left). `cores_allow` is what the workers' processor time says: the time
of the one alone, over the time of the busier of the two. On two free cores both are the same.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.local_fleet import LocalFleet, local_fleet, write_notes
from scripts.local_qdrant import local_qdrant
from scripts.scratch_postgres import scratch_server

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Round:
    """One rebuild: seconds of the job and of its embedding, and each worker's processor seconds while embedding."""

    job_s: float
    embedding_s: float
    cpu_s: tuple[float, ...]


def cpu_seconds(pid: int) -> float:
    """The processor time of a process, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def busy_seconds() -> tuple[float, float]:
    """Seconds of all cores that were busy, and all seconds, since the machine started."""
    times = [int(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(times) - times[3] - times[4]) / TICKS, sum(times) / TICKS


def rebuild(fleet: LocalFleet, workers: list[int]) -> Round:
    """Embed everything again, and measure."""
    begun = time.monotonic()
    job_id = fleet.begin("reindex", vectors_only=True, full=True).json()["id"]
    at: dict[str, tuple[float, list[float]]] = {}
    while (view := fleet.job(job_id))["status"] == "running":
        if view["step"] == "embedding passages":
            now = time.monotonic(), [cpu_seconds(pid) for pid in workers]
            at.setdefault("first", now)
            if view["done"] < view["total"]:
                at["last"] = now
        time.sleep(0.3)
    if view["status"] != "done":
        raise RuntimeError(f"{view}\n{fleet.log()}")
    (first, before), (last, after) = at["first"], at["last"]
    used = tuple(round(b - a, 2) for a, b in zip(before, after, strict=True))
    return Round(time.monotonic() - begun, last - first, used)


def settle(pid: int) -> None:
    """Wait until a worker has loaded what it needs, and waits itself."""
    before = -1.0
    while (now := cpu_seconds(pid)) - before > 0.5:
        before = now
        time.sleep(5)


def measured(passages: int, words: int, rounds: int) -> dict[str, Any]:
    """One and two workers, in turns."""
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, scratch_server(None) as server, local_qdrant() as vectors:
        home = Path(folder)
        write_notes(home, passages, words)
        url = server.database("bench", "")
        with local_fleet(home, url, vectors, run_by="workers") as fleet:
            first, second = fleet.worker([cores[0]]), fleet.worker([cores[-1]])
            fleet.ended(fleet.begin("ingest").json()["id"], 3600)
            alone: list[Round] = []
            together: list[Round] = []
            busy, whole = busy_seconds()
            mine = 0.0
            for _ in range(rounds):
                second = second if second.poll() is None else fleet.worker([cores[-1]])
                settle(second.pid)
                together.append(rebuild(fleet, [first.pid, second.pid]))
                second.terminate()
                second.wait()
                alone.append(rebuild(fleet, [first.pid]))
                mine += sum(alone[-1].cpu_s) + sum(together[-1].cpu_s)
            now_busy, now_whole = busy_seconds()
    one, two = median(r.embedding_s for r in alone), median(r.embedding_s for r in together)
    return {
        "passages": passages,
        "rounds": rounds,
        "one": {"job_s": _each(r.job_s for r in alone), "embedding_s": _each(r.embedding_s for r in alone),
                "cpu_s": [r.cpu_s for r in alone], "passages_a_second": round(passages / one, 1)},
        "two": {"job_s": _each(r.job_s for r in together), "embedding_s": _each(r.embedding_s for r in together),
                "cpu_s": [r.cpu_s for r in together], "passages_a_second": round(passages / two, 1)},
        "speed_up": round(one / two, 2),
        "speed_up_of_the_job": round(median(r.job_s for r in alone) / median(r.job_s for r in together), 2),
        "cores_allow": round(median(r.cpu_s[0] for r in alone) / median(max(r.cpu_s) for r in together), 2),
        "idle": round(1 - max(0.0, now_busy - busy - mine) / (now_whole - whole), 2),
    }  # fmt: skip


def _each(seconds: Any) -> list[float]:
    return [round(one, 1) for one in seconds]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1200)
    parser.add_argument("--words", type=int, default=150, help="of a passage")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    sys.stdout.write(json.dumps(measured(given.passages, given.words, given.rounds), indent=2) + "\n")


if __name__ == "__main__":
    main()
