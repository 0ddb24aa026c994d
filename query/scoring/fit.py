"""Fitting the additive model: knots from the data, weights by penalised likelihood within their signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.catalogue import Feature
from query.scoring.measures import folds_by_group, log_loss
from query.scoring.model import Floats, TrainedFeature, ramps, sigmoid

SEGMENTS = (1, 3)
PENALTIES = (0.1, 0.3, 1.0, 3.0)
FOLDS = 5
MOST_STEPS = 100


@dataclass(frozen=True)
class Fit:
    """A fitted model with the settings that cross-validation chose and its predictions on the rows left out."""

    intercept: float
    features: tuple[TrainedFeature, ...]
    segments: int
    penalty: float
    held_out: Floats


def fit(features: Sequence[Feature], matrix: Floats, labels: Floats, groups: Sequence[str]) -> Fit:
    """The additive model of `labels` (n) on `matrix` (n x features), settings chosen by grouped cross-validation.

    Rows of one group (an entity's snapshots) are never on both sides of a fold.
    """
    fold = folds_by_group(groups, FOLDS)
    best: tuple[float, int, float, Floats] | None = None
    for segments in SEGMENTS:
        for penalty in PENALTIES:
            held_out = np.zeros(len(labels))
            for at in range(FOLDS):
                test = fold == at
                if not test.any() or test.all():
                    continue
                intercept, curves = _fit_once(features, matrix[~test], labels[~test], segments, penalty)
                held_out[test] = _predict(intercept, curves, matrix[test])
            loss = log_loss(labels, held_out)
            if best is None or loss < best[0] - 1e-4:  # the simpler setting wins a tie
                best = (loss, segments, penalty, held_out)
    assert best is not None
    _, segments, penalty, held_out = best
    intercept, curves = _fit_once(features, matrix, labels, segments, penalty)
    return Fit(intercept, curves, segments, penalty, held_out)


def _predict(intercept: float, curves: Sequence[TrainedFeature], matrix: Floats) -> Floats:
    logits = np.full(len(matrix), intercept)
    for at, curve in enumerate(curves):
        logits = logits + curve.logit(matrix[:, at])
    return sigmoid(logits)


def knots_of(values: Floats, segments: int) -> tuple[float, ...]:
    """Knots at equally spaced quantiles between the 1st and the 99th percentile; none for a constant feature."""
    found = np.unique(np.round(np.quantile(values, np.linspace(0.01, 0.99, segments + 1)), 9))
    if len(found) < 2:
        found = np.unique(np.asarray([values.min(), values.max()]))
    return tuple(float(k) for k in found) if len(found) >= 2 else ()


def _fit_once(
    features: Sequence[Feature], matrix: Floats, labels: Floats, segments: int, penalty: float
) -> tuple[float, tuple[TrainedFeature, ...]]:
    knots = [knots_of(matrix[:, at], segments) for at in range(len(features))]
    parts = [ramps(matrix[:, at], knots[at]) for at in range(len(features))]
    basis = np.column_stack(parts) if parts else np.zeros((len(labels), 0))
    signs = [np.sign(f.direction) for f, part in zip(features, parts, strict=True) for _ in range(part.shape[1])]
    intercept, weights = _minimise(basis, labels, signs, penalty)
    curves, at, moved = [], 0, 0.0
    for column, (feature, part) in enumerate(zip(features, parts, strict=True)):
        mine = weights[at : at + part.shape[1]]
        at += part.shape[1]
        centre = float((part @ mine).mean()) if len(mine) else 0.0
        moved += centre
        values = matrix[:, column]
        curves.append(TrainedFeature(
            feature.name, knots[column], tuple(float(w) for w in mine), centre, feature.missing,
            float(values.mean()), float(values.std()),
        ))  # fmt: skip
    return intercept + moved, tuple(curves)


def _minimise(basis: Floats, labels: Floats, signs: Sequence[float], penalty: float) -> tuple[float, Floats]:
    """Minimise the negative log likelihood plus `penalty` times half the squared weights, each within its sign.

    Projected Newton: weights that rest on their bound and are pushed against it stay, the others take a Newton step,
    halved until the loss falls. The problem is convex and small, so this converges in about ten steps.
    """
    rows = np.column_stack((np.ones(len(basis)), basis))
    ridge = np.full(rows.shape[1], penalty)
    ridge[0] = 1e-9
    sign = np.concatenate(([0.0], np.asarray(signs, dtype=np.float64)))
    rate = float(np.clip(labels.mean(), 1e-6, 1 - 1e-6))
    x = np.zeros(rows.shape[1])
    x[0] = np.log(rate / (1 - rate))
    value = _loss(rows, labels, ridge, x)
    for _ in range(MOST_STEPS):
        expected = sigmoid(rows @ x)
        slope = rows.T @ (expected - labels) + ridge * x
        free = ~((sign != 0) & (x * sign <= 0) & (slope * sign > 0))
        if not free.any() or np.abs(slope[free]).max() < 1e-7:
            break
        spread = np.maximum(expected * (1 - expected), 1e-9)
        curve = rows[:, free].T @ (rows[:, free] * spread[:, None]) + np.diag(ridge[free])
        step = np.zeros_like(x)
        step[free] = -np.linalg.solve(curve, slope[free])
        x, value, moved = _line_search(rows, labels, ridge, sign, x, step, value)
        if not moved:
            break
    return float(x[0]), x[1:]


def _line_search(
    rows: Floats, labels: Floats, ridge: Floats, sign: Floats, x: Floats, step: Floats, value: float
) -> tuple[Floats, float, bool]:
    """The first of `x + step`, `x + step/2`, ... within its signs that lowers the loss, with that loss."""
    length = 1.0
    while length > 1e-6:
        tried = x + length * step
        tried = np.where((sign != 0) & (tried * sign < 0), 0.0, tried)
        loss = _loss(rows, labels, ridge, tried)
        if loss < value - 1e-12:
            return tried, loss, True
        length /= 2
    return x, value, False


def _loss(rows: Floats, labels: Floats, ridge: Floats, x: Floats) -> float:
    logits = rows @ x
    return float(np.logaddexp(0.0, logits).sum() - labels @ logits + 0.5 * (ridge * x) @ x)
