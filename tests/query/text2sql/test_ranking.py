"""The weights of the ranker: where they come from, and what they are weights of."""

from __future__ import annotations

import json
from pathlib import Path

from query.text2sql import ranking
from tests.query.text2sql.shop import planner


def test_the_artefact_says_where_it_comes_from() -> None:
    held = json.loads((Path(ranking.__file__).parent / "ranker.json").read_text(encoding="utf-8"))
    assert held["provenance"]["made by"] == "scripts/train_ranker.py"
    assert held["provenance"]["questions"] > 0


def test_every_weight_belongs_to_a_feature() -> None:
    features = {name for _, values in planner().considered("How many customers are in Oslo?") for name in values}
    assert features
    assert set(ranking.WEIGHTS) <= features | {"bias"}
    assert set(ranking.CALIBRATION) | set(ranking.REVIEWED) <= features | {"bias"}


def test_the_readings_considered_are_those_that_are_planned_in_the_same_order() -> None:
    question = "Which customers are in Oslo or Turku?"
    considered = [sql for sql, _ in planner().considered(question)]
    assert [r.sql for r in planner().plan(question)] == considered[: len(planner().plan(question))]
