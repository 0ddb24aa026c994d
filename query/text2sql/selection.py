"""Rules for what is asked for: whatever the other rules left of the sentence, less the words of clauses."""

from __future__ import annotations

import re

from query.text2sql import moments
from query.text2sql.draft import Draft
from query.text2sql.logical import (
    ColumnRef,
    Expression,
    predicate_tables,
)
from query.text2sql.measures import DET
from query.text2sql.thesaurus import QUESTION_COLUMNS, VERB_NOUNS
from query.text2sql.tokens import stem, stems_of

_ALL = re.compile(
    r"\b(?:all |any |complete |full )?(?:the )?(?:information|info|details?|records?|data"
    r"|everything|attributes|contents?|fields)"
    r"(?: about| of| on| for| from| regarding)? (?:the |all |each |[FK]\d+ )*(T\d+)"
    r"(?: table for (?:those |the |all )*(T\d+))?"
)


def _named_by_column(draft: Draft) -> None:
    """ "names of the directors", "director names", where `director` is a column: its values are the names."""

    def named(name: str, other: str) -> str | None:
        ref = draft.refs(other)[0]
        column = draft.column(ref)
        said = draft.symbol(name).text.lower() in ("name", "names")
        apart = draft.refs(name) != [ref] and column is not None and column.type == "text"
        return f" {other} " if said and apart and not draft.is_name(ref) else None

    draft.sentence.take(re.compile(rf"\b(C\d+) of {DET}(?:different )?(C\d+)\b"), lambda m: named(m[1], m[2]))
    draft.sentence.take(re.compile(r"\b(C\d+) (C\d+)\b"), lambda m: named(m[2], m[1]))


_ANSWER = re.compile(
    r"[.?] (?:please )?(?:return|list|give|show|display|report)(?: me| us)?(?: only)? (?!.*\balso\b)(?=.*?\b[CAM]\d)"
)


def _item(text: str, match: re.Match[str]) -> bool:
    """True for a table's word that stands alone in the list of what to return."""
    before, after = text[: match.start()], text[match.end() :]
    return bool(
        re.search(r"(?:,|\band|\bboth|\breturn)(?: the| their)? $", before) and re.match(r" (?:,|and\b|\.)", after)
    )


def _listed(draft: Draft, text: str, match: re.Match[str]) -> bool:
    """True for a table's word in a list with its own columns: "show the players and the years played"."""
    start = re.match(
        r"(?:show|list|find|give|return|display|what (?:is|are))(?: me)?(?: all)?(?: the)? $", text[: match.start()]
    )
    follows = re.match(r"(?: ,)?(?: and)?(?: the)? (C\d+)\b", text[match.end() :])
    joined = follows is not None and bool(re.match(r" (?:,|and)", text[match.end() :]))
    table = draft.candidate(match.group()).table
    return bool(start) and joined and follows is not None and draft.refs(follows[1])[0].table == table


def selected(draft: Draft) -> None:
    """What is left of the sentence is what it asks for."""

    def everything(match: re.Match[str]) -> str:
        table = draft.table(draft.candidate(match[1]).table)
        for column in table.columns if table else ():
            draft.select.append((match.start(), ColumnRef(draft.candidate(match[1]).table, column.name)))
        return " "

    draft.sentence.take(_ALL, everything)
    _named_by_column(draft)
    _question_words(draft)
    text = draft.sentence.text
    answer = _ANSWER.search(text)
    asked = answer.start() if answer else 0
    aside: list[tuple[int, str]] = []
    folded = bool(re.search(r"\b[AM]\d", text[asked:]))
    different = bool(re.search(r"\bdifferent\b", text))
    for match in re.finditer(r"\b([CAMT])\d+\b", text):
        name, position = match.group(), match.start()
        if position < asked and (match[1] == "C" or (match[1] in "AM" and folded)):
            continue
        if match[1] == "T" and ((answer and position > asked and _item(text, match)) or _listed(draft, text, match)):
            draft.select.extend((position, e) for e in draft.names_of(draft.candidate(name).table))
        if match[1] == "C" and _owner(draft, name, text[:position]):
            draft.heads.append(draft.candidate(name).table)
            continue
        if match[1] == "C" and _aside(draft, name, text[:position]):
            draft.penalty += 0.3
            aside.append((position, name))
            continue
        if match[1] == "T":
            draft.context.append(draft.candidate(name).table)
            if not any(h == draft.candidate(name).table for h in draft.heads):
                draft.heads.append(draft.candidate(name).table)
            continue
        for expression in draft.expressions(name):
            draft.select.append((position, expression))
    if not draft.select and re.match(r"(?:what (?:is|are|was|were)|show|list|find|give|return|tell)\b", text):
        # "what is the employee V's phone": the column after what it belongs to is what is asked for
        for position, name in aside:
            if re.search(r"F\d+ $", text[:position]) and not moments.happens(draft, name):
                draft.select.extend((position, e) for e in draft.expressions(name))
    asks = re.search(r"^(?:[a-z]+ )?(?:which|what) (?:[VFK]\d+ )*(C\d+)(?! of (?:the |all |each )*T)", text)
    if different or (asks and _repeats(draft, asks[1])):
        draft.distinct = True


_MARKER = re.compile(r"[TCAMVF]\d+\b.*?\b(?:that|who|whose|which|where|with|having|have|has|had|NOT)\b")


def _repeats(draft: Draft, name: str) -> bool:
    """True for a column whose values repeat: asking which ones there are means each once."""
    ref = draft.refs(name)[0]
    column = draft.column(ref)
    if column is None or draft.is_name(ref) or column.role not in ("dimension", "reference"):
        return False
    return column.type == "text"


def _owner(draft: Draft, name: str, before: str) -> bool:
    """True for a column word that says whose columns are asked for ("the positions of the players", where `player` is
    a column), or that only repeats what rows are ordered by ("by budget in millions")."""
    ref = draft.refs(name)[0]
    if re.search(r"¦ in $", before) and any(o.by == ref for o in draft.order):
        return True
    of = re.search(r"\b(C\d+)(?: C\d+)? of (?:(?:the|all|each|any|every|those|these|different) )*$", before)
    same = of is not None and draft.refs(of[1])[0].table == ref.table and draft.refs(of[1]) != [ref]
    return same and draft.worded(ref) and draft.symbol(name).text.lower().endswith("s")


def _aside(draft: Draft, name: str, before: str) -> bool:
    """True for a column word that is part of a clause ("who play"), not of what is asked for."""
    if draft.temporal(draft.refs(name)[0]) and re.match(r"(?:[a-z]+ )?when\b", draft.sentence.question):
        return False
    if moments.happens(draft, name) or re.search(r"[CTA]\d+.*F\d+ $", before):
        return True
    after = draft.sentence.text[len(before) + len(name) :]
    if re.search(r"M\d+ $", before) or (
        re.search(r"\b(?:is|are|was|were) $", before) and re.match(r" (?:in|at|on|by|from|as)\b", after)
    ):
        return True
    said = draft.symbol(name).text.lower()
    if moments.participle(said) and re.match(r" (?:in|at|on|by|from|before|after|between|during|for)\b", after):
        return True
    weak = draft.candidate(name).score < 0.72
    clause = re.split(r"[?.]", before)[-1]
    outside = bool(_MARKER.search(clause)) or (bool(_MARKER.search(before)) and clause == before)
    listed = re.search(
        r"(?:,|\band|\bas well as|\balong with|\bwith(?= (?:their|its|his|her)\b))(?: also)?(?:"
        r" (?:the|their|its|his|her|what|is|are|show|list))*\s*$",
        before,
    )
    if outside:
        return weak or not listed
    return weak and bool(re.search(r"(?:[TC]\d+|\b(?:is|are|was|were|been)) $", before))


def _question_words(draft: Draft) -> None:
    """ "when" and "where" ask for a date or a place that the question does not name."""
    match = re.match(r"(?:[a-z]+ ){0,2}?(when|where)\b", draft.sentence.text)
    heads = re.findall(r"[TF]\d+", draft.sentence.text)
    asked = [n for n in re.findall(r"\b[CAM]\d+", draft.sentence.text) if n[0] != "C" or not moments.happens(draft, n)]
    if not match or not heads or asked:
        return
    names = [draft.candidate(n).table for n in heads if n.startswith("T")]
    names += [t for p in draft.where for t in sorted(predicate_tables(p))]
    for table in names:
        held = draft.table(table)
        if held is None:
            continue
        if match[1] == "when":
            dates = [c.name for c in held.columns if draft.temporal(ColumnRef(table, c.name))]
            dates.sort(key=lambda d: d != held.time_column)
            stems = hints(draft)
            dates.sort(key=lambda d: -len(set(stems_of(d)) & stems))
            found = dates[:1]
        else:
            entry = draft.lexicon.concept(table, QUESTION_COLUMNS["where"])
            found = list(entry.columns) if entry else []
        if found:
            draft.select.append((0, ColumnRef(table, found[0])))
            return


def with_owner(draft: Draft, select: list[Expression]) -> list[Expression]:
    """ "... with their weight": the things themselves are asked for too."""
    own = re.search(r"\b(?:with|and|along with|together with) (?:their|its|his|her) ([CA]\d+)", draft.sentence.text)
    before = re.findall(r"\b[CAM]\d+", draft.sentence.text[: own.start()]) if own else []
    columns = [e for e in select if isinstance(e, ColumnRef)]
    if own is None or not columns or any(draft.symbol(n).candidate is None or n[0] != "C" for n in before):
        return select
    ordering = {o.by for o in draft.order}
    earlier = [n for n in before if n not in own[0] and not moments.verbal(draft.symbol(n).text)]
    if any(ref in select and ref not in ordering for n in earlier for ref in draft.refs(n)):
        return select
    asked = re.findall(r"\bT\d+", draft.sentence.text[: own.start()])
    table = draft.candidate(asked[0]).table if asked else columns[0].table
    return list(dict.fromkeys((*draft.names_of(table), *select)))


def hints(draft: Draft) -> frozenset[str]:
    """The stems of the question, with the nouns of its verbs: they choose between joins."""
    stems = {stem(w) for w in re.findall(r"[a-z]+", draft.sentence.question)}
    return frozenset(stems | {stem(n) for s in stems for n in VERB_NOUNS.get(s, ())})
