"""The trained models behind the scores: their versions, their cards, and training them anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from index.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from api.audit import Trail
    from api.client.calls import Calls
    from api.service import Progress, ScoreModels
    from api.workspace import Workspace
    from index.ledger import ModelRecord
    from index.scope import Scope


class LedgerModels:
    """Implements `api.service.ScoreModels` over the ledger of an open workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def versions(self, scope: Scope) -> list[dict[str, Any]]:
        """Every version of the scores that `scope` sees, newest first: score, version, created_at, live, auc."""
        return [_listed(record) for record in self._records(scope)]

    def card(self, scope: Scope, version: str | None = None) -> dict[str, Any]:
        """The model card of a version; of the first score's live one without. Raises `NotFoundError`."""
        records = self._records(scope)
        found = next((r for r in records if (r.version == version if version else r.live)), None)
        if found is None:
            said = f"no version {version!r} of a score" if version else "no score has a trained model"
            hint = "`tower churn --versions` lists them" if records else "`tower churn --train` trains it"
            raise NotFoundError(said, hint=hint)
        return {**_listed(found), **json.loads(found.body)["card"]}

    def train(self, scope: Scope, progress: Progress) -> list[dict[str, Any]]:
        """Train every declared score anew on the whole history, whatever the caller sees; needs the action `ingest`.

        A version that did not change stays as it is. Raises `TooFewEvents` where the history is too thin.
        """
        from query.scoring.scorer import LiveScorer

        scope.require("ingest")
        workspace = self._workspace
        with workspace._upkeep:
            everything = workspace.administrator()
            scorer = workspace.engine(everything).parts.scorer
            scores = workspace.catalogue.scores
            if not isinstance(scorer, LiveScorer) or not scores:
                raise UsageError("the catalogue declares no score", hint="docs/catalogue.md says how to declare one")
            told = []
            for at, score in enumerate(scores):
                progress(f"training {score.name}", at, len(scores))
                held = scorer.train_one(score, everything)
                told.append({"score": score.name, "version": held.version, **held.card})
            progress("training scores", len(scores), len(scores))
            workspace._forget()
        return told

    def _records(self, scope: Scope) -> list[ModelRecord]:
        shown = self._workspace.engine(scope).parts.catalogue.scores
        return [record for score in shown for record in self._workspace._ledger.models(score.name)]


def _listed(record: ModelRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("score", "version", "created_at", "live", "auc")}


class AuditedModels:
    """Implements `api.service.ScoreModels` over `inner`; what is trained is announced before."""

    def __init__(self, inner: ScoreModels, trail: Trail) -> None:
        self._inner = inner
        self._trail = trail

    def versions(self, scope: Scope) -> list[dict[str, Any]]:
        """Every version, newest first."""
        with self._trail.operation("scores.versions", scope.principal.name):
            return self._inner.versions(scope)

    def card(self, scope: Scope, version: str | None = None) -> dict[str, Any]:
        """The model card of a version."""
        with self._trail.operation("scores.card", scope.principal.name):
            return self._inner.card(scope, version)

    def train(self, scope: Scope, progress: Progress) -> list[dict[str, Any]]:
        """Train every score anew."""
        name = scope.principal.name
        with self._trail.operation("scores.train", name, activity="update", announce=True) as found:
            trained = self._inner.train(scope, progress)
            found["counts"] = {"scores": len(trained)}
        return trained


class RemoteModels:
    """Implements `api.service.ScoreModels` over HTTP."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def versions(self, scope: Scope) -> list[dict[str, Any]]:
        """Every version, newest first."""
        found: list[dict[str, Any]] = self._call("GET", "/v1/churn/versions", scope)["versions"]
        return found

    def card(self, scope: Scope, version: str | None = None) -> dict[str, Any]:
        """The model card of a version."""
        from api.client.calls import percent_encoded

        query = f"?version={percent_encoded(version)}" if version else ""
        return dict(self._call("GET", f"/v1/churn/card{query}", scope))

    def train(self, scope: Scope, progress: Progress) -> list[dict[str, Any]]:
        """Train every score anew, in the server's process."""
        progress("training scores", 0, None)
        found: list[dict[str, Any]] = self._call("POST", "/v1/admin/train", scope, {})["scores"]
        return found

    def _call(self, method: str, path: str, scope: Scope, body: Mapping[str, Any] | None = None) -> Any:
        return self._calls.call(method, path, body, user=scope.principal.name)
