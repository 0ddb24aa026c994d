"""Gold queries of public text-to-SQL sets pass the guard and return exactly what they return without it."""

from __future__ import annotations

import csv
import json
import random
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.catalogue import Catalogue
from index.drafting import draft_catalogue
from index.engine import open_engine
from index.errors import TowerError
from index.guard import guard
from index.scope import Scope
from index.sql import SqlDatabase
from tests.index.evals import REASON, TEXT2SQL

pytestmark = pytest.mark.skipif(TEXT2SQL is None, reason=REASON)
SAMPLE = 500
EXCEPTIONS = {"LIMIT 2 - (SELECT COUNT(*)": "a LIMIT that is computed is not allowed: it takes a whole number"}


class Opened:
    """One database, raw and behind the guard."""

    def __init__(self, path: Path) -> None:
        engine = open_engine(f"sqlite:///{path}", read_only=True)
        self.catalogue: Catalogue = draft_catalogue(engine)
        self.scope = Scope.administrator(self.catalogue, frozenset())
        self.guarded = SqlDatabase(engine)
        self.raw = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.raw.text_factory = lambda raw: raw.decode(errors="replace")

    def differs(self, sql: str) -> str | None:
        """What is different behind the guard; None for a query that is the same or does not run at all."""
        try:
            expected = [tuple(row) for row in self.raw.execute(sql).fetchmany(5000)]
        except sqlite3.Error:
            return None
        try:
            query = guard(sql, self.catalogue, self.scope, limit=5000)
            got = [tuple(row) for row in self.guarded.read(query).rows]
        except TowerError as error:
            return f"{sql}: {error.message}"
        return None if got == expected else f"{sql}: other rows"


def _spider() -> Iterator[tuple[Path, str]]:
    assert TEXT2SQL is not None
    folder = TEXT2SQL / "spider_train"
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    for line in random.Random(7).sample(lines, SAMPLE):
        question = json.loads(line)
        path = next((folder / "database" / question["db_id"]).glob("*.sqlite"))
        yield path, question["query"]


def _defog() -> Iterator[tuple[Path, str]]:
    assert TEXT2SQL is not None
    folder = TEXT2SQL / "defog"
    for file in sorted((folder / "questions").glob("*sqlite*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                for sql in row["query"].split(";"):
                    if sql.count("(") == sql.count(")") and "SELECT" in sql:
                        yield folder / f"database/{row['db_name']}.sqlite", re.sub(r"[{}]", "", sql)


@pytest.mark.parametrize("source", [_spider, _defog], ids=["spider", "defog"])
def test_every_gold_query_returns_the_same_behind_the_guard(source: object) -> None:
    opened: dict[Path, Opened] = {}
    failures = []
    for path, sql in source():  # type: ignore[operator]
        if path not in opened:
            opened[path] = Opened(path)
        problem = opened[path].differs(sql)
        if problem is not None and not any(text in sql for text in EXCEPTIONS):
            failures.append(problem)
    assert opened and failures == []
