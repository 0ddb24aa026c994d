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
    "bias": -1.165, "aggregate_only": 0.834, "behind": -0.143, "conditions": -0.318, "distinct": 0.667,
    "grouped": 0.032, "having": 0.689, "leftover_each": -0.331, "leftover_not": -3.082, "leftover_numbers": -1.282,
    "leftover_signs": -1.552, "limited": -0.13, "link": 1.375, "mean_score": 2.146, "one_table": -0.063,
    "ordered": 0.791, "penalty": -1.758, "related": 0.182, "selected": -0.243, "selected_references": -0.101,
    "strangers": -1.742, "tables": -0.223, "texts": -0.571, "unexplained": -0.608, "unexplained_verbs": -0.523,
    "unspoken_tables": -0.097, "unused_tables": 1.195, "values": -0.053, "weakest": -1.584, "words": -0.099,
    "curated": 1.5, "curated_unexplained": -1.2,
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
    verbs: int = 0


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
