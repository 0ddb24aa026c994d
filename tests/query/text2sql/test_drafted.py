"""Plain questions over catalogues that nobody has reviewed: the learned order must pick the reading a person means.

Small databases, drafted by introspection alone. A question is right when its first reading finds these rows.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from index.drafting.draft import draft_catalogue
from index.engine import open_engine
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlDatabase, Value
from query.text2sql.planner import TableQuestionPlanner

HERE = Path(__file__).parent / "drafted"


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory()


@cache
def _asked(name: str) -> tuple[TableQuestionPlanner, SqlDatabase, Scope]:
    path = Path(_folder().name) / f"{name}.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript((HERE / f"{name}.sql").read_text(encoding="utf-8"))
    engine = open_engine(f"sqlite:///{path}", read_only=True)
    catalogue, reader = draft_catalogue(engine), SqlDatabase(engine)
    scope = Scope.administrator(catalogue, frozenset())
    return TableQuestionPlanner(catalogue, reader, scope), reader, scope


def _rows(name: str, question: str) -> list[tuple[Value, ...]]:
    planner, reader, scope = _asked(name)
    first = planner.plan(question)[0]
    query = guard(first.sql, draft_catalogue(reader.engine), scope, dialect="sqlite")
    return [tuple(row) for row in reader.read(query).rows]


def _cases() -> list[tuple[str, str, str]]:
    lines = (HERE / "questions.tsv").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line]  # type: ignore[misc]


@pytest.mark.parametrize(("database", "question", "wanted"), _cases())
def test_a_plain_question_over_a_drafted_catalogue_finds_what_a_person_means(
    database: str, question: str, wanted: str
) -> None:
    rows = [
        "|".join(f"{v:g}" if isinstance(v, int | float) else str(v) for v in row) for row in _rows(database, question)
    ]
    assert sorted(rows) == sorted(wanted.split(";"))
