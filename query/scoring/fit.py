"""Fitting the additive model: knots and levels from the data, weights by penalised likelihood within their signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.catalogue.model import Feature
from query.scoring.measures import folds_by_group, log_loss
from query.scoring.model import Floats, TrainedFeature, Values, ramps, sigmoid

SEGMENTS = (1, 3, 6, 10)
PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0)
FOLDS = 5
MOST_STEPS = 100
MOST_LEVELS = 50
FEWEST_OF_A_LEVEL = 5
"""Rows that a category's level needs to get a weight of its own; rarer ones add nothing."""


@dataclass(frozen=True)
class Setting:
    """What cross-validation chooses: how many ramps a number has, and how strongly weights are held back."""

    segments: int
    penalty: float


@dataclass(frozen=True)
class Fit:
    """A fitted model with the settings that cross-validation chose and its predictions on the rows left out."""

    intercept: float
    features: tuple[TrainedFeature, ...]
    segments: int
    penalty: float
    held_out: Floats


def fit(features: Sequence[Feature], matrix: Values, labels: Floats, groups: Sequence[str]) -> Fit:
    """The additive model of `labels` (n) on `matrix` (n x features), settings chosen by grouped cross-validation.

    Rows of one group (an entity's snapshots) are never on both sides of a fold.
    """
    fold = folds_by_group(groups, FOLDS)
    tried: dict[Setting, tuple[float, Floats]] = {}

    def best(settings: Sequence[Setting]) -> Setting:
        chosen = settings[0]
        for setting in settings:
            if setting not in tried:
                held_out = _held_out(features, matrix, labels, fold, setting)
                tried[setting] = log_loss(labels, held_out), held_out
            if tried[setting][0] < tried[chosen][0] - 1e-4:  # the simpler setting wins a tie
                chosen = setting
        return chosen

    segments = best([Setting(segments, PENALTIES[1]) for segments in SEGMENTS]).segments
    setting = best([Setting(segments, penalty) for penalty in PENALTIES])
    intercept, curves = fit_once(features, matrix, labels, setting)
    return Fit(intercept, curves, setting.segments, setting.penalty, tried[setting][1])


def _held_out(features: Sequence[Feature], matrix: Values, labels: Floats, fold: Floats, setting: Setting) -> Floats:
    """The probability of each row by a model that was fitted without its fold."""
    held_out = np.full(len(labels), float(labels.mean()))
    for at in range(FOLDS):
        test = fold == at
        if not test.any() or test.all():
            continue
        intercept, curves = fit_once(features, matrix[~test], labels[~test], setting)
        held_out[test] = predict(intercept, curves, matrix[test])
    return held_out


def predict(intercept: float, curves: Sequence[TrainedFeature], matrix: Values) -> Floats:
    """The probability of each row of `matrix`."""
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


def levels_of(values: Values) -> tuple[str, ...]:
    """The levels of a category that are frequent enough, in order; none where there is only one."""
    names, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
    found = sorted(str(names[at]) for at in order if counts[at] >= FEWEST_OF_A_LEVEL)
    return tuple(found) if len(found) > 1 else ()


@dataclass(frozen=True)
class _Term:
    """One feature's columns of the design: of ramps, or one a level."""

    feature: Feature
    basis: Floats
    knots: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    mean: float = 0.0
    scale: float = 0.0

    def curve(self, weights: Floats) -> TrainedFeature:
        """The feature with its weights, centred on its mean over the training data."""
        centre = float((self.basis @ weights).mean()) if len(weights) else 0.0
        return TrainedFeature(
            self.feature.name, self.knots, tuple(float(w) for w in weights), centre, self.feature.missing,
            self.mean, self.scale, self.levels,
        )  # fmt: skip


def _term(feature: Feature, values: Values, segments: int) -> _Term:
    if feature.kind == "category":
        texts = np.asarray(values, dtype=str)
        levels = levels_of(texts)
        columns = [(texts == level).astype(np.float64) for level in levels]
        return _Term(feature, np.column_stack(columns) if columns else np.zeros((len(values), 0)), levels=levels)
    numbers = np.asarray(values, dtype=np.float64)
    knots = knots_of(numbers, segments)
    return _Term(feature, ramps(numbers, knots), knots, (), float(numbers.mean()), float(numbers.std()))


def fit_once(
    features: Sequence[Feature], matrix: Values, labels: Floats, setting: Setting
) -> tuple[float, tuple[TrainedFeature, ...]]:
    """Intercept and curves of one fit with settings that are given."""
    terms = [_term(feature, matrix[:, at], setting.segments) for at, feature in enumerate(features)]
    basis = np.column_stack([t.basis for t in terms]) if terms else np.zeros((len(labels), 0))
    signs = [float(np.sign(t.feature.direction)) for t in terms for _ in range(t.basis.shape[1])]
    intercept, weights = _minimise(basis, labels, signs, setting.penalty)
    curves, at = [], 0
    for term in terms:
        width = term.basis.shape[1]
        curves.append(term.curve(weights[at : at + width]))
        at += width
    return intercept + sum(curve.centre for curve in curves), tuple(curves)


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
        if loss < value - 1e-10 * max(1.0, abs(value)):  # less is rounding
            return tried, loss, True
        length /= 2
    return x, value, False


def _loss(rows: Floats, labels: Floats, ridge: Floats, x: Floats) -> float:
    logits = rows @ x
    return float(np.logaddexp(0.0, logits).sum() - labels @ logits + 0.5 * (ridge * x) @ x)
