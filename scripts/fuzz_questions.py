"""Bad input: `python scripts/fuzz_questions.py [--questions N] [--sql N] [--seed S] [--database FILE]`.

Mutated questions go through the whole of `ask` over a database in place, mutated SQL through the guard and the reader,
on SQLite. Nothing but an error of ours may be raised, and nothing may be written: the database's bytes stay the same.
Prints the seed, counts, the slowest, and the guard's CPU time; `--seed` repeats a run. Without `--database` a small one
is made.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from api.settings import load_settings  # noqa: E402
from api.wiring import open_workspace  # noqa: E402
from index.errors import TowerError  # noqa: E402
from index.guard.guard import guard  # noqa: E402
from index.scope import Scope  # noqa: E402
from index.sql import SqlDatabase  # noqa: E402

QUESTIONS = (
    "How many customers are there?", "List the name of all customers in Oslo", "What is the total amount by month?",
    "Which customer has the most orders?", "Show the average price of products per category in 2025",
    "customers who never ordered anything", "top 5 products by revenue this year", "orders between 1 and 3 May 2026",
    "What percentage of orders was shipped?", "Which products cost more than the average?", "names and cities",
    "Show a chart of orders by customer", "Was kostet das?", "orders where status is open or closed",
)  # fmt: skip
QUERIES = (
    "SELECT name FROM customers WHERE city = 'Oslo' ORDER BY name LIMIT 5",
    "SELECT c.name, COUNT(*) FROM orders o JOIN customers c ON c.customer_id = o.customer_id GROUP BY c.name",
    "WITH t AS (SELECT customer_id, SUM(amount) AS s FROM orders GROUP BY 1) SELECT MAX(s) FROM t",
    "SELECT * FROM orders WHERE amount > (SELECT AVG(amount) FROM orders)",
    "SELECT name FROM customers UNION SELECT name FROM products EXCEPT SELECT 'x'",
    "SELECT STRFTIME('%Y', ordered), ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY amount DESC) FROM orders",
    "SELECT CASE WHEN amount > 10 THEN 'a' ELSE NULL END, amount * 1.0 / 3 FROM orders WHERE status IN ('open', 'x')",
)
PIECES = (
    "'", '"', "`", ";", "--", "/*", "*/", "(", ")", "((((", "\\", "%", "_", "\x00", "\u202e", "\ud83d\ude00", "ß", "İ",
    "１２", "\n", "\t", "DROP TABLE customers", "DELETE FROM orders", "UNION SELECT", "sqlite_master", "PRAGMA",
    "ATTACH DATABASE 'x' AS y", "load_extension", "randomblob(1e9)", "zeroblob(999999999)", "WITH RECURSIVE", "SELECT",
    "FROM", "WHERE", "NOT", "BETWEEN", "LIKE", "1e308", "-1", "99999999999999999999", "0x7f", "NULL", ":p", "?1", "$x",
    "LIMIT -1", "OFFSET 99999999999", "OVER (", "CAST(", "AS", ",", "..", "*", "=", "<>", "in 2025", "last 99999 days",
    "top 0", "top -5", "more than", "average of the average", "every every every", "30 February 2026", "and or not",
    "per per per", "a" * 3000, "ﬃ", "\u0301" * 40, "{}", "{{x}}", "${HOME}", "%s%n", "<script>", "[1](http://x)",
)  # fmt: skip
SCRIPT = """
CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, name TEXT, city TEXT, joined TEXT);
CREATE TABLE products (product_id INTEGER PRIMARY KEY, name TEXT, category TEXT, price REAL);
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers, ordered TEXT, amount REAL,
  status TEXT, product_id INTEGER REFERENCES products);
INSERT INTO customers VALUES (1, 'Alder', 'Oslo', '2024-01-02'), (2, 'Birch', 'Bergen', '2025-03-04');
INSERT INTO products VALUES (1, 'Tent', 'Camping', 99.5), (2, 'Boot', 'Shoes', 10), (3, 'Ööl', NULL, 1e300);
INSERT INTO orders VALUES (1, 1, '2026-05-01', 10, 'open', 1), (2, 1, '2026-04-01', 1e-9, 'closed', 2),
  (3, 2, '2025-12-31', NULL, NULL, NULL);
"""


@dataclass
class Report:
    """What came of one kind of input."""

    kinds: Counter[str] = field(default_factory=Counter)
    crashes: list[tuple[str, str]] = field(default_factory=list)
    guard_ms: list[float] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")

    def note(self, text: str, kind: str, seconds: float) -> None:
        """Count one."""
        self.kinds[kind] += 1
        self.slowest = max(self.slowest, (seconds, text))


def mutated(text: str, chance: random.Random) -> str:
    """`text` with a few changes: pieces put in, cut out, doubled, swapped, or two texts in one."""
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 6))):
        at, to = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        change = chance.randrange(7)
        if change == 0:
            text = text[:at] + chance.choice(PIECES) + text[at:]
        elif change == 1:
            text = text[:at] + text[min(to, at + chance.randint(1, 12)) :]
        elif change == 2:
            text = text[:to] + text[at:to] + text[to:]
        elif change == 3:
            words = text.split(" ")
            chance.shuffle(words)
            text = " ".join(words)
        elif change == 4:
            text = text[:at] + chr(chance.choice((0, 7, 127, 160, 0x2028, 0xFEFF, 0xD800, 0x1F600, 0x5D0))) + text[at:]
        elif change == 5:
            words = text.split(" ")
            words[chance.randrange(len(words))] = chance.choice(PIECES)
            text = " ".join(words)
        else:
            text = text.swapcase() if chance.random() < 0.5 else text[::-1]
    return text[:20_000]


def make_database(path: Path) -> None:
    """The small database."""
    with sqlite3.connect(path) as connection:
        connection.executescript(SCRIPT)


def fuzz_questions(database: Path, home: Path, count: int, seed: int) -> Report:
    """Mutated questions through `ask`."""
    chance, report = random.Random(seed), Report()
    workspace = open_workspace(home, load_settings(home, must_exist=False), sql_url=f"sqlite:///{database}")
    scope = workspace.scope_for(None)
    try:
        for _ in range(count):
            question = mutated(chance.choice(QUESTIONS), chance)
            started = time.perf_counter()
            try:
                kind = workspace.ask(question, scope).route.path
            except TowerError as error:
                kind = error.code
            except Exception:
                kind = "CRASH"
                report.crashes.append((question, traceback.format_exc()))
            report.note(question, kind, time.perf_counter() - started)
    finally:
        workspace.close()
    return report


def fuzz_sql(database: Path, count: int, seed: int) -> Report:
    """Mutated SQL through the guard and the reader."""
    from index.drafting.draft import draft_catalogue
    from index.engine import open_engine

    chance, report = random.Random(seed), Report()
    engine = open_engine(f"sqlite:///{database}", read_only=True)
    catalogue = draft_catalogue(engine)
    scope, reader = Scope.administrator(catalogue, frozenset()), SqlDatabase(engine, timeout_s=2)
    for query in QUERIES:
        guard(query, catalogue, scope)  # what the first query loads is not the guard's
    for _ in range(count):
        text = mutated(chance.choice(QUERIES), chance)
        started, used = time.perf_counter(), time.thread_time()
        try:
            try:
                query = guard(text, catalogue, scope)
            finally:
                report.guard_ms.append((time.thread_time() - used) * 1000)
            reader.read(query)
            kind = "ran"
        except TowerError as error:
            kind = error.code
        except Exception:
            kind = "CRASH"
            report.crashes.append((text, traceback.format_exc()))
        report.note(text, kind, time.perf_counter() - started)
    engine.dispose()
    return report


def told(name: str, seed: int, report: Report) -> str:
    """A report in words."""
    kinds = ", ".join(f"{kind} {count}" for kind, count in report.kinds.most_common())
    lines = [f"{name}, seed {seed}: {kinds}"]
    lines.append(f"  slowest {report.slowest[0] * 1000:.0f} ms: {report.slowest[1][:100]!r}")
    if report.guard_ms:
        ordered = sorted(report.guard_ms)
        middle, high = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        lines.append(f"  guard: p50 {middle:.2f} ms, p99 {high:.2f} ms of CPU time")
    lines += [f"  CRASH {text[:300]!r}\n{trace}" for text, trace in report.crashes[:5]]
    return "\n".join(lines)


def digest(path: Path) -> str:
    """The hash of a file and of what SQLite may put beside it."""
    parts = [p for p in sorted(path.parent.glob(path.name + "*")) if p.is_file()]
    return " ".join(f"{p.name}:{hashlib.sha256(p.read_bytes()).hexdigest()}" for p in parts)


def main() -> int:
    """Fuzz and report; 1 for a crash or a write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--sql", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--database", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = chosen.database or Path(folder) / "fuzz.sqlite"
        if chosen.database is None:
            make_database(database)
        before = digest(database)
        reports = [("SQL", fuzz_sql(database, chosen.sql, chosen.seed))]
        reports.append(("questions", fuzz_questions(database, Path(folder) / "home", chosen.questions, chosen.seed)))
        written = digest(database) != before
    for name, report in reports:
        sys.stdout.write(told(name, chosen.seed, report) + "\n")
    sys.stdout.write(f"written to the database: {'YES' if written else 'nothing'}\n")
    return int(written or any(report.crashes for _, report in reports))


if __name__ == "__main__":
    sys.exit(main())
