"""How fast the planner plans, and what it takes: `python scripts/bench_planner.py [--tables N]... [--questions N]`.

Makes databases of N tables (10 and 400 by default) from a seed, drafts their catalogues, and plans questions over them
warm: CPU time of one thread, p50 and p99, and what the process grew by since before the planner was built. The guard is
timed on the planned queries and on longer ones.
"""

from __future__ import annotations

import argparse
import random
import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from index.drafting.draft import draft_catalogue  # noqa: E402
from index.engine import open_engine  # noqa: E402
from index.guard.guard import guard  # noqa: E402
from index.scope import Scope  # noqa: E402
from index.sql import SqlDatabase  # noqa: E402
from query.text2sql.planner import TableQuestionPlanner  # noqa: E402

NOUNS = (
    "account contract invoice payment shipment product supplier warehouse employee department region store agent "
    "campaign lead visit purchase refund asset machine sensor reading recipe ingredient course student teacher room "
    "lesson flight airport pilot crew ticket route driver vehicle repair part garage policy claim patient doctor"
).split()
PLACES = "north south east west central coastal upper lower inner outer".split()
CITIES = "Oslo Bergen Turku Lund Aarhus Malmo Kiel Riga Tallinn Vilnius Gdansk Rostock".split()
STATES = ("open", "closed", "pending", "cancelled")


COLUMNS = {
    "amount": "REAL", "created": "TEXT", "city": "TEXT", "status": "TEXT", "priority": "TEXT", "weight": "REAL",
    "closed": "TEXT", "colour": "TEXT", "level": "INTEGER", "notes": "TEXT", "score": "REAL", "code": "TEXT",
    "channel": "TEXT", "currency": "TEXT", "duration": "INTEGER", "grade": "TEXT",
}  # fmt: skip
VALUES = {
    "city": CITIES, "status": STATES, "priority": ("high", "normal", "low"), "colour": ("red", "blue", "grey"),
    "channel": ("web", "phone", "shop"), "currency": ("EUR", "NOK", "SEK"), "grade": ("A", "B", "C"),
}  # fmt: skip


def value(kind: str, chance: random.Random) -> str | int | float:
    """A value for a column of that name."""
    if kind in VALUES:
        return chance.choice(VALUES[kind])
    if kind in ("created", "closed"):
        return f"2025-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    if COLUMNS[kind] == "TEXT":
        return f"{kind} {chance.randint(1, 9999)}"
    return chance.randint(1, 999) if COLUMNS[kind] == "INTEGER" else chance.randint(1, 999) / 2


def make(path: Path, tables: int, seed: int = 5) -> list[tuple[str, str]]:
    """A database of so many tables with 40 rows each; (table, table that it refers to)."""
    chance, names = random.Random(seed), []
    for at in range(tables):
        noun = NOUNS[at % len(NOUNS)]
        round_ = at // len(NOUNS)
        name = noun if not round_ else f"{PLACES[(round_ - 1) % len(PLACES)]}_{noun}"
        names.append(name if name not in names else f"{name}_{at}")
    refers = [(name, chance.choice(names[:at])) for at, name in enumerate(names) if at]
    parents = dict(refers)
    with sqlite3.connect(path) as connection:
        for name in names:
            kinds = ["amount", "created", *chance.sample(sorted(set(COLUMNS) - {"amount", "created"}), 4)]
            parent = [f"{parents[name]}_id INTEGER REFERENCES {parents[name]}"] if name in parents else []
            columns = [f"{name}_id INTEGER PRIMARY KEY", "name TEXT", *(f"{k} {COLUMNS[k]}" for k in kinds), *parent]
            connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
            for n in range(1, 41):
                row = [
                    n,
                    f"{name} {n}",
                    *(value(k, chance) for k in kinds),
                    *([chance.randint(1, 40)] if parent else []),
                ]
                connection.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)
    return refers


def questions(refers: list[tuple[str, str]], count: int, seed: int = 6) -> list[str]:
    """Questions of several shapes over the tables."""
    chance = random.Random(seed)
    shapes = (
        "How many {a}s are there in {city}?", "List the names of {a}s with status {state}",
        "What is the total amount of {a}s by month?", "Which {b} has the most {a}s?",
        "What is the average amount of {a}s for each {b}?", "Show the top 5 {a}s by amount in 2025",
        "Which {b}s have no {a}?", "How many {a}s of {b}s in {city} are {state}?",
        "Which {a}s have an amount of more than the average?", "{a}s created between March and June 2025",
    )  # fmt: skip
    asked = []
    for _ in range(count):
        a, b = chance.choice(refers)
        said = {"a": a.replace("_", " "), "b": b.replace("_", " "), "city": chance.choice(CITIES)}
        asked.append(chance.choice(shapes).format(**said, state=chance.choice(STATES)))
    return asked


def centile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def resident() -> float:
    """Megabytes that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def measure(tables: int, count: int) -> str:
    """One size, in words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.sqlite"
        refers = make(path, tables)
        engine = open_engine(f"sqlite:///{path}", read_only=True)
        catalogue = draft_catalogue(engine)
        scope, reader = Scope.administrator(catalogue, frozenset()), SqlDatabase(engine)
        before = resident()
        planner = TableQuestionPlanner(catalogue, reader, scope)
        asked = questions(refers, count)
        for question in asked[:10]:
            planner.plan(question)
        guard("SELECT 1", catalogue, scope)  # what is made once for a catalogue is not measured
        planning, guarding, planned = [], [], 0
        for question in asked:
            started = time.thread_time()
            readings = planner.plan(question)
            planning.append((time.thread_time() - started) * 1000)
            planned += bool(readings)
            for reading in readings:
                fresh = f"{reading.sql} -- {len(guarding)}"  # past the guard's memory of what it has seen
                started = time.thread_time()
                guard(fresh, catalogue, scope)
                guarding.append((time.thread_time() - started) * 1000)
        grown = resident() - before
        engine.dispose()
    return (
        f"{tables} tables, {count} questions, {planned} planned: plan p50 {centile(planning, 0.5):.1f} ms, "
        f"p99 {centile(planning, 0.99):.1f} ms; guard p50 {centile(guarding, 0.5):.2f} ms, "
        f"p99 {centile(guarding, 0.99):.2f} ms; the planner took {grown:.0f} MB, the process {resident():.0f} MB\n"
    )


def main() -> int:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, action="append")
    parser.add_argument("--questions", type=int, default=300)
    chosen = parser.parse_args()
    for tables in chosen.tables or (10, 400):
        sys.stdout.write(measure(tables, chosen.questions))
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
