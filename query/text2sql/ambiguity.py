"""Questions that can be meant in two ways, whatever the data: the scope of "each" and "all", what a modifier goes
with, and words that two columns answer about equally.

These are ambiguities of the sentence and the schema together, found without looking at any row. What each finds is
said as a question back, with the readings as queries where they can be written down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.catalogue.model import Catalogue, Column, Table
from query.text2sql.joins import JoinGraph
from query.text2sql.lexicon import Lexicon
from query.text2sql.linking import Candidate, Mention
from query.text2sql.logical import (
    Aggregate,
    AllOf,
    AnyOf,
    ColumnRef,
    Condition,
    Predicate,
    Query,
    Related,
    is_aggregate,
)
from query.text2sql.tokens import Token, stem, stems_of

Chosen = tuple[tuple[Mention, Candidate], ...]
QUANTIFIERS = frozenset({"each", "every", "all"})
# words that settle the scope of "all": what all have, or what each has
_SETTLED_SCOPE = frozenset(
    """common commonly shared share shares sharing same both together simultaneously respectively separately
    individually consistent consistently equally universally across least identical alike different distinct split
    grouped sorted ordered average total number many much count corresponding_to""".split()
)
# words that settle what a modifier goes with
_SETTLED_ATTACHMENT = frozenset(
    "both either also same only just addition additionally combined plus respectively neither alongside too".split()
)
_MODIFIERS = frozenset(
    """with without who that which whose where in at from by for on of under above below over about during located held
    published written owned made produced used offered established founded born played sung performed supervised
    graded directed sold built based managed lasting costing containing working living starring featuring
    speaking""".split()
)
_DETERMINERS = frozenset({"the", "all", "any", "of", "every", "our"})
# how a list of things asked for begins; after a preposition the two things are themselves a modifier
_ASKING = frozenset(
    """show me list give display provide find what which are is the all please can you could tell us return get see of
    have has had names name do does any want to i we would like there every how about and their""".split()
)
_PLACES = ("location", "place", "city", "country", "address", "region", "state", "street", "coordinates", "terminal",
           "gate", "building", "block", "district", "province", "venue", "area", "culture", "latitude")  # fmt: skip
_DAYS = ("date", "year", "month", "day", "time")
_WH = {"where": _PLACES, "location": _PLACES, "locations": _PLACES, "place": _PLACES, "when": _DAYS, "date": _DAYS,
       "dates": _DAYS}  # fmt: skip


@dataclass(frozen=True)
class Ambiguity:
    """A question that can be meant in `options` ways, said in words; `queries` are those that can be written down."""

    kind: str
    options: tuple[str, ...]
    queries: tuple[Query, ...] = ()


@dataclass(frozen=True)
class Understood:
    """What an ambiguity is looked for in: the tokens, the meanings chosen for them, and the query made of them."""

    tokens: tuple[Token, ...]
    chosen: Chosen
    query: Query
    catalogue: Catalogue
    lexicon: Lexicon
    graph: JoinGraph

    @property
    def words(self) -> list[str]:
        """The tokens in lower case."""
        return [t.lower for t in self.tokens]

    def table(self, name: str) -> Table | None:
        """The visible part of a table."""
        return self.lexicon.table(name)

    def names_of(self, table: str) -> tuple[ColumnRef, ...]:
        """What a row of `table` is called by."""
        held = self.table(table)
        if held is None:
            return ()
        return tuple(ColumnRef(table, c) for c in (self.lexicon.name_columns(held) or held.key))

    def said(self, first: int, last: int) -> str:
        """The words of tokens `first` up to (not including) `last`, as they were written."""
        out = ""
        for at, token in enumerate(self.tokens[first:last]):
            gap = "" if at == 0 or token.start == self.tokens[first + at - 1].end else " "
            out += gap + token.text
        return out.strip(" ?.!,")


def scope(seen: Understood) -> Ambiguity | None:
    """ "The wines of every vineyard": those that all vineyards have, or for each vineyard its own. Only where one of
    the things can belong to several of the others; and not after "for each vineyard, ..."."""
    words = seen.words
    if set(words) & _SETTLED_SCOPE:
        return None
    shown = [e for e in seen.query.select if isinstance(e, ColumnRef)]
    if not shown or len(shown) < len(seen.query.select) or seen.query.group or seen.query.limit is not None:
        return None
    for mention, candidate in seen.chosen:
        at = _quantified(words, mention.first)
        if candidate.kind != "table" or at is None or not any(w not in _MODIFIERS for w in words[:at]):
            continue
        if any(c.kind == "column" and c.table == candidate.table for _, c in seen.chosen):
            continue  # "the train's name for each train": each is listed with its own
        things = [e for e in shown if e.table != candidate.table]
        thing = things[0].table if things else ""
        if not things or any(e.table != thing for e in things):
            continue
        owner = _owner(seen.graph, thing, candidate.table)
        if not _many_to_many(seen.graph, thing, owner):
            continue
        return _scoped(seen, thing, owner, tuple(things))
    return None


def _quantified(words: Sequence[str], first: int) -> int | None:
    """Where "each", "every", "all" or "all the" stands right before a mention."""
    for at in (first - 1, first - 2):
        if at >= 0 and words[at] in QUANTIFIERS and all(w in _DETERMINERS for w in words[at + 1 : first]):
            return at
    return None


def _owner(graph: JoinGraph, thing: str, said: str) -> str:
    """The table that a quantified word means: where it was tied to the pairs of it and the thing, the one beyond."""
    if not any(s.target == said and s.to_many for s in graph.steps(thing)):
        return said
    beyond = {s.target for s in graph.steps(said) if not s.to_many} - {thing}
    return next(iter(beyond)) if len(beyond) == 1 else said


def _many_to_many(graph: JoinGraph, one: str, other: str) -> bool:
    """True where a table of pairs connects the two and neither looks the other up."""
    if any(s.target == other for s in graph.steps(one)):
        return False
    pairs = {s.target for s in graph.steps(one) if s.to_many}
    return any(s.target in pairs and s.to_many for s in graph.steps(other))


def _scoped(seen: Understood, thing: str, owner: str, things: tuple[ColumnRef, ...]) -> Ambiguity | None:
    table, owners = seen.table(thing), seen.table(owner)
    if table is None or owners is None or not table.key or not owners.key:
        return None
    where = tuple(p for p in seen.query.where if not (isinstance(p, Related) and not p.conditions))
    hints = seen.query.hints
    each = Query(owner, (*seen.names_of(owner), *things), where, hints=hints, every=True)
    everyone = Query(owner, (Aggregate("count", owner),))
    shared = Query(
        thing,
        things,
        where,
        group=tuple(dict.fromkeys((*(ColumnRef(thing, k) for k in table.key), *things))),
        having=(Condition(Aggregate("count", owner, ColumnRef(owner, owners.key[0]), True), "=", everyone),),
        hints=hints,
    )
    what, whose = table.label.lower(), owners.label.lower()
    options = (f"the {what} of each of the {whose}", f"only the {what} that all {whose} have in common")
    return Ambiguity("scope", options, (each, shared))


def attachment(seen: Understood) -> Ambiguity | None:
    """ "Boeing models and Airbus models with 180 seats": whether what follows (or leads) goes with both."""
    words = seen.words
    if set(words) & _SETTLED_ATTACHMENT:
        return None
    for at, word in enumerate(words):
        if word != "and" or words[at - 1] == ",":  # a list of three is read as one
            continue
        pair = _conjuncts(seen, at)
        if pair is None:
            continue
        (first, one), (second, other) = pair
        start, end = first.first, _noun_end(seen, second.last)
        if _after_preposition(seen, start):
            continue
        left, right = seen.said(start, at), seen.said(at + 1, end)
        modifier = _following(seen, end)
        if modifier:
            options = (
                f"{left} and {right}, both {modifier}",
                f"all {left}, and of {right} only those {modifier}",
            )
            return Ambiguity("attachment", options, _attached(seen, one, other))
        leading = _leading(seen, first.first)
        if leading:
            options = (f"{leading} {left} and {leading} {right}", f"{leading} {left}, and all {right}")
            return Ambiguity("attachment", options, (seen.query,))
    return None


def _conjuncts(seen: Understood, at: int) -> tuple[tuple[Mention, Candidate], tuple[Mention, Candidate]] | None:
    """The two things that the "and" at token `at` joins: two tables, or two values of one column."""
    before = [p for p in seen.chosen if p[0].last <= at and at - p[0].last <= 2 and p[1].kind in ("table", "value")]
    after = [p for p in seen.chosen if p[0].first > at and p[1].kind in ("table", "value")]
    if not before or not after:
        return None
    second = after[0]
    if any(w not in _DETERMINERS for w in seen.words[at + 1 : second[0].first]):
        return None
    for first in reversed(before):
        one, other = first[1], second[1]
        if one.kind == other.kind == "table" and one.table != other.table:
            return first, second
        alike = (one.table, one.columns) == (other.table, other.columns)
        if one.kind == other.kind == "value" and alike and one.value != other.value:
            return first, second
    return None


def _noun_end(seen: Understood, last: int) -> int:
    """Past the head noun that follows a value: "Airbus models"."""
    heads = {m.first: m.last for m, c in seen.chosen if c.kind in ("table", "column")}
    end = heads.get(last, last)
    if end == last and last < len(seen.tokens):
        word = seen.words[last]
        if seen.tokens[last].kind == "word" and word.endswith("s") and word not in _MODIFIERS | {"is", "was", "has"}:
            return last + 1
    return end


def _after_preposition(seen: Understood, start: int) -> bool:
    """True where the things joined are themselves a modifier: "songs from France and Belgium with ..."; the columns
    of things ("capacities of lounges and halls with ...") and lists of them are asked for."""
    before = [w for w in seen.words[:start] if w not in _DETERMINERS - {"of"}]
    if not before or before[-1] not in _MODIFIERS:
        return False
    if before[-1] != "of" or len(before) < 2:
        return before[-1] != "of"
    columns = {m.last for m, c in seen.chosen if c.kind == "column"}
    at = max(i for i, w in enumerate(seen.words[:start]) if w == "of")
    return at not in columns and before[-2] not in ("list", "lists", "type", "types", "kind", "kinds")


def _following(seen: Understood, end: int) -> str:
    """The modifier that starts at token `end`: it opens as one and holds a condition."""
    words = seen.words
    if end >= len(words) or (words[end] not in _MODIFIERS and not words[end].endswith("ed")):
        return ""
    stop = next((i for i in range(end, len(words)) if words[i] in ("?", ".", ";")), len(words))
    linked = any(end <= m.first < stop for m, _ in seen.chosen)
    number = any(t.number is not None or t.kind == "quoted" for t in seen.tokens[end:stop])
    named = any(t.capital for t in seen.tokens[end:stop])
    return seen.said(end, stop) if linked or number or named else ""


def _leading(seen: Understood, first: int) -> str:
    """A value right before the first thing: "Spanish-speaking pilots and gate agents"."""
    for mention, candidate in seen.chosen:
        if mention.last == first and candidate.kind in ("value", "term"):
            return seen.said(mention.first, mention.last)
    return ""


def _attached(seen: Understood, one: Candidate, other: Candidate) -> tuple[Query, ...]:
    """The query as it is, and the one whose other conditions hold for the second value only."""
    query = seen.query
    if one.kind != "value":
        return (query,)
    ref = ColumnRef(one.table, one.columns[0])
    pair = next((p for p in query.where if isinstance(p, Condition) and p.left == ref and p.operator == "in"), None)
    rest = tuple(p for p in query.where if p is not pair)
    if pair is None or not rest or any(isinstance(p, Related) for p in rest):
        return (query,)
    single: Predicate = Condition(ref, "=", (one.value,))
    narrowed: Predicate = AllOf((Condition(ref, "=", (other.value,)), *rest))
    return (query, query.with_(where=(AnyOf((single, narrowed)),)))


def vague(seen: Understood) -> Ambiguity | None:
    """ "Where is ...", "the location": two columns of one table are places, and none is called that."""
    words = seen.words
    if seen.query.group or any(is_aggregate(e) for e in seen.query.select):
        return None
    asked = next((w for w in words if w in _WH), None)
    if asked is None or (asked in ("where", "when") and asked not in words[:3]):
        return None
    kinds = _WH[asked]
    named = {c.table for _, c in seen.chosen if c.kind in ("table", "value")} | {seen.query.root}
    chosen = {ref for e in seen.query.select if isinstance(e, ColumnRef) for ref in (e,)}
    for name in sorted(named):
        table = seen.table(name)
        found = [c for c in table.columns if _of_kind(c, kinds)] if table else []
        spelled = (c for m, c in seen.chosen if c.table == name and set(words[m.first : m.last]) & set(kinds))
        spoken = {n for c in spelled for n in c.columns}
        if len(found) < 2 or spoken & {c.name for c in found} or any(stem(asked) in stems_of(c.label) for c in found):
            continue
        rest = tuple(e for e in seen.query.select if isinstance(e, ColumnRef) and e.table != name)
        queries = tuple(
            seen.query.with_(select=(*rest, ColumnRef(name, c.name)) if chosen else seen.query.select)
            for c in found[:3]
        )
        return Ambiguity("vague", tuple(f"the {c.label.lower()}" for c in found[:3]), queries)
    return None


_ANY_ROW = frozenset({"name", "names", "id", "ids", "code", "codes", "number", "numbers", "title", "titles"})
EVENLY = 0.02  # scores of two links that are no nearer to the one than to the other
PARTLY = 0.85  # a link below which only a part of a column's name was said


def shared_word(seen: Understood) -> Ambiguity | None:
    """ "The rating of a film", where one table holds a critic rating and an audience rating: the word is the end of
    both names, and neither is said in full."""
    query = seen.query
    if query.group or any(is_aggregate(e) for e in query.select):
        return None
    for mention, candidate in seen.chosen:
        if candidate.kind != "column" or candidate.score > PARTLY or len(candidate.columns) != 1:
            continue
        ref = ColumnRef(candidate.table, candidate.columns[0])
        said = tuple(t.stem for t in seen.tokens[mention.first : mention.last])
        if ref not in query.select or set(seen.words[mention.first : mention.last]) & _ANY_ROW:
            continue
        names = [
            c.columns[0]
            for c in mention.candidates
            if c.kind == "column" and c.table == ref.table and abs(c.score - candidate.score) <= EVENLY and c.columns
        ]
        table = seen.table(ref.table)
        found = [c for c in table.columns if c.name in names] if table else []
        ends = [c for c in found if stems_of(c.label)[-len(said) :] == said and c.role not in ("key", "reference")]
        if len(ends) < 2 or ref.column not in {c.name for c in ends}:
            continue
        queries = tuple(
            query.with_(select=tuple(ColumnRef(ref.table, c.name) if e == ref else e for e in query.select))
            for c in ends[:3]
        )
        return Ambiguity("vague", tuple(f"the {c.label.lower()}" for c in ends[:3]), queries)
    return None


def _of_kind(column: Column, kinds: tuple[str, ...]) -> bool:
    last = re.findall(r"[a-z]+", column.label.lower())
    return column.role not in ("key", "reference") and bool(last) and last[-1] in kinds


def ambiguity(seen: Understood) -> Ambiguity | None:
    """The first ambiguity of the question."""
    return scope(seen) or attachment(seen) or vague(seen) or shared_word(seen)
