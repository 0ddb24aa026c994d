"""Questions whose queries are known, for training and for measuring the table planner.

EVALS is a folder with `spider_train/` (questions.jsonl and database/NAME/NAME.sqlite), and optionally `defog/` and
`acme_insurance/`. Each set has two halves: one to learn from and to read, the other only to report on. Spider is
halved by the MD5 of the database's name, so that the reported part holds databases never seen; the others, which have
few databases, by the MD5 of the question. The rules were written while reading the training half, where they fit better
than elsewhere: so half of Spider's other databases are kept apart to learn from and to calibrate on without being read
(`calibrate`), and `held-out` is the rest.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from index.drafting.draft import draft_catalogue  # noqa: E402
from index.engine import open_engine  # noqa: E402
from index.scope import Scope  # noqa: E402
from index.sql import SqlDatabase  # noqa: E402
from query.text2sql.found import fingerprint  # noqa: E402
from query.text2sql.planner import TableQuestionPlanner  # noqa: E402

SECONDS = 3.0  # for one query
MOST_ROWS = 20_000
DEFOG = ("questions_gen_sqlite", "instruct_basic_sqlite", "instruct_advanced_sqlite")
SETS = ("spider", "defog", "acme")
Half = Literal["train", "calibrate", "held-out", "all"]
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Asked:
    """A question over the SQLite database at `path`; any of the queries `golds` gives the right answer."""

    set_: str
    path: Path
    question: str
    golds: tuple[str, ...]
    half: Half


@dataclass(frozen=True)
class Wanted:
    """The rows of a known query; `ordered` where their order is asked for."""

    rows: Rows
    ordered: bool


@dataclass(frozen=True)
class Considered:
    """A reading of a question: its SQL, what the ranker sees of it, whether its rows are right, and which rows it
    finds (`query.text2sql.found.fingerprint`; "" when it fails)."""

    sql: str
    features: Mapping[str, float]
    right: bool
    found: str


def in_training(name: str) -> bool:
    """True for the half of the names (databases or questions) that is trained on."""
    return int(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(), 16) < 1 << 127


def half_of(name: str, *, calibrating: bool = False) -> Half:
    """The half that a name belongs to; `calibrating` where part of the other half is learned from unread."""
    if in_training(name):
        return "train"
    digest = hashlib.md5(name.encode(), usedforsecurity=False).digest()
    return "calibrate" if calibrating and digest[-1] % 2 == 0 else "held-out"


def questions(evals: Path, sets: Sequence[str] = SETS, half: Half = "all", every: int = 1) -> list[Asked]:
    """The questions of `sets`; `every` takes each nth question of Spider, which has thousands."""
    found: list[Asked] = []
    for name, read in (("spider", _spider), ("defog", _defog), ("acme", _acme)):
        held = [a for a in read(evals) if half in ("all", a.half)] if name in sets else []
        found += held[::every] if name == "spider" else held
    return found


def _spider(evals: Path) -> Iterator[Asked]:
    folder = evals / "spider_train"
    for row in _lines(folder / "questions.jsonl"):
        path = folder / "database" / row["db_id"] / f"{row['db_id']}.sqlite"
        yield Asked("spider", path, row["question"], (row["query"],), half_of(row["db_id"], calibrating=True))


def _defog(evals: Path) -> Iterator[Asked]:
    for name in DEFOG if (evals / "defog").is_dir() else ():
        with (evals / "defog" / "questions" / f"{name}.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                golds = tuple(q for q in row["query"].split(";") if q.strip())
                path = evals / "defog" / "database" / f"{row['db_name']}.sqlite"
                yield Asked("defog", path, row["question"], golds, half_of(row["question"]))


def _acme(evals: Path) -> Iterator[Asked]:
    folder = evals / "acme_insurance"
    for row in _lines(folder / "questions.jsonl") if folder.is_dir() else ():
        yield Asked("acme", folder / "acme.sqlite", row["question"], (row["query"],), half_of(row["question"]))


def _lines(path: Path) -> Iterator[dict[str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def by_database(asked: Sequence[Asked]) -> list[tuple[Path, list[Asked]]]:
    """The questions of each database, in the order of the databases' paths."""
    grouped: dict[Path, list[Asked]] = defaultdict(list)
    for one in asked:
        grouped[one.path].append(one)
    return sorted(grouped.items())


def planner_of(path: Path) -> TableQuestionPlanner:
    """A planner over a catalogue drafted from the database alone."""
    engine = open_engine(f"sqlite:///{path}", read_only=True)
    catalogue = draft_catalogue(engine)
    return TableQuestionPlanner(catalogue, SqlDatabase(engine), Scope.administrator(catalogue, frozenset()))


def connected(path: Path) -> closing[sqlite3.Connection]:
    """A read-only connection; texts that are no UTF-8 are read as well as they can be. Use as a context."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    return closing(connection)


def rows_of(connection: sqlite3.Connection, sql: str) -> Rows | None:
    """The rows of a query; None when it fails or takes too long."""
    until = time.monotonic() + SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > until, 20_000)
    try:
        return connection.execute(sql).fetchmany(MOST_ROWS)
    except sqlite3.Error:
        return None


def wanted(connection: sqlite3.Connection, asked: Asked) -> list[Wanted]:
    """The right answers to a question; empty where no known query runs."""
    found = [(rows_of(connection, q), "order by" in q.lower()) for q in asked.golds]
    return [Wanted(rows, ordered) for rows, ordered in found if rows is not None]


def judged(
    connection: sqlite3.Connection, readings: Sequence[tuple[str, Mapping[str, float]]], answers: Sequence[Wanted]
) -> list[Considered]:
    """The readings of one question, each with whether its rows are those of some right answer."""
    found = []
    for sql, values in readings:
        rows = rows_of(connection, sql)
        right = rows is not None and any(same(rows, a) for a in answers)
        found.append(Considered(sql, values, right, fingerprint(rows) if rows is not None else ""))
    return found


def same(found: Rows, answer: Wanted) -> bool:
    """True when the rows are the same multiset (the same list, where order is asked for), up to the order of the
    columns."""
    if len(found) != len(answer.rows):
        return False
    if not found:
        return True
    width = len(answer.rows[0])
    if len(found[0]) != width:
        return False
    got, want = [tuple(map(_plain, r)) for r in found], [tuple(map(_plain, r)) for r in answer.rows]
    folded = want if answer.ordered else Counter(want)
    for order in itertools.islice(itertools.permutations(range(width)), 800):
        turned = [tuple(r[i] for i in order) for r in got]
        if (turned if answer.ordered else Counter(turned)) == folded:
            return True
    return False


def _plain(value: Any) -> Any:
    if isinstance(value, int | float):
        return round(float(value), 4)
    return None if value is None else str(value).strip()
