"""What Tower made and people decided: answers, drafts with their decisions, trained models.

Answers and drafts are read by the principal that they were made for, as long as policy still shows it what it showed
then, and by whoever may audit; for anybody else they are not there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import sqlalchemy as sa

from index.errors import BusyError, NotFoundError, PolicyError, UsageError
from index.scope import Scope
from index.store.base import StoreBase, alone
from index.store.schema import answers, drafts, models, sights, turns

Status = Literal["proposed", "edited", "approved", "rejected", "exported"]
MOST_DRAFTS = 10_000  # of a list, the newest
_BATCH = 500  # ids in one query: every engine takes as many parameters
STATUSES: tuple[Status, ...] = ("proposed", "edited", "approved", "rejected", "exported")
_OPEN: tuple[Status, ...] = ("proposed", "edited")
_EDITABLE: tuple[Status, ...] = (*_OPEN, "approved")


@dataclass(frozen=True)
class AnswerRecord:
    """A kept answer; `body` is its JSON, `created_at` an ISO time in UTC."""

    id: str
    principal: str
    created_at: str
    body: str


@dataclass(frozen=True)
class DraftRecord:
    """A kept draft about the entity `entity` with key `key`; `body` is its JSON. Times are ISO, in UTC."""

    id: str
    answer_id: str
    principal: str
    status: Status
    entity: str
    key: str
    created_at: str
    body: str
    decided_at: str | None = None
    decided_by: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class DraftOutline:
    """A kept draft without its body: enough to count them, and to say which to read."""

    id: str
    status: Status
    entity: str
    key: str


@dataclass(frozen=True)
class TurnRecord:
    """How the question of the answer `answer_id` was understood: `question` stands by itself, `named` is the JSON of
    the entities listed, `plan` that of the plan. `position` counts from 1 within the conversation."""

    answer_id: str
    principal: str
    conversation: str
    position: int
    question: str
    named: str
    plan: str


@dataclass(frozen=True)
class ModelRecord:
    """A trained version of a score; `auc` is how well it ranked held-out history, None where that was not measured."""

    score: str
    version: str
    created_at: str
    live: bool
    auc: float | None
    body: str


class Ledger(StoreBase):
    """Reads and writes the tables of answers, drafts and models behind a SQLAlchemy engine."""

    def save_answer(self, scope: Scope, answer_id: str, body: str) -> None:
        """Keep an answer for the principal of `scope`."""
        row = {"id": answer_id, "principal": scope.principal.name, "created_at": _now(), "body": body}
        with self._transaction() as connection:
            connection.execute(sa.insert(answers), row)
            _keep_sight(connection, answer_id, scope)

    def answer(self, scope: Scope, answer_id: str) -> AnswerRecord:
        """One answer; `NotFoundError` where there is none that `scope` may read."""
        query = _mine(sa.select(answers).where(answers.c.id == answer_id), answers, scope)
        with self._reading() as connection:
            row = connection.execute(query).mappings().first()
            shown = row is not None and _still_shown(connection, [answer_id], scope)
        if row is None or not shown:
            raise NotFoundError(f"there is no answer {answer_id!r}", hint="an answer's id is in its `id` field")
        return AnswerRecord(**row)

    def answers(self, scope: Scope, *, limit: int = 50) -> list[AnswerRecord]:
        """The latest answers that `scope` may read, newest first."""
        query = _mine(sa.select(answers), answers, scope).order_by(answers.c.created_at.desc(), answers.c.id)
        with self._reading() as connection:
            found = [AnswerRecord(**row) for row in connection.execute(query.limit(limit)).mappings()]
            shown = _still_shown(connection, [record.id for record in found], scope)
        return [record for record in found if record.id in shown]

    def save_turn(self, scope: Scope, answer_id: str, conversation: str, question: str, named: str, plan: str) -> None:
        """Keep how an answer's question was understood, as the next turn of the principal's `conversation`."""
        mine = (turns.c.principal == scope.principal.name) & (turns.c.conversation == conversation)
        row = {"answer_id": answer_id, "principal": scope.principal.name, "conversation": conversation,
               "question": question, "named": named, "plan": plan}  # fmt: skip
        with self._transaction() as connection:
            alone(connection, f"turns:{scope.principal.name}:{conversation}")
            held = connection.scalar(sa.select(sa.func.max(turns.c.position)).where(mine)) or 0
            connection.execute(sa.insert(turns), {**row, "position": held + 1})

    def last_turn(self, scope: Scope, conversation: str) -> TurnRecord | None:
        """The principal's latest turn in `conversation` that policy still shows; None where there is none."""
        query = sa.select(turns).where(turns.c.principal == scope.principal.name, turns.c.conversation == conversation)
        with self._reading() as connection:
            row = connection.execute(query.order_by(turns.c.position.desc()).limit(1)).mappings().first()
            shown = row is not None and _still_shown(connection, [row["answer_id"]], scope)
        return TurnRecord(**row) if row is not None and shown else None

    def turn(self, scope: Scope, answer_id: str) -> TurnRecord:
        """The turn of one answer; `NotFoundError` where there is none that `scope` may read."""
        query = _mine(sa.select(turns).where(turns.c.answer_id == answer_id), turns, scope)
        with self._reading() as connection:
            row = connection.execute(query).mappings().first()
            shown = row is not None and _still_shown(connection, [answer_id], scope)
        if row is None or not shown:
            raise NotFoundError(f"there is no answer {answer_id!r}", hint="an answer's id is in its `id` field")
        return TurnRecord(**row)

    def save_draft(self, scope: Scope, draft_id: str, answer_id: str, entity: str, key: str, body: str) -> None:
        """Keep a draft as proposed, for the principal of `scope`."""
        row = {"id": draft_id, "answer_id": answer_id, "principal": scope.principal.name, "status": "proposed",
               "entity": entity, "key": key, "created_at": _now(), "body": body}  # fmt: skip
        with self._transaction() as connection:
            connection.execute(sa.insert(drafts), row)
            _keep_sight(connection, draft_id, scope)

    def draft(self, scope: Scope, draft_id: str) -> DraftRecord:
        """One draft; `NotFoundError` where there is none that `scope` may read."""
        with self._reading() as connection:
            return _draft(connection, scope, draft_id)

    def drafts(
        self, scope: Scope, *, status: str | None = None, ids: Sequence[str] | None = None, limit: int = MOST_DRAFTS
    ) -> list[DraftRecord]:
        """The drafts that `scope` may read, newest first; `status` keeps those in that state, `ids` those."""
        found: list[DraftRecord] = []
        parts = [None] if ids is None else [ids[first : first + _BATCH] for first in range(0, len(ids), _BATCH)]
        with self._reading() as connection:
            for part in parts:
                query = self._newest(sa.select(drafts), scope, status, limit)
                query = query if part is None else query.where(drafts.c.id.in_(part))
                found += [DraftRecord(**row) for row in connection.execute(query).mappings()]
            shown = _still_shown(connection, [record.id for record in found], scope)
        return [record for record in found if record.id in shown]

    def outlines(self, scope: Scope, *, status: str | None = None, limit: int = MOST_DRAFTS) -> list[DraftOutline]:
        """The same drafts without their bodies, which are long."""
        columns = sa.select(drafts.c.id, drafts.c.status, drafts.c.entity, drafts.c.key)
        with self._reading() as connection:
            query = self._newest(columns, scope, status, limit)
            found = [DraftOutline(**row) for row in connection.execute(query).mappings()]
            shown = _still_shown(connection, [one.id for one in found], scope)
        return [one for one in found if one.id in shown]

    @staticmethod
    def _newest(query: sa.Select[Any], scope: Scope, status: str | None, limit: int) -> sa.Select[Any]:
        query = _mine(query, drafts, scope)
        if status is not None:
            if status not in STATUSES:
                raise UsageError(f"a draft is never {status!r}", hint=f"one of {', '.join(STATUSES)}")
            query = query.where(drafts.c.status == status)
        return query.order_by(drafts.c.created_at.desc(), drafts.c.id).limit(limit)

    def edit_draft(self, scope: Scope, draft_id: str, body: str, *, was: str | None = None) -> DraftRecord:
        """Replace the body of a draft; an approval that it had is void. `UsageError` once it is rejected or exported.

        `was` is the body that the change was made on: `BusyError` where it is another one by now.
        """
        undecided = {"decided_at": None, "decided_by": None, "reason": ""}
        return self._change(scope, draft_id, {"body": body, "status": "edited", **undecided}, _EDITABLE, was)

    def decide_draft(
        self,
        scope: Scope,
        draft_id: str,
        decision: Status,
        *,
        reason: str = "",
        body: str | None = None,
        was: str | None = None,
    ) -> DraftRecord:
        """Approve or reject a draft; a second decision is a `UsageError`, whatever it is. `body` replaces the body with
        what the decision is bound to; `was` as in `edit_draft`."""
        if decision not in ("approved", "rejected"):
            raise UsageError(f"a draft cannot be {decision!r}", hint="approved or rejected")
        decided = {"status": decision, "decided_at": _now(), "decided_by": scope.principal.name, "reason": reason}
        return self._change(scope, draft_id, decided | ({"body": body} if body is not None else {}), _OPEN, was)

    def export_draft(self, scope: Scope, draft_id: str, body: str, status: Status, *, was: str) -> DraftRecord:
        """Note that an approved draft is exported, or, with the status `approved`, that the export did not happen."""
        allowed: tuple[Status, ...] = ("approved", "exported")
        if status not in allowed:
            raise UsageError(f"an export does not make a draft {status!r}")
        return self._change(scope, draft_id, {"body": body, "status": status}, allowed, was)

    def save_model(self, score: str, version: str, body: str, auc: float | None = None) -> None:
        """Keep a version of a score's model and make it the live one; the same version again replaces it."""
        row = {"score": score, "version": version, "created_at": _now(), "live": 1, "auc": auc, "body": body}
        with self._transaction() as connection:
            same = (models.c.score == score) & (models.c.version == version)
            connection.execute(sa.delete(models).where(same))
            connection.execute(sa.update(models).where(models.c.score == score).values(live=0))
            connection.execute(sa.insert(models), row)

    def live_model(self, score: str) -> str | None:
        """The body of a score's live version, or None."""
        query = sa.select(models.c.body).where(models.c.score == score, models.c.live == 1)
        with self._reading() as connection:
            return cast("str | None", connection.scalar(query))

    def models(self, score: str) -> list[ModelRecord]:
        """Every version of a score's model, newest first."""
        query = sa.select(models).where(models.c.score == score)
        query = query.order_by(models.c.created_at.desc(), models.c.version.desc())
        with self._reading() as connection:
            return [ModelRecord(**{**row, "live": bool(row["live"])}) for row in connection.execute(query).mappings()]

    def _change(
        self, scope: Scope, draft_id: str, values: dict[str, Any], allowed: tuple[Status, ...], was: str | None
    ) -> DraftRecord:
        if not scope.may("drafts"):
            raise PolicyError(f"{scope.principal.name} may not change drafts", hint="ask for the action `drafts`")
        # The conditions on status and body make the first of two simultaneous changes the only one.
        change = sa.update(drafts).where(drafts.c.id == draft_id, drafts.c.status.in_(allowed)).values(**values)
        if was is not None:
            change = change.where(drafts.c.body == was)
        with self._transaction() as connection:
            _draft(connection, scope, draft_id)
            if connection.execute(change).rowcount != 1:
                raise _unchanged(_draft(connection, scope, draft_id), allowed)  # as it is now
            return _draft(connection, scope, draft_id)


def _unchanged(held: DraftRecord, allowed: tuple[Status, ...]) -> BusyError | UsageError:
    """Why a change did not happen: the draft is in another state, or somebody else changed it in between."""
    if held.status in allowed:
        return BusyError(f"the draft {held.id!r} was changed in between", hint="look at it again")
    told = f" by {held.decided_by} at {held.decided_at}" if held.decided_by else ""
    return UsageError(
        f"the draft {held.id!r} was {held.status}{told}",
        hint=f"this needs one that is {' or '.join(allowed)}",
    )


def _draft(connection: sa.Connection, scope: Scope, draft_id: str) -> DraftRecord:
    row = connection.execute(_mine(sa.select(drafts).where(drafts.c.id == draft_id), drafts, scope)).mappings().first()
    if row is None or not _still_shown(connection, [draft_id], scope):
        raise NotFoundError(f"there is no draft {draft_id!r}", hint="`tower drafts list` shows them")
    return DraftRecord(**row)


def _keep_sight(connection: sa.Connection, made: str, scope: Scope) -> None:
    connection.execute(sa.insert(sights), {"id": made, "record": scope.record()})


def _still_shown(connection: sa.Connection, ids: Sequence[str], scope: Scope) -> set[str]:
    """Those of `ids` that may be read under today's policy: made under rules that `scope` still covers, or by an
    auditor. What was kept without its rules, before there were any, is for auditors."""
    if scope.may("audit"):
        return set(ids)
    covered: dict[str, bool] = {}
    shown = set()
    for first in range(0, len(ids), _BATCH):
        query = sa.select(sights.c.id, sights.c.record).where(sights.c.id.in_(ids[first : first + _BATCH]))
        for made, record in connection.execute(query):
            if record not in covered:
                covered[record] = scope.covers(record)
            if covered[record]:
                shown.add(made)
    return shown


def _mine(query: sa.Select[Any], table: sa.Table, scope: Scope) -> sa.Select[Any]:
    """Only what was made for the principal, unless it may audit."""
    return query if scope.may("audit") else query.where(table.c.principal == scope.principal.name)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
