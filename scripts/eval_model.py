"""A model that says the gold SQL, through the whole of `ask`: `python scripts/eval_model.py EVALS [--set NAME]`.

A server with OpenAI's interface on loopback says the gold query to every question; the answer's rows must be those of
the raw query (its first thousand). Prints a line a set, what never reached the model, and every difference. EVALS is
as for `scripts/eval_guard.py`; only databases of SQLite are asked.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from api.settings import load_settings  # noqa: E402
from api.wiring import open_workspace  # noqa: E402
from index.errors import TowerError  # noqa: E402
from scripts.eval_guard import Opened, say  # noqa: E402
from scripts.gold_queries import SETS, Gold, gold_queries  # noqa: E402
from tests.scripted_model import ScriptedModel, says  # noqa: E402

MOST_ROWS = 1000


@dataclass
class Outcome:
    """What came of one set."""

    asked: int = 0
    same: int = 0
    unasked: list[tuple[Gold, str]] = field(default_factory=list)
    differing: list[tuple[Gold, str]] = field(default_factory=list)
    sure: list[float] = field(default_factory=list)


def evaluate(evals: Path, name: str, sample: int, home: Path) -> Outcome:
    """Ask every gold question of a set, database by database."""
    queries = [g for g in gold_queries(evals, name) if g.dialect == "sqlite" and g.database.is_file()]
    if sample and len(queries) > sample:
        queries = random.Random(11).sample(queries, sample)
    outcome = Outcome()
    with ScriptedModel() as model:
        settings = f"models: {{planner: {{provider: openai-like, base_url: '{model.base_url}', model: scripted}}}}\n"
        (home / "tower.yaml").write_text(settings, encoding="utf-8")
        for database, golds in groupby(sorted(queries, key=lambda g: str(g.database)), key=lambda g: g.database):
            raw = Opened(f"sqlite:///{database}")
            workspace = open_workspace(home, load_settings(home), sql_url=f"sqlite:///{database}")
            scope = workspace.scope_for(None)
            for gold in golds:
                try:
                    expected = raw.expected(gold.sql)
                except Exception:  # whatever a driver raises: this query is not executable
                    continue
                if expected is None:
                    continue
                model.script(says(f"```sql\n{gold.sql}\n```"))
                outcome.asked += 1
                try:
                    answer = workspace.ask(gold.question, scope)
                except TowerError as error:
                    outcome.differing.append((gold, f"{error.code}: {error.message}"))
                    continue
                rows = [tuple(row) for row in answer.sql[0].rows] if answer.sql else []
                outcome.sure.append(answer.route.confidence)
                if rows == expected[:MOST_ROWS]:
                    outcome.same += 1
                elif not model.requests:
                    outcome.unasked.append((gold, f"{answer.route.path}: {answer.route.reason}"))
                else:
                    outcome.differing.append((gold, "; ".join(answer.notices) or "other rows"))
            workspace.close()
            raw.close()
    return outcome


def main() -> int:
    """Print the table; 1 where an answer differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evals", type=Path)
    parser.add_argument("--set", dest="sets", action="append", choices=[s for s in SETS if s != "defog-postgres"])
    parser.add_argument("--sample", type=int, default=0)
    chosen = parser.parse_args()
    wrong = 0
    for name in chosen.sets or [s for s in SETS if s != "defog-postgres"]:
        with tempfile.TemporaryDirectory() as folder:
            o = evaluate(chosen.evals, name, chosen.sample, Path(folder))
        wrong += len(o.differing)
        mean = sum(o.sure) / len(o.sure) if o.sure else 0.0
        say(f"{name}: {o.same} of {o.asked} the same; {len(o.unasked)} did not reach the model; "
            f"{len(o.differing)} differ; mean confidence {mean:.3f}")  # fmt: skip
        for reason, count in Counter(reason for _, reason in o.unasked).most_common():
            say(f"  not asked, {reason}: {count}")
        for gold, reason in [*o.unasked[:10], *o.differing[:40]]:
            say(f"  {gold.database.stem}: {gold.question}\n    {' '.join(gold.sql.split())[:300]}\n    {reason}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
