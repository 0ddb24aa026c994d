"""The grammar: a typed sentence to intermediate queries. The order of the rules is the grammar."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from index.catalogue.model import Catalogue
from query.text2sql import (
    absences,
    arrangement,
    comparing,
    filters,
    measures,
    moments,
    nesting,
    subtypes,
    superlatives,
    texts,
)
from query.text2sql.alternatives import alternatives
from query.text2sql.draft import Draft
from query.text2sql.lexicon import Lexicon
from query.text2sql.logical import (
    Aggregate,
    Bucket,
    ColumnRef,
    Condition,
    Expression,
    MetricRef,
    Order,
    Predicate,
    Query,
    Related,
    Share,
    is_aggregate,
    predicate_tables,
    tables_of,
)
from query.text2sql.periods import TimeWords
from query.text2sql.selection import hints, selected, with_owner
from query.text2sql.sentence import Sentence
from query.text2sql.timing import apply_periods

RULES: tuple[Callable[[Draft], None], ...] = (
    comparing.rows_by_key,
    subtypes.subtypes,
    nesting.nested_extremes,
    measures.nested_averages,
    comparing.superiors_compared,
    absences.superiors,
    comparing.shared_values,
    texts.texts,
    absences.negations,
    filters.terms,
    moments.periods,
    measures.participles,
    arrangement.orders,
    comparing.ratios,
    comparing.spans,
    measures.shares,
    filters.amounts,
    measures.averages_per,
    measures.refolds,
    measures.sold,
    measures.counts,
    measures.pronouns,
    measures.extremes,
    measures.aggregates,
    measures.on_average,
    filters.comparisons,
    filters.values,
    filters.flags,
    measures.counts_of_values,
    absences.happened,
    measures.how_much,
    measures.spread_measures,
    arrangement.groups,
    superlatives.superlatives,
    arrangement.counted_by,
)


@dataclass(frozen=True)
class Parse:
    """A query, the words that nothing explained, how badly the rules fitted, and the rules that took part."""

    query: Query
    unexplained: tuple[str, ...]
    penalty: float
    notes: tuple[str, ...]
    edits: tuple[str, ...] = ()


def parses(
    sentence: Sentence, lexicon: Lexicon, catalogue: Catalogue, time: TimeWords, subject: str | None, *, full: bool
) -> list[Parse]:
    """The query that the rules make of the sentence, first, and its alternatives; none when it asks for nothing."""
    draft = Draft(sentence, lexicon, catalogue, grain=time.grain, compare=time.compare, subject=subject)
    for rule in RULES:
        rule(draft)
    draft.settle()
    if draft.lost:
        return []  # a text that is stored nowhere narrows nothing: an answer without it would be wrong
    selected(draft)
    query = _query(draft, subject)
    if query is None:
        return []
    left, notes = sentence.left(), tuple(draft.notes)
    if subject is not None:
        return [Parse(query, left, draft.penalty, notes)]
    return [Parse(a.query, left, draft.penalty, notes, a.edits) for a in alternatives(query, draft, full=full)]


def _query(draft: Draft, subject: str | None) -> Query | None:
    group: list[Expression] = list(draft.group)
    shown: list[Expression] = list(draft.group)
    for table in draft.group_tables:
        shown.extend(draft.names_of(table))
        group.extend(dict.fromkeys((*draft.key_of(table), *draft.names_of(table))))
    extreme = comparing.within_groups(draft)
    if extreme is not None:
        _of_each_group(draft, extreme, shown)
        group = []
    plain = [e for _, e in sorted(draft.select, key=lambda x: x[0])]
    select = list(dict.fromkeys((*_missing(shown, plain), *plain)))
    _both(draft, select)
    draft.having = [_known_count(draft, c, select) for c in draft.having]
    select = _shared(draft, _counted(draft, select))
    led: list[ColumnRef] = []
    if draft.superlative and draft.heads and all(is_aggregate(e) for e in select):
        asked = [draft.candidate(n).table for n in re.findall(r"T\d+", draft.sentence.text)]
        led = draft.names_of(asked[0]) if asked and not group else []
        select = [*led, *select]
    measured = [e for e in select if is_aggregate(e)]
    ordered = [o.by for o in draft.order if is_aggregate(o.by)]
    folded = bool(measured or ordered or draft.having)
    heads = [h for h in draft.heads if h not in draft.group_tables]
    entity = draft.catalogue.entity(subject) if subject else None
    if entity is not None:
        return _of_subject(draft, entity.table, entity.key, entity.name_column, [*ordered, *measured])
    if not led and not (select and (draft.select or measured or group)):
        if not heads and draft.sentence.left():
            table = next((t for p in draft.where for t in sorted(predicate_tables(p))), "")
            if draft.catalogue.terms or not table or not re.search(r"\bhowmany\b", draft.sentence.text):
                return None
            select, heads = [Aggregate("count", table)], [table]
            measured, folded = list(select), True
        if not heads:
            heads = [t for p in draft.where for t in sorted(predicate_tables(p))][:1]
        if not heads and not ordered:
            return None
        select.extend(draft.names_of(heads[0]) if heads else [])
    select = with_owner(draft, _without_folded(draft, list(dict.fromkeys(select))))
    if not select:
        return None
    if folded:
        rows = [e for e in select if not is_aggregate(e)]
        group.extend(e for e in rows if e not in group)
        _key_groups(draft, rows, group, [*measured, *ordered, *(c.left for c in draft.having)])
    if draft.grain:
        _bucketed(draft, select, group, measured)
        folded = folded or any(is_aggregate(e) for e in select)
    if draft.catalogue.terms and draft.superlative and (draft.limit or 1) > 1 and not draft.grain:
        select.extend(e for e in ordered if e not in select)
    if draft.toward and not draft.order and measured:
        draft.order.append(Order(measured[0], draft.toward == "DOWN"))
    root = _root(select, measured, ordered)
    query = Query(
        root=root,
        select=tuple(select),
        where=tuple(dict.fromkeys(draft.where)),
        group=tuple(dict.fromkeys(group)) if folded else (),
        having=tuple(draft.having),
        order=tuple(draft.order),
        limit=draft.limit,
        offset=draft.offset,
        distinct=draft.distinct and not folded,
        context=(),
        hints=hints(draft),
    )
    return _with_context(draft, apply_periods(draft, query))


def _of_each_group(draft: Draft, extreme: Predicate, shown: list[Expression]) -> None:
    """Rows that are the extreme of their group: the group and the row, in no order."""
    draft.where.append(extreme)
    named = [t for t in draft.heads if t not in draft.group_tables]
    rows = [e for t in named[:1] for e in draft.names_of(t)]
    draft.select = [*((-1, e) for e in shown), *((0, e) for e in rows), *draft.select]
    draft.order, draft.limit, draft.group, draft.group_tables = [], None, [], []
    draft.superlative = False


def _both(draft: Draft, select: list[Expression]) -> None:
    """ "with both X and Y": each holds for some row of the same thing, not both for one row."""
    if not draft.both:
        return
    asked = next((e for e in select if isinstance(e, ColumnRef)), None)
    root = asked.table if asked else next(iter(draft.heads), "")
    for predicates in draft.both:
        table = next(iter(sorted(frozenset().union(*(predicate_tables(p) for p in predicates)))), "")
        if table != root and table:
            draft.where.append(Related(table, predicates))
            continue
        ref = asked or next(iter(draft.names_of(root)), None)
        if ref is None:
            draft.where.extend(predicates)
            continue
        draft.where.append(Condition(ref, "in", Query(ref.table, (ref,), predicates)))
        draft.distinct = True
    draft.both = []


def _known_count(draft: Draft, condition: Condition, select: list[Expression]) -> Condition:
    """A count of "times" counts the rows of the table that the question speaks of last."""
    if condition.left != Aggregate("count", ""):
        return condition
    tables = [draft.candidate(n).table for n in re.findall(r"[TC]\d+", draft.sentence.text)]
    first = next((e.table for e in select if isinstance(e, ColumnRef)), tables[0] if tables else "")
    other = next((t for t in reversed(tables) if t != first), first)
    other = other or next((t for p in draft.where for t in sorted(predicate_tables(p)) if t != first), first)
    return Condition(Aggregate("count", other), condition.operator, condition.right)


def _counted(draft: Draft, select: list[Expression]) -> list[Expression]:
    """ "how many of them" counts what the question counts elsewhere, else what it lists."""
    known = [o.by for o in draft.order if isinstance(o.by, Aggregate)] + [c.left for c in draft.having]
    table = next((e.table for e in known if isinstance(e, Aggregate)), None)
    table = table or next((t for t in (*draft.heads, *draft.context) if t), None)
    table = table or next((e.table for e in select if isinstance(e, ColumnRef)), None)
    if table is None:
        table = next((t for p in draft.where for t in sorted(predicate_tables(p))), "")
    out = [Aggregate("count", table) if e == Aggregate("count", "") else e for e in select]
    return [e for e in out if not isinstance(e, Aggregate) or e.table]


def _shared(draft: Draft, select: list[Expression]) -> list[Expression]:
    """The conditions of "what share of ... are ..." belong to the share, not to the rows it is a share of."""
    conditions = tuple(draft.share_conditions)
    if draft.share and not any(isinstance(e, Share) for e in select):
        draft.where.extend(conditions)
    return [replace(e, conditions=conditions) if isinstance(e, Share) and draft.share else e for e in select]


def _without_folded(draft: Draft, select: list[Expression]) -> list[Expression]:
    """A column whose average or sum is asked for was only named again."""
    folded = {e.argument for e in select if isinstance(e, Aggregate) and e.function != "count"}
    return [e for e in select if e not in folded or e in draft.group]


def _missing(shown: list[Expression], plain: list[Expression]) -> list[Expression]:
    """The group's columns that the select list does not show by itself: a table's name is not forced beside
    other columns of the same table."""
    tables = {t for e in plain if not is_aggregate(e) for t in tables_of(e)}
    return [e for e in shown if e not in plain and not (tables_of(e) & tables)]


def _key_groups(draft: Draft, rows: list[Expression], group: list[Expression], folds: list[Expression]) -> None:
    """Rows of another table than the measured one are grouped by their key, not by a name that two may share."""
    measured = frozenset().union(*(tables_of(f) for f in folds)) if folds else frozenset()
    by_row = draft.superlative or bool(draft.having)
    for expression in rows:
        if not isinstance(expression, ColumnRef) or expression.table in measured or expression in draft.group:
            continue
        if draft.is_name(expression) or (by_row and expression.table in {*draft.heads, *draft.context}):
            group[:0] = [k for k in draft.key_of(expression.table) if k not in group]


def _bucketed(draft: Draft, select: list[Expression], group: list[Expression], measured: list[Expression]) -> None:
    """ "by month": the measure's date, cut, in front and in order. "Revenue by month" of a plain column is its sum."""
    plain = [e for e in select if isinstance(e, ColumnRef) and _is_measure(draft, e)]
    if not measured and plain and plain == select:
        measured += [Aggregate("sum", e.table, e) for e in plain]
        select[:] = list(measured)
        group.clear()
    date = None
    for expression in measured:
        if isinstance(expression, MetricRef) and "." in expression.time:
            table, _, column = expression.time.rpartition(".")
            date = ColumnRef(table, column)
            break
    if date is None:
        tables = [*(t for e in measured for t in sorted(tables_of(e))), *draft.heads, *draft.context]
        for name in tables:
            table_ = draft.table(name)
            if table_ and table_.time_column:
                date = ColumnRef(name, table_.time_column)
                break
    if date is None or draft.grain is None:
        draft.penalty += 1.0
        return
    if not measured:
        measured.append(Aggregate("count", date.table))
        select[:] = list(measured)
        group.clear()
    bucket = Bucket(date, draft.grain)
    select.insert(0, bucket)
    group.insert(0, bucket)
    if not draft.order:
        draft.order.append(Order(bucket))


def _is_measure(draft: Draft, ref: ColumnRef) -> bool:
    column = draft.column(ref)
    return column is not None and column.role == "measure"


def _root(select: list[Expression], measured: list[Expression], ordered: list[Expression]) -> str:
    """The table whose rows are counted or listed."""
    for expression in (*measured, *ordered, *select):
        return sorted(tables_of(expression))[0]
    return ""


def _with_context(draft: Draft, query: Query) -> Query:
    """Tables that the question names beside what it shows: each row must have a related row there."""
    held = {query.root, *draft.group_tables}
    for expression in (*query.select, *query.group, *(o.by for o in query.order), *(c.left for c in query.having)):
        held |= tables_of(expression)
    for predicate in query.where:
        held |= predicate_tables(predicate)
    context = [*draft.context, *([draft.event_table] if draft.event_table else [])]
    extra = [Related(t) for t in dict.fromkeys(context) if t not in held]
    return query.with_(where=(*query.where, *extra))


def _of_subject(draft: Draft, table: str, key: str, name: str, measures_: list[Expression]) -> Query:
    """Rows of one entity: key and name first, whatever else the question filters and orders by."""
    select: list[Expression] = list(dict.fromkeys((ColumnRef(table, key), ColumnRef(table, name))))
    group: list[Expression] = []
    folded = bool(draft.having or any(is_aggregate(o.by) for o in draft.order))
    if folded:
        group = list(select)
        select.extend(e for e in dict.fromkeys(measures_) if not isinstance(e, Share))
    query = Query(
        root=table,
        select=tuple(select),
        where=tuple(dict.fromkeys(draft.where)),
        group=tuple(group),
        having=tuple(draft.having),
        order=tuple(draft.order) or (Order(ColumnRef(table, key)),),
        limit=draft.limit,
        offset=draft.offset,
        hints=hints(draft),
    )
    return _with_context(draft, apply_periods(draft, query))
