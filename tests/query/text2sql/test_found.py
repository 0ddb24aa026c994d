"""What readings find: the same rows have the same fingerprint, and nothing is run that need not be."""

from __future__ import annotations

import pytest

from query.text2sql import found
from query.text2sql.found import Finder, fingerprint, looked_at
from tests.query.text2sql.shop import CATALOGUE, database, everything


def _finder() -> Finder:
    return Finder(CATALOGUE, database(), everything())


def test_the_order_of_rows_and_of_columns_does_not_matter() -> None:
    assert fingerprint([("a", 1), ("b", 2.0)]) == fingerprint([(2, "b"), (1.0, "a")])


def test_other_rows_and_repeated_rows_have_another_fingerprint() -> None:
    assert len({fingerprint(rows) for rows in ([(1,)], [(1,), (1,)], [(2,)], [(1, 1)], [])}) == 5


def test_queries_that_find_the_same_are_told_from_those_that_do_not() -> None:
    one, other, third = _finder().found(
        [
            "SELECT name FROM customers WHERE city = 'Oslo'",
            "SELECT name FROM customers WHERE city IN ('Oslo')",
            "SELECT name FROM customers",
        ]
    )
    assert one == other != third


def test_a_query_that_the_guard_refuses_finds_nothing() -> None:
    assert _finder().found(["SELECT secret FROM nowhere", "SELECT name FROM customers"])[0] == ""


def test_no_further_query_is_begun_when_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "SECONDS", -1.0)
    assert _finder().found(["SELECT name FROM customers"]) == [""]


def test_only_readings_near_the_best_are_looked_at_and_never_one_alone() -> None:
    assert looked_at([]) == looked_at([1.0]) == looked_at([5.0, 1.0]) == 0
    assert looked_at([5.0, 4.0, 1.0]) == 2
    assert looked_at([0.0] * 40) == found.LOOKED_AT
