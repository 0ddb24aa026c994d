"""The learned half of the router: how likely tables, passages or nothing that is held answers a question.

Logistic regression over the signals of a question (`routing_signals`) and its embedding, over catalogues whose terms
people have reviewed. The weights are in `router.json`, beside where they come from (`scripts/train_router.py`):
`embedded` holds for the embedder that is named there, `plain` knows no embedding and is used with every other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from query.planning.routing_signals import RouteFeatures, signals

ARTEFACT = Path(__file__).with_name("router.json")
CLASSES = ("refuse", "sql", "vector")
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """One logistic regression: `signals` (3 x names), `vector` (3 x dimension, or empty), `bias` (3)."""

    names: tuple[str, ...]
    signals: Numbers
    vector: Numbers
    bias: Numbers

    @classmethod
    def read(cls, held: Mapping[str, Any]) -> Weights:
        """The weights as `router.json` holds them."""
        return cls(tuple(held["names"]), *(np.asarray(held[name]) for name in ("signals", "vector", "bias")))

    def probabilities(self, features: RouteFeatures) -> Numbers:
        """The probabilities of `CLASSES`."""
        found = signals(features)
        logits = self.bias + self.signals @ np.asarray([found[name] for name in self.names])
        if self.vector.size and features.vector is not None:
            logits = logits + self.vector @ features.vector
        odds = np.exp(logits - logits.max())
        return np.asarray(odds / odds.sum())


@dataclass(frozen=True)
class RoutingModel:
    """The weights for one embedder and those for any other."""

    embedder: str
    embedded: Weights
    plain: Weights

    def probabilities(self, features: RouteFeatures) -> dict[str, float]:
        """How likely each of `CLASSES` is right: tables with a reading, documents with a passage, or neither."""
        own = features.vector is not None and _model(features.embedder) == _model(self.embedder)
        found = (self.embedded if own else self.plain).probabilities(features)
        found = found * np.asarray([1.0, float(features.sql > 0), float(features.relevance > 0)])
        return dict(zip(CLASSES, (float(p) for p in found / found.sum()), strict=True))


def _model(identity: str) -> list[str]:
    """Name and weights of an embedder: runtimes and precisions of the same weights give the same vectors within
    rounding, and a question goes its way on each of them."""
    return identity.split("/")[:2]


@cache
def routing_model() -> RoutingModel:
    """The shipped model, read once."""
    held = json.loads(ARTEFACT.read_text(encoding="utf-8"))
    return RoutingModel(held["embedder"], Weights.read(held["embedded"]), Weights.read(held["plain"]))
