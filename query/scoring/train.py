"""Training a score on the history of its entities, without looking past any scoring day."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from index.catalogue.model import Catalogue, Feature, Score
from index.errors import UsageError
from index.scope import Scope
from index.sql import SqlReader
from query.scoring.features import FeatureReader
from query.scoring.fit import FOLDS, PENALTIES, SEGMENTS, Fit, fit
from query.scoring.leaks import leaking_features
from query.scoring.measures import auc, brier, calibration_error, calibration_line, reliability
from query.scoring.model import Floats, TrainedFeature, TrainedModel, Values

FEWEST_EVENTS = 12
"""Entities that had the event, and that did not, below which a model would be guesswork."""
SUSPICIOUS_AUC = 0.995
"""One feature alone that tells events this well has most likely seen them."""


class TooFewEvents(UsageError):
    """The history holds too few events, or too few entities without one, to learn a score from."""

    code = "too_few_events"


@dataclass(frozen=True)
class History:
    """The training data: a row for each entity alive on each snapshot day, or for each whose outcome is known (then
    there are no days). `labels` are 1 where the event came."""

    days: tuple[dt.date, ...]
    keys: tuple[str, ...]
    labels: Floats
    matrix: Values


def train_score(score: Score, catalogue: Catalogue, reader: SqlReader, scope: Scope, today: dt.date) -> TrainedModel:
    """Train `score` on snapshots before `today`, with everything that `scope` (an administrator's) shows.

    A feature that reads rows dated after the scoring day is left out, with a notice. Raises `TooFewEvents` where
    the history is too thin, `CatalogueError` and `SqlRejected` where the score's SQL does not hold.
    """
    scope = scope.unmasked
    source = FeatureReader(reader, catalogue, scope)
    days = () if score.outcome else snapshot_days(score, today, catalogue.fiscal_year_start)
    checked = tuple(dict.fromkeys((days[0], days[-1]))) if days else ()
    leaking = leaking_features(score, checked, catalogue, reader, scope, today)
    features = tuple(f for f in score.features if f not in leaking)
    history = read_outcomes(score, features, source, today) if score.outcome else read_history(
        score, features, source, days
    )  # fmt: skip
    _check_size(score, history)
    fitted = fit(features, history.matrix, history.labels, history.keys)
    notices = [f"{f.name} was left out: it reads rows dated after the scoring day." for f in leaking]
    notices += _suspicious(features, history)
    return TrainedModel(
        score=score.name,
        version=_version(score, features, history),
        intercept=fitted.intercept,
        features=fitted.features,
        card=_card(score, history, fitted, today, notices),
        notices=tuple(notices),
    )


def snapshot_days(score: Score, today: dt.date, fiscal_year_start: int = 1) -> tuple[dt.date, ...]:
    """The last `score.snapshots` quarter starts whose horizon has passed by `today`, oldest first."""
    month = today.month - (today.month - fiscal_year_start) % 3
    day = dt.date(today.year + (-1 if month < 1 else 0), month + (12 if month < 1 else 0), 1)
    found: list[dt.date] = []
    while len(found) < score.snapshots:
        if day + dt.timedelta(days=score.horizon_days) < today:
            found.append(day)
        month = day.month - 3
        day = dt.date(day.year + (-1 if month < 1 else 0), month + (12 if month < 1 else 0), 1)
    return tuple(reversed(found))


def read_history(score: Score, features: Sequence[Feature], source: FeatureReader, days: Sequence[dt.date]) -> History:
    """A row for each entity alive on each of `days`: its features then, and whether the event came in the horizon."""
    events = source.events(score)
    keys: list[str] = []
    labels: list[float] = []
    blocks: list[Floats] = []
    for day in days:
        alive = source.population(score, day)
        end = day + dt.timedelta(days=score.horizon_days)
        keys += alive
        labels += [float(any(day < event <= end for event in events.get(key, ()))) for key in alive]
        blocks.append(source.matrix(features, alive, day))
    matrix = np.vstack(blocks) if blocks else np.zeros((0, len(features)))
    return History(tuple(days), tuple(keys), np.asarray(labels), matrix)


def read_outcomes(score: Score, features: Sequence[Feature], source: FeatureReader, today: dt.date) -> History:
    """A row for each entity of the population whose outcome is known, as the tables stand."""
    outcomes = source.outcomes(score)
    keys = tuple(key for key in source.population(score, today) if key in outcomes)
    labels = np.asarray([outcomes[key] for key in keys], dtype=np.float64)
    return History((), keys, labels, source.matrix(features, keys, today))


def _check_size(score: Score, history: History) -> None:
    events = len({key for key, label in zip(history.keys, history.labels, strict=True) if label})
    others = len(set(history.keys)) - events
    where = f" in {len(history.days)} snapshots" if history.days else ""
    if events < FEWEST_EVENTS or others < FEWEST_EVENTS:
        raise TooFewEvents(
            f"The score {score.name!r} cannot be trained: {events} entities had the event and {others} did not"
            f"{where}; at least {FEWEST_EVENTS} of each are needed.",
            hint="Give it a longer history, more snapshots or a longer horizon in the catalogue.",
        )


def _suspicious(features: Sequence[Feature], history: History) -> list[str]:
    notices = []
    for at, feature in enumerate(features):
        alone = auc(history.labels, _numbers(feature, history, at))
        if max(alone, 1 - alone) >= SUSPICIOUS_AUC:
            notices.append(f"{feature.name} alone tells almost every event: check that it was known in time.")
    return notices


def _numbers(feature: Feature, history: History, at: int) -> Floats:
    """A feature's values as numbers; of a category the share of events of each level."""
    column = history.matrix[:, at]
    if feature.kind == "number":
        return np.asarray(column, dtype=np.float64)
    texts = np.asarray([str(value) for value in column])
    return np.asarray([history.labels[texts == text].mean() for text in texts])


def _version(score: Score, features: Sequence[Feature], history: History) -> str:
    """A hash of the data and of everything that shapes the model: the same inputs give the same version."""
    definition = {
        "features": [asdict(f) for f in features], "horizon": score.horizon_days, "folds": FOLDS,
        "segments": SEGMENTS, "penalties": PENALTIES, "days": [str(d) for d in history.days],
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(definition, sort_keys=True).encode())
    digest.update("\n".join(history.keys).encode())
    rows = [[round(v, 9) if isinstance(v, float) else v for v in row] for row in history.matrix.tolist()]
    digest.update(json.dumps(rows).encode() + history.labels.tobytes())
    return f"{score.name}-{digest.hexdigest()[:12]}"


def _card(score: Score, history: History, fitted: Fit, today: dt.date, notices: Sequence[str]) -> dict[str, Any]:
    """What the model was trained on, how it was measured and how well it does."""
    labels, held_out = history.labels, fitted.held_out
    intercept, slope = calibration_line(labels, held_out)
    return {
        "score": score.name,
        "description": score.description,
        "kind": "additive logistic regression: a monotone or free curve a number, a weight a level of a category",
        "trained_as_of": today.isoformat(),
        "snapshots": [d.isoformat() for d in history.days],
        "horizon_days": score.horizon_days if history.days else None,
        "threshold": score.threshold,
        "rows": len(labels),
        "entities": len(set(history.keys)),
        "events": int(labels.sum()),
        "base_rate": round(float(labels.mean()), 4),
        "validation": f"{FOLDS}-fold cross-validation grouped by entity; the same folds chose segments and penalty",
        "auc": round(auc(labels, held_out), 4),
        "brier": round(brier(labels, held_out), 4),
        "ece": round(calibration_error(labels, held_out), 4),
        "calibration_intercept": round(intercept, 3),
        "calibration_slope": round(slope, 3),
        "reliability": reliability(labels, held_out),
        "segments": fitted.segments,
        "penalty": fitted.penalty,
        "features": [f.name for f in fitted.features],
        "feature_card": [_feature_card(score, f) for f in fitted.features],
        "limits": _limits(score, history),
        "notices": list(notices),
    }


def _feature_card(score: Score, trained: TrainedFeature) -> dict[str, Any]:
    """One feature: how it reads, which way it may act, and between which logits it moves the score."""
    declared = next(f for f in score.features if f.name == trained.name)
    values = np.asarray(trained.levels, dtype=object) if trained.levels else np.asarray(trained.knots)
    parts = trained.logit(values) if len(values) else np.zeros(1)
    ways = {1: "more is riskier", -1: "less is riskier", 0: "as the data says"}
    return {
        "name": trained.name,
        "label": declared.label,
        "kind": declared.kind,
        "direction": ways[declared.direction],
        "lowest_logit": round(float(parts.min()), 3),
        "highest_logit": round(float(parts.max()), 3),
    }


def _limits(score: Score, history: History) -> list[str]:
    """What the score is not good for, as sentences."""
    events = int(history.labels.sum())
    told = [
        f"It has seen {events} events of {len(set(history.keys))} entities; it says what went before such events, "
        "not what causes them.",
        "What the features do not measure it does not know: a takeover, a new buyer, a promise made on the phone.",
    ]
    if history.days:
        told.append(
            f"It speaks of the next {score.horizon_days} days only, and was measured on snapshots from "
            f"{history.days[0]} to {history.days[-1]}: train it again as habits change."
        )
    else:
        told.append("Its table knows no time: it was measured on entities left out, not on a later period.")
    return told
