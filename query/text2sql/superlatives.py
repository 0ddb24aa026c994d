"""Rules for superlatives and top-k: "most common C", "top N T by X", "T with the highest X", "latest T"."""

from __future__ import annotations

import re

from query.text2sql.draft import Draft
from query.text2sql.logical import (
    Aggregate,
    ColumnRef,
    Condition,
    Expression,
    MetricRef,
    Order,
    Query,
    is_aggregate,
    predicate_tables,
)
from query.text2sql.measures import DET, extreme, refold
from query.text2sql.sentence import GAP
from query.text2sql.tokens import stem, stems_of

_X = r"[CAM]\d+"
_COMMON = re.compile(
    r"(N\d+ )?(\^|~) (?:N\d+ )?(?:common|commonly|popular|frequently|frequent|often|used"
    r"|commonly used|frequently used|shared|prevalent)+(?: [a-z]+)?(?: F\d+)* ?((?:T\d+'?s? )?)([CT]\d+"
    r")?"
)
_BY_MEASURE = re.compile(
    rf"(?:(N\d+) )?(\^|~) (?:(N\d+) )?((?:[VKQ]\d+ )*)(T\d+|C\d+)((?: [a-z]+| [VKP¦]\d*"
    rf"|(?: ,)?(?: and)? C\d+){{0,5}}?) (?:by|in terms of|based on|according to|ranked by|with respect to|measured"
    rf" by|for|in) {DET}({_X}|number of T\d+)"
)
_DATE = re.compile(r"(?:(N\d+) )?(\^|~)date (?:(N\d+) )?((?:[a-z]+ |[VK]\d+ )*?)([TC]\d+)")
_DATE_ALONE = re.compile(r"(\^|~)date")
_WITH = re.compile(
    rf"(?:(N\d+) )?(\^|~) (?:(N\d+) )?(?:overall |total |different )?{DET}(?:(?!of\b|in\b"
    rf"|for\b|and\b|by\b|or\b)[a-z]+ )?({_X}|T\d+)"
)
_MOST_BY = re.compile(r"(?:\b[CM]\d+ )?(\^|~)((?: (?:in|of|for|¦|F\d+|selling|last|this))*) by (?:the )?([MA]\d+)")
_METRIC_MOST = re.compile(r"\b([MA]\d+) (?:was |is |were |are )?(?:the )?(\^|~)(?= *(?:$|[?.,¦]))")
_MOST_IN = re.compile(r"(\^|~) (?:money )?(?:in|on|for) (?:[VF]\d+ )*(T\d+)")
_VERB_MOST = re.compile(r"\b([CT]\d+)(?: the)? (\^|~)(?= *(?:$|[¦?.,]|often\b|frequently\b|in\b|by\b))")
_TOP_N = re.compile(r"\b(?:the |top |only )?(N\d+) (T\d+|C\d+|F\d+|[a-z]{4,})")
_DATE_AFTER = re.compile(r"\b(C\d+)(?: at| in)?(?: the)? (\^|~)date(?: time)?(?= *(?:$|[?.,¦]))")
_MOST_OF_SOME = re.compile(r"(\^|~) (?:different )?((?:F\d+ )+)(T\d+)")
_OFFSET = re.compile(r"\b(second|third|fourth|fifth)(?: |-)?(?=\^|~)")
_OFFSETS = {"second": 1, "third": 2, "fourth": 3, "fifth": 4}


def superlatives(draft: Draft) -> None:
    """ "most common C", "top N T by X", "T with the highest X", "most T", "latest T"."""
    draft.sentence.take(_MOST_OF_SOME, lambda m: f"{m[2]}{m[1]} {m[3]}")
    draft.sentence.take(_MOST_BY, lambda m: _most_by(draft, m))
    draft.sentence.take(_METRIC_MOST, lambda m: _metric_most(draft, m))
    draft.sentence.take(_MOST_IN, lambda m: _most_in(draft, m))
    draft.sentence.take(_VERB_MOST, lambda m: _verb_most(draft, m))
    draft.sentence.take(_OFFSET, lambda m: _set_offset(draft, m[1]))
    draft.sentence.take(_COMMON, lambda m: _common(draft, m))
    draft.sentence.take(_BY_MEASURE, lambda m: _by_measure(draft, m))
    draft.sentence.take(_DATE_AFTER, lambda m: _date_after(draft, m))
    draft.sentence.take(_DATE, lambda m: _by_date(draft, m))
    draft.sentence.take(_WITH, lambda m: _with_most(draft, m))
    draft.sentence.take(_DATE_ALONE, lambda m: _date_alone(draft, m))
    if draft.superlative and draft.limit == 1:
        draft.sentence.take(_TOP_N, lambda m: _head_count(draft, m))


def _most_by(draft: Draft, match: re.Match[str]) -> str | None:
    """ "which category sold least in 2025 by revenue"."""
    if not re.search(r"[TC]\d+", match.string[: match.start()]):
        return None
    _put(draft, draft.expressions(match[3])[0], match[1], 1)
    return f" {match[2]} "


def _metric_most(draft: Draft, match: re.Match[str]) -> str | None:
    """ "in which month was the revenue highest"."""
    if not draft.grain and not re.search(r"[TC]\d+", match.string[: match.start()]):
        return None
    expression = draft.expressions(match[1])[0]
    _put(draft, expression, match[2], 1)
    draft.select.append((10_000, expression))
    return GAP


def _most_in(draft: Draft, match: re.Match[str]) -> str | None:
    """ "who owes us the most in invoices": their amounts."""
    table = draft.candidate(match[2]).table
    ref = draft.measure_of(table)
    if not re.search(r"[TC]\d+", match.string[: match.start()]):
        return None
    _put(draft, Aggregate("sum", table, ref) if ref else Aggregate("count", table), match[1], 1)
    return GAP


def _verb_most(draft: Draft, match: re.Match[str]) -> str | None:
    """ "which category was viewed most": the count of what the verb speaks of."""
    heads = re.findall(r"[TC]\d+", match.string[: match.start()])
    if not heads:
        return None
    _put(draft, Aggregate("count", draft.candidate(match[1]).table), match[2], _limit(draft, None))
    return GAP


def _set_offset(draft: Draft, word: str) -> str:
    draft.offset = _OFFSETS[word]
    return " "


def _limit(draft: Draft, *names: str | None) -> int:
    for name in names:
        if name:
            return int(draft.symbol(name.strip()).number or 1)
    return 1


def _put(draft: Draft, expression: Expression, operator: str, limit: int, name: str = "superlative") -> None:
    draft.order.append(Order(expression, operator == "^"))
    draft.limit, draft.superlative = limit, True
    draft.notes.append(name)


def _common(draft: Draft, match: re.Match[str]) -> str | None:
    """The value (or related row) that occurs most often."""
    name = match[4] or next(iter(re.findall(r"[CT]\d+", match.string[: match.start()])[-1:]), None)
    if name is None:
        return None
    table = draft.candidate(name).table
    inner = _most_common_of(draft, match, name)
    if inner is not None:
        return inner
    tables = [draft.candidate(n).table for n in re.findall(r"T\d+", draft.sentence.text)]
    if name.startswith("T") or draft.is_name(draft.refs(name)[0]):
        far = next((t for t in tables if t != table), None)
        if far is not None:
            table = far
    _put(draft, Aggregate("count", table), match[2], _limit(draft, match[1]), "most common")
    return f" {match[4] or ''} "


def _most_common_of(draft: Draft, match: re.Match[str], name: str) -> str | None:
    """ "the names of users with the most common role": the rows whose role is the one that most rows have."""
    before = re.search(
        r"[CA]\d+.* (T\d+) (?:with|that have|that has|having|who have|who has|whose) (?:the |a )?$",
        match.string[: match.start()],
    )
    if before is None or match[1] or not match[4]:
        return None
    head = draft.candidate(before[1]).table
    table = draft.candidate(name).table
    join = next((j for j in draft.catalogue.joins if (j.left, j.right) == (head, table)), None)
    if table == head and name.startswith("C"):
        ref = draft.refs(name)[0]
    elif join is not None and table != head and len(join.left_columns) == 1:
        ref = ColumnRef(head, join.left_columns[0])
    else:
        return None
    most = Order(Aggregate("count", head), match[2] == "^")
    draft.heads.append(head)
    return draft.keep(Condition(ref, "in", Query(head, (ref,), group=(ref,), order=(most,), limit=1)))


def _by_measure(draft: Draft, match: re.Match[str]) -> str | None:
    """ "top 10 T by X"."""
    measure = match[7]
    if match[6].strip() in ("with", "has", "have") or measure.startswith("number"):
        return None
    preposition = match.group().rsplit(measure, 1)[0].split()
    if any(w in ("for", "in") for w in preposition[-3:]):
        return None
    expression = draft.expressions(measure)[0]
    _put(draft, expression, match[2], _limit(draft, match[1], match[3]), "top by")
    if is_aggregate(expression):
        draft.select.append((10_000, expression))
    return f" {match[4]} {match[5]} {match[6]} ¦ "


def _by_date(draft: Draft, match: re.Match[str]) -> str | None:
    name = match[5]
    if name.startswith("C"):
        ref = draft.refs(name)[0]
        if draft.temporal(ref):
            head = re.findall(r"[TC]\d+", match.string[: match.start()])
            if head:
                _put(draft, ref, match[2], _limit(draft, match[1], match[3]))
                return GAP
            draft.sentence.symbols[name] = draft.sentence.symbols[name]
            made = draft.sentence.add("A", Aggregate(extreme(match[2]), ref.table, ref))
            return f" {made} "
        date = date_of(draft, name)
    else:
        date = date_of(draft, name)
    if date is None:
        return None
    _put(draft, date, match[2], _limit(draft, match[1], match[3]))
    return f" {match[4]} {name} "


def _date_after(draft: Draft, match: re.Match[str]) -> str | None:
    """ "which minister left office the latest"."""
    ref = draft.refs(match[1])[0]
    if not draft.temporal(ref) or not re.search(r"[TC]\d+", match.string[: match.start()]):
        return None
    _put(draft, ref, match[2], 1)
    return GAP


def _date_alone(draft: Draft, match: re.Match[str]) -> str | None:
    date = date_of(draft, draft.sentence.text)
    if date is None or draft.superlative:
        return None
    _put(draft, date, match[1], 1)
    return GAP


def date_of(draft: Draft, text: str) -> ColumnRef | None:
    """The date column of the first table that the text speaks of and that has one."""
    for name in re.findall(r"[TC]\d+", text):
        table = draft.table(draft.candidate(name).table)
        if table is None:
            continue
        words = {stem(w) for w in re.findall(r"[a-z]+", draft.sentence.question)}
        for column in table.columns:
            said = {s for t in (column.label, *column.synonyms) for s in stems_of(t)} - {"date", "time", "on", "at"}
            said = {s for s in said if not any(e.kind == "table" for e in draft.lexicon.find((s,)))}
            if column.type in ("date", "datetime") and said & words:
                return ColumnRef(table.name, column.name)
        if table.time_column and table.column(table.time_column):
            return ColumnRef(table.name, table.time_column)
        for column in table.columns:
            if draft.temporal(ColumnRef(table.name, column.name)):
                return ColumnRef(table.name, column.name)
    return None


def _with_most(draft: Draft, match: re.Match[str]) -> str | None:
    """ "T with the highest X", "who has the most T", and "the highest C" alone, which is an aggregate."""
    operator, name = match[2], match[4]
    before = match.string[: match.start()]
    heads = re.findall(r"[TC]\d+", before)
    filtered = re.match(r"(?:[a-z]+ )?(?:which|who|what) (F\d+)", before)
    if (
        not heads
        and filtered
        and name.startswith("C")
        and draft.candidate(name).table in {t for p in draft.filters.get(filtered[1], ()) for t in predicate_tables(p)}
    ):
        _put(draft, draft.refs(name)[0], operator, _limit(draft, match[1], match[3]))
        return GAP
    limit = _limit(draft, match[1], match[3])
    if name.startswith("T"):
        table = draft.candidate(name).table
        large = re.search(r"\b(?:biggest|largest|highest|greatest|smallest|lowest)\b", draft.sentence.question)
        measure = draft.measure_of(table) if large else None
        own = [h for h in heads if draft.candidate(h).table != table]
        if own:
            count = Aggregate("sum", table, measure) if measure else Aggregate("count", table)
            _put(draft, count, operator, limit)
            return GAP
        if measure is not None:
            _put(draft, measure, operator, limit)
            if not heads:
                draft.select.append((10_000, measure))
            return f" {name} "
        if heads:
            _put(draft, Aggregate("count", table), operator, limit)
            return GAP
        after = re.search(r"(?:by|with|in|of) .*?\b([CM]\d+)", match.string[match.end() :])
        return None if after or limit == 1 else f" {name} "
    expression = (_averaged(draft, name) if heads else None) or draft.expressions(name)[0]
    grouped = bool(draft.group or draft.group_tables or draft.grain)
    follows = re.match(r" (T\d+)", match.string[match.end() :])
    row_like = bool(heads) or (follows and not re.match(r" (?:of|in|for)", match.string[match.end() :]))
    if is_aggregate(expression):
        folded = refold(draft, extreme(operator), name) if name.startswith("M") and not grouped else None
        if folded is not None and not heads and not follows:
            return f" {draft.sentence.add('A', folded)} "
        if heads or grouped or follows:
            _put(draft, expression, operator, limit)
            if isinstance(expression, MetricRef) and not re.search(r"\b(?:which|who)\b", before):
                draft.select.append((10_000, expression))
            return GAP
        return f" {name} "
    leading = re.match(r"(?:which|what|who|find|list|show) (?:[a-z]+ )?(T\d+) (?:is|was|are|were|has|have)\b", before)
    led = (
        leading is not None
        and not name.startswith("T")
        and draft.candidate(leading[1]).table == draft.refs(name)[0].table
    )
    ref = draft.refs(name)[0]
    if row_like and not (grouped and not follows and not led):
        counted = (
            draft.worded(ref)
            and not draft.candidate(name).sense
            and not draft.temporal(ref)
            and "number of" not in match.group()
        )
        _put(draft, Aggregate("count", ref.table) if counted else expression, operator, limit)
        return GAP
    if not draft.numeric(ref) and not draft.temporal(ref):
        return None
    if limit > 1:
        draft.order.append(Order(ref, operator == "^"))
        draft.limit = limit
        return f" {name} "
    return f" {draft.sentence.add('A', Aggregate(extreme(operator), ref.table, ref))} "


def _averaged(draft: Draft, name: str) -> MetricRef | None:
    """ "which agent has the best satisfaction", where a metric is the average of that column."""
    ref = draft.refs(name)[0] if name.startswith("C") else None
    spoken = [draft.candidate(n).table for n in re.findall(r"[TC]\d+", draft.sentence.original)]
    if ref is None or all(table == ref.table for table in spoken):
        return None
    folded = f"AVG({ref.column})"
    return next(
        (
            draft.metric(m.name)
            for m in draft.catalogue.metrics
            if m.table == ref.table and m.sql.replace('"', "") == folded
        ),
        None,
    )


def _head_count(draft: Draft, match: re.Match[str]) -> str | None:
    """ "the 3 T with the most ...": the number before the head is the limit."""
    if draft.superlative and draft.limit == 1:
        draft.limit = _limit(draft, match[1])
        return f" {match[2]} "
    return None
