"""Rules for comparisons with other rows, which a clause of their own narrows."""

from __future__ import annotations

import re

from query.text2sql import filters, moments, texts
from query.text2sql.draft import Draft
from query.text2sql.logical import Aggregate, Condition, Expression, Function, Query
from query.text2sql.measures import DET
from query.text2sql.sentence import Sentence
from query.text2sql.timing import conditions, date_column

_FOLDS: dict[str, Function] = {"average": "avg", "maximum": "max", "minimum": "min", "^": "max", "~": "min"}
_NESTED_EXTREME = re.compile(
    rf"\b(C\d+) (?:(?:is|are|was|were|that|which|who|has|have|a|of|made) )*([<>]=?) (?:than )?"
    rf"{DET}(?P<fold>average|maximum|minimum|\^|~)? ?(?P<all>any|all|every|each|some)? ?(?:values? )?(?:than )?"
    rf"(?:(?:that|those|the one|the ones) of )?{DET}(?:C\d+ )?(?:(?:of|for|in|among|across|by) )?"
    rf"(?P<rest>(?!{DET}[NVP]\d){DET}(?:T\d+ )?[^?.]*?[VNQP]\d+[^?.]*?)"
    r"(?= and (?:who|whose|that|which|have|has)\b|[?.]|$)"
)
_NESTED_LATE = re.compile(
    rf"(?P<op>[<>]=?) {DET}(?P<fold>average|maximum|minimum) {DET}(?P<late>C\d+) (?:of|for|in|among|across)"
    rf" (?P<all>(?:all )?)(?P<rest>{DET}(?:T\d+ )?[^?.]*?[VNQP]\d+[^?.]*?)(?= and (?:who|whose|that|which)\b|[?.]|$)"
)


def nested_extremes(draft: Draft) -> None:
    """ "resolution higher than the average of songs in modern genre", "salary more than that of the employee with id
    163": a comparison with rows that the rest of the clause narrows."""

    def compared(match: re.Match[str]) -> str | None:
        late = match.re is _NESTED_LATE
        ref, operator = draft.refs(match["late"] if late else match[1])[0], match["op"] if late else match[2]
        if not (draft.numeric(ref) or draft.temporal(ref)):
            return None
        inner = Draft(Sentence(match["rest"], draft.sentence.symbols), draft.lexicon, draft.catalogue)
        texts.texts(inner)
        moments.periods(inner)
        filters.comparisons(inner)
        filters.values(inner)
        inner.settle()
        where = list(inner.where)
        for period, date in inner.periods:
            date = date or date_column(inner, Query(ref.table, (ref,)))
            where.extend(conditions(inner, date, period) if date else ())
        if not where or inner.having or inner.lost:
            return None
        up = operator.startswith(">")
        word = match["fold"] or ""
        function = _FOLDS.get(word) or ("max" if up else "min")
        single = not word and not match["all"] and any(isinstance(p, Condition) and p.operator == "=" for p in where)
        asked: Expression = ref if single else Aggregate(function, ref.table, ref)
        nested = Query(ref.table, (asked,), tuple(where), every=True)
        draft.notes.append("nested")
        return draft.keep(Condition(ref, operator, nested))  # type: ignore[arg-type]

    draft.sentence.take(_NESTED_EXTREME, compared)
    draft.sentence.take(_NESTED_LATE, compared)
