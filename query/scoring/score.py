"""Scoring entities: probability, additive reasons, and the rows behind them, as the asker may see them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from index.catalogue.model import Catalogue, Feature, Score
from index.errors import CatalogueError, SqlRejected
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlReader
from query.evidence import Contribution, EntityScore
from query.facts import typed_key
from query.proof.provenance import bind, literal
from query.scoring.features import FeatureReader, matrix_of, missing_of
from query.scoring.model import FeatureValue, Floats, TrainedModel, sigmoid
from query.scoring.reasons import reason_text

Keep = Callable[[Mapping[str, float]], Sequence[str]]
"""Chooses, from the probabilities by key, the keys whose scores are told in full."""
REASONS_WITH_ROWS = 8
"""For how many of an entity's strongest reasons the rows behind them are read."""


def score_entities(
    score: Score,
    model: TrainedModel,
    keys: Sequence[str],
    as_of: dt.date,
    reader: SqlReader,
    catalogue: Catalogue,
    scope: Scope,
    keep: Keep | None = None,
) -> tuple[EntityScore, ...]:
    """Scores of those of `keys` that are in the score's population on `as_of`, highest first; with `keep` only of those
    that it chooses by their probabilities.

    Each has one contribution a feature, strongest first; intercept and contributions sum to the logit. A feature that
    `scope` hides (`hidden_features`) counts as average: it has no contribution. Raises `CatalogueError` for a model
    whose features the catalogue no longer has, `SqlRejected` where the scope hides the population itself.
    """
    features = _features_of(score, model)
    source = FeatureReader(reader, catalogue, scope.unmasked)
    alive = set(source.population(score, as_of))
    wanted = [key for key in dict.fromkeys(str(k) for k in keys) if key in alive]
    columns = _columns(features, source, as_of)
    values = matrix_of(features, columns, wanted)
    parts = model.contributions(values)
    for at, feature in enumerate(features):
        if columns[feature.name] is None:
            parts[:, at] = 0.0
    probabilities = sigmoid(model.intercept + parts.sum(axis=1))
    wording = _Wording(score, source, catalogue, as_of)
    chosen = set(wanted if keep is None else keep(dict(zip(wanted, probabilities.tolist(), strict=True))))
    scored = [
        EntityScore(
            score.name, score.entity, key, float(probabilities[row]), model.intercept,
            wording.contributions(key, features, columns, values[row].tolist(), parts[row]), model.version, as_of,
        )
        for row, key in enumerate(wanted) if key in chosen
    ]  # fmt: skip
    return tuple(sorted(scored, key=lambda s: (-s.probability, s.key)))


def hidden_features(score: Score, reader: SqlReader, catalogue: Catalogue, scope: Scope) -> tuple[str, ...]:
    """The names of the score's features that `scope` does not show in full."""
    hidden = []
    for feature in score.features:
        try:
            guard(feature.sql, catalogue, scope.unmasked, dialect=reader.dialect)
        except SqlRejected:
            hidden.append(feature.name)
    return tuple(hidden)


def _features_of(score: Score, model: TrainedModel) -> tuple[Feature, ...]:
    known = {f.name: f for f in score.features}
    missing = [f.name for f in model.features if f.name not in known]
    if missing:
        raise CatalogueError(
            f"The model {model.version} uses the feature {missing[0]!r}, which the catalogue no longer has.",
            hint="Train the score again.",
        )
    return tuple(known[f.name] for f in model.features)


def _columns(
    features: Sequence[Feature], source: FeatureReader, as_of: dt.date
) -> dict[str, Mapping[str, FeatureValue] | None]:
    """Every feature's values by key; None for a feature that the scope hides."""
    found: dict[str, Mapping[str, FeatureValue] | None] = {}
    for feature in features:
        try:
            found[feature.name] = source.values(feature, as_of)
        except SqlRejected:
            found[feature.name] = None
    return found


@dataclass(frozen=True)
class _Wording:
    """Turns parts of a logit into contributions with their words, rows and SQL."""

    score: Score
    source: FeatureReader
    catalogue: Catalogue
    as_of: dt.date
    inner: dict[str, str] = field(default_factory=dict)

    def contributions(
        self,
        key: str,
        features: Sequence[Feature],
        columns: Mapping[str, Mapping[str, FeatureValue] | None],
        values: Sequence[FeatureValue],
        parts: Floats,
    ) -> tuple[Contribution, ...]:
        """One contribution for each feature that the scope shows, strongest first."""
        order = sorted(range(len(features)), key=lambda at: (-float(parts[at]), features[at].name))
        shown = [at for at in order if columns[features[at].name] is not None]
        found = []
        for place, at in enumerate(shown):
            feature, value = features[at], values[at]
            rows: tuple[str, ...] = ()
            if place < REASONS_WITH_ROWS and parts[at] > 0:
                rows = self._rows(feature, key)
            found.append(Contribution(
                feature.name, reason_text(feature, value), value, float(parts[at]), feature.evidence_table,
                rows, self._sql(feature, key), feature.lower, feature.next_step,
            ))  # fmt: skip
        return tuple(found)

    def _rows(self, feature: Feature, key: str) -> tuple[str, ...]:
        try:
            return self.source.evidence(feature, typed_key(self.catalogue, self.score.entity, key), self.as_of)
        except SqlRejected:
            return ()

    def _sql(self, feature: Feature, key: str) -> str:
        """A query that gives this entity's value of the feature, as the column `value`, when it is run again."""
        if feature.name not in self.inner:
            self.inner[feature.name] = bind(named(feature.sql), {"as_of": self.as_of})
        inner = self.inner[feature.name]
        typed = literal(typed_key(self.catalogue, self.score.entity, key))
        one = f"SELECT f.feature_value FROM ({inner}) AS f WHERE f.feature_key = {typed}"
        return f"SELECT COALESCE(({one}), {literal(missing_of(feature))}) AS value"


@lru_cache(maxsize=256)
def named(sql: str) -> str:
    """A feature's SELECT with its two outputs called `feature_key` and `feature_value`.

    Raises `CatalogueError` for what is not one plain SELECT.
    """
    import sqlglot

    tree = sqlglot.parse_one(sql, dialect="sqlite")
    if not isinstance(tree, sqlglot.exp.Select) or len(tree.selects) < 2:
        raise CatalogueError(
            "A feature's SQL is not one SELECT of a key and a value.", hint="Put a UNION into a subquery."
        )
    outputs = [e.unalias().as_(n) for e, n in zip(tree.selects, ("feature_key", "feature_value"), strict=False)]
    return str(tree.select(*outputs, append=False).sql(dialect="sqlite"))
