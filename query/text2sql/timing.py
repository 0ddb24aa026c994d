"""Periods to conditions: which date column a period speaks of, and how that column is compared."""

from __future__ import annotations

import datetime as dt
import re

from query.text2sql.draft import Draft
from query.text2sql.logical import (
    Aggregate,
    AllOf,
    AnyOf,
    Bucket,
    ColumnRef,
    Condition,
    Difference,
    Expression,
    MetricRef,
    Narrowed,
    Predicate,
    Query,
    Ratio,
    Share,
    is_aggregate,
    predicate_tables,
    tables_of,
)
from query.text2sql.periods import Period
from query.text2sql.thesaurus import VERB_NOUNS
from query.text2sql.tokens import stems_of


def apply_periods(draft: Draft, query: Query) -> Query:
    """`query` with its periods as conditions."""
    where = list(query.where)
    ranges: dict[ColumnRef, list[list[Predicate]]] = {}
    for period, ref in draft.periods:
        column = ref or date_column(draft, query)
        if column is None or (draft.subject and ref is None and column.table == query.root):
            draft.penalty += 1.0  # a date of the entities themselves is never meant unless it is named
            continue
        ranges.setdefault(column, []).append(conditions(draft, column, period))
        draft.notes.append("period")
    compared = _compared(draft, query, ranges)
    if compared is not None:
        return compared.with_(where=tuple(dict.fromkeys((*query.where, *where))))
    for parts in ranges.values():
        where.append(either([p[0] if len(p) == 1 else AllOf(tuple(p)) for p in parts if p])) if len(
            parts
        ) > 1 else where.extend(parts[0])
    return query.with_(where=tuple(dict.fromkeys(where)))


def _compared(draft: Draft, query: Query, ranges: dict[ColumnRef, list[list[Predicate]]]) -> Query | None:
    """ "compare revenue in P1 and P2", "... compared to the previous quarter": one column for each period."""
    folds = [e for e in query.select if isinstance(e, Aggregate | MetricRef)]
    if not folds or len(ranges) != 1 or any(isinstance(e, Bucket) for e in query.select):
        return None
    column, parts = next(iter(ranges.items()))
    given = [p for p, _ in draft.periods]
    asked = re.search(
        r"\b(?:compar\w*|versus|vs|against|chang\w*|differ\w*|grow\w*|grew|develop\w*)\b", draft.sentence.question
    )
    if len(given) == 1 and draft.compare and given[0].since and given[0].until:
        other = given[0].year_ago() if draft.compare == "year" else given[0].previous()
        parts = [conditions(draft, column, other), parts[0]]
        given = [other, given[0]]
    elif len(given) != 2 or not (asked or draft.compare):
        return None
    columns: list[Expression] = []
    for expression in query.select:
        if not isinstance(expression, Aggregate | MetricRef):
            columns.append(expression)
            continue
        made = [Narrowed(expression, tuple(part), _label(p)) for part, p in zip(parts, given, strict=True)]
        columns.extend(made)
        if draft.compare:
            columns.append(Difference(made[1], made[0]))
    return query.with_(select=tuple(columns))


def _label(period: Period) -> str:
    """A short name of a period for a column: its own words, or its first day."""
    return period.label if not period.label.startswith(("before", "a year")) else f"from {period.since}"


def date_column(draft: Draft, query: Query) -> ColumnRef | None:
    """The date that periods of this query apply to: the metric's, else that of the tables it reads."""
    if "." in draft.event:
        table, _, column = draft.event.rpartition(".")
        return ColumnRef(table, column)
    expressions: list[Expression] = [*query.select, *(o.by for o in query.order), *(c.left for c in query.having)]
    expressions = [e.of if isinstance(e, Share) else e.left if isinstance(e, Ratio) else e for e in expressions]
    for expression in expressions:
        if isinstance(expression, MetricRef) and "." in expression.time:
            table, _, column = expression.time.rpartition(".")
            return ColumnRef(table, column)
    tables = [t for e in expressions if is_aggregate(e) for t in sorted(tables_of(e))]
    if not tables:
        tables += [t.name for t in draft.lexicon.tables if t.time_column and set(stems_of(t.name)[:1]) & query.hints
                   and t.name != query.root and _recorded(draft, query)]  # fmt: skip
    tables += [t for t in draft.context if draft.catalogue.entity_of(t) is None]
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


def _recorded(draft: Draft, query: Query) -> bool:
    """True when a verb of the question names the table that records it ("bought": orders)."""
    return any(set(VERB_NOUNS.get(h, ())) for h in query.hints) and bool(query.where)


def conditions(draft: Draft, ref: ColumnRef, period: Period) -> list[Predicate]:
    """`ref` within `period`; a column of years is compared with years, a text that is no ISO date by its year."""
    column = draft.column(ref)
    if column is None:
        return []
    if column.type in ("integer", "number") or _years(column.minimum) or all(map(_years, column.values or ("",))):
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
