"""What ranking sees of a reading: how it is linked, what it keeps of the question's words, how it is built.

A feature is a number; none of them names a database, a table or a column. All are total: any reading has all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from index.catalogue import Catalogue
from query.text2sql.assign import Assignment
from query.text2sql.grammar import Parse
from query.text2sql.linking import Candidate, Mention
from query.text2sql.logical import ColumnRef, Query, Related, is_aggregate, predicate_tables, tables_of

# what a question says (left) is met by what a query does (right): either without the other is a doubt
_SAID_AND_DONE: tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (name, re.compile(said), re.compile(done))
    for name, said, done in (
        ("either", r"\bor\b", r"\bOR\b|\bIN \('|\bIN \(\d|\bUNION\b"),
        ("both", r"\bboth\b|\band also\b|\bas well as\b", r"\bINTERSECT\b|\bIN \(SELECT\b|\bAND\b"),
        ("extreme", r"\b(?:most|least|fewest|max\w*|min\w*|top|best|worst|oldest|youngest|latest|earliest|first|last|"
         r"\w+est)\b", r"\bLIMIT\b|\bMAX\(|\bMIN\("),
        ("mean", r"\b(?:average|mean|avg)\b", r"\bAVG\("),
        ("sum", r"\b(?:total|sum|altogether|combined|how much|overall)\b", r"\bSUM\("),
        ("count", r"\b(?:how many|number|count|numbers)\b", r"\bCOUNT\("),
        ("grouped", r"\b(?:each|every|per|by|different|respective|corresponding)\b", r"\bGROUP BY\b"),
        ("negated", r"\b(?:not|no|never|without|n't|except|excluding|nor|neither|other than|don|doesn|didn)\b",
         r"\bNOT\b|!=|<>|\bIS NULL\b|\bEXCEPT\b"),
        ("distinct", r"\b(?:different|distinct|unique|various)\b", r"\bDISTINCT\b"),
        ("sorted", r"\b(?:sort\w*|order\w*|ascending|descending|alphabet\w*|rank\w*|(?:de|in)creasing|from .* to)\b",
         r"\bORDER BY\b"),
        ("more", r"\b(?:more|greater|over|above|at least|after|older|larger|higher|exceed\w*|longer|bigger)\b", r">"),
        ("less", r"\b(?:less|fewer|under|below|at most|before|younger|smaller|lower|shorter|cheaper)\b", r"<"),
        ("between", r"\bbetween\b|\bfrom \d", r">=.*<|BETWEEN"),
        ("share", r"\b(?:percent\w*|share|proportion|ratio|fraction|rate)\b", r" / | \* 100|100\.0 \*"),
        ("likeness", r"\b(?:contain\w*|start\w*|begin\w*|end|ends|ending|includ\w*|letter|substring|like|prefix)\b",
         r"LIKE"),
        ("missing", r"\b(?:missing|null|empty|unknown|known|blank)\b", r"IS (?:NOT )?NULL"),
    )
)  # fmt: skip
_PAIRED = tuple(name for name, _, _ in _SAID_AND_DONE)
_SAID = tuple(said for _, said, _ in _SAID_AND_DONE)
_DONE = tuple(done for _, _, done in _SAID_AND_DONE)
# words of a question that say something about its shape, whatever it is about
_WORDS = (
    "a all also among and any are at been both by can corresponding count did different do does each either every find "
    "first for from give had has have how id ids if in information is it its kind last list many more most much name "
    "names no not number of on only or order other out per play return same show some sorted than that the their them "
    "there they those to total type types use used was were what when where which who whose with without year years"
).split()
_SELECTED = re.compile(r"SELECT (?:DISTINCT )?(.*?) FROM ", re.S)


@dataclass(frozen=True)
class Signals:
    """What ranking looks at: the parse, the choice of meanings, the rest of the sentence, and the question's size.
    `question` is the question in lower case, its tokens separated by spaces."""

    parse: Parse
    assignment: Assignment
    best: float
    rest: str
    unexplained: int
    words: int
    strangers: int = 0
    verbs: int = 0
    sql: str = ""
    question: str = ""


class ReadingFeatures:
    """The features of readings over one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        names = Counter(n for t in catalogue.tables for n in {c.name.lower() for c in t.columns})
        self._shared = frozenset(n for n, times in names.items() if times > 1)

    def of(self, signals: Signals) -> dict[str, float]:
        """The features of a reading, by name."""
        return {
            **_links(signals, self._catalogue),
            **_rest(signals),
            **_shape(signals, self._catalogue, self._shared),
            **_kept(signals),
            **_rivals(signals.assignment.chosen),
            **_wording(signals.question, signals.sql),
            **{f"edit_{name}": 1.0 for name in signals.parse.edits},
            "edits": float(len(signals.parse.edits)),
        }


def _links(signals: Signals, catalogue: Catalogue) -> dict[str, float]:
    """How well the question's words are tied to the catalogue."""
    chosen = signals.assignment.chosen
    scores = [c.score for _, c in chosen]
    kinds = [c.kind for _, c in chosen]
    return {
        "link": signals.assignment.score / max(1, len(scores)),
        "behind": signals.best - signals.assignment.score,
        "mean_score": sum(scores) / max(1, len(scores)),
        "weakest": min(scores, default=0.0),
        "no_links": float(not scores),
        "unexplained": float(min(signals.unexplained, 4)),
        "unexplained_verbs": float(min(signals.verbs, 4)),
        "explained": 1.0 - signals.unexplained / max(1, signals.words),
        "strangers": float(min(signals.strangers, 3)),
        "words": float(min(signals.words, 40)),
        "metrics": float("metric" in kinds),
        "terms": float("term" in kinds),
        "values": float(sum(k in ("value", "text") for k in kinds)),
        "texts": float(kinds.count("text")),
        "tied_columns": float(kinds.count("column")) / max(1, len(kinds)),
        "likened": float(sum(c.sense == "like" for _, c in chosen)),
        "curated": float(bool(catalogue.terms)),
        "curated_unexplained": float(bool(catalogue.terms) and signals.unexplained),
        "catalogue_tables": float(min(len(catalogue.tables), 20)),
    }


def _rest(signals: Signals) -> dict[str, float]:
    """What no rule used."""
    rest = signals.rest
    return {
        "penalty": min(signals.parse.penalty, 3.0),
        "rules": float(len(signals.parse.notes)),
        "leftover_numbers": float(min(len(re.findall(r"\bN\d+", rest)), 4)),
        "leftover_signs": float(min(len(re.findall(r"[<>^~]|!=", rest)), 4)),
        "leftover_not": float(min(len(re.findall(r"\bNOT\b|\bno\b", rest)), 4)),
        "leftover_each": float("each" in rest.split()),
        "leftover_or": float("or" in rest.split()),
        "rest_columns": float(min(len(re.findall(r"\b[CVQ]\d+", rest)), 4)),
        "rest_tables": float(min(len(re.findall(r"\bT\d+", rest)), 4)),
        "rest_words": float(min(len(re.findall(r"(?<!\S)[a-z]+", rest)), 20)),
        "questions": float(min(2, len(re.findall(r"[?.] [a-z]", rest)))),
    }


def _shape(signals: Signals, catalogue: Catalogue, shared: frozenset[str]) -> dict[str, float]:
    """How the query is built."""
    query, sql = signals.parse.query, signals.sql
    tables = set(_tables(query))
    spoken = {c.table for _, c in signals.assignment.chosen if c.kind == "table"}
    plain = [e for e in query.select if isinstance(e, ColumnRef)]
    return {
        "tables": float(len(tables) - 1),
        "one_table": float(len(tables) == 1),
        "unused_tables": float(len(spoken - tables)),
        "unspoken_tables": float(len(tables - spoken)) if spoken else 0.0,
        "root_spoken": float(not spoken or query.root in spoken),
        "related": float(sum(isinstance(p, Related) for p in query.where)),
        "conditions": float(len(query.where)),
        "selected": float(min(len(query.select), 8)),
        "selected_references": float(sum(_reference(e, catalogue) for e in plain)),
        "selected_tables": float(len({t for e in query.select for t in tables_of(e)})),
        "keys_selected": float(sum(_key(e, catalogue) for e in plain)),
        "shared_names": float(sum(e.column.lower() in shared for e in plain)),
        "aggregate_only": float(bool(query.select) and all(is_aggregate(e) for e in query.select)),
        "mixed": float(bool(plain) and any(is_aggregate(e) for e in query.select)),
        "grouped": float(bool(query.group)),
        "group_keys": float(min(len(query.group), 4)),
        "having": float(bool(query.having)),
        "limited": float(query.limit is not None),
        "top_one": float(query.limit == 1),
        "ordered": float(bool(query.order) and query.limit is None),
        "distinct": float(query.distinct),
        "joins": float(min(sql.count(" JOIN "), 6)),
        "subqueries": float(min(sql.count("(SELECT "), 4)),
        "likes": float(min(sql.count(" LIKE "), 4)),
        "periods": float(bool(re.search(r">= '\d{4}-\d\d|LIKE '%\d{4}", sql))),
        "sums": float("SUM(" in sql or "AVG(" in sql),
    }


def _kept(signals: Signals) -> dict[str, float]:
    """What was linked and is not in the query, and what the query shows that no word speaks of."""
    sql = signals.sql.lower()
    chosen = [c for _, c in signals.assignment.chosen]
    columns = [c for c in chosen if c.kind == "column"]
    values = [c for c in chosen if c.kind in ("value", "text") and c.value]
    said = {(c.table, n.lower()) for c in chosen for n in c.columns}
    spoken = {c.table for c in chosen if c.kind == "table"}
    plain = [e for e in signals.parse.query.select if isinstance(e, ColumnRef)]
    unsaid = [e for e in plain if (e.table, e.column.lower()) not in said]
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", signals.question)
    return {
        "dropped_columns": float(sum(not any(n.lower() in sql for n in c.columns) for c in columns)),
        "dropped_values": float(sum(c.value.lower().replace("'", "''") not in sql for c in values)),
        "dropped_tables": float(sum(not re.search(rf"\b{re.escape(t.lower())}\b", sql) for t in spoken)),
        "dropped_numbers": float(min(sum(not re.search(rf"\b{re.escape(n)}\b", sql) for n in numbers), 3)),
        "unsaid": float(min(len(unsaid), 4)),
        "unsaid_names": float(min(sum(e.table in spoken for e in unsaid), 4)),
        "said_selected": float(min(len(plain) - len(unsaid), 6)),
        "echoes": float(_echoes(signals, plain)),
    }


def _echoes(signals: Signals, plain: list[ColumnRef]) -> int:
    """How many shown columns are held to one value by the query itself: nobody asks for what they have just said."""
    found = re.findall(r'(\w+|"[^"]+") (?:=|IN) \(?\'', signals.sql)
    fixed = {f.strip('"').lower() for f in found}
    return sum(e.column.lower() in fixed for e in plain)


def _rivals(chosen: tuple[tuple[Mention, Candidate], ...]) -> dict[str, float]:
    """How near other meanings of the same words come."""
    gaps: dict[str, list[float]] = {"table": [], "column": [], "value": []}
    for mention, candidate in chosen:
        meant = (candidate.table, candidate.columns, candidate.kind)
        others = [c.score for c in mention.candidates if (c.table, c.columns, c.kind) != meant]
        if candidate.kind in gaps:
            gaps[candidate.kind].append(candidate.score - max(others, default=0.0))
    every = [g for held in gaps.values() for g in held]
    return {
        "nearest_rival": min(every, default=1.0),
        "table_rival": min(gaps["table"], default=1.0),
        "column_rival": min(gaps["column"], default=1.0),
        "value_rival": min(gaps["value"], default=1.0),
        "beaten": float(sum(g < -0.01 for g in every)),
        "tied": float(sum(abs(g) <= 0.03 for g in every)),
        "meanings": float(min(sum(len(m.candidates) for m, _ in chosen), 40)) / max(1, len(chosen)),
    }


def _wording(question: str, sql: str) -> dict[str, float]:
    """Words that tell what shape is asked for, alone and beside what the query does."""
    said, words = _said(question)
    found = dict(words)
    for name, asked, done in zip(_PAIRED, said, _DONE, strict=True):
        met = bool(done.search(sql))
        found[f"{name}_unmet"] = float(asked and not met)
        found[f"{name}_unasked"] = float(met and not asked)
        found[f"{name}_met"] = float(asked and met)
    listed = _SELECTED.search(sql)
    shown = listed[1].count(", ") + 1 if listed else 1
    found["enumeration_gap"] = abs(float(min(shown - 1, 6)) - found["enumerated"])
    return found


@lru_cache(maxsize=64)
def _said(question: str) -> tuple[tuple[bool, ...], dict[str, float]]:
    """What a question says of shapes: the same for all its readings."""
    words = set(question.split())
    clause = re.split(r"\b(?:of|for|whose|who|that|with|where|in|from|having)\b", question, maxsplit=1)[0]
    found = {f"says_{w}": float(w in words) for w in _WORDS}
    found["enumerated"] = float(min(clause.count(" , ") + clause.count(" and "), 4))
    found["commas"] = float(min(question.count(" , "), 5))
    found["ands"] = float(min(question.count(" and "), 4))
    return tuple(bool(said.search(question)) for said in _SAID), found


def _tables(query: Query) -> Iterator[str]:
    yield query.root
    for expression in (*query.select, *query.group, *(o.by for o in query.order), *(c.left for c in query.having)):
        yield from tables_of(expression)
    for predicate in query.where:
        yield from predicate_tables(predicate)


def _reference(ref: ColumnRef, catalogue: Catalogue) -> bool:
    table = catalogue.table(ref.table)
    column = table.column(ref.column) if table else None
    return column is not None and column.role == "reference"


def _key(ref: ColumnRef, catalogue: Catalogue) -> bool:
    table = catalogue.table(ref.table)
    return table is not None and ref.column in table.key
