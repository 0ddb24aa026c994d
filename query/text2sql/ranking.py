"""Ranking: features of a reading, one table of weights, a score and a confidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from query.text2sql.logical import Aggregate, ColumnRef, Query, Related, is_aggregate, tables_of

# One weight for each feature; `bias` is added once. Training replaces these numbers, nothing else.
WEIGHTS: Mapping[str, float] = {
    "bias": 2.0,
    "link": 0.6,
    "unexplained": -0.9,
    "penalty": -0.8,
    "tables": -0.25,
    "joins": -0.15,
    "leftover_numbers": -1.2,
    "related": -0.15,
    "weak_link": -1.0,
    "long_question": -0.03,
    "no_content": -2.0,
    "repeated_select": -0.3,
}


@dataclass(frozen=True)
class Features:
    """Named numbers about one reading."""

    values: Mapping[str, float]

    def score(self, weights: Mapping[str, float] = WEIGHTS) -> float:
        """The weighted sum, in logits."""
        return weights["bias"] + sum(weights.get(k, 0.0) * v for k, v in self.values.items())


def features(
    query: Query,
    *,
    link: float,
    weakest: float,
    unexplained: int,
    penalty: float,
    leftover_numbers: int,
    words: int,
    mentions: int,
) -> Features:
    """The features of a reading: `link` is the mean fit of the chosen meanings, the counts are of the question."""
    tables = {query.root}
    for expression in (*query.select, *query.group):
        tables |= tables_of(expression)
    plain = [e for e in query.select if isinstance(e, ColumnRef)]
    return Features(
        {
            "link": link,
            "weak_link": max(0.0, 0.6 - weakest),
            "unexplained": float(unexplained),
            "penalty": penalty,
            "tables": float(len(tables) - 1),
            "joins": float(sum(isinstance(p, Related) for p in query.where)),
            "leftover_numbers": float(leftover_numbers),
            "related": float(len(query.where)),
            "long_question": float(max(0, words - 12)),
            "no_content": 1.0 if mentions == 0 else 0.0,
            "repeated_select": float(max(0, len(plain) - 3)),
            "counted": float(any(isinstance(e, Aggregate) and is_aggregate(e) for e in query.select)),
        }
    )


def confidence(score: float, margin: float) -> float:
    """A probability in 0..1 from the score in logits and the lead over the next different reading."""
    base = 1.0 / (1.0 + math.exp(-score))
    doubt = 0.85 + 0.15 * min(1.0, max(0.0, margin))
    return round(max(0.01, min(0.99, base * doubt)), 4)
