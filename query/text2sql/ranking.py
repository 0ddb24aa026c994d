"""Ranking: features of a reading, one table of weights, a score in logits and a confidence.

The weights are in `ranker.json`, beside where they come from. Those of the order are set by hand; those of the
confidence were fitted by logistic regression on questions whose answers are known, by `scripts/train_ranker.py`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from index.catalogue import Catalogue
from query.text2sql.assign import Assignment
from query.text2sql.grammar import Parse
from query.text2sql.logical import ColumnRef, Query, Related, is_aggregate, predicate_tables, tables_of

_ARTEFACT = Path(__file__).with_name("ranker.json")


def _load() -> tuple[Mapping[str, float], Mapping[str, float], Mapping[str, float]]:
    """The weights that order readings, and those of the probability that the best one is right: over a drafted
    catalogue, and over one whose business terms people have reviewed."""
    held = json.loads(_ARTEFACT.read_text(encoding="utf-8"))
    return held["ranking"], held["calibration"], held["reviewed"]


WEIGHTS, CALIBRATION, REVIEWED = _load()


@dataclass(frozen=True)
class Signals:
    """What ranking looks at: the parse, the choice of meanings, the rest of the sentence, and the question's size."""

    parse: Parse
    assignment: Assignment
    best: float
    rest: str
    unexplained: int
    words: int
    strangers: int = 0
    verbs: int = 0
    sql: str = ""


def features(signals: Signals, catalogue: Catalogue) -> dict[str, float]:
    """The features of a reading, by name."""
    query, chosen = signals.parse.query, signals.assignment.chosen
    scores = [c.score for _, c in chosen]
    kinds = [c.kind for _, c in chosen]
    tables = set(_tables(query))
    spoken = {c.table for _, c in chosen if c.kind == "table"}
    plain = [e for e in query.select if isinstance(e, ColumnRef)]
    rest = signals.rest
    return {
        "link": signals.assignment.score / max(1, len(scores)),
        "behind": signals.best - signals.assignment.score,
        "mean_score": sum(scores) / max(1, len(scores)),
        "weakest": min(scores, default=0.0),
        "no_links": float(not scores),
        "unexplained": float(min(signals.unexplained, 4)),
        "unexplained_verbs": float(min(signals.verbs, 4)),
        "metrics": float("metric" in kinds),
        "penalty": min(signals.parse.penalty, 3.0),
        "tables": float(len(tables) - 1),
        "unused_tables": float(len(spoken - tables)),
        "unspoken_tables": float(len(tables - spoken)) if spoken else 0.0,
        "related": float(sum(isinstance(p, Related) for p in query.where)),
        "conditions": float(len(query.where)),
        "values": float(sum(k in ("value", "text") for k in kinds)),
        "texts": float(kinds.count("text")),
        "leftover_numbers": float(len(re.findall(r"\bN\d+", rest))),
        "leftover_signs": float(len(re.findall(r"[<>^~]|!=", rest))),
        "leftover_not": float(len(re.findall(r"\bNOT\b|\bno\b", rest))),
        "leftover_each": float("each" in rest.split()),
        "words": float(signals.words),
        "selected": float(len(query.select)),
        "selected_references": float(sum(_reference(e, catalogue) for e in plain)),
        "grouped": float(bool(query.group)),
        "having": float(bool(query.having)),
        "limited": float(query.limit is not None),
        "ordered": float(bool(query.order) and query.limit is None),
        "aggregate_only": float(bool(query.select) and all(is_aggregate(e) for e in query.select)),
        "distinct": float(query.distinct),
        "one_table": float(len(tables) == 1),
        "curated": float(bool(catalogue.terms)),
        "curated_unexplained": float(bool(catalogue.terms) and signals.unexplained),
        "strangers": float(min(signals.strangers, 3)),
        "joins": float(min(signals.sql.count(" JOIN "), 6)),
        "subqueries": float(min(signals.sql.count("(SELECT "), 4)),
        "root_spoken": float(not spoken or query.root in spoken),
        "selected_tables": float(len({t for e in query.select for t in tables_of(e)})),
        "keys_selected": float(sum(_key(e, catalogue) for e in plain)),
        "mixed": float(bool(plain) and any(is_aggregate(e) for e in query.select)),
        "rest_columns": float(min(len(re.findall(r"\b[CVQ]\d+", rest)), 4)),
        "rest_tables": float(min(len(re.findall(r"\bT\d+", rest)), 4)),
        "top_one": float(query.limit == 1),
        "rules": float(len(signals.parse.notes)),
        "explained": 1.0 - signals.unexplained / max(1, signals.words),
        "tied_columns": float(sum(k == "column" for k in kinds)) / max(1, len(kinds)),
        "likes": float(signals.sql.count(" LIKE ")),
        "periods": float(bool(re.search(r">= '\d{4}-\d\d|LIKE '%\d{4}", signals.sql))),
        "sums": float("SUM(" in signals.sql or "AVG(" in signals.sql),
        "questions": float(min(2, len(re.findall(r"[?.] [a-z]", rest)))),
    }


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


def score(values: Mapping[str, float], weights: Mapping[str, float] = WEIGHTS) -> float:
    """The weighted sum of the features, in logits."""
    return weights["bias"] + sum(weights.get(k, 0.0) * v for k, v in values.items())


def confidence(values: Mapping[str, float]) -> float:
    """The probability, in 0..1, that the reading with these features is right."""
    weights = REVIEWED if values.get("curated") else CALIBRATION
    return round(max(0.01, min(0.99, 1.0 / (1.0 + math.exp(-score(values, weights))))), 4)
