"""Other readings of one parse, where a sentence is open: which columns are shown, whether a related row is needed at
all, whether each related row counts, whether equal rows stand once. Each carries the names of its edits, which the
ranking weighs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from query.text2sql.draft import Draft
from query.text2sql.logical import (
    Aggregate,
    ColumnRef,
    Condition,
    Expression,
    Query,
    Related,
    is_aggregate,
    predicate_tables,
    tables_of,
)


@dataclass(frozen=True)
class Alternative:
    """A query and the names of the edits that made it of the parse's own."""

    query: Query
    edits: tuple[str, ...] = ()


Edit = Callable[[Query, Draft], Iterator[Query]]


def alternatives(query: Query, draft: Draft, *, full: bool) -> Iterator[Alternative]:
    """`query` itself and what else the sentence may ask; `full` adds what is shown to how tables are joined."""
    seen: dict[Query, None] = {}

    def fresh(found: Query) -> bool:
        if found in seen:
            return False
        seen[found] = None
        return True

    joined: list[Alternative] = [Alternative(query)]
    seen[query] = None
    for name, edit in _JOINING:
        joined += [Alternative(q, (name,)) for q in edit(query, draft) if fresh(q)]
    yield from joined
    if not full:
        return
    for name, edit in _SHOWING:
        for base in joined:
            for q in edit(base.query, draft):
                if fresh(q):
                    yield Alternative(q, (*base.edits, name))


def _idle(query: Query) -> list[Related]:
    return [p for p in query.where if isinstance(p, Related) and not p.negated and not p.conditions]


def _loose(query: Query, draft: Draft) -> Iterator[Query]:
    """Without the tables that the question only names: "the address of each author of a course"."""
    idle = _idle(query)
    if idle:
        yield query.with_(where=tuple(p for p in query.where if p not in idle))


def _every(query: Query, draft: Draft) -> Iterator[Query]:
    """A row for each related row."""
    far = {t for p in query.where if not (isinstance(p, Related) and p.negated) for t in predicate_tables(p)}
    if far - {query.root} and not query.every:
        yield query.with_(every=True)


def _loose_every(query: Query, draft: Draft) -> Iterator[Query]:
    for loose in _loose(query, draft):
        yield from _every(loose, draft)


def _less(query: Query, draft: Draft) -> Iterator[Query]:
    """Without one of the columns shown."""
    if len(query.select) < 2:
        return
    for at, gone in enumerate(query.select):
        rest = tuple(e for i, e in enumerate(query.select) if i != at)
        group = query.group
        if query.group and gone in query.group and not any(is_aggregate(e) for e in rest) and not query.order:
            continue
        if isinstance(gone, ColumnRef) and len(query.group) > 1:
            group = tuple(g for g in query.group if g != gone)
        yield query.with_(select=rest, group=group)


def _named(query: Query, draft: Draft) -> Iterator[Query]:
    """With the name, or the key, of the rows in front."""
    plain = [e for e in query.select if isinstance(e, ColumnRef)]
    tables = list(dict.fromkeys([*(e.table for e in plain[:1]), *draft.heads, *draft.group_tables]))
    if not plain and not query.group and not query.order:
        return
    for table in tables[:2]:
        for refs in (draft.names_of(table), draft.key_of(table)):
            new = [r for r in refs if r not in query.select]
            if not new or len(new) < len(refs):
                continue
            group = query.group
            if query.group:
                group = (*query.group, *new)
            yield query.with_(select=(*new, *query.select), group=group)


def _swapped(query: Query, draft: Draft) -> Iterator[Query]:
    """The key instead of the name, and the name instead of the key."""
    for at, expression in enumerate(query.select):
        if not isinstance(expression, ColumnRef):
            continue
        names, key = draft.names_of(expression.table), draft.key_of(expression.table)
        other = key if [expression] == names else names if [expression] == key else []
        if not other or other == [expression] or any(o in query.select for o in other):
            continue
        select: tuple[Expression, ...] = (*query.select[:at], *other, *query.select[at + 1 :])
        group = (*query.group, *(o for o in other if o not in query.group)) if query.group else ()
        yield query.with_(select=select, group=group)


def _once(query: Query, draft: Draft) -> Iterator[Query]:
    """Equal rows once, or each."""
    if not query.group and not any(is_aggregate(e) for e in query.select):
        yield query.with_(distinct=not query.distinct)


def _counts(query: Query, draft: Draft) -> Iterator[Query]:
    """How many different values, or how many rows."""
    for at, expression in enumerate(query.select):
        if not isinstance(expression, Aggregate) or expression.function != "count":
            continue
        other: Aggregate | None = None
        if expression.argument is not None:
            other = Aggregate("count", expression.table)
        elif not expression.distinct:
            other = replace(expression, distinct=True)
        if other is not None:
            select = (*query.select[:at], other, *query.select[at + 1 :])
            order = tuple(replace(o, by=other) if o.by == expression else o for o in query.order)
            yield query.with_(select=select, order=order)


def _with_count(query: Query, draft: Draft) -> Iterator[Query]:
    """With the number that rows are chosen or ordered by."""
    folds: list[Expression] = [o.by for o in query.order if is_aggregate(o.by)]
    folds += [c.left for c in query.having if isinstance(c, Condition)]
    new = [f for f in dict.fromkeys(folds) if f not in query.select]
    if new:
        yield query.with_(select=(*query.select, *new))


def _ungrouped(query: Query, draft: Draft) -> Iterator[Query]:
    """Grouped by what is shown only."""
    if not query.group:
        return
    shown = tuple(e for e in query.select if not is_aggregate(e))
    if shown and set(shown) < set(query.group):
        yield query.with_(group=shown)


_JOINING: tuple[tuple[str, Edit], ...] = (("loose", _loose), ("every", _every), ("loose_every", _loose_every))
_SHOWING: tuple[tuple[str, Edit], ...] = (
    ("less", _less),
    ("named", _named),
    ("swapped", _swapped),
    ("once", _once),
    ("counts", _counts),
    ("with_count", _with_count),
    ("ungrouped", _ungrouped),
)


def used_tables(query: Query) -> frozenset[str]:
    """The tables of what is shown."""
    return frozenset().union(*(tables_of(e) for e in query.select))
