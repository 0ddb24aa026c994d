"""Join paths over the shop's tables."""

from __future__ import annotations

from query.text2sql.joins import JoinGraph
from tests.query.text2sql.shop import CATALOGUE

_GRAPH = JoinGraph(CATALOGUE, frozenset(t.name for t in CATALOGUE.tables))


def test_the_shortest_way_is_taken_and_says_where_rows_multiply() -> None:
    path = _GRAPH.path(["customers"], "products")
    assert path is not None
    assert [(s.source, s.target, s.to_many) for s in path] == [
        ("customers", "orders", True),
        ("orders", "order_lines", True),
        ("order_lines", "products", False),
    ]


def test_a_tree_joins_every_table_once() -> None:
    steps = _GRAPH.tree("order_lines", ["products", "customers", "reps", "orders"])
    assert steps is not None
    assert sorted(s.target for s in steps) == ["customers", "orders", "products", "reps"]


def test_tables_that_nothing_connects_have_no_way() -> None:
    lonely = JoinGraph(CATALOGUE, frozenset({"customers", "products"}))
    assert lonely.path(["customers"], "products") is None
    assert lonely.tree("customers", ["products"]) is None
    assert lonely.distance("customers", "products") == 99
    assert _GRAPH.distance("customers", "products") == 3


def test_upwards_every_row_meets_one_row() -> None:
    path = _GRAPH.path(["order_lines", "products"], "customers", upwards=True)
    assert path is not None and [s.target for s in path] == ["orders", "customers"]
    assert _GRAPH.path(["customers"], "products", upwards=True) is None
