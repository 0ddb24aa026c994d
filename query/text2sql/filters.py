"""Rules for which rows are meant: comparisons, amounts, texts, terms, values, flags."""

from __future__ import annotations

import re

from query.text2sql.draft import Draft
from query.text2sql.logical import (
    Aggregate,
    AnyOf,
    ColumnRef,
    Condition,
    Predicate,
    TermCondition,
)
from query.text2sql.measures import DET
from query.text2sql.sentence import GAP
from query.text2sql.thesaurus import FALSE_VALUES, TRUE_VALUES, UNITS
from query.text2sql.tokens import stems_of

_FILL = (
    r"(?:(?:is|are|was|were|be|of|being|that|which|has|have|the|a|an|with|value|equals?|equal"
    r"|to|no|number|year|at|by|for|from|on|in|code|called|named|as|worth) )*"
)
_BETWEEN = re.compile(
    r"\b([CAM]\d+) (?:[a-z]+ ){0,3}?(?:between|from|ranging from|in the range(?: of)?) (?:\$ "
    r")?(N\d+)(?: [a-z]+)? (?:and|to|-) (N\d+)"
)
_BETWEEN_AFTER = re.compile(rf"\bbetween (N\d+) and (N\d+) {DET}([CATM]\d+)")
_COMPARE = re.compile(
    rf"\b([CAM]\d+) (?:¦ )?(?:(?:size|amount|level|score|points?|cost|capacity|time) )?{_FILL}(>=?|<=?|!=)"
    rf" {DET}(N\d+)\b(?! (?:different )?[TC]\d)(?: (?:years"
    rf"|dollars|usd|eur|euros|days|percent|hours|minutes|pounds|miles|meters|feet|inches|km|kg"
    rf"|cm)(?: old)?)?"
)
_COMPARE_AFTER = re.compile(
    rf"(>=?|<=?|!=) {DET}(N\d+) (?:dollars |of |total |in |different |points of |years of |percent of "
    rf"|corresponding |associated |related |such |other )*([CATM]\d+)"
)
_EQUALS = re.compile(rf"\b(C\d+) {_FILL}(?:= )?(?:exactly )?(N\d+)\b(?! [TC]\d| [\^~])")
_SINCE = re.compile(r"\b(after|before|since) (?:the )?(C\d+) (N\d+)\b(?! [CTAM]\d)")
_NOT_EQUALS = re.compile(rf"\bNOT (?:[a-z]+ )?(C\d+) {_FILL}(N\d+)\b(?! [TC]\d)")
_EQUALS_AFTER = re.compile(
    r"\b(?:have|has|had|having|with|exactly|only|scored|made|contain|contains|against)"
    r" (?:exactly |only )?(N\d+) ([CT]\d+)"
)
_SAME = re.compile(r"(F\d+) (or|and|but)(?: (?:is|are|was|has|have|it))?(?: (>=?|<=?|!=))? (N\d+)(?! [CTAM]\d)")
_AMOUNT = re.compile(
    r"\b(T\d+)(?: (?:that|which|who))?(?: (?:are|is|were|was))?(?: (?:worth|of))? (>=?|<=?)"
    r" (N\d+)\b(?! (?:different )?[CTAM]\d)( in total)?"
)
_RANGE_OF = re.compile(
    r"\b(?:have|has|had|with|having|between) (?:between )?(N\d+) (?:to|and|-) (N\d+)"
    r" (?:total |different |number of )*(T\d+)"
)
_NUMBERED = re.compile(r"\b(T\d+) (?:number |id |code )?(N\d+)\b(?! (?:different )?[TC]\d)")
_TWICE = re.compile(r"\b(C\d+) (?:is |are |was |were )?(C\d+)(?= (?:[<>]=?|!=) )")
_TIMES = re.compile(r"(>=?|<=?|!=)? ?\b(N\d+)( times)?\b")
_SEVERAL = re.compile(rf"\b(C\d+) {_FILL}(?:either |both )?(N\d+)((?: ,)? (?:or|and) )(N\d+)\b(?! [CTAM]\d)")
_SEVERAL_BEFORE = re.compile(r"(?<![<>=] )(?<!\$ )\b(N\d+)(?: (C\d+))? (or|and) (N\d+) (C\d+)\b")
_FILTERED_COUNT = re.compile(r"(>=?|<=?|!=) (N\d+) ((?:[VK]\d+ )+)(T\d+)\b")
_WITH_FLAG = re.compile(
    rf"\b(NOT (?:have|has|had|with)|with|have|has|had|having|offer|offers) {DET}(C\d+)\b(?! (?:[<>]|!=|[VN]\d))"
)
_VALUES = re.compile(
    r"(\bboth )?(NOT (?:[a-z]+ )*?|!= (?:[a-z]+ )?)?\b([VQ]\d+)((?:(?: ,)?(?: or| and| nor"
    r")?(?: the| in| from)? [VQ]\d+)*)"
)


def comparisons(draft: Draft) -> None:
    """ "C more than N", "more than N C", "between N and N"."""

    def number(name: str) -> float:
        return draft.symbol(name).number or 0.0

    def put(name: str, operator: str, low: str, high: str | None = None) -> str | None:
        if name.startswith("T"):
            return counted(name, operator, low)
        left = draft.expressions(name)[0]
        if isinstance(left, ColumnRef) and operator not in ("=", "!=", "") and draft.worded(left):
            draft.having.append(Condition(Aggregate("count", left.table), operator, (number(low),)))  # type: ignore[arg-type]
            return f" {name} ¦ "
        if isinstance(left, ColumnRef) and not _comparable(draft, left):
            column = draft.column(left)
            if (
                operator != "="
                or column is None
                or column.type != "text"
                or not re.search(r"\d", draft.symbol(low).text)
            ):
                return None
            return draft.keep(Condition(left, "=", (draft.symbol(low).text,)))
        if high is not None:
            found = [Condition(left, ">=", (number(low),)), Condition(left, "<=", (number(high),))]
        else:
            found = [Condition(left, operator, (number(low),))]  # type: ignore[arg-type]
        if isinstance(left, ColumnRef):
            return draft.keep(*found)
        draft.having.extend(found)
        return GAP

    def counted(name: str, operator: str, low: str) -> str | None:
        draft.having.append(Condition(draft.expressions(name)[0], operator, (number(low),)))  # type: ignore[arg-type]
        return GAP

    def again(match: re.Match[str]) -> str | None:
        held = draft.filters[match[1]][0]
        if not isinstance(held, Condition) or not isinstance(held.left, ColumnRef):
            return None
        new = Condition(held.left, match[3] or "=", (number(match[4]),))  # type: ignore[arg-type]
        return f" {match[1]} {match[2]} {draft.keep(new)} "

    def times(match: re.Match[str]) -> str | None:
        symbol = draft.symbol(match[2])
        if not match[3] and symbol.text.lower() not in ("once", "twice"):
            return None
        draft.having.append(Condition(Aggregate("count", ""), match[1] or "=", (number(match[2]),)))  # type: ignore[arg-type]
        return GAP

    def unit(match: re.Match[str]) -> str | None:
        return (
            match[1]
            if draft.symbol(match[2]).text.lower() in UNITS and re.search(r"[CM]\d+", match.string[: match.start()])
            else None
        )

    def range_of(match: re.Match[str]) -> str:
        counted(match[3], ">=", match[1])
        counted(match[3], "<=", match[2])
        return GAP

    def numbered(match: re.Match[str]) -> str | None:
        key = draft.key_of(draft.candidate(match[1]).table)
        if len(key) != 1 or not re.search(r"[CTAM]\d", match.string[: match.start()]):
            return None
        column = draft.column(key[0])
        return (
            draft.keep(Condition(key[0], "=", (number(match[2]),)))
            if column and column.type in ("integer", "number")
            else None
        )

    def several(name: str, word: str, *numbers: str) -> str | None:
        ref = draft.refs(name)[0]
        if not draft.numeric(ref):
            return None
        kept = [draft.keep(Condition(ref, "=", (number(n),))) for n in numbers]
        return f" both {' and '.join(kept)} " if word == "and" else f" {' or '.join(kept)} "

    def several_before(match: re.Match[str]) -> str | None:
        if match[2] and draft.refs(match[2]) != draft.refs(match[5]):
            return None
        return several(match[5], match[3], match[1], match[4])

    take = draft.sentence.take
    take(_RANGE_OF, range_of)
    take(_BETWEEN, lambda m: put(m[1], "", m[2], m[3]))
    take(_BETWEEN_AFTER, lambda m: put(m[3], "", m[1], m[2]) if m[3][0] != "T" else None)
    take(
        _SINCE,
        lambda m: put(m[2], {"after": ">", "before": "<"}.get(m[1], ">="), m[3]) if _years(draft, m[2]) else None,
    )
    take(_NOT_EQUALS, lambda m: put(m[1], "!=", m[2]))
    take(_SEVERAL, lambda m: several(m[1], m[3].strip(" ,"), m[2], m[4]))
    take(_SEVERAL_BEFORE, several_before)
    take(_FILTERED_COUNT, lambda m: f" {m[3]}{counted(m[4], m[1], m[2])} ")
    take(_TWICE, lambda m: m[2] if draft.refs(m[1]) == draft.refs(m[2]) else None)
    take(re.compile(r"\b(N\d+) (C\d+)\b"), unit)
    take(_BETWEEN, lambda m: put(m[1], "", m[2], m[3]))
    take(_BETWEEN_AFTER, lambda m: put(m[3], "", m[1], m[2]) if m[3][0] != "T" else None)
    take(_COMPARE, lambda m: put(m[1], m[2], m[3]))
    take(_COMPARE_AFTER, lambda m: put(m[3], m[1], m[2]))
    take(_EQUALS_AFTER, lambda m: put(m[2], "=", m[1]))
    take(
        _EQUALS,
        lambda m: put(m[1], "=", m[2]) if " of " not in m[0] or _comparable(draft, draft.refs(m[1])[0]) else None,
    )
    take(_NUMBERED, numbered)
    take(_SAME, again)
    take(_TIMES, times)


def amounts(draft: Draft) -> None:
    """ "invoices over 50,000": the amount of each; "of more than ... in total": their sum."""

    def amount(match: re.Match[str]) -> str | None:
        table = draft.candidate(match[1]).table
        ref = draft.measure_of(table)
        if ref is None:
            return None
        condition = Condition(ref, match[2], (draft.symbol(match[3]).number or 0.0,))  # type: ignore[arg-type]
        if match[4] or "total" in draft.sentence.question.split():
            draft.having.append(Condition(Aggregate("sum", table, ref), condition.operator, condition.right))
            return f" {match[1]} ¦ "
        return f" {match[1]} {draft.keep(condition)} "

    draft.sentence.take(_AMOUNT, amount)


def _years(draft: Draft, name: str) -> bool:
    ref = draft.refs(name)[0]
    return draft.of_years(ref) or draft.temporal(ref)


def _comparable(draft: Draft, ref: ColumnRef) -> bool:
    column = draft.column(ref)
    return column is not None and (
        column.type in ("integer", "number") or column.role in ("key", "reference", "dimension")
    )


def terms(draft: Draft) -> None:
    """Business terms of the catalogue: "open tickets", "not active"."""

    def term(match: re.Match[str]) -> str:
        candidate = draft.candidate(match[2])
        held = next(t for t in draft.catalogue.terms if t.name == candidate.target and t.table == candidate.table)
        draft.context.append(held.table)
        kept = draft.keep(TermCondition(held.table, held.where, held.name, negated=bool(match[1])))
        return kept if re.match(r" (?:or|and) ", match.string[match.end() :]) else " "

    draft.sentence.take(re.compile(r"(NOT |!= )?\b(K\d+)"), term)


def values(draft: Draft) -> None:
    """Stored values, alone, beside their column ("country France", "title of 'X'") and in lists."""

    def value(match: re.Match[str]) -> str | None:
        names = [match[3], *re.findall(r"[VQ]\d+", match[4])]
        negated = bool(match[2])
        groups: dict[ColumnRef, list[str]] = {}
        for name in names:
            candidate = draft.candidate(name)
            if candidate.kind == "text":
                pair = _named_pair(draft, match.string[: match.start()], candidate.value)
                if pair:
                    return draft.keep(*pair)
                ref = _column_before(draft, match.string[: match.start()])
                if ref is None:
                    draft.lost = True
                    continue
                text = candidate.value
            else:
                ref, text = ColumnRef(candidate.table, candidate.columns[0]), candidate.value
            groups.setdefault(ref, []).append(text)
        both = bool(match[1]) or (bool(re.search(r"\bboth\b", draft.sentence.text)) and len(names) > 1)
        found: list[Predicate] = []
        alone = re.fullmatch(r"(?: and [VQ]\d+)+", match[4] or "") and len(groups) == 1 and not negated
        if alone and re.search(r"\bM\d+", match.string) and not re.search(r"\^|~|each", match.string):
            draft.group.append(next(iter(groups)))
        if both and not negated and len(names) > 1 and len(groups) == 1:
            ref, literals = next(iter(groups.items()))
            kept = [draft.keep(*_matched(draft, ref, [v], False)) for v in dict.fromkeys(literals)]
            return f" both {' and '.join(kept)} "
        for ref, literals in groups.items():
            found.extend(_matched(draft, ref, list(dict.fromkeys(literals)), negated))
        if " or " in match[4] and " and " not in match[4] and len(groups) > 1:
            found = [AnyOf(tuple(found))]
        return draft.keep(*found)

    draft.sentence.take(_column_value_pattern, lambda m: _column_value(draft, m))
    draft.sentence.take(re.compile(r"\b(V\d+) (C\d+)\b"), lambda m: _value_column(draft, m))
    draft.sentence.take(_VALUES, value)


_column_value_pattern = re.compile(
    rf"\b(C\d+) (?:,? ?(?:and|or) )?{_FILL}(?:(?:named|called|titled|either|as|in|=|like) "
    rf")*(NOT |!= )?(?:the |a |an )?([VQ]\d+)\b"
)


def _column_value(draft: Draft, match: re.Match[str]) -> str | None:
    """ "C is V" and "C V": the column belongs to the value and is not asked for."""
    candidate, refs = draft.candidate(match[3]), draft.refs(match[1])
    before = match.string[: match.start()]
    if candidate.kind == "text":
        if re.search(r"(?:^|what (?:is|are)|show|list|find|give me|return)(?: the| all)* $", before):
            return None
        return draft.keep(Condition(refs[0], "!=" if match[2] else "=", (candidate.value,)))
    own = ColumnRef(candidate.table, candidate.columns[0])
    label = draft.column(own)
    said = set(stems_of(draft.symbol(match[1]).text))
    alike = (
        label is not None
        and bool(said)
        and said <= set(stems_of(label.label))
        and re.search(r"\bof (?:the )?$", before)
    )
    if own in refs or alike:
        return f" {match[2] or ''}{match[3]} "
    return None


def _value_column(draft: Draft, match: re.Match[str]) -> str | None:
    """ "Atlanta city": the column after its value is not asked for."""
    candidate = draft.candidate(match[1])
    own = ColumnRef(candidate.table, candidate.columns[0])
    return f" {match[1]} " if own in draft.refs(match[2]) else None


def _named_pair(draft: Draft, before: str, text: str) -> list[Predicate]:
    """ "the author 'Ada Berg'", where first and last name are columns of their own."""
    names = re.findall(r"[CT]\d+", before)
    words = text.split()
    if not names or not names[-1].startswith("T") or len(words) < 2:
        return []
    columns = draft.names_of(draft.candidate(names[-1]).table)
    if len(columns) != 2:
        return []
    return [Condition(columns[0], "=", (words[0],)), Condition(columns[1], "=", (" ".join(words[1:]),))]


def _column_before(draft: Draft, before: str) -> ColumnRef | None:
    """The column that a text which is stored nowhere is compared with: the nearest column or table before it."""
    names = re.findall(r"[CT]\d+", before)
    if not names:
        return None
    name = names[-1]
    refs = draft.refs(name) if name.startswith("C") else draft.names_of(draft.candidate(name).table)
    texts_ = [r for r in refs if not draft.numeric(r)]
    return texts_[0] if texts_ else None


def _matched(draft: Draft, ref: ColumnRef, literals: list[str], negated: bool) -> list[Predicate]:
    column = draft.column(ref)
    if any(v.startswith("%") for v in literals):
        return [Condition(ref, "not like" if negated else "like", (v,)) for v in literals[:1]]
    typed: tuple[str | float, ...] = tuple(literals)
    if column is not None and column.type in ("integer", "number", "boolean"):
        typed = tuple(float(v) if v.replace(".", "", 1).lstrip("-").isdigit() else v for v in literals)
    if len(typed) > 1:
        return [Condition(ref, "not in" if negated else "in", typed)]
    return [Condition(ref, "!=" if negated else "=", typed)]


def flags(draft: Draft) -> None:
    """A yes/no column used as an adjective: "discontinued products", "that are active", "with exams"."""

    def flag(match: re.Match[str]) -> str | None:
        ref = draft.refs(match[2])[0]
        truth = truth_of(draft, ref)
        if truth is None:
            return None
        if _told(draft, ref):
            return f" {match[3]} "
        return f"{draft.keep(Condition(ref, '=', (truth[1] if match[1] else truth[0],)))} {match[3]} "

    draft.sentence.take(_WITH_FLAG, lambda m: _with_flag(draft, m))
    draft.sentence.take(_AND_FLAG, lambda m: _and_flag(draft, m))
    draft.sentence.take(re.compile(r"(NOT |!= |\bnon )?(?:currently |been )?\b(C\d+)(?: (T\d+|A\d+))"), flag)
    draft.sentence.take(
        re.compile(r"\b(?:are|is|were|was|been|be|that|who|NOT) (NOT )?(?:currently |been |all )?\b(C\d+)\b()(?! of)"),
        lambda m: flag(m) if not m.group().startswith("NOT") else _negated_flag(draft, m),
    )


def _told(draft: Draft, ref: ColumnRef) -> bool:
    """True where the question gives the value of the flag itself."""
    held = [p for kept in draft.filters.values() for p in kept]
    return any(isinstance(p, Condition) and p.left == ref for p in held)


def _with_flag(draft: Draft, match: re.Match[str]) -> str | None:
    """ "courses with exams", "without exams", where `has_exams` is a yes/no column."""
    ref = draft.refs(match[2])[0]
    truth = truth_of(draft, ref)
    if truth is None:
        return None
    if _told(draft, ref):
        return " "
    return draft.keep(Condition(ref, "=", (truth[1] if "NOT" in match[1] else truth[0],)))


def _and_flag(draft: Draft, match: re.Match[str]) -> str | None:
    """ "with a final exam and a final project"."""
    held = draft.filters.get(match[1], [None])[0]
    truth = truth_of(draft, draft.refs(match[3])[0])
    flagged = isinstance(held, Condition) and isinstance(held.left, ColumnRef) and truth_of(draft, held.left)
    if truth is None or not flagged:
        return None
    return f" {match[1]} {match[2]} {draft.keep(Condition(draft.refs(match[3])[0], '=', (truth[0],)))} "


_AND_FLAG = re.compile(r"(F\d+) (and|or) (?:a |an |the )?(C\d+)\b(?! (?:[<>]|!=|[VN]\d))")


def _negated_flag(draft: Draft, match: re.Match[str]) -> str | None:
    truth = truth_of(draft, draft.refs(match[2])[0])
    if truth is None:
        return None
    return draft.keep(Condition(draft.refs(match[2])[0], "=", (truth[1],)))


def truth_of(draft: Draft, ref: ColumnRef) -> tuple[str | float, str | float] | None:
    """The stored values for yes and no of a flag; None for a column that is none."""
    column = draft.column(ref)
    if column is None:
        return None
    lower = {v.lower(): v for v in column.values}
    if lower and set(lower) <= {*TRUE_VALUES, *FALSE_VALUES}:
        yes = next((lower[v] for v in TRUE_VALUES if v in lower), "1")
        no = next((lower[v] for v in FALSE_VALUES if v in lower), "0")
        numeric = column.type in ("integer", "number", "boolean") and yes in "01" and no in "01"
        return (float(yes), float(no)) if numeric else (yes, no)
    if column.type == "boolean" or column.role == "flag":
        return 1.0, 0.0
    return None
