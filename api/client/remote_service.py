"""A workspace that `tower serve` owns, as the commands see it: `api.service.Service` over HTTP.

What may be seen is decided by the server. The Scope that `scope_for` gives here only says who asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.client.calls import Calls, error_named, percent_encoded
from api.upkeep.score_models import RemoteModels
from api.views import RemoteViews
from index.errors import StorageError

if TYPE_CHECKING:
    from api.access.caller import Caller
    from api.client.presence import Presence
    from api.evaluation.replay import Replay
    from api.service import OnEvent, Progress
    from api.upkeep.forgetting import Mode
    from index.catalogue.model import Catalogue
    from index.documents import Passage
    from index.embedding.asked import Asked
    from index.errors import PolicyError
    from index.guard.guard import GuardedQuery
    from index.scope import Scope
    from index.sql import Rows
    from query.answer import Answer
    from query.evidence import EntityScore
    from query.plan import Plan

ADMINISTRATOR = ""  # the name of a principal that none was chosen for


def connect(home: Path) -> RemoteService | None:
    """The server that owns the workspace at `home`; None where none does."""
    from api.client.presence import present

    presence = present(home)
    if presence is None:
        return None
    calls = Calls(presence)
    return RemoteService(calls, presence) if calls.answers() else None


class RemoteQueue:
    """Implements `api.service.DraftQueue` over HTTP."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list(self, scope: Scope, status: str | None = None, ids: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The drafts that `scope` may see, newest first."""
        query = f"?status={percent_encoded(status)}" if status else ""
        found: list[dict[str, Any]] = self._call("GET", query, scope)["drafts"]
        return found if ids is None else [draft for draft in found if draft["id"] in ids]

    def outlines(self, scope: Scope, status: str | None = None) -> Sequence[Mapping[str, str]]:
        """The same drafts without their texts."""
        return [{name: draft[name] for name in ("id", "status", "entity", "key")} for draft in self.list(scope, status)]

    def get(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        """One draft; raises `NotFoundError`."""
        return dict(self._call("GET", _part(draft_id), scope))

    def edit(
        self, scope: Scope, draft_id: str, *, subject: str | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """Change a proposed draft."""
        changed = {name: text for name, text in (("subject", subject), ("body", body)) if text is not None}
        return dict(self._call("PATCH", _part(draft_id), scope, changed))

    def approve(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        """Let it go."""
        return dict(self._call("POST", f"{_part(draft_id)}/approve", scope))

    def reject(self, scope: Scope, draft_id: str, reason: str = "") -> dict[str, Any]:
        """Turn it down, with a reason."""
        return dict(self._call("POST", f"{_part(draft_id)}/reject", scope, {"reason": reason}))

    def lint(
        self, scope: Scope, draft_id: str, *, subject: str | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """What keeps it from being approved."""
        text = {name: value for name, value in (("subject", subject), ("body", body)) if value is not None}
        return dict(self._call("POST" if text else "GET", f"{_part(draft_id)}/lint", scope, text or None))

    def export(self, scope: Scope, draft_id: str, by: str = "eml") -> dict[str, Any]:
        """Hand it over, from the server's process."""
        return dict(self._call("POST", f"{_part(draft_id)}/export", scope, {"by": by}))

    def _call(self, method: str, path: str, scope: Scope, body: Mapping[str, Any] | None = None) -> Any:
        return self._calls.call(method, f"/v1/drafts{path}", body, user=scope.principal.name)


class RemoteFeedback:
    """Implements `api.service.FeedbackBook` over HTTP."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def give(self, scope: Scope, answer_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the asker's word on an answer."""
        return dict(self._call("POST", f"answers{_part(answer_id)}/feedback", scope, given))

    def list(self, scope: Scope, status: str | None = None) -> list[dict[str, Any]]:
        """What `scope` may read, newest first."""
        query = f"?status={percent_encoded(status)}" if status else ""
        found: list[dict[str, Any]] = self._call("GET", f"feedback{query}", scope)["feedback"]
        return found

    def accept(self, scope: Scope, feedback_id: str, correction: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make a golden question of it, in the server's process."""
        body = {"correction": dict(correction)} if correction else {}
        return dict(self._call("POST", f"feedback{_part(feedback_id)}/accept", scope, body))

    def dismiss(self, scope: Scope, feedback_id: str, reason: str = "") -> dict[str, Any]:
        """Set it aside."""
        return dict(self._call("POST", f"feedback{_part(feedback_id)}/dismiss", scope, {"reason": reason}))

    def _call(self, method: str, path: str, scope: Scope, body: Mapping[str, Any] | None = None) -> Any:
        return self._calls.call(method, f"/v1/{path}", body, user=scope.principal.name)


class RemoteService:
    """Implements `api.service.Service` by asking the server that owns the workspace."""

    def __init__(self, calls: Calls, presence: Presence) -> None:
        self._calls = calls
        self.presence = presence
        self.drafts = RemoteQueue(calls)
        self.models = RemoteModels(calls)
        self.views = RemoteViews(calls)
        self.feedback = RemoteFeedback(calls)

    @property
    def catalogue(self) -> Catalogue:
        """The semantic model that the server uses."""
        from api.client.revive import revive
        from index.catalogue.model import Catalogue

        found: Catalogue = revive(Catalogue, self._calls.call("GET", "/v1/admin/catalogue"))
        return found

    def scope_for(self, user: str | Caller | None) -> Scope:
        """Who asks; what that may see is decided by the server, with each call."""
        from index.scope import ACTIONS, Principal, Scope

        name = user if isinstance(user, str) or user is None else user.name
        return Scope(Principal(name or ADMINISTRATOR), {}, frozenset(), ACTIONS)

    def ask(self, question: str, scope: Scope, *, conversation: str = "", on_event: OnEvent | None = None) -> Answer:
        """The server's answer; with `on_event` its parts are told as they are ready."""
        from query.answer import Answer

        body = {"question": question, **({"conversation_id": conversation} if conversation else {})}
        user = scope.principal.name
        if on_event is None:
            return Answer.model_validate(self._calls.call("POST", "/v1/ask", body, user=user))
        return Answer.model_validate(self._followed("/v1/ask", body, user, on_event))

    def explain(self, question: str, scope: Scope) -> Plan:
        """The plan that `ask` would run."""
        from api.client.revive import revive
        from query.plan import Plan

        found: Plan = revive(Plan, self._call("POST", "/v1/explain", scope, {"question": question}))
        return found

    def search(self, query: str, scope: Scope, k: int, *, repeats: bool = False) -> tuple[Passage, ...]:
        """The best `k` passages."""
        body = {"query": query, "k": k, "whole": True, "repeats": repeats}
        found = self._calls.call("POST", "/v1/search", body, user=scope.principal.name)
        return tuple(_passage(hit) for hit in found["hits"])

    def prepare(self, asked: Sequence[Asked]) -> None:
        """The server does so by itself."""

    def sql(self, text: str, scope: Scope) -> tuple[GuardedQuery, Rows]:
        """A user's own SELECT, through the server's guard. The query that comes back is for display: `sql` is empty."""
        from index.guard.guard import GuardedQuery
        from index.sql import Rows

        found = self._call("POST", "/v1/sql", scope, {"sql": text})
        rows = Rows(tuple(found["columns"]), tuple(tuple(row) for row in found["rows"]), found["truncated"])
        return GuardedQuery(found["text"], "", "", (), len(rows.rows)), rows

    def answer(self, answer_id: str, scope: Scope) -> Answer:
        """An answer given earlier; raises `NotFoundError`."""
        from query.answer import Answer

        return Answer.model_validate(self._call("GET", f"/v1/answers{_part(answer_id)}", scope))

    def replay(self, answer_id: str, scope: Scope) -> Replay:
        """Ask an answer's question again, and what changed."""
        from api.evaluation.replay import Replay

        return Replay.model_validate(self._call("POST", f"/v1/answers{_part(answer_id)}/replay", scope))

    def check_citations(self, answer: Answer, scope: Scope) -> Sequence[str]:
        """The server reads every citation of the answer that it kept from its source again."""
        found: list[str] = self._call("POST", f"/v1/answers{_part(answer.id)}/check", scope)["faults"]
        return found

    def churn(self, scope: Scope, key: str | None = None) -> Sequence[EntityScore]:
        """Scores, highest first; of one entity with `key`."""
        from api.client.revive import revive
        from query.evidence import EntityScore

        query = f"?account={percent_encoded(key)}" if key is not None else ""
        return [revive(EntityScore, one) for one in self._call("GET", f"/v1/churn{query}", scope)["scores"]]

    def ingest(
        self, only: Sequence[str], full: bool, progress: Progress, *, reconcile: bool = False, retry: bool = False
    ) -> Sequence[Any]:
        """Bring sources up to date, in the server's process."""
        found: list[Any] = self._job(
            "ingest", {"sources": list(only), "full": full, "reconcile": reconcile, "retry": retry}, progress
        )
        return found

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
        """Build a new generation in the server's process; questions go on against the one before it."""
        asked = {"sources": list(sources), "vectors_only": vectors_only, "full": full}
        return self._job("reindex", {**asked, "golden": golden, "dry_run": dry_run}, progress)

    def quarantine(self, scope: Scope, source: str) -> list[dict[str, Any]]:
        """The records in quarantine."""
        query = f"?source={percent_encoded(source)}" if source else ""
        found: list[dict[str, Any]] = self._call("GET", f"/v1/admin/quarantine{query}", scope)["records"]
        return found

    def lineage(self, scope: Scope, table: str, key: str) -> dict[str, Any]:
        """Where a row comes from, and the sync that last changed it."""
        query = f"?table={percent_encoded(table)}&key={percent_encoded(key)}"
        found: dict[str, Any] = self._call("GET", f"/v1/admin/lineage{query}", scope)
        return found

    def forget(self, scope: Scope, entity: str, mode: Mode, progress: Progress) -> dict[str, Any]:
        """Take a customer out of every store, in the server's process."""
        found: dict[str, Any] = self._call("POST", "/v1/admin/forget", scope, {"entity": entity, "mode": mode})
        return found

    def retrain(self, progress: Progress) -> Any:
        """Train the declared scores in the server's process."""
        return self._job("retrain", {}, progress)

    def roll_back(self, progress: Progress) -> Any:
        """Switch back to the generation before the live one, in the server's process."""
        return self._job("reindex", {"roll_back": True}, progress)

    def status(self) -> dict[str, Any]:
        """What the workspace holds, and who serves it."""
        found = self._calls.call("GET", "/v1/status")
        return {**found, "served": {"url": self.presence.url, "pid": self.presence.pid}}

    def health(self) -> dict[str, str]:
        """What the server says of its parts; why a part failed is in its log."""
        parts = self._calls.call("GET", "/readyz")["parts"]
        return {part: "" if state == "ok" else f"the server calls it {state}" for part, state in parts.items()}

    def sign_in_failed(self, code: str, source: str) -> None:
        """Nothing: the server records who fails at its door."""

    def signed_in(self, caller: Caller, source: str, *, out: bool = False) -> None:
        """Nothing: the server records who comes in at its door."""

    def refused(self, scope: Scope | None, route: str, error: PolicyError) -> None:
        """Nothing: the server records whom it refuses."""

    def change(self, operation: str, scope: Scope, **details: Any) -> AbstractContextManager[dict[str, Any]]:
        """Nothing: the server records what it is asked for."""
        return nullcontext({})

    def audit_tail(self, scope: Scope, count: int) -> list[dict[str, Any]]:
        """The last records of the audit log, oldest first."""
        found: list[dict[str, Any]] = self._call("GET", f"/v1/audit?n={count}", scope)["records"]
        return found

    def audit_verify(self, scope: Scope, anchor: str = "") -> dict[str, Any]:
        """Check the audit log."""
        return dict(self._call("GET", f"/v1/audit/verify?head={percent_encoded(anchor)}", scope))

    def close(self) -> None:
        """Nothing is held open."""

    def _call(self, method: str, path: str, scope: Scope, body: Mapping[str, Any] | None = None) -> Any:
        return self._calls.call(method, path, body, user=scope.principal.name)

    def _followed(self, path: str, body: Mapping[str, Any], user: str, on_event: OnEvent) -> Any:
        for name, data in self._calls.events("POST", path, body, user=user):
            if name == "error":
                raise error_named(data["code"], data["message"], data["hint"])
            on_event(name, data)
            if name == "done":
                return data
        raise StorageError("the server stopped before the answer was complete", hint="ask again")

    def _job(self, kind: str, body: Mapping[str, Any], progress: Progress) -> Any:
        """Begin a job and follow its events to the end; it goes on in the server when this process is stopped."""
        job = self._calls.call("POST", f"/v1/admin/{kind}", body)
        for name, data in self._calls.events("GET", f"/v1/admin/jobs{_part(job['id'])}/events"):
            if name == "progress":
                progress(data["what"], data["done"], data["total"])
            elif name == "error":
                raise error_named(data["code"], data["message"], data["hint"])
            elif name == "done":
                return data["result"]
        raise StorageError(f"the server stopped during the {kind}", hint="run it again: what was finished is kept")


def _passage(hit: Mapping[str, Any]) -> Passage:
    from index.documents import Passage

    return Passage(**{**hit, "entities": {name: tuple(keys) for name, keys in hit.get("entities", {}).items()}})


def _part(identity: str) -> str:
    """An id as a part of a path."""
    return "/" + percent_encoded(identity)
