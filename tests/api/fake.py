"""A small real service over three customers and one document, for tests of the surfaces."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from api.access.caller import Caller
from api.evaluation.replay import Replay, replayed
from api.service import OnEvent, Progress
from api.settings import Settings
from index.catalogue.model import Catalogue, Column, Table
from index.documents import Passage
from index.embedding.asked import Asked
from index.errors import DraftBlocked, NotFoundError, PolicyError, SqlRejected, UsageError
from index.guard.guard import GuardedQuery, guard
from index.scope import Scope
from index.sql import Rows
from query.answer import Answer, ChartView, CitationView, DraftView, ItemView, PassageView, RouteView, SqlView
from query.evidence import Contribution, EntityScore
from query.plan import Plan, Reading, Route, SqlStep

CATALOGUE = Catalogue(
    (Table("accounts", "accounts", (Column("id", "text", "id", role="key"), Column("name", "text", "name"))),)
)
TEXT = "Zips are covered for two years."
CHART = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "data": {"values": [{"a": 1, "b": 2}, {"a": 2, "b": 3}]},
    "mark": "bar",
    "encoding": {"x": {"field": "a", "type": "ordinal"}, "y": {"field": "b", "type": "quantitative"}},
}


@dataclass
class FakeDrafts:
    """The approval queue in memory."""

    held: dict[str, dict[str, Any]]

    def list(self, scope: Scope, status: str | None = None, ids: Sequence[str] | None = None) -> list[dict[str, Any]]:
        found = [draft for draft in self.held.values() if status in (None, draft["status"])]
        return [draft for draft in found if ids is None or draft["id"] in ids]

    def outlines(self, scope: Scope, status: str | None = None) -> Sequence[Mapping[str, str]]:
        return self.list(scope, status)

    def get(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        if draft_id not in self.held:
            raise NotFoundError(f"no draft {draft_id}", hint="tower drafts list shows them")
        return self.held[draft_id]

    def edit(
        self, scope: Scope, draft_id: str, *, subject: str | None = None, body: str | None = None
    ) -> dict[str, Any]:
        draft = self._open(scope, draft_id)
        draft.update({name: value for name, value in (("subject", subject), ("body", body)) if value is not None})
        return draft

    def approve(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        draft = self._open(scope, draft_id)
        draft["status"] = "approved"
        return draft

    def reject(self, scope: Scope, draft_id: str, reason: str = "") -> dict[str, Any]:
        draft = self._open(scope, draft_id)
        draft.update(status="rejected", reason=reason)
        return draft

    def lint(
        self, scope: Scope, draft_id: str, *, subject: str | None = None, body: str | None = None
    ) -> dict[str, Any]:
        draft = {**self.get(scope, draft_id), **({"body": body} if body is not None else {})}
        found = {"code": "link", "message": "a link", "where": "here"}
        return {"id": draft_id, "status": draft["status"], "findings": [found] if "http" in draft["body"] else []}

    def export(self, scope: Scope, draft_id: str, by: str = "eml") -> dict[str, Any]:
        draft = self.get(scope, draft_id)
        if draft["status"] != "approved":
            raise DraftBlocked(f"draft {draft_id} is {draft['status']}, not approved")
        draft["status"] = "exported"
        return {**draft, "by": by, "eml": "RnJvbTogeA=="}

    def _open(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        draft = self.get(scope, draft_id)
        if draft["status"] != "proposed":
            raise UsageError(f"draft {draft_id} is {draft['status']} already")
        return draft


@dataclass
class FakeModels:
    """Two versions of one score."""

    CARD: ClassVar[dict[str, Any]] = {
        "score": "churn", "version": "v2", "description": "Who leaves.", "kind": "additive",
        "trained_as_of": "2026-05-01",
        "snapshots": [], "horizon_days": None, "rows": 30, "entities": 30, "events": 10, "base_rate": 0.3333,
        "validation": "5 folds", "auc": 0.9, "brier": 0.1, "ece": 0.01, "limits": ["It knows little."], "notices": [],
        "reliability": [{"count": 30, "predicted": 0.3, "observed": 0.33}],
        "feature_card": [{"name": "usage", "lowest_logit": -1.0, "highest_logit": 2.0, "direction": "less is riskier"}],
    }  # fmt: skip

    def versions(self, scope: Scope) -> list[dict[str, Any]]:
        return [
            {"score": "churn", "version": v, "created_at": "2026-05-01T00:00:00", "live": v == "v2", "auc": 0.9}
            for v in ("v2", "v1")
        ]

    def card(self, scope: Scope, version: str | None = None) -> dict[str, Any]:
        if version not in (None, "v1", "v2"):
            raise NotFoundError(f"no version {version!r} of a score", hint="`tower churn --versions` lists them")
        return {**self.CARD, "version": version or "v2"}

    def train(self, scope: Scope, progress: Progress) -> list[dict[str, Any]]:
        progress("training churn", 1, 1)
        return [dict(self.CARD)]


@dataclass
class FakeViews:
    """Two examples, one row behind every citation, one entity at risk."""

    def examples(self, scope: Scope) -> list[str]:
        return ["How many accounts?", "Who <leaves>?"]

    def citation(self, scope: Scope, number: int, *, answer: str = "", draft: str = "") -> dict[str, Any]:
        if number != 1:
            raise NotFoundError(f"there is no citation [{number}]")
        cells = [{"name": "seats", "label": "Seats", "text": "<b>12</b>", "cited": True, "changed": False}]
        cited = {"n": 1, "kind": "cell", "source": "crm", "table": "accounts", "key": "A1", "column": "seats"}
        row = {"table": "accounts", "label": "Accounts", "key": "A1", "cells": cells}
        return {"citation": {**cited, "value": 12}, "row": row}

    def at_risk(
        self, scope: Scope, score: str = "", *, sort: str = "-score", every: bool = False, skip: int = 0,
        limit: int = 25,
    ) -> dict[str, Any]:  # fmt: skip
        drivers = [{"text": "orders <fell> by half", "logit": 1.2, "lower": "orders"}]
        row = {
            "key": "A1", "name": "Ann & Co", "score": 0.71, "at_risk": True, "due": "2026-06-01", "drivers": drivers,
            "next_steps": [{"text": "Call.", "driver": "orders", "doc_id": "library:x", "title": "Guide"}],
            "draft": {"id": "d1", "status": "proposed"},
        }  # fmt: skip
        scores = [{"name": "churn", "label": "Churn risk"}, {"name": "late", "label": "Late payment"}]
        return {
            "score": score or "churn", "label": "Churn risk", "description": "Who leaves.", "entity": "account",
            "threshold": 0.5, "due_label": "Renewal date", "as_of": "2026-05-01", "scores": scores, "total": 60,
            "rows": [row],
        }  # fmt: skip


@dataclass
class FakeFeedback:
    """Feedback in memory; `accepted` is the correction that the last one was accepted with."""

    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    accepted: Mapping[str, Any] | None = None

    def give(self, scope: Scope, answer_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        one = {"id": "f1", "answer_id": answer_id, "principal": scope.principal.name, "status": "open", **given}
        self.held["f1"] = one
        return one

    def list(self, scope: Scope, status: str | None = None) -> list[dict[str, Any]]:
        return [one for one in self.held.values() if status in (None, one["status"])]

    def accept(self, scope: Scope, feedback_id: str, correction: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self.accepted = correction
        return self._decided(feedback_id, "accepted") | {"golden": {"id": f"feedback-{feedback_id}", "expect": {}}}

    def dismiss(self, scope: Scope, feedback_id: str, reason: str = "") -> dict[str, Any]:
        return self._decided(feedback_id, "dismissed")

    def _decided(self, feedback_id: str, status: str) -> dict[str, Any]:
        if feedback_id not in self.held:
            raise NotFoundError(f"no feedback {feedback_id}")
        self.held[feedback_id]["status"] = status
        return self.held[feedback_id]


def draft() -> DraftView:
    """A draft with one citation."""
    cited = CitationView(n=1, kind="cell", source="crm", table="accounts", key="A1", column="seats", value=12)
    return DraftView(
        id="d1", kind="retention", entity="account", key="A1", to="ann@example.com", subject="Your seats",
        body="You have 12 seats [1].", citations=[cited],
    )  # fmt: skip


@dataclass
class FakeService:
    """Knows a few questions; raises what a real workspace raises. `closed` says that it was closed."""

    closed: bool = False
    asked: list[str] = field(default_factory=list)
    prepared: list[list[Asked]] = field(default_factory=list)
    faults: tuple[str, ...] = ()
    drafts: FakeDrafts = field(default_factory=lambda: FakeDrafts({"d1": draft().model_dump()}))
    models: FakeModels = field(default_factory=FakeModels)
    views: FakeViews = field(default_factory=FakeViews)
    feedback: FakeFeedback = field(default_factory=FakeFeedback)
    kept: dict[str, Answer] = field(default_factory=dict)
    catalogue: Catalogue = CATALOGUE
    governed: bool = False  # declares users
    failures: list[str] = field(default_factory=list)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    turned_away: list[str] = field(default_factory=list)
    ill: dict[str, str] = field(default_factory=lambda: {"records": "", "passages": ""})

    def scope_for(self, user: str | Caller | None) -> Scope:
        name = user.name if isinstance(user, Caller) else user
        if name == "mallory" or (name is None and self.governed):
            raise PolicyError(f"{name} may not ask here", hint="ask an administrator")
        return Scope.administrator(CATALOGUE, frozenset({"all"}), name or "admin")

    def sign_in_failed(self, code: str, source: str) -> None:
        self.failures.append(code)

    def signed_in(self, caller: Caller, source: str, *, out: bool = False) -> None:
        self.arrived.append((caller.name, "out" if out else "in"))

    def refused(self, scope: Scope | None, route: str, error: PolicyError) -> None:
        self.turned_away.append(route)

    def change(self, operation: str, scope: Scope, **details: Any) -> AbstractContextManager[dict[str, Any]]:
        return nullcontext({})

    def ask(self, question: str, scope: Scope, *, conversation: str = "", on_event: OnEvent | None = None) -> Answer:
        self.asked.append(question)
        if question == "crash":
            raise KeyError("crash")
        answer = ANSWERS.get(question) or _answer(question, "The data cannot answer this.", "refuse")
        if on_event is not None:
            on_event("route", {"path": answer.route.path})
            on_event("done", {"id": answer.id})
        self.kept[answer.id] = answer
        return answer

    def explain(self, question: str, scope: Scope) -> Plan:
        reading = Reading("SELECT COUNT(*) FROM accounts", 0.9, "the number of accounts", tables=("accounts",))
        return Plan(question, Route("sql", "a count", 0.9), (SqlStep("s1", reading),))

    def search(self, query: str, scope: Scope, k: int, *, repeats: bool = False) -> tuple[Passage, ...]:
        found = Passage("doc#0", "library:warranty.md", "library", "Warranty", TEXT, 0, len(TEXT), 0.9, 0.8)
        return (found,)[:k]

    def prepare(self, asked: Sequence[Asked]) -> None:
        self.prepared.append(list(asked))

    def sql(self, text: str, scope: Scope) -> tuple[GuardedQuery, Rows]:
        if not text.lower().startswith("select"):
            raise SqlRejected("only SELECT is let through", hint="write one SELECT")
        return guard("SELECT name FROM accounts", CATALOGUE, scope), Rows(("n", "day"), ((3, dt.date(2026, 5, 1)),))

    def answer(self, answer_id: str, scope: Scope) -> Answer:
        if answer_id not in self.kept:
            raise NotFoundError(f"no answer {answer_id}")
        return self.kept[answer_id]

    def replay(self, answer_id: str, scope: Scope) -> Replay:
        kept = self.answer(answer_id, scope)
        return replayed(kept, kept)

    def check_citations(self, answer: Answer, scope: Scope) -> Sequence[str]:
        return self.faults

    def churn(self, scope: Scope, key: str | None = None) -> Sequence[EntityScore]:
        parts = (Contribution("usage", "orders fell by half", -0.5, 1.2),)
        return [EntityScore("churn", "account", key or "A1", 0.71, -0.3, parts, "v1", dt.date(2026, 5, 1))]

    def ingest(
        self, only: Sequence[str], full: bool, progress: Progress, *, reconcile: bool = False, retry: bool = False
    ) -> Sequence[Any]:
        if "nowhere" in only:
            raise NotFoundError("no source 'nowhere'", hint="sources: crm")
        progress("crm", 3, 3)
        return [{"source": "crm", "status": "ok", "read": 3, "loaded": 2, "unchanged": 1, "quarantined": 0}]

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
        return {"generation": "g2", "chunks": 1}

    def quarantine(self, scope: Scope, source: str) -> list[dict[str, Any]]:
        return [{"source": source or "crm", "origin": "accounts#3", "reason": "missing key"}]

    def lineage(self, scope: Scope, table: str, key: str) -> dict[str, Any]:
        return {"table": table, "key": key, "source": "crm", "stream": "Account"}

    def forget(self, scope: Scope, entity: str, mode: str, progress: Progress) -> dict[str, Any]:
        return (
            {"entity": "account", "stores": {"documents": 1}} if mode == "look" else {"receipt": "r1", "absent": True}
        )

    def retrain(self, progress: Progress) -> Any:
        return ["churn"]

    def roll_back(self, progress: Progress) -> Any:
        return {"generation": "g0"}

    def status(self) -> dict[str, Any]:
        return {"generation": "g1", "documents": 1, "sources": [{"source": "crm", "status": "ok"}]}

    def health(self) -> dict[str, str]:
        return dict(self.ill)

    def audit_tail(self, scope: Scope, count: int) -> list[dict[str, Any]]:
        return [{"seq": 1, "api": {"operation": "ask"}}][:count]

    def audit_verify(self, scope: Scope, anchor: str = "") -> dict[str, Any]:
        return {"intact": True, "records": 1, "broken": None, "reason": "", "head": "1:00"}

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeOpener:
    """Opens the one fake service it holds, and remembers what it was asked to open."""

    service: FakeService = field(default_factory=FakeService)
    opened: list[tuple[Path, str | None]] = field(default_factory=list)

    def __call__(self, home: Path, settings: Settings, *, sql_url: str | None = None) -> FakeService:
        self.opened.append((home, sql_url))
        return self.service


def _answer(question: str, text: str, path: str, **fields: Any) -> Answer:
    route = RouteView(path=path, reason="a test", confidence=0.9)
    identity = f"a{len(question)}"
    return Answer(id=identity, question=question, as_of="2026-05-01", answer=text, route=route, **fields)


_COUNT = CitationView(
    n=1, kind="aggregate", source="crm", sql="SELECT COUNT(*) AS n FROM accounts", column="n", value=3
)
_QUOTE = CitationView(n=1, kind="passage", source="library", doc_id="library:warranty.md", start=0, end=31, quote=TEXT)
_HOSTILE = (
    '<script>alert(1)</script> [1](javascript:alert(1)) ![x](http://evil.example/p.png)\n\n```[1]"onload=x\ny\n```'
)

ANSWERS: Mapping[str, Answer] = {
    "How many accounts?": _answer(
        "How many accounts?", "There are 3 accounts [1].", "sql",
        sql=[SqlView(text=str(_COUNT.sql), columns=["n"], rows=[[3]], row_count=1)],
        citations=[_COUNT], timings_ms={"total": 12.0},
    ),
    "Who leaves?": _answer(
        "Who leaves?", "One account is at risk [1].", "hybrid", citations=[_COUNT], drafts=[draft()],
        items=[ItemView(entity="account", key="A1", name="Ann & Co", score=0.71, draft_id="d1")],
        chart=ChartView(vega_lite=CHART, title="At risk"), images=[{"title": "Tent", "path": "pictures/tent.png"}],
    ),
    "Are zips covered?": _answer(
        "Are zips covered?", "Yes: “Zips are covered for two years.” [1]", "vector", citations=[_QUOTE],
        passages=[PassageView(doc_id="library:warranty.md", text=TEXT, start=0, end=31, score=0.9)],
    ),
    "Which regions?": _answer(
        "Which regions?", "2 regions have accounts [1].", "sql", citations=[_COUNT],
        sql=[SqlView(text="SELECT 1", columns=["region", "n"], rows=[["EMEA", 2], ["LATAM", 1]], row_count=2)],
    ),
    "Hostile?": _answer("Hostile?", _HOSTILE, "vector", citations=[_QUOTE]),
    "Made up?": _answer("Made up?", "There are 77 accounts [1].", "sql", citations=[_COUNT]),
}  # fmt: skip
