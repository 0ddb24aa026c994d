"""The labelled routing set is large, varied and without doubles."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from query.planning.router import path_names

DATA = Path(__file__).resolve().parents[2] / "data"
CASES = [json.loads(line) for line in (DATA / "routing.jsonl").read_text("utf-8").splitlines()]
TUNING = [json.loads(line) for line in (DATA / "routing_tuning.jsonl").read_text("utf-8").splitlines()]


def test_there_are_at_least_three_hundred_different_questions() -> None:
    questions = {case["question"].lower() for case in CASES}
    assert len(questions) == len(CASES) >= 300


def test_every_route_has_questions_and_every_label_is_a_route() -> None:
    counted = Counter(case["routes"][0] for case in CASES)
    assert set(counted) == set(path_names())
    assert min(counted.values()) >= 20
    assert {route for case in CASES for route in case["routes"]} <= set(path_names())


def test_no_question_that_only_tunes_is_one_that_is_scored() -> None:
    scored = {_plain(case["question"]) for case in CASES}
    tuning = [_plain(case["question"]) for case in TUNING]
    assert len(set(tuning)) == len(tuning) >= 500
    assert not scored & set(tuning)
    assert {route for case in TUNING for route in case["routes"]} <= set(path_names())


def _plain(question: str) -> str:
    return question.lower().strip(" ?.!")
