"""The order of groups where the question asks for none."""

from __future__ import annotations

from query.text2sql.default_order import in_default_order
from query.text2sql.logical import Aggregate, ColumnRef, Order, Query

CITY, YEAR = ColumnRef("shops", "city"), ColumnRef("shops", "year")
COUNT = Aggregate("count", "shops")


def _timely(ref: ColumnRef) -> bool:
    return ref == YEAR


def test_groups_stand_by_their_measure_most_first() -> None:
    query = Query("shops", (CITY, COUNT), group=(CITY,))
    assert in_default_order(query, _timely).order == (Order(COUNT, True),)


def test_groups_of_time_stand_in_the_order_of_time() -> None:
    query = Query("shops", (YEAR, COUNT), group=(YEAR,))
    assert in_default_order(query, _timely).order == (Order(YEAR),)


def test_an_order_that_was_asked_for_a_limit_and_plain_rows_stay_as_they_are() -> None:
    ordered = Query("shops", (CITY, COUNT), group=(CITY,), order=(Order(CITY),))
    limited = Query("shops", (CITY, COUNT), group=(CITY,), limit=3)
    for query in (ordered, limited, Query("shops", (CITY,)), Query("shops", (CITY,), group=(CITY,))):
        assert in_default_order(query, _timely) == query
