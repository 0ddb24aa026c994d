"""Fits the planner's confidence anew: `python scripts/train_ranker.py EVALS [--out FILE] [--sample N]`.

EVALS is a folder with `spider_train/` (questions.jsonl and database/NAME/NAME.sqlite), and optionally
`defog/` and `acme_insurance/`. The databases of Spider are halved by the MD5 of their names; only the first half is
trained on, the other half is what accuracy is reported on. Every question is planned over a catalogue drafted from
its database alone; a reading is right when its rows equal those of the known query, in any order of columns.

A logistic regression is fitted on the reading that ranks first of every question: is it right? It gives the
confidence over drafted catalogues. The order of the readings keeps weights set by hand: weights fitted on pairs of
readings gained three of 1,758 questions there and lost seven of 221 over a reviewed catalogue, whose terms and
metrics no such question has. The result is written to `query/text2sql/ranker.json` with its provenance.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
import json
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from index.drafting import draft_catalogue  # noqa: E402
from index.engine import open_engine  # noqa: E402
from index.scope import Scope  # noqa: E402
from index.sql import SqlDatabase  # noqa: E402
from query.text2sql.planner import TableQuestionPlanner  # noqa: E402
from query.text2sql.ranking import REVIEWED, WEIGHTS, score  # noqa: E402

SECONDS = 3.0  # for one query
MOST_ROWS = 20_000
APART = ("curated", "curated_unexplained")  # no training question has a reviewed catalogue
DEFOG = ("questions_gen_sqlite", "instruct_basic_sqlite", "instruct_advanced_sqlite")
Rows = list[tuple[Any, ...]]
Example = list[tuple[Mapping[str, float], bool]]


def in_training(database: str) -> bool:
    """True for the half of the databases that is trained on."""
    return int(hashlib.md5(database.encode(), usedforsecurity=False).hexdigest(), 16) < 1 << 127


def questions(evals: Path) -> Iterator[tuple[Path, str, list[str]]]:
    """Database, question and the queries of which any gives the right answer."""
    spider = evals / "spider_train"
    for line in (spider / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if in_training(row["db_id"]):
            yield spider / "database" / row["db_id"] / f"{row['db_id']}.sqlite", row["question"], [row["query"]]
    for name in DEFOG if (evals / "defog").is_dir() else ():
        with (evals / "defog" / "questions" / f"{name}.csv").open(encoding="utf-8") as file:
            for held in csv.DictReader(file):
                golds = [q for q in held["query"].split(";") if q.strip()]
                yield evals / "defog" / "database" / f"{held['db_name']}.sqlite", held["question"], golds
    acme = evals / "acme_insurance"
    if acme.is_dir():
        for line in (acme / "questions.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield acme / "acme.sqlite", row["question"], [row["query"]]


def rows_of(connection: sqlite3.Connection, sql: str) -> Rows | None:
    """The rows of a query; None when it fails or takes too long."""
    until = time.monotonic() + SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > until, 20_000)
    try:
        return connection.execute(sql).fetchmany(MOST_ROWS)
    except sqlite3.Error:
        return None


def same(found: Rows, wanted: Rows) -> bool:
    """True when the rows are the same multiset, up to the order of the columns."""
    if len(found) != len(wanted):
        return False
    if not found:
        return True
    width = len(wanted[0])
    if len(found[0]) != width:
        return False
    got = [tuple(map(_plain, r)) for r in found]
    want = Counter(tuple(map(_plain, r)) for r in wanted)
    orders = itertools.islice(itertools.permutations(range(width)), 800)
    return any(Counter(tuple(r[i] for i in order) for r in got) == want for order in orders)


def _plain(value: Any) -> Any:
    if isinstance(value, int | float):
        return round(float(value), 4)
    return None if value is None else str(value).strip()


def examples(evals: Path, sample: int) -> list[Example]:
    """For every question its readings: features, and whether it is right."""
    grouped: dict[Path, list[tuple[str, list[str]]]] = defaultdict(list)
    for at, (path, question, golds) in enumerate(questions(evals)):
        if at % sample == 0 or "spider_train" not in path.parts:
            grouped[path].append((question, golds))
    found: list[Example] = []
    for path, asked in sorted(grouped.items()):
        engine = open_engine(f"sqlite:///{path}", read_only=True)
        catalogue = draft_catalogue(engine)
        planner = TableQuestionPlanner(catalogue, SqlDatabase(engine), Scope.administrator(catalogue, frozenset()))
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        connection.text_factory = lambda raw: raw.decode(errors="replace")
        for question, golds in asked:
            wanted = [rows for q in golds if (rows := rows_of(connection, q)) is not None]
            readings: Example = []
            for sql, values in planner.considered(question) if wanted else ():
                rows = rows_of(connection, sql)
                readings.append((values, rows is not None and any(same(rows, w) for w in wanted)))
            if readings:
                found.append(readings)
        connection.close()
    return found


def fit(data: list[Example]) -> dict[str, float]:
    """The weights of the calibration: is the reading that ranks first right?"""
    import numpy as np
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped,unused-ignore]

    best = [max(readings, key=lambda r: score(r[0])) for readings in data]
    names = sorted({k for values, _ in best for k in values} - set(APART))
    table = np.array([[values.get(n, 0.0) for n in names] for values, _ in best])
    scale = table.std(axis=0) + 1e-6
    model = LogisticRegression(C=0.1, max_iter=4000).fit(table / scale, np.array([hit for _, hit in best], dtype=int))
    weights = {n: round(float(w), 4) for n, w in zip(names, model.coef_[0] / scale, strict=True)}
    return {"bias": round(float(model.intercept_[0]), 4)} | weights


def main() -> None:
    """Train and write the artefact."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evals", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "query" / "text2sql" / "ranker.json")
    parser.add_argument("--sample", type=int, default=1, help="take every Nth question of Spider")
    arguments = parser.parse_args()
    data = examples(arguments.evals, arguments.sample)
    calibration = fit(data)
    provenance = {
        "made by": "scripts/train_ranker.py",
        "questions": len(data),
        "readings": sum(len(r) for r in data),
        "answerable by some reading": sum(any(hit for _, hit in r) for r in data),
        "data": "half of Spider's training databases (by the MD5 of their names), defog sql-eval, ACME insurance",
        "every nth question of Spider": arguments.sample,
        "set by hand": ["ranking", "reviewed"],
    }
    held: dict[str, Any] = {"provenance": provenance, "ranking": dict(WEIGHTS), "calibration": calibration}
    held["reviewed"] = dict(REVIEWED)
    arguments.out.write_text(json.dumps(held, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(provenance) + "\n")


if __name__ == "__main__":
    main()
