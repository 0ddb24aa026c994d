"""Scores: a probability per entity, learned from its own history, additive so that every reason can be shown."""

from __future__ import annotations

from query.scoring.due import due_dates, due_in_period, due_row
from query.scoring.model import TrainedFeature, TrainedModel
from query.scoring.reasons import cited_reason, cited_rows, contribution_evidence, score_slot
from query.scoring.score import Keep, hidden_features, score_entities
from query.scoring.train import TooFewEvents, train_score

__all__ = [
    "Keep", "TooFewEvents", "TrainedFeature", "TrainedModel", "cited_reason", "cited_rows", "contribution_evidence",
    "due_dates", "due_in_period", "due_row", "hidden_features", "score_entities", "score_slot", "train_score",
]  # fmt: skip
