"""How long answers take, warm and without a model: the flagship with 40 drafts, and plain questions.

    python scripts/bench_answers.py HOME [--drafts 40] [--rounds 5]

HOME is a workspace of the sample company (`tower demo --home HOME` makes one). Times are wall-clock, and the CPU time
of the process beside them, which other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLAGSHIP = "Show me our {count} customers most at risk of churn and draft a personalized retention email for each."
PLAIN = 40  # plain questions asked


def main() -> int:
    """Print both; 1 where a target is missed."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("home", type=Path)
    arguments.add_argument("--drafts", type=int, default=40)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    from api.settings import load_settings
    from api.wiring import open_workspace

    service = open_workspace(given.home, load_settings(given.home))
    scope = service.scope_for(None)

    def timed(question: str) -> tuple[float, float, int, dict[str, float]]:
        wall, cpu = time.perf_counter(), time.process_time()
        answer = service.ask(question, scope)
        return time.perf_counter() - wall, time.process_time() - cpu, len(answer.drafts), answer.timings_ms

    question = FLAGSHIP.format(count=given.drafts)
    timed(question)  # warm
    rounds = [timed(question) for _ in range(given.rounds)]
    best = min(rounds, key=lambda one: one[0])
    wall, cpu = (statistics.median(one[at] for one in rounds) for at in (0, 1))
    say(f"flagship, {best[2]} drafts, {given.rounds} rounds: median {wall:.2f} s (CPU {cpu:.2f} s), "
        f"best {best[0]:.2f} s   target 1.5 s")  # fmt: skip
    say("  of the best: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in best[3].items()))
    plain = [timed(text) for text in plain_questions(given.home) for _ in range(2)][1::2]
    middle, spent = (1000 * statistics.median(one[at] for one in plain) for at in (0, 1))
    say(f"plain answers, {len(plain)} questions: median {middle:.0f} ms (CPU {spent:.0f} ms)   target 60 ms")
    service.close()
    return 0 if wall <= 1.5 and middle <= 60 else 1


def plain_questions(home: Path) -> list[str]:
    """Questions of the golden set that are answered from tables alone, without a chart."""
    lines = (home / "sample" / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    found = [c["question"] for c in cases if c["route"] == "sql" and not c.get("chart") and not c.get("drafts")]
    return found[:: max(1, len(found) // PLAIN)][:PLAIN]


def say(text: str) -> None:
    """A line of the report."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main())
