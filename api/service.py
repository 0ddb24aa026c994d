"""What the surfaces (command line, HTTP, notebook) need of a workspace. `api.wiring` builds the real one.

Every read takes a Scope; `scope_for` is where one comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from index.scope import Action, Scope

if TYPE_CHECKING:
    from api.access.caller import Caller
    from api.evaluation.replay import Replay
    from api.settings import Settings
    from api.upkeep.forgetting import Mode
    from index.catalogue.model import Catalogue
    from index.documents import Passage
    from index.embedding.asked import Asked
    from index.errors import PolicyError
    from index.guard.guard import GuardedQuery
    from index.sql import Rows
    from query.answer import Answer
    from query.evidence import EntityScore
    from query.plan import Plan

UPKEEP: tuple[Action, ...] = ("audit", "ingest", "reindex")
"""Who may do any of these may see the status: it counts what everybody's sources hold."""

OnEvent = Callable[[str, Mapping[str, Any]], None]
"""Called while an answer is made, with the name of the event (route, plan, rows, passages, ...) and its data."""

Progress = Callable[[str, int, int | None], None]
"""Called while something long runs: what is being done, how much is done, out of how much (None: not known)."""


class DraftQueue(Protocol):
    """The approval queue. A draft is a mapping with the fields of `query.answer.DraftView` and what was decided."""

    def list(self, scope: Scope, status: str | None = None, ids: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The drafts that `scope` may see, newest first; `status` is proposed, edited, approved, rejected, exported.
        With `ids` those of them."""
        ...

    def outlines(self, scope: Scope, status: str | None = None) -> Sequence[Mapping[str, str]]:
        """`id`, `status`, `entity` and `key` of the same drafts: to count them, and to choose those to list."""
        ...

    def get(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        """One draft; raises `NotFoundError`."""
        ...

    def edit(
        self, scope: Scope, draft_id: str, *, subject: str | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """Change a draft, which voids its approval; raises `UsageError` for one that was rejected or exported."""
        ...

    def lint(
        self, scope: Scope, draft_id: str, *, subject: str | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """What keeps it from being approved: `{"id", "status", "findings": [{"code", "message", "where"}]}`; with
        `subject` or `body` as it would be with that text, which is not kept."""
        ...

    def approve(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        """Let it go; `DraftBlocked` where the lint finds something, `UsageError` where it was decided already."""
        ...

    def export(self, scope: Scope, draft_id: str, by: str = "eml") -> dict[str, Any]:
        """Hand an approved one over, by `eml` (base64 in `eml`), `smtp` or `webhook`; `DraftBlocked` for another."""
        ...

    def reject(self, scope: Scope, draft_id: str, reason: str = "") -> dict[str, Any]:
        """Turn it down, with a reason."""
        ...


class ScoreModels(Protocol):
    """The trained models behind the scores. A card is a mapping: docs/scores.md lists its fields."""

    def versions(self, scope: Scope) -> list[dict[str, Any]]:
        """Every version of the scores that `scope` sees, newest first: score, version, created_at, live, auc."""
        ...

    def card(self, scope: Scope, version: str | None = None) -> dict[str, Any]:
        """The model card of a version; of the live one without. Raises `NotFoundError`."""
        ...

    def train(self, scope: Scope, progress: Progress) -> list[dict[str, Any]]:
        """Train every declared score anew, keeping the versions before; a card each."""
        ...


class Views(Protocol):
    """What pages show beside answers: JSON-compatible values, docs/http.md lists their fields."""

    def examples(self, scope: Scope) -> list[str]:
        """Questions that this workspace can answer for `scope`."""
        ...

    def citation(self, scope: Scope, number: int, *, answer: str = "", draft: str = "") -> dict[str, Any]:
        """What citation `number` of an answer or a draft leads to, read now; raises `NotFoundError`."""
        ...

    def at_risk(
        self,
        scope: Scope,
        score: str = "",
        *,
        sort: str = "-score",
        every: bool = False,
        skip: int = 0,
        limit: int = 25,
    ) -> dict[str, Any]:
        """Entities by a declared score (the first one without a name), with reasons, due date, next steps and draft.

        `sort` is score, name or due, with a minus for descending; `every` lists those below the threshold, too.
        """
        ...


class FeedbackBook(Protocol):
    """What people thought of answers. A mapping has the fields of `index.feedback.FeedbackRecord` and the `question`.

    A correction says what would be right: the keys of `api.evaluation.feedback.CORRECTIONS`.
    """

    def give(self, scope: Scope, answer_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the asker's word on an answer of theirs: `{"verdict": up or down, "comment"?, "correction"?}`."""
        ...

    def list(self, scope: Scope, status: str | None = None) -> list[dict[str, Any]]:
        """What `scope` gave, or all for those who may audit, newest first; `status` is open, accepted, dismissed."""
        ...

    def accept(self, scope: Scope, feedback_id: str, correction: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make a golden question of it, in `golden`; for those who may audit and reindex. `UsageError` where nothing
        says what would be right."""
        ...

    def dismiss(self, scope: Scope, feedback_id: str, reason: str = "") -> dict[str, Any]:
        """Set it aside; for those who may audit."""
        ...


class Unaudited(Protocol):
    """A workspace's doors, before `api.audit.Audited` stands around them.

    Methods raise `index.errors.TowerError` and nothing else that a user can cause.
    """

    @property
    def catalogue(self) -> Catalogue:
        """The semantic model in use."""
        ...

    @property
    def drafts(self) -> DraftQueue:
        """The approval queue."""
        ...

    @property
    def models(self) -> ScoreModels:
        """The trained models behind the scores."""
        ...

    @property
    def views(self) -> Views:
        """What pages show beside answers."""
        ...

    @property
    def feedback(self) -> FeedbackBook:
        """What people thought of answers."""
        ...

    def scope_for(self, user: str | Caller | None) -> Scope:
        """What `user` may see and do: a name, or who signed in; None is the local administrator, where the workspace
        declares no users.

        Raises `PolicyError` for nobody where users are declared, and for a user that is not."""
        ...

    def ask(self, question: str, scope: Scope, *, conversation: str = "", on_event: OnEvent | None = None) -> Answer:
        """Answer within `scope`, every claim cited; the answer is kept and can be read again by its id.

        A follow-up names its `conversation`: the `conversation_id` of the answer before it, or any name.
        """
        ...

    def explain(self, question: str, scope: Scope) -> Plan:
        """The plan that `ask` would run; answers nothing."""
        ...

    def search(self, query: str, scope: Scope, k: int, *, repeats: bool = False) -> tuple[Passage, ...]:
        """The best `k` passages; with `repeats` also what says again what a better one says."""
        ...

    def prepare(self, asked: Sequence[Asked]) -> None:
        """Make ready what several searches that are about to come have in common. Nothing comes of it but time."""
        ...

    def sql(self, text: str, scope: Scope) -> tuple[GuardedQuery, Rows]:
        """A user's own SELECT, through the guard."""
        ...

    def answer(self, answer_id: str, scope: Scope) -> Answer:
        """An answer given earlier; raises `NotFoundError`."""
        ...

    def replay(self, answer_id: str, scope: Scope) -> Replay:
        """Ask the question of a kept answer again and tell what changed; nothing of it is kept."""
        ...

    def check_citations(self, answer: Answer, scope: Scope) -> Sequence[str]:
        """Read every citation of the answer and its drafts from its source again: a line for each that does not hold.

        Cells and aggregates are re-run, passages compared with the document's text, scores computed again.
        """
        ...

    def churn(self, scope: Scope, key: str | None = None) -> Sequence[EntityScore]:
        """Scores, highest first; of one entity with `key`."""
        ...

    def ingest(
        self, only: Sequence[str], full: bool, progress: Progress, *, reconcile: bool = False, retry: bool = False
    ) -> Sequence[Any]:
        """Bring sources up to date; one report a source."""
        ...

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
        """Build a new generation beside the live one, try it, switch; a report. `apart` builds it in a process of its
        own, so that questions are answered meanwhile; without `golden` no golden questions are asked; `dry_run` says
        what it would cost."""
        ...

    def quarantine(self, scope: Scope, source: str) -> list[dict[str, Any]]:
        """The records in quarantine, of one source where it is named; for those who may ingest."""
        ...

    def lineage(self, scope: Scope, table: str, key: str) -> dict[str, Any]:
        """Where a row comes from, and the sync that last changed it; for those who may ingest."""
        ...

    def forget(self, scope: Scope, entity: str, mode: Mode, progress: Progress) -> dict[str, Any]:
        """Take a customer out of every store and give the receipt; or only `look`, or `undo` the keeping out. For those
        with the action `forget`. `entity` is a key, or `entity:key`."""
        ...

    def retrain(self, progress: Progress) -> Any:
        """Train the declared scores anew; a line for each."""
        ...

    def roll_back(self, progress: Progress) -> Any:
        """Switch back to the generation before the live one, brought up to date; a report."""
        ...

    def status(self) -> dict[str, Any]:
        """Sources, freshness, counts, generation, quarantine: JSON-compatible."""
        ...

    def health(self) -> dict[str, str]:
        """What is wrong with `records` and `passages`, the parts that questions need; empty where they are well."""
        ...

    def close(self) -> None:
        """Let go of the workspace; idempotent."""
        ...


class Service(Unaudited, Protocol):
    """An open workspace that records what is done in it before a result leaves."""

    def sign_in_failed(self, code: str, source: str) -> None:
        """Record that somebody at `source` (an address) could not sign in, with the error's `code`."""
        ...

    def signed_in(self, caller: Caller, source: str, *, out: bool = False) -> None:
        """Record that `caller` signed in at `source`, or with `out` signed out."""
        ...

    def refused(self, scope: Scope | None, route: str, error: PolicyError) -> None:
        """Record that policy refused a request at a route, where nothing has yet."""
        ...

    def change(self, operation: str, scope: Scope, **details: Any) -> AbstractContextManager[dict[str, Any]]:
        """Record an operation of upkeep that somebody asks a server for, before it begins and as it went."""
        ...

    def audit_tail(self, scope: Scope, count: int) -> list[dict[str, Any]]:
        """The last `count` records of the audit log, oldest first; raises `PolicyError` without the action `audit`."""
        ...

    def audit_verify(self, scope: Scope, anchor: str = "") -> dict[str, Any]:
        """What checking the log found (`intact`, `records`, `broken`, `reason`, `head`); `PolicyError` as above."""
        ...


class Opener(Protocol):
    """Opens a workspace; `api.wiring.open_workspace` is the real one."""

    def __call__(self, home: Path, settings: Settings, *, sql_url: str | None = None) -> Service:
        """Open `home`; `sql_url` asks that database in place of the workspace's own."""
        ...
