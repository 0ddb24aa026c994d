"""What people thought of answers: thumbs and corrections, under who gave them, and what a reviewer decided.

They are read by who gave them and by whoever may audit; for anybody else they are not there.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from index.errors import NotFoundError, UsageError
from index.scope import Scope
from index.store.base import StoreBase
from index.store.schema import feedback

Verdict = Literal["up", "down"]
FeedbackStatus = Literal["open", "accepted", "dismissed"]
STATUSES: tuple[FeedbackStatus, ...] = ("open", "accepted", "dismissed")


@dataclass(frozen=True)
class FeedbackRecord:
    """One person's word on one answer. `correction` is JSON, empty where none was given; times are ISO, in UTC."""

    id: str
    answer_id: str
    principal: str
    created_at: str
    verdict: Verdict
    comment: str
    correction: str
    status: FeedbackStatus
    decided_at: str | None = None
    decided_by: str | None = None
    reason: str = ""


class FeedbackStore(StoreBase):
    """Reads and writes the table of feedback."""

    def give(self, scope: Scope, answer_id: str, verdict: Verdict, comment: str, correction: str) -> FeedbackRecord:
        """Keep it for the principal of `scope`; a second word on the same answer replaces the first while that is
        open."""
        mine = (feedback.c.answer_id == answer_id) & (feedback.c.principal == scope.principal.name)
        row: dict[str, Any] = {
            "id": uuid.uuid4().hex[:12], "answer_id": answer_id, "principal": scope.principal.name,
            "created_at": _now(), "verdict": verdict, "comment": comment, "correction": correction, "status": "open",
        }  # fmt: skip
        with self._transaction() as connection:
            connection.execute(sa.delete(feedback).where(mine, feedback.c.status == "open"))
            connection.execute(sa.insert(feedback).values(**row))
        return FeedbackRecord(**row)

    def one(self, scope: Scope, feedback_id: str) -> FeedbackRecord:
        """One; `NotFoundError` where there is none that `scope` may read."""
        with self._reading() as connection:
            row = connection.execute(_mine(scope).where(feedback.c.id == feedback_id)).mappings().first()
        if row is None:
            raise NotFoundError(f"there is no feedback {feedback_id!r}", hint="`tower feedback list` shows it")
        return FeedbackRecord(**row)

    def list(self, scope: Scope, status: str | None = None, *, limit: int = 1000) -> list[FeedbackRecord]:
        """What `scope` may read, newest first; `status` keeps those in that state."""
        query = _mine(scope).order_by(feedback.c.created_at.desc(), feedback.c.id).limit(limit)
        if status is not None:
            if status not in STATUSES:
                raise UsageError(f"feedback is never {status!r}", hint=f"one of {', '.join(STATUSES)}")
            query = query.where(feedback.c.status == status)
        with self._reading() as connection:
            return [FeedbackRecord(**row) for row in connection.execute(query).mappings()]

    def decide(self, scope: Scope, feedback_id: str, status: FeedbackStatus, reason: str = "") -> FeedbackRecord:
        """Accept or dismiss what is open; `UsageError` where that was done already."""
        decided = {"status": status, "decided_at": _now(), "decided_by": scope.principal.name, "reason": reason}
        change = sa.update(feedback).where(feedback.c.id == feedback_id, feedback.c.status == "open").values(**decided)
        held = self.one(scope, feedback_id)
        with self._transaction() as connection:
            changed = connection.execute(change).rowcount
        if changed != 1:
            raise UsageError(f"the feedback {feedback_id!r} was {held.status} by {held.decided_by} already")
        return self.one(scope, feedback_id)


def _mine(scope: Scope) -> sa.Select[Any]:
    query = sa.select(feedback)
    return query if scope.may("audit") else query.where(feedback.c.principal == scope.principal.name)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
