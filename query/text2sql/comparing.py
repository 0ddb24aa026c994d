"""Rules that set two things side by side: ratios, days between dates, rows and their superiors, two tables' values."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from query.text2sql import filters
from query.text2sql.draft import Draft
from query.text2sql.linking import Candidate
from query.text2sql.logical import (
    Aggregate,
    Among,
    ColumnRef,
    Condition,
    Expression,
    Narrowed,
    Predicate,
    Query,
    Ratio,
    Scalar,
    Span,
    Superior,
)
from query.text2sql.measures import DET
from query.text2sql.sentence import Sentence
from query.text2sql.tokens import stem, stems_of

_CODES = frozenset(stem(w) for w in ("id", "code", "key", "number", "identifier", "no"))
_RATIO = re.compile(
    r"\bratios?(?: of| between)? (.+?) (?:to|and|over|versus|out of) (.+?)"
    r"(?=$| each\b| [?.,¦]| by [CT]\d| (?:in|at|for|from) (?:the )?[VKP]\d| overall\b| differ\b| change\b)"
)
_SPAN = re.compile(
    rf"(?:\b(average|maximum|minimum|\^|~) )?{DET}(?:howmany |howmuch |number of )?(?:days?|time|duration|delay)"
    rf"(?: (?:in days|passed|elapsed|taken|it takes))?( on average)? (?:between|from) {DET}([CT]\d+)"
    rf"(?: (?:and|to|until)) {DET}([CT]\d+)"
)
_SUPERIOR = re.compile(r"\b(C\d+)(?: C\d+)? ([<>]=?)(?: that of)? (?:their|its|his|her) (?:own )?(?:direct )?(C\d+)")
_BOTH_TABLES = re.compile(rf"\b(C\d+)\b(.*?)\bboth {DET}(T\d+) and {DET}(T\d+)")
_COMMON_TABLES = re.compile(
    rf"\b(?:common|shared|same) {DET}(C\d+)(?: [a-z]+)? (?:of|between|among|by|in|for|to) (?:both )?"
    rf"(?:some )?{DET}(T\d+) and (?:some )?{DET}(T\d+)"
)
_BUT_NOT = re.compile(
    rf"\b(C\d+) (?:that |which |where )?(?:have|has|with) {DET}(T\d+) (?:but|and) (?:NOT have|no) {DET}(T\d+)"
)


@dataclass(frozen=True)
class _Side:
    """One side of a ratio: rows of `table` that meet `conditions`, or a column; `total` where its sum is meant."""

    table: str
    conditions: tuple[Predicate, ...] = ()
    ref: ColumnRef | None = None
    total: bool = False


def rows_by_key(draft: Draft) -> None:
    """ "sections", which names the column `section_id` where that is the key of its table, means its rows."""
    for name, symbol in list(draft.sentence.symbols.items()):
        candidate = symbol.candidate
        if candidate is None or candidate.kind != "column" or len(candidate.columns) != 1:
            continue
        held = draft.table(candidate.table)
        column = held.column(candidate.columns[0]) if held else None
        if held is None or column is None or held.key != candidate.columns or column.role != "key":
            continue
        if (
            set(stems_of(column.label)) & _CODES
            and not set(stems_of(symbol.text.lower())) & _CODES
            and not candidate.sense
        ):
            rows = f"T{len(draft.sentence.symbols)}"
            table = Candidate("table", candidate.table, score=candidate.score)
            draft.sentence.symbols[rows] = replace(symbol, name=rows, candidate=table)
            draft.sentence.text = re.sub(rf"\b{name}\b", rows, draft.sentence.text)


def ratios(draft: Draft) -> None:
    """ "ratio of T to T", "ratio of T with C to T without C", "ratio of C to C"."""

    def ratio(match: re.Match[str]) -> str | None:
        sides = [_side(draft, match[1]), _side(draft, match[2])]
        if sides[0] is None or sides[1] is None:
            return None
        found = _ratio(draft, sides[0], sides[1])
        if found is None:
            return None
        draft.notes.append("ratio")
        return f" {draft.sentence.add('A', found)} "

    draft.sentence.take(_RATIO, ratio)


def _side(draft: Draft, text: str) -> _Side | None:
    conditions: list[Predicate] = []
    if re.search(r"[<>]=?|!=", text):
        inner = Draft(Sentence(text, draft.sentence.symbols), draft.lexicon, draft.catalogue)
        filters.comparisons(inner)
        conditions = [p for held in inner.filters.values() for p in held]
        text = re.sub(r"\bF\d+", "", inner.sentence.text)
        if inner.having:
            return None
    if re.search(r"\b[NAPMQ]\d+|[<>^~]", text):
        return None
    tables = re.findall(r"\bT\d+", text)
    table = draft.candidate(tables[0]).table if tables else ""
    conditions += [draft.base_condition(n) for n in re.findall(r"\b[VK]\d+", text)]
    columns: list[ColumnRef] = []
    for match in re.finditer(r"(\bNOT (?:have )?|!= )?\b(?:the |a |an )?(C\d+)", text):
        ref = draft.refs(match[2])[0]
        truth = filters.truth_of(draft, ref)
        if truth is not None:
            conditions.append(Condition(ref, "=", (truth[1] if match[1] else truth[0],)))
        else:
            columns.append(ref)
    if not tables and len(columns) == 1 and not conditions and draft.numeric(columns[0]):
        return _Side(columns[0].table, ref=columns[0], total="total" in text.split())
    return _Side(table, tuple(conditions)) if table and not columns and len(set(tables)) == 1 else None


def _ratio(draft: Draft, left: _Side, right: _Side) -> Expression | None:
    if left.ref is not None and right.ref is not None:
        if left.total or right.total:
            return Ratio(Aggregate("sum", left.table, left.ref), Aggregate("sum", right.table, right.ref))
        return Ratio(left.ref, right.ref) if left.table == right.table else None
    if left.ref is not None or right.ref is not None:
        return None
    if left.table == right.table and (left.conditions or right.conditions):
        draft.heads.append(left.table)
        return Ratio(_narrowed(left, "part"), _narrowed(right, "other part"))
    if left.table == right.table:
        return None
    if re.search(r"\beach\b|\bby [CT]\d", draft.sentence.text) or draft.grain:
        if left.conditions or right.conditions:
            return None
        return Ratio(Aggregate("count", left.table, distinct=True), Aggregate("count", right.table, distinct=True))
    queries = [Query(s.table, (Aggregate("count", s.table),), s.conditions) for s in (left, right)]
    return Ratio(Scalar(queries[0]), Scalar(queries[1]))


def _narrowed(side: _Side, label: str) -> Expression:
    counted = Aggregate("count", side.table)
    return Narrowed(counted, side.conditions, label) if side.conditions else counted


def spans(draft: Draft) -> None:
    """ "how many days between C and C", "average number of days from C to C"."""

    def span(match: re.Match[str]) -> str | None:
        ends = [_date(draft, name) for name in (match[3], match[4])]
        if ends[0] is None or ends[1] is None or ends[0] == ends[1]:
            return None
        days = Span(ends[0], ends[1])
        function = {"average": "avg", "maximum": "max", "^": "max", "minimum": "min", "~": "min"}.get(match[1] or "")
        if match[2] or re.search(r"\bon average\b", draft.sentence.text):
            function = "avg"
        folded = Aggregate(function, ends[0].table, days) if function else days  # type: ignore[arg-type]
        draft.notes.append("days")
        return f" {draft.sentence.add('A', folded)} "

    draft.sentence.take(_SPAN, span)


def _date(draft: Draft, name: str) -> ColumnRef | None:
    if name.startswith("C"):
        ref = draft.refs(name)[0]
        column = draft.column(ref)
        return ref if column is not None and column.type in ("date", "datetime") else None
    held = draft.table(draft.candidate(name).table)
    return ColumnRef(held.name, held.time_column) if held and held.time_column else None


def superiors_compared(draft: Draft) -> None:
    """ "older than their manager", where `manager` refers to the same table."""

    def compared(match: re.Match[str]) -> str | None:
        ref, reference = draft.refs(match[1])[0], draft.refs(match[3])[0]
        own = next(
            (j for j in draft.catalogue.joins
             if (j.left, j.left_columns, j.right) == (reference.table, (reference.column,), reference.table)), None
        )  # fmt: skip
        if own is None or ref.table != reference.table:
            return None
        draft.heads.append(ref.table)
        superior = Superior(ref, reference.column, own.right_columns[0])
        return draft.keep(Condition(ref, match[2], superior))  # type: ignore[arg-type]

    draft.sentence.take(_SUPERIOR, compared)


def shared_values(draft: Draft) -> None:
    """ "countries that have both customers and suppliers", "cities with customers but no suppliers"."""

    def kept(name: str, tables: tuple[str, str], *, denied: bool) -> str | None:
        ref = draft.refs(name)[0]
        first, second = (draft.candidate(t).table for t in tables)
        columns = [_alike(draft, ref, t) for t in (first, second)]
        if columns[0] is None or columns[1] is None or first == second:
            return None
        held, other = columns[0], columns[1]
        draft.sentence.symbols[name] = draft.symbol(name)
        known = Condition(other, "is not null")
        inner = Query(other.table, (other,), (known,))
        draft.distinct = True
        draft.select.append((0, held))
        return draft.keep(Condition(held, "is not null"), Condition(held, "not in" if denied else "in", inner))

    draft.sentence.take(_BOTH_TABLES, lambda m: kept(m[1], (m[3], m[4]), denied=False))
    draft.sentence.take(_COMMON_TABLES, lambda m: kept(m[1], (m[2], m[3]), denied=False))
    draft.sentence.take(_BUT_NOT, lambda m: kept(m[1], (m[2], m[3]), denied=True))


def _alike(draft: Draft, ref: ColumnRef, table: str) -> ColumnRef | None:
    """The column of `table` that is called like `ref` and no name or key of its rows."""
    column, held = draft.column(ref), draft.table(table)
    if column is None or held is None:
        return None
    for other in held.columns:
        if other.label == column.label and other.type == column.type and other.name not in held.key:
            return ColumnRef(table, other.name)
    return None


def within_groups(draft: Draft) -> Predicate | None:
    """ "the most expensive product in each category": the rows whose value is the extreme of their group.

    Takes the order, the limit and the groups of `draft` away; None where it asks for something else.
    """
    if not draft.superlative or draft.limit != 1 or len(draft.order) != 1 or not (draft.group or draft.group_tables):
        return None
    ref = draft.order[0].by
    if not isinstance(ref, ColumnRef):
        draft.penalty += 1.5  # the extreme of counts within groups is not said in one query of this kind
        return None
    keys: list[ColumnRef] = [g for g in draft.group if isinstance(g, ColumnRef)]
    for table in draft.group_tables:
        join = next((j for j in draft.catalogue.joins if j.left == ref.table and j.right == table), None)
        keys += [ColumnRef(ref.table, c) for c in join.left_columns] if join else draft.key_of(table)
    function = "max" if draft.order[0].descending else "min"
    best = Aggregate(function, ref.table, ref)  # type: ignore[arg-type]
    return Among(
        (*keys, ref), Query(ref.table, (*keys, best), tuple(draft.where), group=tuple(keys), hints=frozenset())
    )
