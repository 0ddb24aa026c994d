"""Columns that are computed while rows are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ingest.coercion import is_null
from ingest.config import DeriveConfig

_READ = 2_000  # characters of a text that its sentiment is taken from


def derive(rows: Sequence[dict[str, Any]], columns: Mapping[str, DeriveConfig]) -> None:
    """Add the derived columns to `rows` in place. A row without any text in it gets None."""
    for name, config in columns.items():
        for row in rows:
            parts = [str(row[column]) for column in config.of if not is_null(row.get(column))]
            row[name] = sentiment(". ".join(parts)) if parts else None


@lru_cache(maxsize=20_000)
def sentiment(text: str) -> float:
    """How a text sounds, from -1 (very negative) to 1 (very positive): VADER's compound score."""
    return float(_analyzer().polarity_scores(text[:_READ])["compound"])


@lru_cache(maxsize=1)
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
