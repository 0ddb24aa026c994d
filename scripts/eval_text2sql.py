"""Measures the table planner: `python scripts/eval_text2sql.py EVALS [--half held-out] [--sample N] [--sets spider]`.

Prints for each set the share of questions whose first reading is right (accuracy), the share for which some reading
is right (coverage), how many readings there are, and the time to plan on one core. Questions are planned in process,
over a catalogue drafted from the database alone. `--failures FILE` writes the questions of the training half whose
first reading is wrong; those of the other half are never written.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from text2sql_data import SETS, Asked, Considered, by_database, connected, judged, planner_of, questions, wanted


@dataclass(frozen=True)
class Outcome:
    """What became of a question: its readings, best first, and the milliseconds that planning took."""

    asked: Asked
    readings: tuple[Considered, ...]
    plan_ms: float

    @property
    def right(self) -> bool:
        """True when the first reading is right."""
        return bool(self.readings) and self.readings[0].right

    @property
    def covered(self) -> bool:
        """True when some reading is right."""
        return any(r.right for r in self.readings)


def outcomes(asked: list[Asked]) -> Iterator[Outcome]:
    """Plan every question whose known query runs, and judge its readings."""
    for path, held in by_database(asked):
        planner = planner_of(path)
        planner.plan("how many rows are there?")  # the first question reads the stored values
        with connected(path) as connection:
            for one in held:
                answers = wanted(connection, one)
                if not answers:
                    continue
                before = time.perf_counter()
                planner.plan(one.question)
                took = 1000 * (time.perf_counter() - before)
                yield Outcome(one, tuple(judged(connection, planner.considered(one.question), answers)), took)


def line(name: str, held: list[Outcome]) -> str:
    """One line of figures."""
    times = sorted(o.plan_ms for o in held)
    slowest = times[min(len(times) - 1, int(0.99 * len(times)))]
    readings = statistics.mean(len(o.readings) for o in held)
    right, covered = sum(o.right for o in held), sum(o.covered for o in held)
    return (
        f"{name}: accuracy {right}/{len(held)} = {right / len(held):.3f}; coverage {covered / len(held):.3f};"
        f" {readings:.1f} readings; plan p50 {statistics.median(times):.0f} ms, p99 {slowest:.0f} ms"
    )


def failure(outcome: Outcome) -> str:
    """A wrong answer as one JSON line."""
    first = outcome.readings[0].sql if outcome.readings else None
    right = next((i for i, r in enumerate(outcome.readings) if r.right), None)
    return json.dumps(
        {
            "set": outcome.asked.set_,
            "database": outcome.asked.path.stem,
            "question": outcome.asked.question,
            "gold": outcome.asked.golds[0],
            "first": first,
            "right_at": right,
            "readings": [r.sql for r in outcome.readings],
        }
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evals", type=Path)
    parser.add_argument("--half", choices=("train", "calibrate", "held-out", "all"), default="held-out")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--sample", type=int, default=1, help="take every Nth question of Spider")
    parser.add_argument("--failures", type=Path, help="where wrong answers of the training half are written")
    arguments = parser.parse_args()
    asked = questions(arguments.evals, arguments.sets.split(","), arguments.half, arguments.sample)
    found = list(outcomes(asked))
    for name in SETS:
        held = [o for o in found if o.asked.set_ == name]
        if held:
            sys.stdout.write(line(name, held) + "\n")
    if arguments.failures:
        wrong = [failure(o) for o in found if o.asked.half == "train" and not o.right]
        arguments.failures.write_text("".join(w + "\n" for w in wrong), encoding="utf-8")


if __name__ == "__main__":
    main()
