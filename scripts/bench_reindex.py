"""Ask questions at a steady rate while the vector index is rebuilt and switched again and again.

    python scripts/bench_reindex.py --switches 50
    python scripts/bench_reindex.py --switches 5 --together

Searches go through an open workspace, each at its moment whether the one before it has ended or not. A calm stretch and
one in which a generation is built, as a server's jobs build it, asked golden questions and switched to take turns, so
that what else the machine does falls on both. The half second behind a switch counts to it. With `--together` they are
built in the process that answers. Prints failed searches, those that found nothing, the times of both parts and the
processor seconds of the builds; exit status 1 where one failed or found nothing.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from api.settings import load_settings
from api.wiring import open_workspace
from api.workspace import Workspace

WORDS = "ridge valley stove anorak tent boot harness glacier cairn beacon rope pulley saddle spur crest hollow".split()

BEHIND_S = 0.5  # behind a switch, in which what came of it counts to it


@dataclass
class Asked:
    """What became of searches: seconds of those that answered, failures, and how many found nothing."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    empty: int = 0
    generations: set[str] = field(default_factory=set)

    def add(self, other: Asked) -> None:
        """Count those of another stretch too."""
        self.seconds += other.seconds
        self.failures += other.failures
        self.empty += other.empty
        self.generations |= other.generations

    def times(self) -> dict[str, float]:
        """Milliseconds."""
        held = np.array(self.seconds or [0.0]) * 1000
        return {"searches": len(self.seconds), "p50_ms": round(float(np.percentile(held, 50)), 1),
                "p99_ms": round(float(np.percentile(held, 99)), 1), "max_ms": round(float(held.max()), 1)}  # fmt: skip


class Asker:
    """Asks `rate` searches a second until it is stopped; a search's time counts from when it was due."""

    def __init__(self, workspace: Workspace, rate: float) -> None:
        self._workspace, self._rate = workspace, rate
        self._scope = workspace.administrator()
        self._stop = threading.Event()
        self.asked = Asked()

    def run(self) -> None:
        """Ask until `stop`, then wait for the last answers."""
        waiting: list[Future[None]] = []
        with ThreadPoolExecutor(16) as pool:
            begun, number = time.monotonic(), 0
            while not self._stop.is_set():
                due = begun + number / self._rate
                time.sleep(max(0.0, due - time.monotonic()))
                waiting.append(pool.submit(self._ask, number, due))
                number += 1
        for one in waiting:
            one.result()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()

    def _ask(self, number: int, due: float) -> None:
        words = [WORDS[(number * 7 + place * 3) % len(WORDS)] for place in range(3)]
        try:
            found = self._workspace.search(" ".join(words), self._scope, 10)
        except Exception as error:  # whatever it is, it is a search that failed
            self.asked.failures.append(f"{type(error).__name__}: {error}")
            return
        self.asked.seconds.append(time.monotonic() - due)
        self.asked.empty += not found
        self.asked.generations.add(self._workspace.generation)


def write_home(home: Path, passages: int) -> None:
    """A workspace with so many short documents."""
    home.mkdir()
    lines = []
    for number in range(passages):
        text = " ".join(WORDS[(number * step + step) % len(WORDS)] for step in range(1, 30))
        lines.append(json.dumps({"_id": f"d{number}", "title": f"Note {number}", "text": text}))
    (home / "notes.jsonl").write_text("\n".join(lines))
    source = {"kind": "files", "path": "notes.jsonl", "documents": [{"files": "*.jsonl", "tags": ["all"]}]}
    golden = [
        {"id": f"g{number}", "question": f"What does note {number} say about {' '.join(WORDS[:3])}?", "route": "vector"}
        for number in range(5)
    ]
    (home / "golden.jsonl").write_text("\n".join(json.dumps(one) for one in golden))
    (home / "tower.yaml").write_text(json.dumps({"sources": {"notes": source}, "jobs": {"keep": False}}))


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--switches", type=int, default=50)
    parser.add_argument("--passages", type=int, default=100)
    parser.add_argument("--rate", type=float, default=20.0, help="searches a second")
    parser.add_argument("--calm", type=float, default=1.5, help="seconds of a calm stretch, one before each switch")
    parser.add_argument("--together", action="store_true", help="build in the process that answers")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        write_home(home, arguments.passages)
        workspace = cast(Workspace, open_workspace(home, load_settings(home)).inner)
        try:
            return _measure(workspace, arguments)
        finally:
            workspace.close()


def _measure(workspace: Workspace, arguments: argparse.Namespace) -> int:
    def silent(_what: str, _done: int, _total: int | None) -> None:
        pass

    workspace.ingest([], False, silent)
    reports = []

    def switch() -> None:
        reports.append(workspace.reindex([], True, True, silent, apart=not arguments.together))
        time.sleep(BEHIND_S)

    begun, calm, busy = time.monotonic(), Asked(), Asked()
    _beside(workspace, arguments.rate, lambda: time.sleep(2 * BEHIND_S))  # warm
    for _ in range(arguments.switches):
        calm.add(_beside(workspace, arguments.rate, lambda: time.sleep(arguments.calm)))
        busy.add(_beside(workspace, arguments.rate, switch))
    apart = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = {
        "switches": arguments.switches,
        "passages": arguments.passages,
        "golden_questions": reports[-1]["golden"]["summary"],
        "seconds": round(time.monotonic() - begun, 1),
        "build_processor_seconds": round((apart.ru_utime + apart.ru_stime) / arguments.switches, 2),
        "failed": len(calm.failures) + len(busy.failures),
        "found_nothing": calm.empty + busy.empty,
        "generations_that_answered": len(busy.generations),
        "calm": calm.times(),
        "during": busy.times(),
        "p99_ratio": round(busy.times()["p99_ms"] / max(0.1, calm.times()["p99_ms"]), 2),
        "failures": sorted(set(busy.failures))[:5],
    }
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    return 1 if result["failed"] or result["found_nothing"] else 0


def _beside(workspace: Workspace, rate: float, work: Any) -> Asked:
    """Do `work` while searches are asked."""
    asker = Asker(workspace, rate)
    thread = threading.Thread(target=asker.run)
    thread.start()
    try:
        work()
    finally:
        asker.stop()
        thread.join()
    return asker.asked


if __name__ == "__main__":
    raise SystemExit(main())
