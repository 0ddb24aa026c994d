"""Rules for which rows are meant: comparisons, values, terms, texts, nulls, flags, negation, periods."""

from __future__ import annotations

import re
from dataclasses import replace

from query.text2sql.draft import Draft
from query.text2sql.logical import (
    Aggregate,
    AnyOf,
    ColumnRef,
    Condition,
    Operator,
    Predicate,
    Query,
    Related,
    TermCondition,
)
from query.text2sql.measures import DET
from query.text2sql.sentence import GAP, Sentence
from query.text2sql.thesaurus import FALSE_VALUES, TRUE_VALUES, UNITS
from query.text2sql.timing import conditions, date_column
from query.text2sql.tokens import stem, stems_of

_FILL = r"(?:(?:is|are|was|were|be|of|being|that|which|has|have|the|a|an|with|value|equals?|equal|to|no|number|year|at|by|for|from|on|called|named|as) )*"
_BETWEEN = re.compile(
    r"\b([CAM]\d+) (?:[a-z]+ ){0,3}?(?:between|from|ranging from|in the range(?: of)?) (?:\$ )?(N\d+)(?: [a-z]+)? (?:and|to|-) (N\d+)"
)
_BETWEEN_AFTER = re.compile(rf"\bbetween (N\d+) and (N\d+) {DET}([CATM]\d+)")
_COMPARE = re.compile(
    rf"\b([CAM]\d+) {_FILL}(>=?|<=?|!=) {DET}(N\d+)\b(?! (?:different )?[TC]\d)(?: (?:years|dollars|usd|eur|euros|days|percent|hours|minutes|pounds|miles|meters|feet|inches|km|kg|cm)(?: old)?)?"
)
_COMPARE_AFTER = re.compile(
    rf"(>=?|<=?|!=) {DET}(N\d+) (?:dollars |of |total |in |different |points of |years of |percent of )*([CATM]\d+)"
)
_EQUALS = re.compile(rf"\b(C\d+) {_FILL}(?:= )?(?:exactly )?(N\d+)\b(?! [TC]\d)")
_EQUALS_AFTER = re.compile(
    r"\b(?:have|has|had|having|with|exactly|only|scored|contain|contains|against) (?:exactly |only )?(N\d+) ([CT]\d+)"
)
_SAME = re.compile(r"(F\d+) (or|and|but)(?: (?:is|are|was|has|have|it))?(?: (>=?|<=?|!=))? (N\d+)(?! [CTAM]\d)")
_AMOUNT = re.compile(
    r"\b(T\d+)(?: (?:that|which|who))?(?: (?:are|is|were|was))?(?: (?:worth|of))? (>=?|<=?) (N\d+)\b(?! (?:different )?[CTAM]\d)( in total)?"
)
_TIMES = re.compile(r"(>=?|<=?|!=)? ?\b(N\d+)( times)?\b")
_LIKE = re.compile(
    r"\b([CT]\d+)(?: that| which| who)? (?:[a-z]+ ){0,3}?(NOT )?(?:have |has |with |do |does )?"
    r"(contain|contains|containing|include|includes|including|like|start|starts|starting|begin|begins|beginning|end|ends|ending)"
    r"(?: (?P<how>with|in|by|on))?(?: the| a| an)?(?: (?:word|words|letter|letters|substring|string|phrase|text|prefix|suffix|character|keyword|name))?s? ([QVN]\d+|(?!the\b|a\b|an\b|word|letter|sub|string|phrase|at\b|in\b|with\b|all\b|more\b|any\b|each\b|some\b|no\b)[a-z]+)\b"
)
_WORD_IN = re.compile(
    r"\b(?:have|has|with|having|contains?|containing|includes?) (?:the |a )?(?:word|letter|substring|string|phrase|text|name)s? ([QVN]\d+) (?:in|as part of) (?:the |their |its |his |her )*(C\d+)\b"
)
_HAS_WORD = re.compile(
    r"\b(C\d+) (?:[a-z]+ ){0,2}?(?:has|have|with|having|contains?)(?: the| a)? (?:word|letter|substring|string|phrase|text)s? ([QV]\d+|[a-z]+)\b"
)
_NULL = re.compile(
    rf"\bNOT (?:have|has|had|having|with|specify|list|provide) {DET}(C\d+)\b(?! (?:[<>=]|!=|[VN]))|\b(C\d+) (?:is |are |was )?(?:null|missing|empty|unknown|blank|not (?:known|available|set|given))\b|\b(?:missing|unknown|empty) (C\d+)"
)
_NOT_NULL = re.compile(
    r"\b(C\d+) (?:is |are )?(?:!= |NOT )(?:null|missing|empty|unknown|blank)\b|\bwith (?:a |an )?(?:known|non-null) (C\d+)"
)
_NOT_YET = re.compile(r"\bNOT (?:(?:yet|been|be|already) )*(C\d+)(?: yet)?\b(?! (?:[<>=]|!=|[VNTP]\d|anything))")
TIME_NOUNS = ("date", "dates", "day", "days", "time", "times", "year", "years", "month", "months", "week", "weeks", "birthday",
              "birthdays", "deadline", "deadlines", "start", "end", "since", "launch", "birth", "timestamp", "season",
              "founded", "established", "decade", "period")  # fmt: skip
_VALUES = re.compile(
    r"(\bboth )?(NOT (?:[a-z]+ )*?|!= (?:[a-z]+ )?)?\b([VQ]\d+)((?:(?: ,)?(?: or| and| nor)?(?: the| in| from)? [VQ]\d+)*)"
)
_NEGATED = re.compile(r"\bNOT\b(?P<body>[^¦?.,]*?)(?=$|[¦?.,]|\bbut\b|\band whose\b|\band have\b|\border)")


def comparisons(draft: Draft) -> None:
    """ "C more than N", "more than N C", "between N and N"."""

    def number(name: str) -> float:
        return draft.symbol(name).number or 0.0

    def put(name: str, operator: str, low: str, high: str | None = None) -> str | None:
        if name.startswith("T"):
            return counted(name, operator, low)
        left = draft.expressions(name)[0]
        if isinstance(left, ColumnRef) and not _comparable(draft, left):
            return None
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

    take = draft.sentence.take
    take(re.compile(r"\b(N\d+) (C\d+)\b"), unit)
    take(_BETWEEN, lambda m: put(m[1], "", m[2], m[3]))
    take(_BETWEEN_AFTER, lambda m: put(m[3], "", m[1], m[2]) if m[3][0] != "T" else None)
    take(_COMPARE, lambda m: put(m[1], m[2], m[3]))
    take(_COMPARE_AFTER, lambda m: put(m[3], m[1], m[2]))
    take(_EQUALS_AFTER, lambda m: put(m[2], "=", m[1]))
    take(_EQUALS, lambda m: put(m[1], "=", m[2]))
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


def _comparable(draft: Draft, ref: ColumnRef) -> bool:
    column = draft.column(ref)
    return column is not None and (
        column.type in ("integer", "number") or column.role in ("key", "reference", "dimension")
    )


def texts(draft: Draft) -> None:
    """ "C containing 'x'", "C starting with 'x'"."""

    def like(name: str, negated: str | None, verb: str, text: str, how: str = "with") -> str | None:
        ref = (draft.refs(name) if name.startswith("C") else draft.names_of(draft.candidate(name).table))[0]
        column = draft.column(ref)
        if column is None or (column.type in ("integer", "number") and text[0] not in "QV"):
            return None
        if verb[:3] in ("sta", "beg", "end") and how not in ("with", "in"):
            return None
        if verb[:3] in ("sta", "beg", "end") and how == "in" and not text.startswith("Q"):
            return None
        if text[0] in "QVN" and text[1:].isdigit():
            text = draft.symbol(text).text
        elif len(text) > 3 and verb in ("include", "includes", "including", "like", "with", "end", "start"):
            return None
        verb = verb[:3]
        pattern = f"{text}%" if verb in ("sta", "beg") else f"%{text}" if verb == "end" else f"%{text}%"
        kept = draft.keep(Condition(ref, "not like" if negated else "like", (pattern,)))
        return f" {name} {kept} " if name.startswith("T") else kept

    draft.sentence.take(_WORD_IN, lambda m: like(m[2], None, "contain", m[1]))
    draft.sentence.take(_LIKE, lambda m: like(m[1], m[2], m[3], m[5], m["how"] or ""))
    draft.sentence.take(_HAS_WORD, lambda m: like(m[1], None, "contain", m[2]))


def nulls(draft: Draft) -> None:
    """ "without C", "C is missing"."""

    def null(match: re.Match[str], operator: Operator) -> str:
        name = next(g for g in match.groups() if g)
        ref = draft.refs(name)[0]
        missing: Predicate = Condition(ref, operator)
        column = draft.column(ref)
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
        if not draft.temporal(ref) or not verbal(draft.symbol(match[1]).text):
            return None
        return draft.keep(Condition(ref, "is not null"))

    draft.sentence.take(
        re.compile(r"\b(?:has|have|had|been|already|were|was|are|is) (C\d+)\b(?! (?:[<>]|!=|P\d))"), known
    )


def verbal(text: str) -> bool:
    """True when the words of a mention are a verb form: "delivered", "won", "receive", not "order date"."""
    words = text.lower().split()
    return len(words) == 1 and not words[0].endswith(TIME_NOUNS)


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
                ref = _column_before(draft, match.string[: match.start()])
                if ref is None:
                    draft.penalty += 1.0
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
    rf"\b(C\d+) (?:,? ?(?:and|or) )?{_FILL}(?:(?:named|called|titled|either|as|in|=|like) )*(NOT |!= )?(?:the |a |an )?([VQ]\d+)\b"
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
    if own in refs:
        return f" {match[2] or ''}{match[3]} "
    return None


def _value_column(draft: Draft, match: re.Match[str]) -> str | None:
    """ "Atlanta city": the column after its value is not asked for."""
    candidate = draft.candidate(match[1])
    own = ColumnRef(candidate.table, candidate.columns[0])
    return f" {match[1]} " if own in draft.refs(match[2]) else None


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
    """A yes/no column used as an adjective: "discontinued products", "that are active"."""

    def flag(match: re.Match[str]) -> str | None:
        ref = draft.refs(match[2])[0]
        truth = _truth(draft, ref)
        if truth is None:
            return None
        return f"{draft.keep(Condition(ref, '=', (truth[1] if match[1] else truth[0],)))} {match[3]} "

    draft.sentence.take(re.compile(r"(NOT |!= |\bnon )?(?:currently |been )?\b(C\d+)(?: (T\d+|A\d+))"), flag)
    draft.sentence.take(
        re.compile(r"\b(?:are|is|were|was|been|be|that|who|NOT) (NOT )?(?:currently |been |all )?\b(C\d+)\b()(?! of)"),
        lambda m: flag(m) if not m.group().startswith("NOT") else _negated_flag(draft, m),
    )


def _negated_flag(draft: Draft, match: re.Match[str]) -> str | None:
    truth = _truth(draft, draft.refs(match[2])[0])
    if truth is None:
        return None
    return draft.keep(Condition(draft.refs(match[2])[0], "=", (truth[1],)))


def _truth(draft: Draft, ref: ColumnRef) -> tuple[str | float, str | float] | None:
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


def negations(draft: Draft) -> None:
    """ "customers that never ordered", "students who do not have pets of type cat": no such related row."""
    nulls(draft)

    def negated(match: re.Match[str]) -> str | None:
        body = match["body"]
        head = _head_table(draft, draft.sentence.text[: match.start()])
        tables = [draft.candidate(n).table for n in re.findall(r"T\d+", body)]
        found = [draft.candidate(n) for n in re.findall(r"[VC]\d+", body)]
        far = next((t for t in tables if t != head), None)
        if far is None:
            far = next((c.table for c in found if c.table != head and c.kind == "value"), None)
        if far is None:
            far = next(
                (c.table for c in found if c.table != head and draft.temporal(ColumnRef(c.table, c.columns[0]))), None
            )
        head_column = _head_column(draft, draft.sentence.text[: match.start()])
        if far is None and (head_column is None or not (tables or found)):
            return None
        if head is None:
            return None
        inner = replace_sentence(draft, body)
        periods(inner)
        comparisons(inner)
        values(inner)
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


def periods(draft: Draft) -> None:
    """Periods attach to the date column beside them, else to one that the verb names; the rest is settled later."""

    def period(match: re.Match[str]) -> str:
        symbol = draft.symbol(match[2])
        assert symbol.period is not None
        ref = None
        spoken = {
            c.table
            for s in draft.sentence.symbols.values()
            if (c := s.candidate) and c.kind in ("table", "term", "metric")
        }
        if match[1] and draft.temporal(draft.refs(match[1])[0]):
            ref = draft.refs(match[1])[0]
            stray = verbal(draft.symbol(match[1]).text) and bool(spoken) and ref.table not in spoken
            if stray and any((t := draft.table(name)) and t.time_column for name in spoken):
                draft.periods.append((symbol.period, None))
                return GAP
        kept = "" if ref is not None or not match[1] else match[1]
        if ref is None:
            before = match.string[: match.start(2)]
            ref = _verb_date(draft, before) or _event_date(draft, before)
        draft.periods.append((symbol.period, ref))
        return f" {kept} ¦ "

    draft.sentence.take(re.compile(rf"(?:\b(C\d+) {_FILL})?\b(P\d+)\b"), period)


def _event_date(draft: Draft, before: str) -> ColumnRef | None:
    """ "with a renewal next quarter": the date of the event that stands just before the period."""
    names = re.findall(r"[CTMKVFA]\d+", before)
    if not names or not names[-1].startswith("T") or len(re.findall(r"[a-z]+", before.rsplit(names[-1], 1)[1])) > 2:
        return None
    table = draft.table(draft.candidate(names[-1]).table)
    if table is None or not table.time_column or draft.catalogue.entity_of(table.name) is not None:
        return None
    return ColumnRef(table.name, table.time_column)


def _verb_date(draft: Draft, before: str) -> ColumnRef | None:
    """The date column whose label shares a word with the last words before a period: "hired in" -> hire date."""
    last = re.findall(r"[A-Za-z]+\d*", before)[-3:]
    said = [draft.sentence.symbols[w].text if w in draft.sentence.symbols else w for w in last]
    said += [t.sql for f in last for t in draft.filters.get(f, ()) if isinstance(t, TermCondition)]
    said += [
        str(c.right[0])
        for f in last
        for c in draft.filters.get(f, ())
        if isinstance(c, Condition) and isinstance(c.right, tuple) and c.right
    ]
    stems = {stem(w) for text in said for w in re.findall(r"[a-z]+", text.lower())}
    stems = {s for s in stems if not any(e.kind == "table" and e.score >= 0.9 for e in draft.lexicon.find((s,)))}
    tables = {c.table for s in draft.sentence.symbols.values() if (c := s.candidate) is not None and c.table}
    for name in sorted(tables):
        table = draft.table(name)
        for column in table.columns if table else ():
            ref = ColumnRef(name, column.name)
            if draft.temporal(ref) and (set(stems_of(column.label)) - {"date", "time", "year", "at", "on"}) & stems:
                return ref
    return None


def nested(ref: ColumnRef, conditions: tuple[Predicate, ...]) -> Predicate:
    """`ref IN (SELECT ref ... WHERE conditions)`."""
    return Condition(ref, "in", replace(Query(ref.table, (ref,)), where=conditions))
