"""How sure to be of a model's SQL: what the grammar read, and whether both find the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from index.sql import Rows, Value

MODEL_RIGHT = 0.75  # how often a model's SQL that runs is right, before anything is known of the question
SAME_WRONG = 0.08  # how often two wrong readings find the same rows


def same_rows(one: Rows, other: Rows) -> bool:
    """True when two results hold the same rows, in any order of rows and of columns."""
    if len(one.rows) != len(other.rows) or len(one.columns) != len(other.columns) or one.truncated != other.truncated:
        return False
    return _bag(one.rows) == _bag(other.rows)


def agreed(grammar: float) -> float:
    """The probability that SQL is right which the model wrote and the grammar's reading of confidence `grammar`
    confirms."""
    right = MODEL_RIGHT * grammar
    return _bounded(right / (right + (1 - MODEL_RIGHT) * (1 - grammar) * SAME_WRONG))


def disagreed(grammar: float) -> float:
    """The probability that the model's SQL is right where the grammar's reading of confidence `grammar` finds
    something else; without a reading it is what models are right."""
    model, both_wrong = MODEL_RIGHT * (1 - grammar), (1 - MODEL_RIGHT) * (1 - grammar)
    return _bounded(model / (model + (1 - MODEL_RIGHT) * grammar + both_wrong))


def _bag(rows: Sequence[Sequence[Value]]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(sorted(_plain(row))) for row in rows)


def _plain(row: Iterable[Value]) -> list[str]:
    return [
        f"{float(v):.9g}" if isinstance(v, int | float) and not isinstance(v, bool) else f"{type(v).__name__}:{v!r}"
        for v in row
    ]


def _bounded(probability: float) -> float:
    return round(min(0.99, max(0.01, probability)), 3)
