"""Ranking: features of a reading, one table of weights, a score in logits and a confidence.

The weights are in `ranker.json`, beside where they come from. Those of the order are set by hand; those of the
confidence were fitted by logistic regression on questions whose answers are known, by `scripts/train_ranker.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path


_ARTEFACT = Path(__file__).with_name("ranker.json")


def _load() -> tuple[Mapping[str, float], Mapping[str, float], Mapping[str, float]]:
    """The weights that order readings, and those of the probability that the best one is right: over a drafted
    catalogue, and over one whose business terms people have reviewed."""
    held = json.loads(_ARTEFACT.read_text(encoding="utf-8"))
    return held["ranking"], held["calibration"], held["reviewed"]


WEIGHTS, CALIBRATION, REVIEWED = _load()


def score(values: Mapping[str, float], weights: Mapping[str, float] = WEIGHTS) -> float:
    """The weighted sum of the features, in logits."""
    return weights["bias"] + sum(w * values.get(k, 0.0) for k, w in weights.items() if k != "bias")


def confidence(values: Mapping[str, float]) -> float:
    """The probability, in 0..1, that the reading with these features is right."""
    weights = REVIEWED if values.get("curated") else CALIBRATION
    return round(max(0.01, min(0.99, 1.0 / (1.0 + math.exp(-score(values, weights))))), 4)
