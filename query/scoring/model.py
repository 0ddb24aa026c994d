"""A trained score: an additive, monotone logistic model that is plain JSON and needs numpy only.

A number is a curve of ramps between knots: `r_j(x) = clip((x - k_j) / (k_j+1 - k_j), 0, 1)`. Its part of the logit is
`sum_j w_j r_j(x) - centre`, where all `w_j` have the sign of the feature's direction, so that a reason can never read
the wrong way round; with the direction 0 the data decides. A category has one weight a level, less `centre`. `centre`
is the mean over the training data; a level that training did not see adds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.errors import StorageError

Floats = NDArray[np.float64]
Values = NDArray[Any]
"""Feature values, a column a feature: floats, or objects where a category (texts) is among them."""
FeatureValue = float | str


def ramps(values: Floats, knots: tuple[float, ...]) -> Floats:
    """The ramp basis of `values` (n) between `knots` (m + 1, ascending): an array of n rows and m columns in 0..1."""
    if len(knots) < 2:
        return np.zeros((len(values), 0))
    low, high = np.asarray(knots[:-1]), np.asarray(knots[1:])
    return np.asarray(np.clip((values[:, None] - low) / (high - low), 0.0, 1.0), dtype=np.float64)


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float64)


@dataclass(frozen=True)
class TrainedFeature:
    """One feature's curve, or its weights by level. `mean` and `scale` describe a number in the training data; no
    weights means that it was constant."""

    name: str
    knots: tuple[float, ...]
    weights: tuple[float, ...]
    centre: float
    missing: float
    mean: float
    scale: float
    levels: tuple[str, ...] = ()

    def logit(self, values: Values) -> Floats:
        """Its part of the logit for each of `values`."""
        if not self.weights:
            return np.zeros(len(values))
        if self.levels:
            levels, texts = np.asarray(self.levels), np.asarray(values, dtype=str)  # levels are in order
            at = np.minimum(np.searchsorted(levels, texts), len(levels) - 1)
            return np.where(levels[at] == texts, np.asarray(self.weights)[at] - self.centre, 0.0)
        numbers = np.asarray(values, dtype=np.float64)
        return np.asarray(ramps(numbers, self.knots) @ np.asarray(self.weights) - self.centre)


@dataclass(frozen=True)
class TrainedModel:
    """A version of a score. `card` says what it was trained on and how well it does; `notices` what was left out."""

    score: str
    version: str
    intercept: float
    features: tuple[TrainedFeature, ...]
    card: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def contributions(self, matrix: Values) -> Floats:
        """The parts of the logit (n rows, one column a feature) of feature values in the order of `features`."""
        parts = [feature.logit(matrix[:, at]) for at, feature in enumerate(self.features)]
        return np.column_stack(parts) if parts else np.zeros((len(matrix), 0))

    def probabilities(self, matrix: Values) -> Floats:
        """The probability of the event for each row of `matrix`."""
        return sigmoid(self.intercept + self.contributions(matrix).sum(axis=1))

    @property
    def auc(self) -> float | None:
        """The area under the ROC curve in cross-validation, for the list of versions."""
        found = self.card.get("auc")
        return float(found) if found is not None else None

    def to_json(self) -> str:
        """The model as JSON text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> TrainedModel:
        """The model that `to_json` wrote; raises `StorageError` for another text."""
        try:
            raw = json.loads(text)
            features = tuple(
                TrainedFeature(**{**f, **{name: tuple(f.get(name, ())) for name in ("knots", "weights", "levels")}})
                for f in raw["features"]
            )
            return cls(raw["score"], raw["version"], raw["intercept"], features, raw["card"], tuple(raw["notices"]))
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(
                "a stored score model cannot be read", hint="`tower ingest` trains it again from the history"
            ) from error
