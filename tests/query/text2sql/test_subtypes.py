"""Tables that only say what kind a row of another table is: their rows' amounts, alone, side by side, added up."""

from __future__ import annotations

import sqlite3

import pytest

from index.drafting.draft import draft_catalogue
from index.engine import open_engine
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlDatabase
from query.text2sql.planner import TableQuestionPlanner

_SCRIPT = """
CREATE TABLE building (building_id INTEGER PRIMARY KEY, building_number TEXT);
INSERT INTO building VALUES (1, 'B-100'), (2, 'B-200');
CREATE TABLE works (works_id INTEGER PRIMARY KEY, building_id INTEGER REFERENCES building (building_id),
  works_number TEXT);
INSERT INTO works VALUES (10, 1, 'W-1'), (11, 1, 'W-2'), (12, 2, 'W-3');
CREATE TABLE works_amount (works_amount_id INTEGER PRIMARY KEY, works_id INTEGER REFERENCES works (works_id),
  works_amount REAL);
INSERT INTO works_amount VALUES (1, 10, 5), (2, 10, 7), (3, 11, 11), (4, 11, 13), (5, 12, 17), (6, 12, 19);
CREATE TABLE roof_estimate (works_amount_id INTEGER PRIMARY KEY REFERENCES works_amount (works_amount_id));
INSERT INTO roof_estimate VALUES (1), (3), (5);
CREATE TABLE wall_estimate (works_amount_id INTEGER PRIMARY KEY REFERENCES works_amount (works_amount_id));
INSERT INTO wall_estimate VALUES (2), (4), (6);
"""


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> object:
    path = tmp_path_factory.mktemp("works") / "works.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(_SCRIPT)
    reader = SqlDatabase(open_engine(f"sqlite:///{path}", read_only=True))
    catalogue = draft_catalogue(open_engine(f"sqlite:///{path}", read_only=True))
    scope = Scope.administrator(catalogue, frozenset())
    planner = TableQuestionPlanner(catalogue, reader, scope)

    def rows(question: str) -> list[tuple[object, ...]]:
        (reading, *_) = planner.plan(question)
        return sorted(reader.read(guard(reading.sql, catalogue, scope)).rows)

    return rows


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("What is the roof estimate amount by works number?", [(5.0, "W-1"), (11.0, "W-2"), (17.0, "W-3")]),
        (
            "What are the roof estimate and wall estimate amount by works number?",
            [(5.0, 7.0, "W-1"), (11.0, 13.0, "W-2"), (17.0, 19.0, "W-3")],
        ),
        (
            "What is the total cost, which is the sum of roof estimate, wall estimate amount by building number?",
            [("B-100", 36.0), ("B-200", 36.0)],
        ),
        (
            "What is the average cost of each building by building number where cost is the sum of roof estimate,"
            " wall estimate amounts?",
            [("B-100", 18.0), ("B-200", 36.0)],
        ),
    ],
)
def test_a_kind_of_row_stands_for_the_amounts_of_its_rows(
    ask: object, question: str, wanted: list[tuple[object, ...]]
) -> None:
    assert ask(question) == wanted  # type: ignore[operator]
