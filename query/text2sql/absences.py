"""Rules for what is missing or refers to its own table: negation, nulls, dates that came to pass, superiors."""

from __future__ import annotations

import re

from query.text2sql import filters, moments
from query.text2sql.draft import Draft
from query.text2sql.logical import (
    AnyOf,
    ColumnRef,
    Condition,
    Operator,
    Predicate,
    Query,
    Related,
)
from query.text2sql.measures import DET
from query.text2sql.sentence import GAP, Sentence
from query.text2sql.timing import conditions, date_column

_NULL = re.compile(
    rf"\bNOT (?:have|has|had|having|with|specify|list|provide) {DET}(C\d+)\b(?! (?:[<>=]|!="
    rf"|[VN]))|\b(C\d+) (?:is |are |was )?(?:null|missing|empty|unknown|blank|not (?:known"
    rf"|available|set|given))\b|\b(?:missing|unknown|empty) (C\d+)"
)
_NOT_NULL = re.compile(
    r"\b(C\d+) (?:is |are )?(?:!= |NOT )(?:null|missing|empty|unknown|blank)\b|\bwith (?:a "
    r"|an )?(?:known|non-null) (C\d+)"
)
_NOT_YET = re.compile(r"\bNOT (?:(?:yet|been|be|already) )*(C\d+)(?: yet)?\b(?! (?:[<>=]|!=|[VNTP]\d|anything))")
_NEGATED = re.compile(r"\bNOT\b(?P<body>[^¦?.,]*?)(?=$|[¦?.,]|\bbut\b|\band whose\b|\band have\b|\border)")


def nulls(draft: Draft) -> None:
    """ "without C", "C is missing"."""

    def null(match: re.Match[str], operator: Operator) -> str:
        name = next(g for g in match.groups() if g)
        ref = draft.refs(name)[0]
        truth = filters.truth_of(draft, ref)
        if truth is not None:
            return draft.keep(Condition(ref, "=", (truth[1] if operator == "is null" else truth[0],)))
        missing: Predicate = Condition(ref, operator)
        column = draft.column(ref)
        none = next((v for v in column.values if v.lower() in ("no", "none")), None) if column else None
        if none is not None:
            return draft.keep(Condition(ref, "=" if operator == "is null" else "!=", (none,)))
        if operator == "is null" and column is not None and column.type == "text":
            missing = AnyOf((missing, Condition(ref, "=", ("",))))
        return draft.keep(missing)

    draft.sentence.take(_NULL, lambda m: null(m, "is null"))
    draft.sentence.take(_NOT_YET, lambda m: null(m, "is null") if _same_head(draft, m) else None)
    draft.sentence.take(_NOT_NULL, lambda m: null(m, "is not null"))


def _same_head(draft: Draft, match: re.Match[str]) -> bool:
    ref = draft.refs(match[1])[0]
    return draft.temporal(ref) and _head_table(draft, match.string[: match.start()]) in (ref.table, None)


def happened(draft: Draft) -> None:
    """ "has churned", "were delivered" without a date: the date is there."""

    def known(match: re.Match[str]) -> str | None:
        ref = draft.refs(match[1])[0]
        if not draft.temporal(ref) or not moments.verbal(draft.symbol(match[1]).text):
            return None
        return draft.keep(Condition(ref, "is not null"))

    draft.sentence.take(
        re.compile(r"\b(?:has|have|had|been|already|were|was|are|is) (C\d+)\b(?! (?:[<>]|!=|P\d))"), known
    )


def negations(draft: Draft) -> None:
    """ "customers that never ordered", "students who do not have pets of type cat": no such related row."""
    nulls(draft)

    def negated(match: re.Match[str]) -> str | None:
        body = match["body"]
        head = _head_table(draft, draft.sentence.text[: match.start()])
        tables = [draft.candidate(n).table for n in re.findall(r"T\d+", body)]
        found = [draft.candidate(n) for n in re.findall(r"[VC]\d+", body)]
        terms = [draft.candidate(n).table for n in re.findall(r"K\d+", body)]
        far = next((t for t in (*tables, *terms) if t != head), None)
        if far is None:
            far = next((c.table for c in found if c.table != head and c.kind == "value"), None)
        if far is None:
            far = next(
                (c.table for c in found if c.table != head and draft.temporal(ColumnRef(c.table, c.columns[0]))), None
            )
        if far is None and not tables and not found and re.search(r"\b[a-z]{3,}", body):
            far = _only_child(draft, head)
        head_column = _head_column(draft, draft.sentence.text[: match.start()])
        if far is None and (head_column is None or not (tables or found)):
            return None
        if head is None:
            return None
        inner = replace_sentence(draft, body)
        filters.terms(inner)
        moments.periods(inner)
        filters.comparisons(inner)
        filters.values(inner)
        inner.settle()
        where = list(inner.where)
        for period_, ref in inner.periods:
            ref = ref or date_column(inner, Query(far or head, (), context=()))
            where.extend(conditions(inner, ref, period_) if ref else ())
        if far is not None:
            draft.where.append(Related(far, tuple(where), negated=True))
        elif where and head_column is not None:
            other = Query(head_column.table, (head_column,), (*where, Condition(head_column, "is not null")))
            draft.where.append(Condition(head_column, "not in", other))
            draft.distinct = True
        else:
            return None
        draft.notes.append("without")
        return GAP

    draft.sentence.take(_NEGATED, negated)


def _only_child(draft: Draft, head: str | None) -> str | None:
    """The one table that refers to `head` ("services that were never used"); None when there are several."""
    children = {j.left for j in draft.catalogue.joins if j.right == head and j.left != head and draft.table(j.left)}
    return children.pop() if len(children) == 1 else None


def superiors(draft: Draft) -> None:
    """A column that refers to its own table: "who reports to V", "the manager of V"."""

    def related(match: re.Match[str]) -> str | None:
        ref = draft.refs(match[1])[0]
        own = [
            j
            for j in draft.catalogue.joins
            if (j.left, j.left_columns, j.right) == (ref.table, (ref.column,), ref.table)
        ]
        names = re.findall(r"V\d+", match[3])
        if not own or any(draft.candidate(n).table != ref.table for n in names):
            return None
        conditions_ = tuple(draft.base_condition(n) for n in names)
        if match[2].strip() == "of":
            key = ColumnRef(ref.table, own[0].right_columns[0])
            draft.heads.append(ref.table)
            return draft.keep(Condition(key, "in", Query(ref.table, (ref,), conditions_)))
        return draft.keep(Related(ref.table, conditions_))

    def named(match: re.Match[str]) -> str | None:
        ref = draft.refs(match[2])[0]
        own = [
            j
            for j in draft.catalogue.joins
            if (j.left, j.left_columns, j.right) == (ref.table, (ref.column,), ref.table)
        ]
        names = re.findall(r"V\d+", match[1])
        if not own or any(draft.candidate(n).table != ref.table for n in names):
            return None
        draft.heads.append(ref.table)
        key = ColumnRef(ref.table, own[0].right_columns[0])
        asked = Query(ref.table, (ref,), tuple(draft.base_condition(n) for n in names))
        return draft.keep(Condition(key, "in", asked))

    draft.sentence.take(re.compile(r"\bwhom? (?:do|does|did) ((?:V\d+ )+)(C\d+)(?: to)?"), named)
    draft.sentence.take(re.compile(r"\b(C\d+)((?: directly)?(?: to| by| under| of)?) ((?:V\d+ ?)+)"), related)


def _head_column(draft: Draft, before: str) -> ColumnRef | None:
    """The column that the question asks for, when it asks for a column that names no row."""
    names = re.findall(r"[TCA]\d+", before)
    if len(names) != 1 or not names[0].startswith("C"):
        return None
    ref = draft.refs(names[0])[0]
    return None if draft.is_name(ref) else ref


def replace_sentence(draft: Draft, text: str) -> Draft:
    """A fresh draft over a part of the sentence; it shares the symbols."""
    return Draft(Sentence(text, draft.sentence.symbols), draft.lexicon, draft.catalogue)


def _head_table(draft: Draft, before: str) -> str | None:
    for name in re.findall(r"[TCA]\d+", before):
        symbol = draft.symbol(name)
        if symbol.candidate is not None:
            return symbol.candidate.table
        if symbol.expression is not None:
            return getattr(symbol.expression, "table", None)
    return None
