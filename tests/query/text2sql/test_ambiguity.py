"""Questions that can be meant in two ways, on a small theatre of our own."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from index.drafting.draft import draft_catalogue
from index.engine import open_engine
from index.scope import Scope
from index.sql import SqlDatabase
from query.answer import Answer
from query.engine import QueryEngine
from query.parts import Parts
from query.plan import Choice
from query.planning.entity_names import EntityNames
from query.text2sql.planner import TableQuestionPlanner
from tests.query.office import FixedScorer

_SCRIPT = """
CREATE TABLE theatres (theatre_id INTEGER PRIMARY KEY, name TEXT, city TEXT, country TEXT);
INSERT INTO theatres VALUES (1, 'Old Mill', 'Oslo', 'Norway'), (2, 'The Barn', 'Turku', 'Finland');
CREATE TABLE plays (play_id INTEGER PRIMARY KEY, title TEXT, genre TEXT, acts INTEGER);
INSERT INTO plays VALUES (1, 'Rain', 'Comedy', 3), (2, 'Snow', 'Tragedy', 5), (3, 'Hail', 'Comedy', 5),
  (4, 'Fog', 'Musical', 2);
CREATE TABLE stagings (theatre_id INTEGER REFERENCES theatres (theatre_id),
  play_id INTEGER REFERENCES plays (play_id));
INSERT INTO stagings VALUES (1, 1), (1, 2), (2, 1), (2, 3);
CREATE TABLE seats (seat_id INTEGER PRIMARY KEY, theatre_id INTEGER REFERENCES theatres (theatre_id), kind TEXT);
INSERT INTO seats VALUES (1, 1, 'Box'), (2, 1, 'Stalls'), (3, 2, 'Box');
"""


@cache
def _home() -> TemporaryDirectory[str]:
    folder = TemporaryDirectory()
    with sqlite3.connect(Path(folder.name) / "theatre.sqlite") as connection:
        connection.executescript(_SCRIPT)
    return folder


@cache
def _opened() -> tuple[TableQuestionPlanner, QueryEngine, Scope]:
    engine = open_engine(f"sqlite:///{_home().name}/theatre.sqlite", read_only=True)
    catalogue, reader = draft_catalogue(engine), SqlDatabase(engine)
    scope = Scope.administrator(catalogue, frozenset())
    planner, names = TableQuestionPlanner(catalogue, reader, scope), EntityNames(catalogue, reader, scope)
    parts = Parts(catalogue, reader, lambda _: planner, lambda _: names, FixedScorer())
    return planner, QueryEngine(parts), scope


def _choice(question: str) -> Choice | None:
    return _opened()[0].choice(question)


def _ask(question: str) -> Answer:
    _, engine, scope = _opened()
    return engine.answer(question, scope)


@pytest.mark.parametrize(
    "question",
    [
        "Show me the plays that every theatre has.",
        "What are the titles of the plays of each theatre?",
        "List the plays in all theatres.",
    ],
)
def test_what_each_or_all_of_others_have_is_open(question: str) -> None:
    found = _choice(question)
    assert found is not None
    assert found.kind == "scope"
    assert len(found.options) == 2


@pytest.mark.parametrize(
    "question",
    [
        "For each theatre, list its plays.",
        "Which plays do all theatres have in common?",
        "How many plays does each theatre have?",
        "List the seats of every theatre.",  # a seat is in one theatre only
        "List the titles of all plays.",
    ],
)
def test_a_settled_scope_is_not_asked_back(question: str) -> None:
    assert _choice(question) is None


def test_each_reading_of_a_scope_comes_with_its_rows() -> None:
    answer = _ask("Show me the titles of the plays that every theatre has.")
    assert answer.route.path == "clarify"
    assert answer.answer.startswith("Do you mean ")
    assert ", or " in answer.answer
    each, shared = (sorted(map(tuple, one.rows)) for one in answer.sql)
    assert each == [("Old Mill", "Rain"), ("Old Mill", "Snow"), ("The Barn", "Hail"), ("The Barn", "Rain")]
    assert shared == [("Rain",)]


def test_a_modifier_after_two_things_is_open_and_both_ways_are_shown() -> None:
    answer = _ask("List the titles of comedy plays and tragedy plays with 5 acts.")
    found = _choice("List the titles of comedy plays and tragedy plays with 5 acts.")
    assert found is not None
    assert found.kind == "attachment"
    assert "both with 5 acts" in found.options[0]
    assert answer.route.path == "clarify"
    both, last = ({row[0] for row in one.rows} for one in answer.sql)
    assert both == {"Snow", "Hail"}
    assert last == {"Rain", "Snow", "Hail"}


@pytest.mark.parametrize(
    "question",
    [
        "List the titles of both comedy plays and tragedy plays with 5 acts.",
        "List the comedy plays and also the tragedy plays with 5 acts.",
        "List the titles and genres of plays with 5 acts.",
        "List the titles of comedy plays and tragedy plays.",
    ],
)
def test_a_settled_attachment_is_not_asked_back(question: str) -> None:
    assert _choice(question) is None


def test_where_with_two_places_is_open() -> None:
    found = _choice("Where is the Old Mill?")
    assert found is not None
    assert found.kind == "vague"
    assert set(found.options) == {"the city", "the country"}


def test_a_question_about_what_no_table_holds_is_refused_with_the_word_that_is_missing() -> None:
    answer = _ask("What is the salary of the firemen?")
    assert answer.route.path == "refuse"
    assert not answer.sql
    assert "salary" in answer.answer or any("salary" in notice for notice in answer.notices)
