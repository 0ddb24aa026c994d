"""Readings in words, and the columns of their results that a chart or a later step uses."""

from __future__ import annotations

from index.catalogue.model import Catalogue
from query.text2sql.aliases import alias
from query.text2sql.logical import (
    Aggregate,
    AllOf,
    Among,
    AnyOf,
    Bucket,
    ColumnRef,
    Condition,
    Difference,
    Expression,
    MetricRef,
    Narrowed,
    Part,
    Predicate,
    Query,
    Ratio,
    Related,
    Scalar,
    Share,
    Span,
    Superior,
    TermCondition,
    Total,
    is_aggregate,
)

_FUNCTIONS = {"count": "number of", "sum": "total", "avg": "average", "min": "lowest", "max": "highest"}
_OPERATORS = {
    "=": "is", "!=": "is not", ">": "is more than", ">=": "is at least", "<": "is less than", "<=": "is at most",
    "in": "is one of", "not in": "is none of", "like": "is like", "not like": "is not like",
    "is null": "is missing", "is not null": "is known",
}  # fmt: skip


def describe(query: Query, catalogue: Catalogue, *, short: bool = False) -> str:
    """The query in a sentence; `short` leaves out conditions and limits, for a title."""
    what = ", ".join(dict.fromkeys(_expression(e, catalogue) for e in query.select))
    table = _label(query.root, catalogue)
    by = [_expression(e, catalogue) for e in query.group if e in query.select and not isinstance(e, Aggregate)]
    text = what if len(query.select) == 1 and is_aggregate(query.select[0]) else f"{what} of {table}"
    if by and short:
        measured = [e for e in query.select if is_aggregate(e)]
        text = ", ".join(_expression(e, catalogue) for e in measured) + " by " + ", ".join(by) if measured else text
    if short:
        return text[:1].upper() + text[1:]
    if query.where:
        text += " where " + " and ".join(_predicate(p, catalogue) for p in query.where)
    if by:
        text += ", for each " + " and ".join(by)
    if query.having:
        text += ", keeping those whose " + " and ".join(_predicate(c, catalogue) for c in query.having)
    if query.order:
        keys = [f"{_expression(o.by, catalogue)}{', highest first' if o.descending else ''}" for o in query.order]
        text += ", ordered by " + " and ".join(keys)
    if query.limit is not None:
        text += f", the first {query.limit}" if query.limit > 1 else ", the first"
    return text[:1].upper() + text[1:]


def result_columns(query: Query, catalogue: Catalogue) -> tuple[str | None, tuple[str, ...], str | None, str | None]:
    """(x, y, entity, key column) of the result: label or time column, measures, and the entity whose key it has."""
    names = [alias(e) or (e.column if isinstance(e, ColumnRef) else "") for e in query.select]
    measures = tuple(n for e, n in zip(query.select, names, strict=True) if is_aggregate(e))
    labels = [n for e, n in zip(query.select, names, strict=True) if not is_aggregate(e)]
    entity = key = None
    for expression in query.select:
        if isinstance(expression, ColumnRef):
            held = catalogue.entity_of(expression.table)
            if held is not None and held.key == expression.column:
                entity, key = held.name, held.key
                break
    x = labels[-1] if labels and measures else None
    buckets = [n for e, n in zip(query.select, names, strict=True) if isinstance(e, Bucket)]
    return (buckets[0] if buckets else x), measures if labels else (), entity, key


def _label(table: str, catalogue: Catalogue) -> str:
    held = catalogue.table(table)
    return held.label if held else table


def _expression(expression: Expression, catalogue: Catalogue) -> str:
    if isinstance(expression, ColumnRef):
        held = catalogue.table(expression.table)
        column = held.column(expression.column) if held else None
        return column.label if column else expression.column
    if isinstance(expression, MetricRef):
        return next((m.label for m in catalogue.metrics if m.name == expression.name), expression.name)
    if isinstance(expression, Bucket):
        return expression.grain
    if isinstance(expression, Share):
        inner = " and ".join(_predicate(p, catalogue) for p in expression.conditions)
        return f"percentage of {_expression(expression.of, catalogue)}" + (f" where {inner}" if inner else "")
    if isinstance(expression, Narrowed):
        return f"{_expression(expression.of, catalogue)} ({expression.label})"
    if isinstance(expression, Scalar):
        return describe(expression.query, catalogue).lower()
    if isinstance(expression, Span):
        return f"days from {_expression(expression.start, catalogue)} to {_expression(expression.end, catalogue)}"
    if isinstance(expression, Part):
        return f"{_label(expression.subtype, catalogue)} of {_label(expression.owner, catalogue)}"
    if isinstance(expression, Total):
        parts = " and ".join(_label(p.subtype, catalogue) for p in expression.parts)
        return f"{_FUNCTIONS[expression.function]} {parts}"
    if isinstance(expression, Superior):
        return f"{_expression(expression.column, catalogue)} by {expression.reference}"
    if isinstance(expression, Difference):
        return f"{_expression(expression.left, catalogue)} less {_expression(expression.right, catalogue)}"
    if isinstance(expression, Ratio):
        return f"{_expression(expression.left, catalogue)} per {_expression(expression.right, catalogue)}"
    if expression.argument is None:
        return f"number of {_label(expression.table, catalogue)}"
    different = "different " if expression.distinct else ""
    return f"{_FUNCTIONS[expression.function]} {different}{_expression(expression.argument, catalogue)}"


def _predicate(predicate: Predicate, catalogue: Catalogue) -> str:
    if isinstance(predicate, TermCondition):
        return f"not {predicate.name}" if predicate.negated else f"{predicate.name}"
    if isinstance(predicate, AllOf):
        return " and ".join(_predicate(p, catalogue) for p in predicate.conditions)
    if isinstance(predicate, AnyOf):
        return "(" + " or ".join(_predicate(p, catalogue) for p in predicate.conditions) + ")"
    if isinstance(predicate, Related):
        inner = " and ".join(_predicate(p, catalogue) for p in predicate.conditions)
        kind = "there is no" if predicate.negated else "there is a"
        return f"{kind} row of {_label(predicate.table, catalogue)}" + (f" whose {inner}" if inner else "")
    if isinstance(predicate, Among):
        left = " and ".join(_expression(c, catalogue) for c in predicate.columns)
        return f"{left} are the {describe(predicate.query, catalogue).lower()}"
    assert isinstance(predicate, Condition)
    left = _expression(predicate.left, catalogue)
    if isinstance(predicate.right, Query):
        return f"{left} {_OPERATORS[predicate.operator]} the {describe(predicate.right, catalogue).lower()}"
    if isinstance(predicate.right, ColumnRef | Superior):
        return f"{left} {_OPERATORS[predicate.operator]} {_expression(predicate.right, catalogue)}"
    values = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in predicate.right)
    return f"{left} {_OPERATORS[predicate.operator]} {values}".strip()
