"""A workspace in this process as `Tower`'s backend: the same mappings that a server gives over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from api.encode import answer_json, plain
from api.service import UPKEEP

if TYPE_CHECKING:
    from api.service import Progress, Service
    from index.scope import Scope


class Local:
    """Works with `service` as whom `who` gives, asked before each call: a policy may change in between."""

    def __init__(self, service: Service, who: Callable[[], Scope]) -> None:
        self._service = service
        self._who = who

    def ask(self, question: str, conversation: str = "") -> dict[str, Any]:
        """The answer in the public shape."""
        return answer_json(self._service.ask(question, self._who(), conversation=conversation))

    def answer(self, answer_id: str) -> dict[str, Any]:
        """An answer given earlier."""
        return answer_json(self._service.answer(answer_id, self._who()))

    def search(self, query: str, k: int) -> list[dict[str, Any]]:
        """The passages."""
        from api.render.answers import hits_json

        return hits_json(self._service.search(query, self._who(), k))

    def sql(self, text: str) -> dict[str, Any]:
        """A result set."""
        from api.render.answers import rows_json

        return rows_json(*self._service.sql(text, self._who()))

    def explain(self, question: str) -> dict[str, Any]:
        """A plan."""
        from api.render.answers import plan_json

        return plan_json(self._service.explain(question, self._who()))

    def drafts(self, status: str | None) -> list[dict[str, Any]]:
        """The approval queue."""
        found: list[dict[str, Any]] = plain(self._service.drafts.list(self._who(), status))
        return found

    def draft(self, draft_id: str) -> dict[str, Any]:
        """One draft."""
        return dict(plain(self._service.drafts.get(self._who(), draft_id)))

    def edit_draft(self, draft_id: str, subject: str | None, body: str | None) -> dict[str, Any]:
        """Change a draft."""
        return dict(plain(self._service.drafts.edit(self._who(), draft_id, subject=subject, body=body)))

    def feedback(self, answer_id: str, given: dict[str, Any]) -> dict[str, Any]:
        """Keep what the asker thinks of an answer."""
        return dict(plain(self._service.feedback.give(self._who(), answer_id, given)))

    def ingest(self, sources: Sequence[str], full: bool, progress: Progress) -> list[dict[str, Any]]:
        """Bring sources up to date; a report each."""
        self._who().require("ingest")
        found: list[dict[str, Any]] = plain(list(self._service.ingest(sources, full, progress)))
        return found

    def status(self) -> dict[str, Any]:
        """The workspace's status."""
        self._who().require(*UPKEEP)
        return dict(plain(self._service.status()))

    def close(self) -> None:
        """Let go of the workspace."""
        self._service.close()
