"""The ranker: where its numbers come from, what they are numbers of, and that what it says is a probability."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from query.text2sql import ranking
from query.text2sql.trees import Trees
from tests.query.text2sql.shop import planner

ARTEFACT = Path(ranking.__file__).with_name("ranker.json")
MOST_BYTES = 20 * 2**20
QUESTIONS = (
    "How many customers are in Oslo?",
    "Which customers are in Oslo or Turku?",
    "List the names of the products with a list price above 20, and their category.",
    "Which city has the most customers?",
)
FEATURES = ("link", "weakest", "unexplained", "conditions", "joins", "hand", "edits", "negated_unmet", "words")
VALUES = st.dictionaries(st.sampled_from(FEATURES), st.floats(-50, 50), max_size=9)
RANKED = st.lists(st.tuples(st.floats(-50, 50), VALUES), min_size=1, max_size=8)


def _models(held: dict[str, Any]) -> list[dict[str, Any]]:
    return [held["order"], *held["confidence"]["models"]]


def test_the_artefact_says_where_it_comes_from() -> None:
    held = json.loads(ARTEFACT.read_text(encoding="utf-8"))
    assert held["provenance"]["made by"] == "scripts/train_ranker.py"
    assert held["provenance"]["questions"] > 0
    assert held["provenance"]["in cross-validation over databases"]


def test_the_artefact_is_small_and_quickly_read() -> None:
    assert ARTEFACT.stat().st_size < MOST_BYTES
    before = time.process_time()
    held = json.loads(ARTEFACT.read_text(encoding="utf-8"))
    assert all(ranking.model(one)({"hand": 1.0}) is not None for one in _models(held))
    assert time.process_time() - before < 1.0


def test_every_number_of_the_artefact_belongs_to_a_feature() -> None:
    held = json.loads(ARTEFACT.read_text(encoding="utf-8"))
    rows = [values for question in QUESTIONS for _, values in planner().considered(question)]
    known = {name for values in rows for name in values} | set(ranking.context([(0.0, rows[0])]))
    asked = set(held["hand"]) | set(held["reviewed"])
    for model in _models(held):
        asked |= Trees.read(model).names if "trees" in model else set(model["weights"])
    assert {name for name in asked if not name.startswith("edit_")} <= known | {"bias"}


def test_every_reading_has_the_same_features_but_for_the_names_of_its_edits() -> None:
    rows = [values for question in QUESTIONS for _, values in planner().considered(question)]
    names = {frozenset(n for n in values if not n.startswith("edit_")) for values in rows}
    assert len(rows) > len(QUESTIONS)
    assert len(names) == 1
    assert all(isinstance(v, float) and v == v for values in rows for v in values.values())


def test_the_readings_considered_are_those_that_are_planned_in_the_same_order() -> None:
    question = "Which customers are in Oslo or Turku?"
    considered = [sql for sql, _ in planner().considered(question)]
    assert [r.sql for r in planner().plan(question)] == considered[: len(planner().plan(question))]


def test_the_best_reading_is_at_least_as_likely_as_any_other() -> None:
    for question in QUESTIONS:
        found = [r.confidence for r in planner().plan(question)]
        assert found == sorted(found, reverse=True)


@given(RANKED, st.booleans())
def test_confidences_are_probabilities_that_never_grow_along_the_readings(
    ranked: list[tuple[float, dict[str, float]]], curated: bool
) -> None:
    best_first = sorted(ranked, key=lambda r: -r[0])
    found = ranking.confidences([(s, {**v, "curated": float(curated)}) for s, v in best_first])
    assert len(found) == len(ranked)
    assert all(ranking.LEAST <= c <= ranking.MOST for c in found)
    assert found == sorted(found, reverse=True)


def test_nothing_read_is_nothing_likely() -> None:
    assert ranking.confidences([]) == []


def test_a_tree_goes_low_at_its_threshold_and_counts_what_is_missing_as_nothing() -> None:
    trees = Trees.read(
        {"names": ["a", "b"], "start": 1.0, "trees": [[[0, 0.5, 1, 2], 10.0, [1, 2.0, 3, 4], 20.0, 30.0]]}
    )
    assert trees.score({}) == 11.0
    assert trees.score({"a": 0.5}) == 11.0
    assert trees.score({"a": 1.0}) == 21.0
    assert trees.score({"a": 1.0, "b": 3.0}) == 31.0
    assert trees.names == {"a", "b"}


def test_readings_that_find_the_same_rows_count_as_one() -> None:
    ranked = [(1.0, {"hand": 1.0}), (0.9, {"hand": 0.9}), (0.0, {"hand": 0.0})]
    apart, alike = ranking.context(ranked, ["a", "b", "c"]), ranking.context(ranked, ["a", "a", "c"])
    assert alike["merged"] > 0.7 > apart["merged"] > 0.3
    assert (apart["kinds"], alike["kinds"]) == (3.0, 2.0)
    assert apart["rival"] == 1.0 - 0.9 and alike["rival"] == 1.0
    assert alike["entropy"] < apart["entropy"]


def test_readings_that_failed_or_were_not_run_are_no_agreement() -> None:
    ranked = [(1.0, {"hand": 1.0}), (1.0, {"hand": 1.0})]
    for found in ([], ["", ""], ["a"]):
        assert ranking.context(ranked, found)["merged"] == 0.5
