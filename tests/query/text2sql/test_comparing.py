"""Questions that set two things side by side, over the shop."""

from __future__ import annotations

from index.guard.guard import guard
from tests.query.text2sql.shop import CATALOGUE, database, everything, planner


def _answer(question: str) -> list[tuple[object, ...]]:
    sql = planner().plan(question)[0].sql
    return [tuple(row) for row in database().read(guard(sql, CATALOGUE, everything())).rows]


def test_a_row_and_its_superior_are_compared_within_one_table() -> None:
    assert _answer("Who does Bo Dahl report to?") == [("Ada", "Berg")]


def test_each_group_has_its_own_extreme() -> None:
    assert sorted(_answer("What is the most expensive product in each category?")) == [
        ("Bells", "Old Bell"),
        ("Frames", "Fjord Frame"),
        ("Tyres", "Tarn Tyre"),
    ]


def test_but_not_leaves_out_whoever_has_any_such_row() -> None:
    assert _answer("Which customers ordered Fjord Frame but not Tarn Tyre?") == [("Birch Bikes",)]


def test_the_extreme_of_counts_within_groups_is_not_claimed() -> None:
    assert planner().plan("Which customer placed the most orders in each city?")[0].confidence < 0.5
