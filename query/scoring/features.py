"""Feature values, populations and events of a score, read through the guard for one scope."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from index.catalogue.model import Catalogue, Feature, Score
from index.errors import CatalogueError
from index.guard.guard import GuardedQuery, guard
from index.scope import Scope
from index.sql import SqlReader, Value
from query.format import as_date, as_decimal
from query.proof.provenance import parameters_in
from query.scoring.model import FeatureValue, Values

MOST_ROWS = 5_000_000
"""More rows than a feature may give; a population is never cut off silently."""


@dataclass
class FeatureReader:
    """Runs the SELECTs of a score; each is guarded once. Raises `SqlRejected` for what the scope does not show."""

    reader: SqlReader
    catalogue: Catalogue
    scope: Scope
    _guarded: dict[str, GuardedQuery] = field(default_factory=dict)

    def population(self, score: Score, as_of: dt.date) -> tuple[str, ...]:
        """The keys of the entities alive on `as_of`, each once, sorted."""
        rows = self._rows(score.population, {"as_of": as_of}, 1, f"population of the score {score.name}")
        return tuple(sorted({str(row[0]) for row in rows if row[0] is not None}))

    def events(self, score: Score) -> Mapping[str, tuple[dt.date, ...]]:
        """The days of every event so far, by entity key."""
        found: dict[str, list[dt.date]] = {}
        for row in self._rows(score.event, {}, 2, f"event of the score {score.name}"):
            day = as_date(row[1])
            if row[0] is not None and day is not None:
                found.setdefault(str(row[0]), []).append(day)
        return {key: tuple(sorted(days)) for key, days in found.items()}

    def outcomes(self, score: Score) -> Mapping[str, float]:
        """1.0 or 0.0 by entity key, of every entity whose outcome is known."""
        found: dict[str, float] = {}
        for row in self._rows(score.outcome, {}, 2, f"outcome of the score {score.name}"):
            value = number_of(row[1])
            if value not in (None, 0.0, 1.0):
                raise CatalogueError(
                    f"The outcome of the score {score.name!r} gives {row[1]!r}.",
                    hint="It gives (key, 1 or 0): SELECT id, CASE WHEN churned = 'Yes' THEN 1 ELSE 0 END FROM ...",
                )
            if row[0] is not None and value is not None:
                found[str(row[0])] = value
        return found

    def values(self, feature: Feature, as_of: dt.date) -> Mapping[str, FeatureValue]:
        """The feature's value on `as_of` by entity key; entities without one are absent."""
        read = text_of if feature.kind == "category" else number_of
        found: dict[str, FeatureValue] = {}
        for row in self._rows(feature.sql, {"as_of": as_of}, 2, f"feature {feature.name}"):
            value = read(row[1])
            if row[0] is not None and value is not None:
                found[str(row[0])] = value
        return found

    def evidence(self, feature: Feature, key: Value, as_of: dt.date) -> tuple[str, ...]:
        """The keys of the rows behind an entity's value, as the feature's `evidence` gives them; at most 50."""
        if not feature.evidence:
            return ()
        given = {"key": key, "as_of": as_of}
        rows = self._rows(feature.evidence, given, 1, f"evidence of the feature {feature.name}", limit=50)
        return tuple(str(row[0]) for row in rows if row[0] is not None)

    def matrix(self, features: Sequence[Feature], keys: Sequence[str], as_of: dt.date) -> Values:
        """Values of `features` (columns) for `keys` (rows) on `as_of`; the feature's `missing` where it has none."""
        return matrix_of(features, {f.name: self.values(f, as_of) for f in features}, keys)

    def _rows(
        self, sql: str, given: Mapping[str, Value], width: int, what: str, limit: int = MOST_ROWS
    ) -> tuple[tuple[Value, ...], ...]:
        names = parameters_in(sql)
        unknown = [name for name in names if name not in given]
        if unknown:
            raise CatalogueError(
                f"The {what} uses the parameter :{unknown[0]}.",
                hint=f"It may use {', '.join(':' + n for n in given) or 'no parameters'}.",
            )
        if sql not in self._guarded:
            self._guarded[sql] = guard(sql, self.catalogue, self.scope, dialect=self.reader.dialect, limit=limit)
        rows = self.reader.read(self._guarded[sql], {name: given[name] for name in names})
        if len(rows.columns) < width:
            raise CatalogueError(
                f"The {what} gives {len(rows.columns)} column(s).",
                hint=f"It must give at least {width}, the key first.",
            )
        return rows.rows


def missing_of(feature: Feature) -> FeatureValue:
    """The value of an entity that has none."""
    return "" if feature.kind == "category" else feature.missing


def matrix_of(
    features: Sequence[Feature], columns: Mapping[str, Mapping[str, FeatureValue] | None], keys: Sequence[str]
) -> Values:
    """The values of `columns` (by feature) for `keys`: a row a key, a column a feature."""
    rows = [[(columns[f.name] or {}).get(key, missing_of(f)) for f in features] for key in keys]
    kind = object if any(f.kind == "category" for f in features) else np.float64
    return np.asarray(rows, dtype=kind).reshape(len(keys), len(features))


def text_of(value: Value) -> str | None:
    """A category's level: the text without space around it; None for nothing."""
    if value is None or isinstance(value, bytes):
        return None
    return " ".join(str(value).split()) or None


def number_of(value: Value) -> float | None:
    """A feature's value as a finite number; True and False are 1 and 0; None for anything else."""
    if isinstance(value, bool):
        return float(value)
    exact = as_decimal(value)
    number = float(exact) if exact is not None else math.nan
    return number if math.isfinite(number) else None
