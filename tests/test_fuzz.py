"""Bad input does no harm: a short run of `scripts/fuzz_questions.py`, whose long run has ten thousand of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.encode import encodable
from scripts.fuzz_questions import QUERIES, QUESTIONS, digest, fuzz_questions, fuzz_sql, make_database, mutated


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "fuzz.sqlite"
    make_database(path)
    return path


def test_mutated_sql_runs_or_is_refused_and_writes_nothing(database: Path) -> None:
    before = digest(database)
    report = fuzz_sql(database, 1500, seed=3)
    assert report.crashes == []
    assert report.kinds["ran"] > 50 and report.kinds["sql_rejected"] > 500
    assert digest(database) == before


def test_mutated_questions_are_answered_or_refused_and_write_nothing(database: Path, tmp_path: Path) -> None:
    before = digest(database)
    report = fuzz_questions(database, tmp_path / "home", 150, seed=3)
    assert report.crashes == []
    assert sum(report.kinds.values()) == 150
    assert digest(database) == before


def test_mutation_changes_texts_and_a_seed_repeats_it() -> None:
    import random

    one = [mutated(text, random.Random(5)) for text in (*QUESTIONS, *QUERIES)]
    other = [mutated(text, random.Random(5)) for text in (*QUESTIONS, *QUERIES)]
    assert one == other != [*QUESTIONS, *QUERIES]


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert encodable("a\ud800b") == "a?b"
    assert encodable("ä😀") == "ä😀"
