"""How good a score is: area under the ROC curve, Brier score, calibration error, folds that keep groups together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from query.scoring.model import Floats


def auc(labels: Floats, scores: Floats) -> float:
    """The probability that a random event scores above a random non-event; ties count half; nan with one class."""
    positives, negatives = int(labels.sum()), int((1 - labels).sum())
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def brier(labels: Floats, probabilities: Floats) -> float:
    """The mean squared distance of probability and outcome."""
    return float(np.mean((probabilities - labels) ** 2))


def log_loss(labels: Floats, probabilities: Floats) -> float:
    """The mean negative log likelihood."""
    safe = np.clip(probabilities, 1e-9, 1 - 1e-9)
    return float(-np.mean(labels * np.log(safe) + (1 - labels) * np.log(1 - safe)))


def reliability(labels: Floats, probabilities: Floats, bins: int = 10) -> list[dict[str, float]]:
    """Predicted against observed in bins of equal width: `count`, `predicted`, `observed` of each filled one."""
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    table = []
    for at in range(bins):
        mine = which == at
        if mine.any():
            table.append({
                "count": int(mine.sum()),
                "predicted": round(float(probabilities[mine].mean()), 4),
                "observed": round(float(labels[mine].mean()), 4),
            })  # fmt: skip
    return table


def calibration_error(labels: Floats, probabilities: Floats, bins: int = 10) -> float:
    """Expected calibration error: the mean gap of predicted and observed over the bins, weighted by their counts."""
    table = reliability(labels, probabilities, bins)
    return float(sum(r["count"] * abs(r["predicted"] - r["observed"]) for r in table) / max(1, len(labels)))


def folds_by_group(groups: Sequence[str], folds: int) -> Floats:
    """The fold (0 .. folds - 1) of each row: all rows of a group share one; balanced and the same every time."""
    ordered = sorted(set(groups), key=lambda g: hashlib.sha256(g.encode()).hexdigest())
    fold = {group: at % folds for at, group in enumerate(ordered)}
    return np.asarray([fold[group] for group in groups])


def calibration_line(labels: Floats, probabilities: Floats) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of `labels` on the logits: 0 and 1 where they are calibrated."""
    safe = np.clip(probabilities, 1e-6, 1 - 1e-6)
    rows = np.column_stack((np.ones(len(labels)), np.log(safe / (1 - safe))))
    x = np.asarray([0.0, 1.0])
    for _ in range(25):
        expected = 0.5 * (1 + np.tanh(0.5 * np.clip(rows @ x, -500, 500)))
        spread = np.maximum(expected * (1 - expected), 1e-9)
        step = np.linalg.solve(rows.T @ (rows * spread[:, None]) + 1e-9 * np.eye(2), rows.T @ (labels - expected))
        x = x + step
        if float(np.abs(step).max()) < 1e-8:
            break
    return float(x[0]), float(x[1])
