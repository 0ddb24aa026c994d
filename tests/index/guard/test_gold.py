"""Gold queries of public text-to-SQL sets pass the guard and return exactly what they return without it.

`python scripts/eval_guard.py EVALS` compares all of them; here a sample of every set runs.
"""

from __future__ import annotations

import pytest

from scripts.eval_guard import evaluate
from scripts.gold_queries import statements, variants
from scripts.scratch_postgres import ScratchServer
from tests.index.evals import REASON, TEXT2SQL

SAMPLES = {"spider": 60, "acme": 44, "ambrosia": 24, "defog": 60}


@pytest.mark.skipif(TEXT2SQL is None, reason=REASON)
@pytest.mark.parametrize(("name", "sample"), SAMPLES.items())
def test_every_gold_query_returns_the_same_behind_the_guard(name: str, sample: int) -> None:
    assert TEXT2SQL is not None
    outcome = evaluate(TEXT2SQL, [name], sample, None)[name]
    assert outcome.executable > sample * 0.9
    assert [(gold.sql, reason) for gold, reason in outcome.differing] == []


@pytest.mark.skipif(TEXT2SQL is None, reason=REASON)
def test_every_gold_query_returns_the_same_behind_the_guard_on_postgresql(postgres: ScratchServer) -> None:
    assert TEXT2SQL is not None
    url = postgres.url.render_as_string(hide_password=False)
    outcome = evaluate(TEXT2SQL, ["defog-postgres"], 40, url)["defog-postgres"]
    assert outcome.executable > 35
    assert [(gold.sql, reason) for gold, reason in outcome.differing] == []


def test_a_choice_of_columns_is_written_out() -> None:
    assert variants("SELECT {a, f(b, c) AS d} FROM t GROUP BY {}") == [
        "SELECT a, f(b, c) AS d FROM t GROUP BY a, f(b, c)",
        "SELECT a FROM t GROUP BY a",
        "SELECT f(b, c) AS d FROM t GROUP BY f(b, c)",
    ]
    assert variants("SELECT a FROM t") == ["SELECT a FROM t"]


def test_statements_are_split_outside_quotes() -> None:
    assert statements("SELECT ';' ; SELECT \"a;b\";") == ["SELECT ';'", 'SELECT "a;b"']
