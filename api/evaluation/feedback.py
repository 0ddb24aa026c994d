"""From a thumb on an answer to a golden question: kept under the asker, reviewed by a person, then asked by
`tower eval` and before every switch of a reindex.

A thumb up says that the answer given is the one to expect. A thumb down needs a correction, by the asker or by the
reviewer, before it can become a golden question.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from api.batch import read_jsonl
from api.encode import plain, to_json
from api.evaluation.golden import ROUTES
from index.errors import NotFoundError, TowerError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from api.workspace import Workspace
    from index.feedback import FeedbackRecord, FeedbackStore
    from index.scope import Scope
    from query.answer import Answer

CORRECTIONS = ("route", "sql", "rows", "contains", "doc_ids", "items")
"""What a correction may say: the route; a SELECT whose rows are the right ones, or the rows; texts that the answer must
hold; documents one of which it must cite; the keys of its items."""
MOST_ROWS = 50  # of an answer that a golden question can expect
MOST_CORRECTION = 20_000  # characters of its JSON


class FeedbackDesk:
    """Implements `api.service.FeedbackBook` over an open workspace."""

    def __init__(self, workspace: Workspace, store: FeedbackStore) -> None:
        self._workspace = workspace
        self._store = store
        self._writing = threading.Lock()

    def give(self, scope: Scope, answer_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the asker's word on an answer that they may read; raises `NotFoundError`, `UsageError`."""
        scope.require("ask")
        verdict, comment = given.get("verdict"), str(given.get("comment") or "")
        if verdict not in ("up", "down"):
            raise UsageError(f"a verdict is up or down, not {verdict!r}")
        correction = _checked(given.get("correction"))
        answer = self._workspace.answer(answer_id, scope)
        text = to_json(correction) if correction else ""
        return _told(self._store.give(scope, answer_id, verdict, comment, text), answer)

    def list(self, scope: Scope, status: str | None = None) -> list[dict[str, Any]]:
        """What `scope` may read, newest first, each with its question where that may still be read."""
        return [_told(record, self._answer(record, scope)) for record in self._store.list(scope, status)]

    def accept(self, scope: Scope, feedback_id: str, correction: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Append a golden question to the workspace's file, and say so; raises `UsageError` where nothing says what
        would be right, or it was decided already."""
        scope.require("audit")
        scope.require("reindex")
        with self._writing:
            record = self._store.one(scope, feedback_id)
            if record.status != "open":
                raise UsageError(f"the feedback {feedback_id!r} was {record.status} by {record.decided_by} already")
            answer = self._workspace.answer(record.answer_id, scope)
            stated = _checked(correction) or (json.loads(record.correction) if record.correction else {})
            line = self._golden(record, answer, stated)
            _append(self._workspace.settings.golden_path, line)
            decided = self._store.decide(scope, feedback_id, "accepted")
        return {**_told(decided, answer), "golden": line}

    def dismiss(self, scope: Scope, feedback_id: str, reason: str = "") -> dict[str, Any]:
        """Set it aside."""
        scope.require("audit")
        decided = self._store.decide(scope, feedback_id, "dismissed", reason)
        return _told(decided, self._answer(decided, scope))

    def _answer(self, record: FeedbackRecord, scope: Scope) -> Answer | None:
        try:
            return self._workspace.answer(record.answer_id, scope)
        except NotFoundError:
            return None

    def _golden(self, record: FeedbackRecord, answer: Answer, stated: Mapping[str, Any]) -> dict[str, Any]:
        """The line of the golden file."""
        principals = self._workspace.principals
        user = record.principal if principals is not None and principals.declared() else None
        route = str(stated.get("route") or answer.route.path)
        line = {
            "id": f"feedback-{record.id}",
            "question": answer.carried or answer.question,
            "route": route,
            **({"as": user} if user is not None else {}),
        }
        if route in ("clarify", "refuse"):
            if record.verdict == "down" and "route" not in stated:
                raise _nothing_stated(record)
            return line
        expect = {name: stated[name] for name in ("rows", "contains", "doc_ids", "items") if name in stated}
        if "sql" in stated:
            expect["rows"] = self._rows(str(stated["sql"]), user)
            line["sql"] = str(stated["sql"])
        if not expect and record.verdict == "up":
            expect = _as_given(answer)
        if not expect:
            raise _nothing_stated(record)
        return {**line, "expect": plain(expect)}

    def _rows(self, sql: str, user: str | None) -> Sequence[Sequence[Any]]:
        """The rows that a correction's SELECT gives the asker."""
        try:
            _query, rows = self._workspace.sql(sql, self._workspace.scope_for(user))
        except TowerError as error:
            raise UsageError(f"the correction's SQL does not run for the asker: {error.message}") from error
        if len(rows.rows) > MOST_ROWS:
            raise UsageError(f"the correction's SQL gives more than {MOST_ROWS} rows", hint="narrow it down")
        return [list(row) for row in rows.rows]


def _checked(correction: object) -> dict[str, Any]:
    """A correction, its keys and kinds looked at; empty for none."""
    if correction is None:
        return {}
    if not isinstance(correction, Mapping):
        raise UsageError("a correction is a mapping", hint='for example {"contains": ["two years"]}')
    unknown = [name for name in correction if name not in CORRECTIONS]
    if unknown:
        raise UsageError(f"a correction has no {unknown[0]!r}", hint="known: " + ", ".join(CORRECTIONS))
    if "route" in correction and correction["route"] not in ROUTES:
        raise UsageError(f"no route {correction['route']!r}", hint="one of " + ", ".join(ROUTES))
    for name in ("rows", "contains", "doc_ids", "items"):
        if name in correction and not isinstance(correction[name], list):
            raise UsageError(f"{name} of a correction is a list")
    if any(not isinstance(row, list) for row in correction.get("rows", [])):
        raise UsageError("rows of a correction are lists of values")
    if len(to_json(correction)) > MOST_CORRECTION:
        raise UsageError(f"a correction has at most {MOST_CORRECTION:,} characters")
    return dict(correction)


def _as_given(answer: Answer) -> dict[str, Any]:
    """What a right answer is recognised by next time: its items, else its rows, else the documents it cites."""
    expect: dict[str, Any] = {"chart": True} if answer.chart is not None else {}
    if answer.drafts:
        expect["drafts"] = len(answer.drafts)
    documents = sorted({one.doc_id for one in answer.citations if one.doc_id})
    if answer.items:
        return {"items": sorted(item.key for item in answer.items), **expect}
    if answer.sql and 0 < answer.sql[0].row_count <= MOST_ROWS and not answer.sql[0].truncated:
        return {"rows": answer.sql[0].rows, **expect}
    return {"doc_ids": documents, **expect} if documents else {}


def _nothing_stated(record: FeedbackRecord) -> UsageError:
    return UsageError(
        f"nothing says what the right answer to {record.id!r} would be",
        hint="give a correction: a route, a SELECT, or texts that the answer must hold",
    )


def _append(path: Path, line: Mapping[str, Any]) -> None:
    """Add a line in one step, unless one with its id is there: a kill after it leaves the feedback open."""
    if path.is_file() and any(held.get("id") == line["id"] for _, held in read_jsonl(path)):
        return
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(before + ("\n" if before and not before.endswith("\n") else "") + to_json(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _told(record: FeedbackRecord, answer: Answer | None) -> dict[str, Any]:
    body = asdict(record)
    body["correction"] = json.loads(record.correction) if record.correction else None
    return {**body, "question": answer.question if answer is not None else ""}
