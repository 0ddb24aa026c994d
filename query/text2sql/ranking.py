"""Ranking: which reading of a question comes first, and how likely the first one is right.

Everything learned or weighed is in `ranker.json`, beside where it comes from (`scripts/train_ranker.py`):

- `hand`: weights set by hand. They order the readings over a catalogue whose terms people have reviewed, which no
  training question has; elsewhere their score is one of the features.
- `order`: what was learned to put right readings first, over a drafted catalogue.
- `confidence`: what was learned to tell whether the first one is right: models whose mean counts, with the slope and
  shift that calibrate it; `reviewed` are the weights over a reviewed catalogue.
- `outright`: the confidence from which a reading over a drafted catalogue is an answer.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from query.text2sql.trees import Trees

_ARTEFACT = Path(__file__).with_name("ranker.json")
LEAST, MOST = 0.01, 0.99  # no confidence is nearer to never or always
FAR = 4.0  # logits from which a runner-up says nothing more
Values = Mapping[str, float]
Score = Callable[[Values], float]


def weighted(weights: Values) -> Score:
    """The weighted sum of the features, with the bias."""
    bias = weights.get("bias", 0.0)
    rows = [(k, w) for k, w in weights.items() if k != "bias" and w]
    return lambda values: bias + sum(w * values.get(k, 0.0) for k, w in rows)


def model(held: Mapping[str, Any]) -> Score:
    """A learned score: boosted trees, or weights."""
    return Trees.read(held).score if "trees" in held else weighted(held["weights"])


def mean(held: Sequence[Mapping[str, Any]]) -> Score:
    """The mean of some learned scores."""
    scores = [model(one) for one in held]
    return lambda values: sum(s(values) for s in scores) / len(scores)


_HELD = json.loads(_ARTEFACT.read_text(encoding="utf-8"))
HAND: Values = _HELD["hand"]
REVIEWED: Values = _HELD["reviewed"]
OUTRIGHT: float = _HELD["outright"]
by_hand = weighted(HAND)
_reviewed = weighted(REVIEWED)
_order = model(_HELD["order"])
_confidence = mean(_HELD["confidence"]["models"])
_SLOPE, _SHIFT = float(_HELD["confidence"]["slope"]), float(_HELD["confidence"]["shift"])


def score(values: Values) -> float:
    """What readings are ordered by, in logits; `values` has the score by `hand` too."""
    return values["hand"] if values.get("curated") else _order(values)


def context(ranked: Sequence[tuple[float, Values]], found: Sequence[str] = ()) -> dict[str, float]:
    """The features of the first of some readings, best first with their scores, and what the others say of it.
    `found` says of the first few what rows they find (`found.Finder`)."""
    (top, first), others = ranked[0], ranked[1:]
    gaps = [min(FAR, max(0.0, top - score_)) for score_, _ in others]
    own = [g for g, (_, v) in zip(gaps, others, strict=True) if v.get("edits", 0.0) == first.get("edits", 0.0)]
    total = 1.0 + sum(math.exp(-g) for g in gaps)
    return {
        **first,
        "readings": float(min(len(ranked), 30)),
        "top": max(-8.0, min(8.0, top)),
        "margin": min(gaps, default=FAR),
        "margin_alike": min(own, default=FAR),
        "near": float(sum(g < 0.5 for g in gaps)),
        "share": 1.0 / total,
        "hand_behind": min(FAR, max(v.get("hand", 0.0) for _, v in ranked) - first.get("hand", 0.0)),
        **_merged([top - score_ for score_, _ in ranked], found),
    }


def _merged(behind: Sequence[float], found: Sequence[str]) -> dict[str, float]:
    """How likely what the first reading finds is, where readings that find the same rows count together; `behind` says
    how far each is behind the first."""
    weights = [math.exp(-max(0.0, b)) for b in behind]
    total, mass = sum(weights), defaultdict[str, float](float)
    names = [f or str(at) for at, f in enumerate((*found, *[""] * (len(behind) - len(found))))]
    for name, weight in zip(names, weights, strict=True):
        mass[name] += weight / total
    own, rest = mass[names[0]], [m for name, m in mass.items() if name != names[0]]
    return {
        "merged": own,
        "merged_logit": math.log((own + 0.02) / (1.02 - own)),
        "merged_gap": own - max(rest, default=0.0),
        "kinds": float(min(20, len(mass))),
        "entropy": -sum(m * math.log(m + 1e-9) for m in mass.values()),
        "rival": min([FAR, *(max(0.0, b) for name, b in zip(names, behind, strict=True) if name != names[0])]),
        "alike": sum(name == names[0] for name in names[: len(found) or 1]) / max(1, len(found)),
    }


def confidences(ranked: Sequence[tuple[float, Values]], found: Sequence[str] = ()) -> list[float]:
    """The probabilities, in 0..1, that each of some readings is right, best first: they never grow along the list."""
    if not ranked:
        return []
    top, first = ranked[0]
    if first.get("curated"):
        chances = [_chance(_reviewed(values) + values.get("edits", 0.0) * -3.0) for _, values in ranked]
        return [min(chances[: i + 1]) for i in range(len(chances))]
    best = _chance(_SLOPE * _confidence(context(ranked, found)) + _SHIFT)
    return [round(max(LEAST, best * math.exp(min(0.0, s - top))), 4) for s, _ in ranked]


def _chance(logit: float) -> float:
    return round(max(LEAST, min(MOST, 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit)))))), 4)
