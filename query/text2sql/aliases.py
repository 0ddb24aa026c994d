"""Readable names for computed columns."""

from __future__ import annotations

import re

from query.text2sql.logical import (
    Aggregate,
    Bucket,
    ColumnRef,
    Difference,
    Expression,
    MetricRef,
    Narrowed,
    Part,
    Ratio,
    Scalar,
    Share,
    Span,
    Superior,
    Total,
)


def alias(expression: Expression) -> str:
    """A readable name for a computed column; empty for a plain column."""
    if isinstance(expression, ColumnRef):
        return ""
    if isinstance(expression, MetricRef):
        return _word(expression.name)
    if isinstance(expression, Bucket):
        return expression.grain
    if isinstance(expression, Share):
        return "percentage"
    if isinstance(expression, Narrowed):
        return _word(f"{alias(expression.of)} {expression.label}")
    if isinstance(expression, Difference):
        return "difference"
    if isinstance(expression, Ratio):
        whole = not isinstance(expression.left, Aggregate) or not isinstance(expression.right, Aggregate)
        return "ratio" if whole else "average"
    if isinstance(expression, Span):
        return "days"
    if isinstance(expression, Part):
        return _word(f"{expression.subtype} {expression.measure.column}")
    if isinstance(expression, Total):
        return "total" if expression.function == "sum" else "average"
    if isinstance(expression, Superior):
        return _word(f"{expression.reference} {expression.column.column}")
    if isinstance(expression, Scalar):
        return alias(expression.query.select[0])
    if expression.argument is None:
        return _word(f"{expression.table}_count")
    if isinstance(expression.argument, Span):
        return _word(f"{expression.function}_days")
    if expression.function == "count":
        return _word(f"{expression.argument.column}_count")
    prefix = {"sum": "total", "avg": "average", "min": "lowest", "max": "highest"}[expression.function]
    return _word(f"{prefix}_{expression.argument.column}")


def _word(text: str) -> str:
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)).strip("_").lower()
