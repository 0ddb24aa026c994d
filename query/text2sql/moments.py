"""Rules for when: periods attach to the date that stands beside them, or that a verb or an event names."""

from __future__ import annotations

import re
from dataclasses import replace

from query.text2sql.draft import Draft
from query.text2sql.logical import (
    ColumnRef,
    Condition,
    TermCondition,
)
from query.text2sql.periods import DUE, Period
from query.text2sql.sentence import GAP
from query.text2sql.thesaurus import PARTICIPLES
from query.text2sql.tokens import stem, stems_of

_FILL = (
    r"(?:(?:is|are|was|were|be|of|being|that|which|has|have|the|a|an|with|value|equals?|equal"
    r"|to|no|number|year|at|by|for|from|on|called|named|as) )*"
)
TIME_NOUNS = ("date", "dates", "day", "days", "time", "times", "year", "years", "month", "months", "week", "weeks",
              "birthday", "birthdays", "deadline", "deadlines", "start", "end", "since", "launch", "birth", "timestamp",
              "season", "founded", "established", "decade", "period")  # fmt: skip


def settled(question: str, found: tuple[Period, ...]) -> tuple[Period, ...]:
    """`found` less the periods that only qualify another: "the past 30 days, inclusive of 30 days ago", "the last six
    months excluding the current month"."""
    kept: list[Period] = []
    for period in sorted(found, key=lambda p: p.start):
        before = question[: period.start].lower()
        if kept and re.search(r"\b(?:inclusive(?: of)?|including)(?: the| both| up to)*\s*$", before):
            continue
        if kept and re.search(r"\b(?:excluding|not including|without|except)(?: the)?\s*$", before):
            last = kept[-1]
            if period.since is not None and last.since is not None and last.since < period.since:
                kept[-1] = replace(last, until=period.since)
                continue
        kept.append(period)
    return tuple(kept)


def verbal(text: str) -> bool:
    """True when the words of a mention are a verb form: "delivered", "won", "receive", not "order date"."""
    words = text.lower().split()
    return len(words) == 1 and not words[0].endswith(TIME_NOUNS)


def participle(text: str) -> bool:
    """True for one word that can be a form of a verb: "born", "paid", "injured"."""
    return " " not in text and (text.endswith("ed") or text in PARTICIPLES)


def happens(draft: Draft, name: str) -> bool:
    """True for a date column that stands in the sentence as a verb: "placed", "churned", "looked at"."""
    return draft.temporal(draft.refs(name)[0]) and (verbal(draft.symbol(name).text) or _phrasal(draft, name))


def _phrasal(draft: Draft, name: str) -> bool:
    """True for a verb of two words that is not just what the column is called."""
    said, column = draft.symbol(name).text.lower(), draft.column(draft.refs(name)[0])
    verb, _, more = said.partition(" ")
    called = column is not None and said in (column.label.lower(), column.name.lower().replace("_", " "))
    return more in ("at", "up", "in", "for", "out") and participle(verb) and not called


def periods(draft: Draft) -> None:
    """Periods attach to the date column beside them, else to one that the verb names; the rest is settled later."""

    def period(match: re.Match[str]) -> str | None:
        symbol = draft.symbol(match[2])
        assert symbol.period is not None
        if symbol.period.unit == DUE:
            due = _due_date(draft)
            if due is not None:
                draft.periods.append((symbol.period, due))
            return f" {match[1] or ''} ¦ " if due is not None else None
        ref = None
        spoken = {
            c.table
            for s in draft.sentence.symbols.values()
            if (c := s.candidate) and c.kind in ("table", "term", "metric")
        }
        if match[1] and (draft.temporal(draft.refs(match[1])[0]) or draft.of_years(draft.refs(match[1])[0])):
            ref = draft.refs(match[1])[0]
            stray = verbal(draft.symbol(match[1]).text) and bool(spoken) and ref.table not in spoken
            if stray and any((t := draft.table(name)) and t.time_column for name in spoken):
                draft.periods.append((symbol.period, None))
                return GAP
        kept = "" if ref is not None or not match[1] else match[1]
        if ref is None:
            before = match.string[: match.start(2)]
            ref = _verb_date(draft, before) or _event_date(draft, before)
        draft.periods.append((_opened(symbol.period, match.string[: match.start()]), ref))
        return f" {kept} ¦ "

    draft.sentence.take(re.compile(rf"(?:\b(C\d+) {_FILL})?\b(P\d+)\b"), period)


def _opened(period: Period, before: str) -> Period:
    """ "after season 2010": the words that open a period may stand before its column."""
    if re.search(r"\bafter(?: the)? $", before) and period.until is not None:
        return replace(period, since=period.until, until=None)
    if re.search(r"\b(?:before|until)(?: the)? $", before) and period.since is not None:
        return replace(period, since=None, until=period.since)
    if re.search(r"\bsince(?: the)? $", before) and period.since is not None:
        return replace(period, until=None)
    return period


def _due_date(draft: Draft) -> ColumnRef | None:
    """The date on which the rows that the question speaks of are due."""
    tables = [c.table for s in draft.sentence.symbols.values() if (c := s.candidate) is not None and c.table]
    for name in dict.fromkeys(tables):
        table = draft.table(name)
        for column in table.columns if table else ():
            ref = ColumnRef(name, column.name)
            if draft.temporal(ref) and stem("due") in stems_of(column.label):
                return ref
    return None


def _event_date(draft: Draft, before: str) -> ColumnRef | None:
    """ "with a renewal next quarter": the date of the event that stands just before the period."""
    names = re.findall(r"[CTMKVFA]\d+", before)
    if not names or not names[-1].startswith("T") or len(re.findall(r"[a-z]+", before.rsplit(names[-1], 1)[1])) > 2:
        return None
    table = draft.table(draft.candidate(names[-1]).table)
    if table is None or not table.time_column or draft.catalogue.entity_of(table.name) is not None:
        return None
    return ColumnRef(table.name, table.time_column)


def _date_of_verb(draft: Draft, name: str) -> ColumnRef | None:
    """The date of a verb: the column that is called so ("looked at"), or the one at which rows came into the state
    ("tickets closed", "customers renewed")."""
    if name.startswith("C") and name in draft.sentence.symbols and _phrasal(draft, name):
        ref = draft.refs(name)[0]
        return ref if draft.temporal(ref) else None
    for held, state in _states(draft, name):
        table = draft.table(held)
        if table is None or not table.time_column or draft.catalogue.entity_of(held) is not None:
            return None
        verb = stem(state.split()[-1])
        for column in table.columns:
            called = {s for text in (column.label, *column.synonyms) for s in stems_of(text)}
            if column.type in ("date", "datetime") and verb in called:
                return ColumnRef(held, column.name)
        return ColumnRef(held, table.time_column)
    return None


def _states(draft: Draft, name: str) -> list[tuple[str, str]]:
    """The tables and the states ("closed") of which a value or a filter of the sentence tells."""
    symbol = draft.sentence.symbols.get(name)
    if symbol is not None and symbol.candidate is not None and name.startswith("V"):
        found = [(symbol.candidate.table, symbol.candidate.value)]
    else:
        found = [
            (condition.left.table, str(condition.right[0]))
            for condition in draft.filters.get(name, ())
            if isinstance(condition, Condition) and isinstance(condition.left, ColumnRef)
            and isinstance(condition.right, tuple) and len(condition.right) == 1
        ]  # fmt: skip
    return [(table, state.lower()) for table, state in found if state.lower().endswith("ed")]


def _verb_date(draft: Draft, before: str) -> ColumnRef | None:
    """The date column whose label shares a word with the last words before a period: "hired in" -> hire date."""
    words = re.findall(r"[A-Za-z]+\d*", before)
    for word in words[-4:]:
        if (ref := _date_of_verb(draft, word)) is not None:
            return ref
    last = words[-3:] + [w for w in words[-7:-3] if w.endswith("ed")]  # "who registered at a branch in 2016"
    last = [w for w in last if not (w.startswith("M") and w in draft.sentence.symbols)]  # a metric has its own date
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
    spoken = {c.table for s in draft.sentence.symbols.values() if (c := s.candidate) is not None and c.table}
    tables = set(spoken)
    pairs = {j.left: {k.right for k in draft.catalogue.joins if k.left == j.left} for j in draft.catalogue.joins}
    tables |= {name for name, rights in pairs.items() if len(rights) > 1 and rights & tables}
    for name in sorted(tables, key=lambda t: (t in pairs and t not in spoken, t)):
        table = draft.table(name)
        for column in table.columns if table else ():
            ref = ColumnRef(name, column.name)
            if draft.temporal(ref) and (set(stems_of(column.label)) - {"date", "time", "year", "at", "on"}) & stems:
                return ref
    return None
