"""The live models of a workspace's declared scores: trained after a sync, kept by version, read by the executor."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from index.catalogue.model import Catalogue, Score
from index.errors import NotFoundError, StorageError
from index.scope import Scope
from index.sql import SqlReader
from query.evidence import EntityScore
from query.scoring import Keep, TooFewEvents, TrainedModel, due_in_period, score_entities, train_score


class ModelLedger(Protocol):
    """Where trained models are kept; `index.ledger.Ledger` is one."""

    def save_model(self, score: str, version: str, body: str, auc: float | None = None) -> None:
        """Keep a version and make it the live one."""
        ...

    def live_model(self, score: str) -> str | None:
        """The body of the live version, or None."""
        ...


@dataclass
class LiveScorer:
    """Scores entities with the live model of each score."""

    catalogue: Catalogue
    reader: SqlReader
    models: ModelLedger
    _loaded: dict[str, TrainedModel] = field(default_factory=dict)

    def declared(self, name: str) -> Score:
        """The catalogue's score of that name; raises `NotFoundError`."""
        found = next((s for s in self.catalogue.scores if s.name == name), None)
        if found is None:
            known = ", ".join(s.name for s in self.catalogue.scores) or "none"
            raise NotFoundError(f"the catalogue declares no score {name!r}", hint=f"declared scores: {known}")
        return found

    def model(self, name: str) -> TrainedModel:
        """The live model; raises `NotFoundError` where none was trained yet."""
        if name not in self._loaded:
            body = self.models.live_model(name)
            if body is None:
                raise NotFoundError(
                    f"the score {name!r} has no trained model", hint="`tower ingest` trains it from the history"
                )
            self._loaded[name] = TrainedModel.from_json(body)
        return self._loaded[name]

    def trained(self, name: str) -> bool:
        """True where a model of the score is live and can be read."""
        return self._version(name) is not None

    def score(self, name: str, keys: Sequence[str], scope: Scope, keep: Keep | None = None) -> tuple[EntityScore, ...]:
        """Scores of those of `keys` that are in the population today, highest first; `keep` may choose some."""
        score = self.declared(name)
        return score_entities(score, self.model(name), keys, self._today(), self.reader, self.catalogue, scope, keep)

    def due(self, name: str, start: str, end: str, scope: Scope) -> frozenset[str]:
        """Keys of the entities that are due in the half-open range of ISO dates."""
        dates = dt.date.fromisoformat(start), dt.date.fromisoformat(end)
        return due_in_period(self.declared(name), self.reader, self.catalogue, scope, *dates)

    def train(self, scope: Scope) -> list[str]:
        """Train every declared score anew on the history; a version that is live already is left alone.

        Returns a line a score: its version and AUC, or why it has no model.
        """
        told = []
        for score in self.catalogue.scores:
            try:
                model = self.train_one(score, scope)
            except TooFewEvents as error:
                told.append(f"{score.name}: no model ({error.message})")
                continue
            told.append(f"{score.name}: {model.version}" + (f", AUC {model.auc:.3f}" if model.auc else ""))
        return told

    def train_one(self, score: Score, scope: Scope) -> TrainedModel:
        """Train `score` anew and make it the live version; the versions before are kept. Raises `TooFewEvents`."""
        model = train_score(score, self.catalogue, self.reader, scope, self._today())
        if self._version(score.name) != model.version:
            self.models.save_model(score.name, model.version, model.to_json(), model.auc)
        self._loaded[score.name] = model
        return model

    def _version(self, name: str) -> str | None:
        try:
            return self.model(name).version
        except (NotFoundError, StorageError):
            return None

    def _today(self) -> dt.date:
        return self.catalogue.date()
