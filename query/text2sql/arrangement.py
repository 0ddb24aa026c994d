"""Rules for how rows are arranged: order and groups."""

from __future__ import annotations

import re

from query.text2sql import superlatives
from query.text2sql.draft import Draft
from query.text2sql.logical import (
    Aggregate,
    Order,
)
from query.text2sql.measures import DET
from query.text2sql.sentence import GAP
from query.text2sql.tokens import stems_of

_X = r"[CAM]\d+"
_ITEM = rf"{DET}(?:(?:total )?number of {DET})?[CTAM]\d+"
_LIST = rf"{_ITEM}(?:(?:(?: ,)?(?: and| then)?| ,) {_ITEM})*"
_DIRECTION = (
    r"(?:ascending|descending|increasing|decreasing|alphabetical|alphabetic|lexicographical"
    r"|lexicographic|reverse alphabetical|chronological|reverse chronological|asc|desc"
    r"|reverse)"
)
_ORDER = re.compile(
    rf"(?:,|and|in)? ?\b(?:(?:in )?(?:the )?order(?:ed)?|sort(?:ed|ing)?|rank(?:ed|ing)?|arrange[d]?|list(?:ed"
    rf")?)\b(?: them| the results?| results| it| all)?"
    rf"(?: in)?(?: the)?(?: ({_DIRECTION}))?(?: alphabetical)?(?: order)?(?: alphabetically)?"
    rf" (?:by|of|on|according to|based on|from|in(?: the)? order of|in terms of)"
    rf" (?:(?P<early>ascending|descending|increasing|decreasing) )?(\^|~"
    rf")?({_LIST})(?: values?)?"
    rf"(?: in)?(?: (?:an? |the )?({_DIRECTION}|alphabetically)(?: alphabetical)?(?: order)?"
    rf")?(?: from (?:the )?(\^|~|[a-z]+)(?: C\d+)?(?: (?:one )?to (?:the )?(?:\^|~|[a-z]+)(?:"
    rf" C\d+)?)?)?"
)
_ORDER_IN = re.compile(
    rf"(?:,|and)? ?\b(?:in|by)(?: an?| the)? ({_DIRECTION})(?: alphabetical| lexicographical)? order(?: (?:of"
    rf"|by|on) ({_LIST}))?|\b(?:sorted|ordered|listed)? ?(alphabetically)(?: by ({_LIST}))?"
)
_ORDER_OF = re.compile(
    rf"(?:,|and)? ?\b(?:(?:ordered|sorted|listed|ranked) )?(?:in|by)(?: an?| the)?"
    rf" ({_DIRECTION})(?: alphabetical| lexicographical)? order (?:of|by|on|according to) ({_LIST})"
)
_FROM_TO = re.compile(
    rf"(?:,|and)? ?\b(?:sort(?:ed)? |order(?:ed)? |list(?:ed)? )?(?:them )?from (?:the )?(\^|~"
    rf")(?:date)? ?({_X})? to (?:the )?(?:\^|~)(?:date)? ?(?:{_X})?"
)
_GROUP = re.compile(
    r"\beach (?:different |distinct |type of |kind of |individual |single )*([TC]\d+)((?:(?:"
    r" ,(?: and)?| and) (?:each |the )?[TC]\d+)*)"
)
_BY = re.compile(
    r"\b(?:grouped by|broken down by|split by|separated by|(?<!ed )(?<!en )(?<!ght )by|across)(?: the)?(?: different)?"
    r" ([TC]\d+)((?:(?: ,)?(?: and)?(?: by)? [TC]\d+)*)(?! (?:>|<|!=))"
)
_OWN_COLUMN = re.compile(r"\beach (T\d+) by (?=(C\d+))")
_DESCENDING = ("desc", "decreas", "reverse")


_BY_COUNT = re.compile(
    rf"(?:,|and)? ?\b(?:(?:order|sort|rank|list|arrang)(?:ed)? )?(?:in )?(?:the )?(?:({_DIRECTION}) )?(?:order )?"
    rf"(?:by|of) (?:the |their )?(?:count|counts|frequency|number|numbers|amount)"
    rf"(?:(?: in)?(?: (?:an? |the )?({_DIRECTION})(?: order)?))?(?= *(?:$|[?.,¦]))"
)


def orders(draft: Draft) -> None:
    """ "ordered by C descending", "in alphabetical order of C", "from oldest to youngest"."""

    def counted(match: re.Match[str]) -> str | None:
        if not re.match(r",? ?(?:and )?(?:order|sort|rank|list|arrang|in|asc|desc)", match.group().strip()):
            return None
        names = re.findall(r"T\d+", draft.sentence.text[: match.start()]) or re.findall(r"[CT]\d+", match.string)
        if not names:
            return None
        count = Aggregate("count", draft.candidate(names[0]).table)
        draft.order.append(Order(count, down(match[1], match[2])))
        draft.notes.append("ordered")
        return GAP

    def keys(text: str | None, descending: bool) -> bool:
        names = [(m[2], bool(m[1])) for m in re.finditer(rf"(number of {DET})?([CTAM]\d+)", text or "")]
        if not names:
            named = re.findall(r"[CT]\d+", draft.sentence.text)
            names = [(n, False) for n in [*(n for n in named if n[0] == "C"), *named][:1]]
        for name, number in names:
            rows = name[0] == "T" and not number
            for expression in draft.names_of(draft.candidate(name).table) if rows else draft.expressions(name):
                draft.order.append(Order(expression, descending))
        draft.notes.append("ordered")
        return bool(names)

    def down(*words: str | None) -> bool:
        return any(w is not None and (w.startswith(_DESCENDING) or w in ("^", "largest", "high", "big")) for w in words)

    def ordered(match: re.Match[str]) -> str | None:
        if match[3] and not match[5]:
            return None
        keys(match[4], down(match[1], match["early"], match[5], match[6]))
        return GAP

    def direct(match: re.Match[str]) -> str:
        keys(match[2], down(match[1]))
        return GAP

    draft.sentence.take(_BY_COUNT, counted)
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
            ref = superlatives.date_of(draft, draft.sentence.text)
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

    draft.sentence.take(_OWN_COLUMN, lambda m: "by " if _of_table(draft, m[1], m[2]) else None)
    draft.sentence.take(_GROUP, group)
    if re.search(r"[AM]\d+", draft.sentence.text) and not re.search(r"\^|~", draft.sentence.text):
        draft.sentence.take(_BY, group)


def _of_table(draft: Draft, table: str, column: str) -> bool:
    return draft.candidate(table).table == draft.candidate(column).table


def _group_by(draft: Draft, name: str) -> None:
    if name.startswith("T"):
        table = draft.candidate(name).table
        draft.group_tables.append(table)
        return
    for ref in draft.refs(name):
        draft.group.append(ref)


def _identifies(draft: Draft, table: str, column: str) -> bool:
    """True for a column that tells the rows of its own table apart: to count them by it counts one each."""
    ref = draft.refs(column)[0]
    if ref.table != draft.candidate(table).table:
        return False
    held = draft.column(ref)
    return draft.is_name(ref) or (held is not None and bool(set(stems_of(held.label)) & {"number", "id"}))


def counted_by(draft: Draft) -> None:
    """ "tickets by category" with no measure named counts."""
    text = draft.sentence.text
    if draft.group or draft.order or draft.superlative or re.search(r"[AM]\d+|\^|~", text):
        return
    match = re.search(r"\b(T\d+)\b.*?\bby(?: the)?(?: different)? (C\d+)((?:(?: ,)?(?: and)?(?: by)? C\d+)*)", text)
    if match is None or re.search(r"C\d+", text[: match.start(2)]):
        return
    if _identifies(draft, match[1], match[2]):
        # "the policies by policy number and date": what tells them apart is shown, each row for itself
        draft.sentence.text = f"{text[: match.start(2)]}, {text[match.start(2) :]}"
        return
    for name in (match[2], *re.findall(r"C\d+", match[3])):
        _group_by(draft, name)
    made = draft.sentence.add("A", Aggregate("count", draft.candidate(match[1]).table))
    draft.sentence.text = f"{text[: match.start()]} {made} {match[1]} ¦ {text[match.end() :]}"
