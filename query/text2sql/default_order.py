"""The order of rows where the question asks for none: groups stand by what is measured of them, most first, those of
time in the order of time."""

from __future__ import annotations

from collections.abc import Callable

from query.text2sql.logical import (
    Aggregate,
    Bucket,
    ColumnRef,
    MetricRef,
    Order,
    Query,
    Ratio,
)


def in_default_order(query: Query, timely: Callable[[ColumnRef], bool]) -> Query:
    """`query` with an order for its groups; `timely` tells columns of dates and years. A query that gives only the
    first rows stays as it is: which ones they are was asked for."""
    if not query.group or query.order or query.limit is not None:
        return query
    shown = [e for e in query.select if isinstance(e, ColumnRef) and e in query.group]
    measured = [e for e in query.select if isinstance(e, Aggregate | MetricRef | Ratio)]
    if not measured or not shown or any(isinstance(e, Bucket) for e in query.group):
        return query
    times = tuple(Order(e) for e in shown if timely(e))
    return query.with_(order=times or (Order(measured[0], True),))
