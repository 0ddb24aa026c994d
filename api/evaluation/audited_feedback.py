"""Feedback with an audit record of every word and every decision: ids, verdicts and hashes, no contents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.audit import Trail
    from api.service import FeedbackBook
    from index.scope import Scope

_MOST_ID = 64  # characters of an id that somebody gave us


class AuditedFeedback:
    """Implements `api.service.FeedbackBook` over `inner`. A decision is announced before it is made."""

    def __init__(self, inner: FeedbackBook, trail: Trail) -> None:
        self._inner = inner
        self._trail = trail

    def give(self, scope: Scope, answer_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the asker's word on an answer."""
        told: dict[str, Any] = {"answer_id": answer_id[:_MOST_ID], "verdict": str(given.get("verdict", ""))[:_MOST_ID]}
        with self._trail.operation("feedback.give", scope.principal.name, activity="create", **told) as found:
            kept = self._inner.give(scope, answer_id, given)
            found["feedback"] = kept["id"]
        return kept

    def list(self, scope: Scope, status: str | None = None) -> list[dict[str, Any]]:
        """What `scope` may read, newest first."""
        with self._trail.operation("feedback.list", scope.principal.name) as found:
            listed = self._inner.list(scope, status)
            found["counts"] = {"feedback": len(listed)}
        return listed

    def accept(self, scope: Scope, feedback_id: str, correction: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make a golden question of it."""
        details = {"feedback": feedback_id[:_MOST_ID], "corrected": bool(correction)}
        with self._trail.operation(
            "feedback.accept", scope.principal.name, activity="update", announce=True, **details
        ):
            return self._inner.accept(scope, feedback_id, correction)

    def dismiss(self, scope: Scope, feedback_id: str, reason: str = "") -> dict[str, Any]:
        """Set it aside."""
        details = {"feedback": feedback_id[:_MOST_ID]}
        with self._trail.operation(
            "feedback.dismiss", scope.principal.name, activity="update", announce=True, **details
        ):
            return self._inner.dismiss(scope, feedback_id, reason)
