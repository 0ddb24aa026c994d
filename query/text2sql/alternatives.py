"""Other readings of one parse, where a sentence is open: which columns are shown, whether a related row is needed at
all, whether each related row counts, whether equal rows stand once. Each carries the names of its edits, which the
ranking weighs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from query.text2sql.draft import Draft
from query.text2sql.logical import (
    Aggregate,
    AnyOf,
    Bucket,
    ColumnRef,
    Condition,
    Expression,
    Order,
    Predicate,
    Query,
    Related,
    TermCondition,
    is_aggregate,
    predicate_tables,
    tables_of,
)
from query.text2sql.timing import conditions, date_column
from query.text2sql.tokens import stems_of


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
    for one in idle if len(idle) > 1 else ():
        yield query.with_(where=tuple(p for p in query.where if p is not one))


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
        if isinstance(gone, Bucket):
            continue  # "by month": without the months nobody can read the figures
        rest = tuple(e for i, e in enumerate(query.select) if i != at)
        group = query.group
        if query.group and gone in query.group and not any(is_aggregate(e) for e in rest) and not query.order:
            continue
        if isinstance(gone, ColumnRef) and len(query.group) > 1:
            group = tuple(g for g in query.group if g != gone)
        yield query.with_(select=rest, group=group)
        if query.group == (gone,) and all(is_aggregate(e) for e in rest) and not query.having and not query.order:
            yield query.with_(select=rest, group=())


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


def _pairs(query: Query, draft: Draft) -> Iterator[Query]:
    """ "the teachers with the most activities": the rows that pair the two count, not the activities themselves."""
    folds = [*query.select, *(o.by for o in query.order), *(c.left for c in query.having)]
    counted = {e for e in folds if isinstance(e, Aggregate) and e.function == "count" and e.argument is None}
    if len(counted) != 1:
        return
    (count,) = counted
    others = {t for e in (*folds, *query.group) if e != count for t in tables_of(e)}
    kept = tuple(p for p in query.where if not (isinstance(p, Related) and not p.negated and not p.conditions))
    if count.table in others or any(count.table in predicate_tables(p) for p in kept) or not others:
        return
    refers: dict[str, set[str]] = {}
    for join in draft.catalogue.joins:
        refers.setdefault(join.left, set()).add(join.right)
    for between in sorted(t for t, to in refers.items() if count.table in to and to & others and t not in others):
        paired = Aggregate("count", between)
        yield query.with_(
            root=between if query.root == count.table else query.root,
            select=tuple(paired if e == count else e for e in query.select),
            order=tuple(replace(o, by=paired) if o.by == count else o for o in query.order),
            having=tuple(replace(c, left=paired) if c.left == count else c for c in query.having),
            where=kept,
        )


def _each(query: Query, draft: Draft) -> Iterator[Query]:
    """ "students who play chess and go": a related row for each value, where one row holds only one of them."""
    if not re.search(r"\band\b|\bboth\b", draft.sentence.question):
        return
    for at, held in enumerate(query.where):
        parts = _parts(held)
        if not 2 <= len(parts) <= 3:
            continue
        rest = [p for i, p in enumerate(query.where) if i != at]
        table = parts[0].left.table if isinstance(parts[0].left, ColumnRef) else ""
        asked = next((e for e in query.select if isinstance(e, ColumnRef)), None)
        if table and table != query.root:
            yield query.with_(where=(*rest, *(Related(table, (p,)) for p in parts)))
        elif table and asked is not None and asked.table == table and not query.group:
            inner = [Condition(asked, "in", Query(table, (asked,), (*rest, p))) for p in parts]
            yield query.with_(where=tuple(inner), distinct=True)


def _parts(predicate: Predicate) -> list[Condition]:
    """The alternatives of one column that a predicate allows."""
    if isinstance(predicate, Condition) and predicate.operator == "in" and isinstance(predicate.right, tuple):
        return [Condition(predicate.left, "=", (v,)) for v in predicate.right]
    if isinstance(predicate, AnyOf) and all(isinstance(p, Condition) for p in predicate.conditions):
        found = [p for p in predicate.conditions if isinstance(p, Condition)]
        return found if len({p.left for p in found}) == 1 else []
    return []


def _apart(query: Query, draft: Draft) -> Iterator[Query]:
    """ "how many male and female students": a count for each of them."""
    counted = [e for e in query.select if is_aggregate(e)]
    if not counted or not re.search(r"\band\b", draft.sentence.question):
        return
    for held in query.where:
        if isinstance(held, Condition) and isinstance(held.left, ColumnRef) and len(_parts(held)) > 1:
            if held.left in query.group:
                continue
            yield query.with_(
                select=(*(e for e in query.select if e not in counted), held.left, *counted),
                group=(*query.group, held.left),
            )


def _either(query: Query, draft: Draft) -> Iterator[Query]:
    """ "or" somewhere between two conditions."""
    plain = [p for p in query.where if isinstance(p, Condition | TermCondition)]
    if len(plain) == 2 and re.search(r"\bor\b", draft.sentence.question):
        rest = [p for p in query.where if p not in plain]
        yield query.with_(where=(*rest, AnyOf(tuple(plain))))


def _of_top(query: Query, draft: Draft) -> Iterator[Query]:
    """ "the cities of the largest county", "projects of the organisation with the most projects": all of them, where
    only the other thing is one."""
    if query.limit != 1 or len(query.order) != 1 or query.offset:
        return
    by = query.order[0].by
    yield from _of_commonest(query, draft)
    shown = {t for e in query.select for t in tables_of(e)}
    if len(shown) != 1 or any(is_aggregate(e) for e in query.select):
        return
    (table,) = shown
    if isinstance(by, ColumnRef) and by.table != table:
        key = draft.key_of(by.table)
        if len(key) == 1:
            top = Query(by.table, tuple(key), order=query.order, limit=1, hints=query.hints)
            yield query.with_(
                root=table, where=(*query.where, Condition(key[0], "in", top)), order=(), limit=None, group=()
            )
    if isinstance(by, Aggregate) and by.function == "count" and by.argument is None:
        spoken = {*draft.heads, *draft.context, *draft.group_tables}
        for join in draft.catalogue.joins:
            if join.left != table or len(join.left_columns) != 1 or join.right == table or join.right not in spoken:
                continue
            ref = ColumnRef(table, join.left_columns[0])
            counted = by if by.table != join.right else Aggregate("count", table)
            top = Query(table, (ref,), group=(ref,), order=(Order(counted, query.order[0].descending),), limit=1)
            kept = tuple(p for p in query.where if not (isinstance(p, Related) and p.table == join.right))
            yield query.with_(
                root=table, where=(*kept, Condition(ref, "in", top)), order=(), limit=None, group=(), having=()
            )


def _of_commonest(query: Query, draft: Draft) -> Iterator[Query]:
    """ "the phones of customers with the most common policy type": the type is not shown, and not only one row."""
    top = query.order[0]
    if not isinstance(top.by, Aggregate) or top.by.function != "count" or len(query.select) < 2:
        return
    for ref in query.select:
        others = tuple(e for e in query.select if e != ref)
        if not isinstance(ref, ColumnRef) or any(is_aggregate(e) for e in others) or draft.is_name(ref):
            continue  # half a name is not what others have in common
        inner = Query(ref.table, (ref,), group=(ref,), order=(Order(Aggregate("count", ref.table), top.descending),))
        kept = tuple(p for p in query.where if not (isinstance(p, Related) and not p.conditions))
        where = (*kept, Condition(ref, "in", inner.with_(limit=1)))
        yield query.with_(select=others, where=where, group=(), order=(), limit=None)


def _other_date(query: Query, draft: Draft) -> Iterator[Query]:
    """Another date of the tables that the query reads, where the question names none."""
    if len(draft.periods) != 1:
        return
    period, current = draft.periods[0][0], draft.periods[0][1] or date_column(draft, query)
    named = {c.columns for s in draft.sentence.symbols.values() if (c := s.candidate) is not None}
    if current is None or (current.column,) in named:
        return
    old = conditions(draft, current, period)
    kept = tuple(p for p in query.where if p not in old)
    if len(kept) == len(query.where):
        return
    tables = {query.root, current.table, *(t for p in query.where for t in predicate_tables(p))}
    tables |= {t for e in query.select for t in tables_of(e)}
    joined = [(j.left, j.right) for j in draft.catalogue.joins if j.right in tables]
    tables |= {left for left, _ in joined if len({r for other, r in joined if other == left}) > 1}
    for table in sorted(tables):
        held = draft.table(table)
        for column in held.columns if held else ():
            ref = ColumnRef(table, column.name)
            if ref != current and (draft.temporal(ref) or draft.of_years(ref)):
                new = conditions(draft, ref, period)
                if new:
                    yield query.with_(where=(*kept, *new))


def _other_join(query: Query, draft: Draft) -> Iterator[Query]:
    """The other of two references between the same tables: the station where a trip ends, not where it starts."""
    tables = {query.root, *(t for e in query.select for t in tables_of(e))}
    tables |= {t for p in query.where for t in predicate_tables(p)}
    tables |= {t for o in query.order for t in tables_of(o.by)}
    pairs: dict[tuple[str, str], list[str]] = {}
    for join in draft.catalogue.joins:
        if join.left != join.right and len(join.left_columns) == 1 and {join.left, join.right} & tables:
            pairs.setdefault((join.left, join.right), []).append(join.left_columns[0])
    for columns in pairs.values():
        for column in columns if len(columns) > 1 else ():
            own = set(stems_of(column)) - {s for c in columns if c != column for s in stems_of(c)}
            others = {s for c in columns if c != column for s in stems_of(c)} - set(stems_of(column))
            if own and not own <= query.hints:
                yield query.with_(hints=(query.hints | own) - others)
            elif others & query.hints:
                yield query.with_(hints=query.hints - others)


_JOINING: tuple[tuple[str, Edit], ...] = (
    ("loose", _loose),
    ("every", _every),
    ("loose_every", _loose_every),
    ("other_join", _other_join),
    ("pairs", _pairs),
    ("each", _each),
    ("either", _either),
    ("apart", _apart),
    ("of_top", _of_top),
    ("other_date", _other_date),
)
_SHOWING: tuple[tuple[str, Edit], ...] = (
    ("less", _less),
    ("named", _named),
    ("swapped", _swapped),
    ("once", _once),
    ("counts", _counts),
    ("with_count", _with_count),
    ("ungrouped", _ungrouped),
)
