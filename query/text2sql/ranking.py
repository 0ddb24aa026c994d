"""Ranking: features of a reading, one table of weights, a score in logits and a confidence.

The weights were fitted by logistic regression on questions whose answers are known; training replaces the numbers
in `WEIGHTS` and nothing else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from index.catalogue import Catalogue
from query.text2sql.assign import Assignment
from query.text2sql.grammar import Parse
from query.text2sql.logical import ColumnRef, Query, Related, is_aggregate, predicate_tables, tables_of

WEIGHTS: Mapping[str, float] = {
    "bias": 1.0,
    "link": 0.8,
    "behind": -1.6,
    "weakest": 0.8,
    "unexplained": -0.8,
    "penalty": -0.6,
    "tables": -0.15,
    "unused_tables": -0.5,
    "related": -0.2,
    "leftover_numbers": -2.0,
    "leftover_signs": -1.2,
    "leftover_not": -3.0,
    "words": -0.03,
    "selected_references": -0.5,
}


# The same features again, for the probability that the best reading is right.
CALIBRATION: Mapping[str, float] = {
    "bias": -2.281, "aggregate_only": 1.137, "behind": -0.056, "conditions": -0.449, "distinct": 0.513,
    "grouped": 0.131, "having": 0.589, "leftover_each": -0.325, "leftover_not": -2.841, "leftover_numbers": -2.462,
    "leftover_signs": -1.909, "limited": -0.032, "link": 1.153, "mean_score": 0.952, "one_table": 0.316,
    "ordered": 0.665, "penalty": -1.955, "related": 0.578, "selected": -0.047, "selected_references": 0.217,
    "tables": -0.069, "texts": -0.604, "unexplained": -0.603, "unspoken_tables": -0.067, "unused_tables": -0.032,
    "values": 0.188, "weakest": -0.096, "words": -0.039, "curated": 1.5,
    "curated_unexplained": -1.2, "strangers": -1.5,
}  # fmt: skip


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


def score(values: Mapping[str, float], weights: Mapping[str, float] = WEIGHTS) -> float:
    """The weighted sum of the features, in logits."""
    return weights["bias"] + sum(weights.get(k, 0.0) * v for k, v in values.items())


def confidence(values: Mapping[str, float]) -> float:
    """The probability, in 0..1, that the reading with these features is right."""
    return round(max(0.01, min(0.99, 1.0 / (1.0 + math.exp(-score(values, CALIBRATION))))), 4)
