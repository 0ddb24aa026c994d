"""Other readings of one sentence: there to be chosen from, behind the plain one, each with its edits' names."""

from __future__ import annotations

import pytest

from query.text2sql.planner import EDITS
from tests.query.text2sql.shop import planner


def _considered(question: str) -> dict[str, frozenset[str]]:
    found = planner().considered(question)
    return {sql: frozenset(k for k in values if k.startswith("edit_")) for sql, values in found}


@pytest.mark.parametrize(
    ("question", "edit", "part"),
    [
        ("Which customers have tickets?", "every", "SELECT customers.name FROM customers JOIN tickets"),
        ("Which customers have tickets?", "loose", "SELECT name FROM customers"),
        ("Show the name and city of customers", "less", "SELECT city FROM customers"),
        ("Show the city of customers", "named", "SELECT name, city FROM customers"),
        ("Show the name of customers", "swapped", "SELECT customer_id FROM customers"),
        ("Show the city of customers", "once", "SELECT DISTINCT city FROM customers"),
        ("How many customers are there?", "counts", "SELECT COUNT(DISTINCT customer_id)"),
        ("Which sales rep has the most customers?", "with_count", "COUNT(*) AS customers_count"),
        ("List the products in the orders of 2026", "other_date", "shipped_on >= '2026-01-01'"),
        ("Which customers have ordered Fjord Frame and Tarn Tyre?", "each", "name = 'Fjord Frame') AND"),
    ],
)
def test_an_open_sentence_has_other_readings(question: str, edit: str, part: str) -> None:
    assert any(part in sql and f"edit_{edit}" in edits for sql, edits in _considered(question).items())


def test_the_reading_without_edits_stands_first() -> None:
    for question in ("Which customers have tickets?", "Show the city of customers", "How many orders are there?"):
        assert not next(iter(_considered(question).values()))


def test_alternatives_are_less_sure_than_the_plain_reading() -> None:
    plain, *others = planner().plan("Which customers have tickets?", limit=5)
    assert others and all(o.confidence < plain.confidence for o in others)


def test_every_edit_has_a_prior_that_keeps_it_behind() -> None:
    assert all(prior < 0 for prior in EDITS.values())


def test_there_are_not_more_readings_than_can_be_weighed_in_time() -> None:
    questions = ("Which customers have open tickets?", "Show the name, city and segment of customers by city")
    assert all(len(planner().considered(q)) <= 60 for q in questions)
