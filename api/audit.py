"""Every door of a workspace, with an audit record written before anything leaves through it.

`Audited` is a `Service` around a `Service`. A record is an OCSF API-activity event (class 6003): who, what, whether it
went well, over which tables, how much; questions, answers, SQL and the ids of rows and documents only as keyed
hashes, so that a record can be matched by who holds the text, and read by nobody else. docs/audit.md lists the fields.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from api.access.caller import Caller
from api.encode import encodable
from api.evaluation.audited_feedback import AuditedFeedback
from api.upkeep.score_models import AuditedModels
from api.views import AuditedViews
from index.errors import PolicyError, SignInError, TowerError
from index.usage import current

if TYPE_CHECKING:
    from api.evaluation.replay import Replay
    from api.service import DraftQueue, FeedbackBook, OnEvent, Progress, ScoreModels, Unaudited, Views
    from api.upkeep.forgetting import Mode
    from index.audit import AuditLog
    from index.catalogue.model import Catalogue
    from index.documents import Passage
    from index.embedding.asked import Asked
    from index.guard.guard import GuardedQuery
    from index.scope import Scope
    from index.sql import Rows
    from query.answer import Answer
    from query.evidence import EntityScore
    from query.plan import Plan

API_ACTIVITY = 6003  # OCSF: application activity, API activity
_ACTIVITIES = {"create": 1, "read": 2, "update": 3, "delete": 4}
_REFUSALS = (PolicyError.code, SignInError.code)
_MOST_RESOURCES = 50
_MOST_NAME = 64  # characters of a name or an id that somebody gave us
LOCAL = "local"  # who runs upkeep: it takes no scope, so whoever may open the files of the workspace
CORRELATION: ContextVar[str] = ContextVar("correlation", default="")
"""The id of the request that is being served, where one is; else every record gets an id of its own."""


class Trail:
    """Writes the records of one workspace. Raises `StorageError` where they cannot be written."""

    def __init__(self, log: AuditLog) -> None:
        self.log = log

    def write(
        self, operation: str, principal: str, status: str, *, activity: str = "read", code: str = "", **details: Any
    ) -> None:
        """One record. `status` is success, failure or started; `details` hold counts, names of tables and hashes."""
        number, client = _ACTIVITIES[activity], current().client
        self.log.append(
            {
                "class_uid": API_ACTIVITY,
                "category_uid": 6,
                "activity_id": number,
                "type_uid": API_ACTIVITY * 100 + number,
                "time": time.time_ns() // 1_000_000,
                "severity_id": 1 if status != "failure" else 3 if code in _REFUSALS else 2,
                "status": status,
                "status_id": {"success": 1, "failure": 2}.get(status, 99),
                **({"status_code": code} if code else {}),
                "metadata": {
                    "version": "1.3.0",
                    "product": {"name": "Tower", "vendor_name": "Tower"},
                    "correlation_uid": CORRELATION.get() or uuid.uuid4().hex,
                },
                "actor": {"user": {"name": principal}, **({"app_uid": client[:_MOST_NAME]} if client else {})},
                "api": {"operation": operation},
                **details,
            }
        )

    def digest(self, kind: str, text: str) -> str:
        """`text` as a keyed hash."""
        return self.log.pseudonym(kind, text)

    def resources(self, kind: str, ids: Sequence[str]) -> dict[str, Any]:
        """Which resources a record is about, their ids as keyed hashes; the first 50 of them."""
        unique = list(dict.fromkeys(ids))[:_MOST_RESOURCES]
        return {"resources": [{"type": kind, "uid": self.digest(kind, one)} for one in unique]} if unique else {}

    @contextmanager
    def operation(
        self, name: str, principal: str, *, activity: str = "read", announce: bool = False, **asked: Any
    ) -> Iterator[dict[str, Any]]:
        """One operation: what it puts into the mapping is recorded when it ends, or its failure.

        With `announce` a record says beforehand that it starts, for what changes something or leaves in parts.
        """
        token = CORRELATION.set(CORRELATION.get() or uuid.uuid4().hex)
        found: dict[str, Any] = {}
        try:
            if announce:
                self.write(name, principal, "started", activity=activity, **asked)
            try:
                yield found
            except BaseException as error:
                code = error.code if isinstance(error, TowerError) else "internal"
                self.write(name, principal, "failure", activity=activity, code=code, **asked)
                _mark(error)
                raise
            self.write(name, principal, "success", activity=activity, **asked, **found)
        finally:
            CORRELATION.reset(token)


class Audited:
    """Implements `api.service.Service` over `inner`; nothing is given out whose record could not be written."""

    def __init__(self, inner: Unaudited, log: AuditLog) -> None:
        self.inner = inner
        self.trail = Trail(log)
        self.drafts: DraftQueue = AuditedDrafts(inner.drafts, self.trail)
        self.models: ScoreModels = AuditedModels(inner.models, self.trail)
        self.views: Views = AuditedViews(inner.views, self.trail)
        self.feedback: FeedbackBook = AuditedFeedback(inner.feedback, self.trail)

    @property
    def catalogue(self) -> Catalogue:
        """The semantic model in use."""
        return self.inner.catalogue

    def scope_for(self, user: str | Caller | None) -> Scope:
        """What `user` may see and do; a user that is refused is recorded."""
        try:
            return self.inner.scope_for(user)
        except TowerError as error:
            name = user.name if isinstance(user, Caller) else user or ""
            self.trail.write("sign_in", name[:_MOST_NAME], "failure", code=error.code)
            _mark(error)
            raise

    def sign_in_failed(self, code: str, source: str) -> None:
        """Record that somebody at the address `source` could not sign in."""
        self.trail.write("sign_in", "", "failure", code=code, src_endpoint=_endpoint(source))

    def signed_in(self, caller: Caller, source: str, *, out: bool = False) -> None:
        """Record that `caller` signed in at the address `source`, or with `out` signed out."""
        name, client = caller.name[:_MOST_NAME], {"app_uid": caller.client[:_MOST_NAME]} if caller.client else {}
        self.trail.write(
            "sign_out" if out else "sign_in", name, "success", by=caller.how, src_endpoint=_endpoint(source),
            actor={"user": {"name": name}, **client},
        )  # fmt: skip

    def refused(self, scope: Scope | None, route: str, error: PolicyError) -> None:
        """Record that policy refused a request at a route, where nothing has yet."""
        if not error.recorded:
            name = _name(scope) if scope is not None else ""
            self.trail.write("request", name, "failure", code=error.code, route=route[:_MOST_NAME])
            _mark(error)

    def change(self, operation: str, scope: Scope, **details: Any) -> AbstractContextManager[dict[str, Any]]:
        """An operation of upkeep that somebody asks a server for: announced, and recorded as it went."""
        return self.trail.operation(operation, _name(scope), activity="update", announce=True, **details)

    def ask(self, question: str, scope: Scope, *, conversation: str = "", on_event: OnEvent | None = None) -> Answer:
        """The answer, once its record is written; parts that leave before are announced in a record of their own."""
        question = encodable(question)
        asked = {"question": self.trail.digest("text", question)}
        with self.trail.operation("ask", _name(scope), announce=on_event is not None, **asked) as found:
            answer = self.inner.ask(question, scope, conversation=conversation, on_event=on_event)
            found.update(self._of_answer(answer))
        current().spend(rows=sum(len(query.rows) for query in answer.sql) + len(answer.passages))
        return answer

    def explain(self, question: str, scope: Scope) -> Plan:
        """The plan that `ask` would run."""
        question = encodable(question)
        with self.trail.operation("explain", _name(scope), question=self.trail.digest("text", question)) as found:
            plan = self.inner.explain(question, scope)
            found["route"] = plan.route.path
        return plan

    def search(self, query: str, scope: Scope, k: int, *, repeats: bool = False) -> tuple[Passage, ...]:
        """The best `k` passages."""
        query = encodable(query)
        with self.trail.operation("search", _name(scope), question=self.trail.digest("text", query)) as found:
            passages = self.inner.search(query, scope, k, repeats=repeats)
            found["counts"] = {"passages": len(passages)}
            found.update(self.trail.resources("document", [passage.doc_id for passage in passages]))
        current().spend(rows=len(passages))
        return passages

    def prepare(self, asked: Sequence[Asked]) -> None:
        """Nothing is read and nothing leaves, so nothing is recorded."""
        self.inner.prepare([one._replace(text=encodable(one.text.strip())) for one in asked])

    def sql(self, text: str, scope: Scope) -> tuple[GuardedQuery, Rows]:
        """A user's own SELECT, through the guard."""
        text = encodable(text)
        with self.trail.operation("sql", _name(scope), sql=self.trail.digest("text", text)) as found:
            query, rows = self.inner.sql(text, scope)
            found["tables"] = sorted({table for table, _ in query.reads})
            found["counts"] = {"rows": len(rows.rows)}
        current().spend(rows=len(rows.rows))
        return query, rows

    def answer(self, answer_id: str, scope: Scope) -> Answer:
        """An answer given earlier."""
        with self.trail.operation("read_answer", _name(scope), answer_id=_short(answer_id)):
            return self.inner.answer(answer_id, scope)

    def replay(self, answer_id: str, scope: Scope) -> Replay:
        """Ask an answer's question again, and what changed."""
        with self.trail.operation("replay", _name(scope), replayed=_short(answer_id)) as found:
            replay = self.inner.replay(answer_id, scope)
            found.update(self._of_answer(replay.answer))
        return replay

    def check_citations(self, answer: Answer, scope: Scope) -> Sequence[str]:
        """Read every citation from its source again."""
        with self.trail.operation("check_citations", _name(scope), answer_id=_short(answer.id)):
            return self.inner.check_citations(answer, scope)

    def churn(self, scope: Scope, key: str | None = None) -> Sequence[EntityScore]:
        """Scores, highest first."""
        with self.trail.operation("churn", _name(scope)) as found:
            scores = self.inner.churn(scope, key)
            found["counts"] = {"scores": len(scores)}
            found.update(self.trail.resources("entity", [key] if key is not None else []))
        return scores

    def ingest(
        self, only: Sequence[str], full: bool, progress: Progress, *, reconcile: bool = False, retry: bool = False
    ) -> Sequence[Any]:
        """Bring sources up to date."""
        details = {"sources": list(only), "full": full}
        with self.trail.operation("ingest", LOCAL, activity="update", announce=True, **details):
            return self.inner.ingest(only, full, progress, reconcile=reconcile, retry=retry)

    def reindex(
        self,
        sources: Sequence[str],
        vectors_only: bool,
        full: bool,
        progress: Progress,
        *,
        apart: bool = False,
        golden: bool = True,
        dry_run: bool = False,
    ) -> Any:
        """Build a new generation beside the live one, check it, switch."""
        details = {"sources": list(sources), "vectors_only": vectors_only, "full": full, "dry_run": dry_run}
        with self.trail.operation("reindex", LOCAL, activity="update", announce=True, **details):
            return self.inner.reindex(
                sources, vectors_only, full, progress, apart=apart, golden=golden, dry_run=dry_run
            )

    def quarantine(self, scope: Scope, source: str) -> list[dict[str, Any]]:
        """The records in quarantine."""
        with self.trail.operation("read_quarantine", _name(scope), source=source):
            return self.inner.quarantine(scope, source)

    def lineage(self, scope: Scope, table: str, key: str) -> dict[str, Any]:
        """Where a row comes from."""
        with self.trail.operation("lineage", _name(scope), table=table):
            return self.inner.lineage(scope, table, key)

    def forget(self, scope: Scope, entity: str, mode: Mode, progress: Progress) -> dict[str, Any]:
        """Take a customer out of every store; the record names the receipt, and the customer by a keyed hash."""
        asked = {"mode": mode, **self.trail.resources("entity", [entity])}
        with self.trail.operation("forget", _name(scope), activity="delete", announce=True, **asked) as found:
            done = self.inner.forget(scope, entity, mode, progress)
            found.update({name: done[name] for name in ("receipt", "sha256", "absent") if name in done})
        return done

    def retrain(self, progress: Progress) -> Any:
        """Train the declared scores anew."""
        with self.trail.operation("retrain", LOCAL, activity="update", announce=True):
            return self.inner.retrain(progress)

    def roll_back(self, progress: Progress) -> Any:
        """Switch back to the generation before the live one."""
        with self.trail.operation("roll_back", LOCAL, activity="update", announce=True):
            return self.inner.roll_back(progress)

    def status(self) -> dict[str, Any]:
        """Sources, freshness, counts, generation, quarantine."""
        return self.inner.status()

    def health(self) -> dict[str, str]:
        """What is wrong with the parts that questions need."""
        return self.inner.health()

    def audit_tail(self, scope: Scope, count: int) -> list[dict[str, Any]]:
        """The last `count` records, oldest first; raises `PolicyError` without the action `audit`."""
        self._may_audit(scope)
        return self.trail.log.tail(count)

    def audit_verify(self, scope: Scope, anchor: str = "") -> dict[str, Any]:
        """What checking the log found: `index.audit.Verdict` as a mapping, and whether it is `intact`."""
        self._may_audit(scope)
        verdict = self.trail.log.verify(anchor)
        return {"intact": verdict.intact, **asdict(verdict)}

    def close(self) -> None:
        """Let go of the workspace; idempotent."""
        self.inner.close()

    def _may_audit(self, scope: Scope) -> None:
        if not scope.may("audit"):
            self.trail.write("audit", _name(scope), "failure", code=PolicyError.code)
            error = PolicyError(f"{_name(scope)} may not read the audit log", hint="ask for the action `audit`")
            _mark(error)
            raise error

    def _of_answer(self, answer: Answer) -> dict[str, Any]:
        """What a record keeps of an answer: ids, counts, names of tables, hashes; no contents."""
        return {
            "answer_id": answer.id,
            "answer": self.trail.digest("text", answer.answer),
            "route": answer.route.path,
            "tables": self._tables(answer),
            "counts": {
                "rows": sum(query.row_count for query in answer.sql),
                "passages": len(answer.passages),
                "citations": len(answer.citations),
            },
            "withheld": dict(answer.withheld),
            "drafts": [draft.id for draft in answer.drafts],
            "models": [str(one.get("model", "")) for one in answer.egress],
            **self.trail.resources("document", [passage.doc_id for passage in answer.passages]),
        }

    def _tables(self, answer: Answer) -> list[str]:
        """The catalogue's tables that the answer's SQL names or its citations lead to."""
        texts = " ".join([*(query.text for query in answer.sql), *(c.sql or "" for c in answer.citations)])
        words = set(re.findall(r"\w+", texts.lower()))
        named = {table.name for table in self.inner.catalogue if table.name.lower() in words}
        return sorted(named | {citation.table for citation in answer.citations if citation.table})


class AuditedDrafts:
    """Implements `api.service.DraftQueue` over `inner`. A change is announced before it is made."""

    def __init__(self, inner: DraftQueue, trail: Trail) -> None:
        self._inner = inner
        self._trail = trail

    def list(self, scope: Scope, status: str | None = None, ids: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The drafts that `scope` may see, newest first."""
        with self._trail.operation("drafts.list", _name(scope)) as found:
            drafts = self._inner.list(scope, status, ids)
            found["counts"] = {"drafts": len(drafts)}
        return drafts

    def outlines(self, scope: Scope, status: str | None = None) -> Sequence[Mapping[str, str]]:
        """Which drafts there are: recorded when they are read."""
        return self._inner.outlines(scope, status)

    def get(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        """One draft."""
        with self._trail.operation("drafts.get", _name(scope), drafts=[_short(draft_id)]):
            return self._inner.get(scope, draft_id)

    def edit(
        self, scope: Scope, draft_id: str, *, subject: str | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """Change a proposed draft."""
        text = {name: value for name, value in (("subject", subject), ("body", body)) if value is not None}
        details = {name: self._trail.digest("text", value) for name, value in text.items()}
        with self._change("drafts.edit", scope, draft_id, details):
            return self._inner.edit(scope, draft_id, subject=subject, body=body)

    def approve(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        """Let it go."""
        with self._change("drafts.approve", scope, draft_id, {}):
            return self._inner.approve(scope, draft_id)

    def reject(self, scope: Scope, draft_id: str, reason: str = "") -> dict[str, Any]:
        """Turn it down, with a reason."""
        details = {"reason": self._trail.digest("text", reason)} if reason else {}
        with self._change("drafts.reject", scope, draft_id, details):
            return self._inner.reject(scope, draft_id, reason)

    def lint(
        self, scope: Scope, draft_id: str, *, subject: str | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """What keeps it from being approved."""
        with self._trail.operation("drafts.lint", _name(scope), drafts=[_short(draft_id)]) as found:
            checked = self._inner.lint(scope, draft_id, subject=subject, body=body)
            found["counts"] = {"findings": len(checked["findings"])}
        return checked

    def export(self, scope: Scope, draft_id: str, by: str = "eml") -> dict[str, Any]:
        """Hand it over."""
        with self._change("drafts.export", scope, draft_id, {"by": _short(by)}):
            return self._inner.export(scope, draft_id, by)

    @contextmanager
    def _change(self, operation: str, scope: Scope, draft_id: str, details: Mapping[str, Any]) -> Iterator[None]:
        known = {"drafts": [_short(draft_id)], **details}
        with self._trail.operation(operation, _name(scope), activity="update", announce=True, **known):
            yield


def _mark(error: BaseException) -> None:
    if isinstance(error, TowerError):
        error.recorded = True


def _endpoint(source: str) -> dict[str, str]:
    return {"ip": source[:_MOST_NAME]}


def _name(scope: Scope) -> str:
    return scope.principal.name


def _short(text: str) -> str:
    """An id as somebody gave it, short enough for a record."""
    return text[:_MOST_NAME]
