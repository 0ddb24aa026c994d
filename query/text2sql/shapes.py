"""Rules for the shape of the result: groups, order, superlatives and top-k."""

from __future__ import annotations

import re

from query.text2sql.draft import Draft
from query.text2sql.logical import Aggregate, ColumnRef, Expression, MetricRef, Order, is_aggregate, predicate_tables
from query.text2sql.measures import DET, extreme, refold
from query.text2sql.sentence import GAP
from query.text2sql.tokens import stem, stems_of

_X = r"[CAM]\d+"
_LIST = rf"{DET}(?:[CTAM]\d+)(?:(?:(?: ,)?(?: and| then)?| ,) {DET}[CTAM]\d+)*"
_DIRECTION = r"(?:ascending|descending|increasing|decreasing|alphabetical|alphabetic|lexicographical|lexicographic|reverse alphabetical|chronological|reverse chronological|asc|desc|reverse)"
_ORDER = re.compile(
    rf"(?:,|and|in)? ?\b(?:order(?:ed)?|sort(?:ed|ing)?|rank(?:ed|ing)?|arrange[d]?|list(?:ed)?)\b(?: them| the results?| results| it| all)?"
    rf"(?: in)?(?: the)?(?: ({_DIRECTION}))?(?: alphabetical)?(?: order)?(?: alphabetically)? (?:by|of|on|according to|based on|from|in(?: the)? order of|in terms of) (\^|~)?({_LIST})(?: values?)?"
    rf"(?: in)?(?: (?:an? |the )?({_DIRECTION}|alphabetically)(?: alphabetical)?(?: order)?)?(?: from (?:the )?(\^|~|[a-z]+)(?: C\d+)?(?: (?:one )?to (?:the )?(?:\^|~|[a-z]+)(?: C\d+)?)?)?"
)
_ORDER_IN = re.compile(
    rf"(?:,|and)? ?\b(?:in|by)(?: an?| the)? ({_DIRECTION})(?: alphabetical)? order(?: (?:of|by|on) ({_LIST}))?|\b(?:sorted|ordered|listed)? ?(alphabetically)(?: by ({_LIST}))?"
)
_ORDER_OF = re.compile(
    rf"(?:,|and)? ?\b(?:(?:ordered|sorted|listed|ranked) )?(?:in|by)(?: an?| the)? ({_DIRECTION})(?: alphabetical)? order (?:of|by|on|according to) ({_LIST})"
)
_FROM_TO = re.compile(
    rf"(?:,|and)? ?\b(?:sort(?:ed)? |order(?:ed)? |list(?:ed)? )?(?:them )?from (?:the )?(\^|~)(?:date)? ?({_X})? to (?:the )?(?:\^|~)(?:date)? ?(?:{_X})?"
)
_GROUP = re.compile(
    r"\beach (?:different |distinct |type of |kind of |individual |single )*([TC]\d+)((?:(?: ,)?(?: and)? (?:each |the )?[TC]\d+)*)"
)
_BY = re.compile(
    r"\b(?:grouped by|broken down by|split by|separated by|by|across)(?: the)?(?: different)? ([TC]\d+)((?:(?: ,)?(?: and)?(?: by)? [TC]\d+)*)(?! (?:>|<|!=))"
)
_COMMON = re.compile(
    r"(N\d+ )?(\^|~) (?:N\d+ )?(?:common|commonly|popular|frequent|frequently|often|used|commonly used|frequently used|shared|prevalent)+(?: [a-z]+)? ?((?:T\d+'?s? )?)([CT]\d+)?"
)
_BY_MEASURE = re.compile(
    rf"(?:(N\d+) )?(\^|~) (?:(N\d+) )?((?:[VKQ]\d+ )*)(T\d+|C\d+)((?: [a-z]+| [VKP¦]\d*){{0,4}}?) (?:by|in terms of|based on|according to|ranked by|with respect to|measured by|for|in) {DET}({_X}|number of T\d+)"
)
_DATE = re.compile(r"(?:(N\d+) )?(\^|~)date (?:(N\d+) )?((?:[a-z]+ |[VK]\d+ )*?)([TC]\d+)")
_DATE_ALONE = re.compile(r"(\^|~)date")
_WITH = re.compile(
    rf"(?:(N\d+) )?(\^|~) (?:(N\d+) )?(?:overall |total |different )?{DET}(?:(?!of\b|in\b|for\b|and\b|by\b|or\b)[a-z]+ )?({_X}|T\d+)"
)
_MOST_BY = re.compile(r"(?:\b[CM]\d+ )?(\^|~)((?: (?:in|of|for|¦|F\d+|selling|last|this))*) by (?:the )?([MA]\d+)")
_METRIC_MOST = re.compile(r"\b([MA]\d+) (?:was |is |were |are )?(?:the )?(\^|~)(?= *(?:$|[?.,¦]))")
_MOST_IN = re.compile(r"(\^|~) (?:money )?(?:in|on|for) (?:[VF]\d+ )*(T\d+)")
_VERB_MOST = re.compile(r"\b([CT]\d+)(?: the)? (\^|~)(?= *(?:$|[¦?.,]|often\b|frequently\b|in\b|by\b))")
_TOP_N = re.compile(r"\b(?:the |top |only )?(N\d+) (T\d+|C\d+|F\d+|[a-z]{4,})")
_OFFSET = re.compile(r"\b(second|third|fourth|fifth)(?: |-)?(?=\^|~)")
_OFFSETS = {"second": 1, "third": 2, "fourth": 3, "fifth": 4}
_DESCENDING = ("desc", "decreas", "reverse")


def orders(draft: Draft) -> None:
    """ "ordered by C descending", "in alphabetical order of C", "from oldest to youngest"."""

    def keys(text: str | None, descending: bool) -> bool:
        names = re.findall(r"[CTAM]\d+", text or "")
        if not names:
            names = re.findall(r"[CT]\d+", draft.sentence.text)[:1]
        for name in names:
            for expression in (
                draft.names_of(draft.candidate(name).table) if name[0] == "T" else draft.expressions(name)
            ):
                draft.order.append(Order(expression, descending))
        draft.notes.append("ordered")
        return bool(names)

    def down(*words: str | None) -> bool:
        return any(w is not None and (w.startswith(_DESCENDING) or w in ("^", "largest", "high", "big")) for w in words)

    def ordered(match: re.Match[str]) -> str | None:
        if match[2] and not match[4]:
            return None
        keys(match[3], down(match[1], match[4], match[5]))
        return GAP

    def direct(match: re.Match[str]) -> str:
        keys(match[2], down(match[1]))
        return GAP

    draft.sentence.take(_ORDER_OF, direct)
    draft.sentence.take(_ORDER, ordered)
    toward = re.search(r"\b(DOWN|UP)\b", draft.sentence.text)
    if toward:
        names = re.findall(r"[AMC]\d+", draft.sentence.text)
        measures = [n for n in names if n[0] in "AM"] or names
        draft.toward = toward[1]
        if measures and measures[0][0] == "M":
            draft.order.append(Order(draft.expressions(measures[0])[0], toward[1] == "DOWN"))

    def from_to(match: re.Match[str]) -> str | None:
        date = "date" in match.group()
        if match[2]:
            keys(match[2], match[1] == "^")
        elif draft.order:
            draft.order[-1] = Order(draft.order[-1].by, match[1] == "^")
        elif date:
            ref = _date_of(draft, draft.sentence.text)
            if ref is not None:
                draft.order.append(Order(ref, match[1] == "^"))
        return GAP

    draft.sentence.take(_FROM_TO, from_to)

    def ordered_in(match: re.Match[str]) -> str:
        if match[1] and draft.order and not match[2]:
            draft.order = [Order(o.by, down(match[1])) for o in draft.order]
        else:
            keys(match[2] or match[4], down(match[1]))
        return GAP

    draft.sentence.take(_ORDER_IN, ordered_in)


def groups(draft: Draft) -> None:
    """ "for each T", "per C", "by C and C" after a measure."""
    measured = bool(re.search(r"[AM]\d+|\^|~", draft.sentence.text))

    def group(match: re.Match[str]) -> str | None:
        names = [match[1], *re.findall(r"[TC]\d+", match[2])]
        if not measured:
            return None
        for name in names:
            _group_by(draft, name)
        draft.notes.append("grouped")
        return GAP

    draft.sentence.take(_GROUP, group)
    if re.search(r"[AM]\d+", draft.sentence.text) and not re.search(r"\^|~", draft.sentence.text):
        draft.sentence.take(_BY, group)


def _group_by(draft: Draft, name: str) -> None:
    if name.startswith("T"):
        table = draft.candidate(name).table
        draft.group_tables.append(table)
        return
    for ref in draft.refs(name):
        draft.group.append(ref)


def superlatives(draft: Draft) -> None:
    """ "most common C", "top N T by X", "T with the highest X", "most T", "latest T"."""
    draft.sentence.take(_MOST_BY, lambda m: _most_by(draft, m))
    draft.sentence.take(_METRIC_MOST, lambda m: _metric_most(draft, m))
    draft.sentence.take(_MOST_IN, lambda m: _most_in(draft, m))
    draft.sentence.take(_VERB_MOST, lambda m: _verb_most(draft, m))
    draft.sentence.take(_OFFSET, lambda m: _set_offset(draft, m[1]))
    draft.sentence.take(_COMMON, lambda m: _common(draft, m))
    draft.sentence.take(_BY_MEASURE, lambda m: _by_measure(draft, m))
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


def counted_by(draft: Draft) -> None:
    """ "tickets by category" with no measure named counts."""
    text = draft.sentence.text
    if draft.group or draft.order or draft.superlative or re.search(r"[AM]\d+|\^|~", text):
        return
    match = re.search(r"\b(T\d+)\b.*?\bby(?: the)?(?: different)? (C\d+)((?:(?: ,)?(?: and)?(?: by)? C\d+)*)", text)
    if match is None or re.search(r"C\d+", text[: match.start(2)]):
        return
    for name in (match[2], *re.findall(r"C\d+", match[3])):
        _group_by(draft, name)
    made = draft.sentence.add("A", Aggregate("count", draft.candidate(match[1]).table))
    draft.sentence.text = f"{text[: match.start()]} {made} {match[1]} ¦ {text[match.end() :]}"


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
    tables = [draft.candidate(n).table for n in re.findall(r"T\d+", draft.sentence.text)]
    if name.startswith("T") or draft.is_name(draft.refs(name)[0]):
        far = next((t for t in tables if t != table), None)
        if far is not None:
            table = far
    _put(draft, Aggregate("count", table), match[2], _limit(draft, match[1]), "most common")
    return f" {match[4] or ''} "


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
        date = _date_of(draft, name)
    else:
        date = _date_of(draft, name)
    if date is None:
        return None
    _put(draft, date, match[2], _limit(draft, match[1], match[3]))
    return f" {match[4]} {name} "


def _date_alone(draft: Draft, match: re.Match[str]) -> str | None:
    date = _date_of(draft, draft.sentence.text)
    if date is None or draft.superlative:
        return None
    _put(draft, date, match[1], 1)
    return GAP


def _date_of(draft: Draft, text: str) -> ColumnRef | None:
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
    expression = draft.expressions(name)[0]
    grouped = bool(draft.group or draft.group_tables)
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
    if row_like and not (grouped and not follows):
        _put(draft, expression, operator, limit)
        return GAP
    ref = draft.refs(name)[0]
    if not draft.numeric(ref) and not draft.temporal(ref):
        return None
    if limit > 1:
        draft.order.append(Order(ref, operator == "^"))
        draft.limit = limit
        return f" {name} "
    return f" {draft.sentence.add('A', Aggregate(extreme(operator), ref.table, ref))} "


def _head_count(draft: Draft, match: re.Match[str]) -> str | None:
    """ "the 3 T with the most ...": the number before the head is the limit."""
    if draft.superlative and draft.limit == 1:
        draft.limit = _limit(draft, match[1])
        return f" {match[2]} "
    return None
