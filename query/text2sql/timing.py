"""Periods to conditions: which date column a period speaks of, and how that column is compared."""

from __future__ import annotations

import datetime as dt

from query.text2sql.draft import Draft
from query.text2sql.logical import (
    AllOf,
    AnyOf,
    ColumnRef,
    Condition,
    Expression,
    MetricRef,
    Predicate,
    Query,
    is_aggregate,
    predicate_tables,
    tables_of,
)
from query.text2sql.periods import Period


def apply_periods(draft: Draft, query: Query) -> Query:
    """`query` with its periods as conditions."""
    where = list(query.where)
    ranges: dict[ColumnRef, list[list[Predicate]]] = {}
    for period, ref in draft.periods:
        column = ref or date_column(draft, query)
        if column is None:
            draft.penalty += 1.5
            continue
        ranges.setdefault(column, []).append(conditions(draft, column, period))
        draft.notes.append("period")
    for parts in ranges.values():
        where.append(either([p[0] if len(p) == 1 else AllOf(tuple(p)) for p in parts if p])) if len(
            parts
        ) > 1 else where.extend(parts[0])
    return query.with_(where=tuple(dict.fromkeys(where)))


def date_column(draft: Draft, query: Query) -> ColumnRef | None:
    """The date that periods of this query apply to: the metric's, else that of the tables it reads."""
    expressions: list[Expression] = [*query.select, *(o.by for o in query.order), *(c.left for c in query.having)]
    for expression in expressions:
        if isinstance(expression, MetricRef) and "." in expression.time:
            table, _, column = expression.time.rpartition(".")
            return ColumnRef(table, column)
    tables = [t for e in expressions if is_aggregate(e) for t in sorted(tables_of(e))]
    tables += [*draft.context, query.root, *(t for p in query.where for t in sorted(predicate_tables(p)))]
    for name in dict.fromkeys(tables):
        table_ = draft.table(name)
        if table_ is not None and table_.time_column and table_.column(table_.time_column):
            return ColumnRef(name, table_.time_column)
    for name in dict.fromkeys(tables):
        table_ = draft.table(name)
        for column_ in table_.columns if table_ else ():
            if draft.temporal(ColumnRef(name, column_.name)):
                return ColumnRef(name, column_.name)
    return None


def conditions(draft: Draft, ref: ColumnRef, period: Period) -> list[Predicate]:
    """`ref` within `period`; a column of years is compared with years, a text that is no ISO date by its year."""
    column = draft.column(ref)
    if column is None:
        return []
    if column.type in ("integer", "number") or _years(column.minimum):
        return list(_year_conditions(ref, period, text=column.type == "text"))
    sample = str(column.minimum or (column.values[0] if column.values else ""))
    if column.type == "text" and sample and not sample[:4].isdigit():
        year = period.year
        return [Condition(ref, "like", (f"%{year}%",))] if year else []
    found: list[Predicate] = []
    if period.since is not None and period.until == period.since + dt.timedelta(1) and column.type == "date":
        return [Condition(ref, "=", (period.since.isoformat(),))]
    if period.since is not None:
        found.append(Condition(ref, ">=", (period.since.isoformat(),)))
    if period.until is not None:
        found.append(Condition(ref, "<", (period.until.isoformat(),)))
    return found


def _years(minimum: float | str | None) -> bool:
    return isinstance(minimum, str) and len(minimum) == 4 and minimum.isdigit()


def _year_conditions(ref: ColumnRef, period: Period, text: bool) -> list[Condition]:
    def value(year: int) -> str | int:
        return str(year) if text else year

    if period.year is not None:
        return [Condition(ref, "=", (value(period.year),))]
    found = []
    if period.since is not None:
        found.append(Condition(ref, ">=", (value(period.since.year),)))
    if period.until is not None:
        found.append(Condition(ref, "<", (value(period.until.year),)))
    return found


def either(conditions_: list[Predicate]) -> Predicate:
    """At least one of the conditions."""
    return conditions_[0] if len(conditions_) == 1 else AnyOf(tuple(conditions_))
