"""The approval queue over the ledger: drafts as mappings with what was decided about them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from index.errors import UsageError

if TYPE_CHECKING:
    from index.ledger import DraftRecord, Ledger
    from index.scope import Scope

_EDITED = "Edited by hand:"


class LedgerQueue:
    """Implements `api.service.DraftQueue`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def list(self, scope: Scope, status: str | None = None) -> list[dict[str, Any]]:
        """The drafts that `scope` may see, newest first."""
        return [_body(record) for record in self._ledger.drafts(scope, status=status)]

    def get(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        """One draft; raises `NotFoundError`."""
        return _body(self._ledger.draft(scope, draft_id))

    def edit(
        self, scope: Scope, draft_id: str, *, subject: str | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """Change a proposed draft; an empty subject or body is a `UsageError`.

        A figure in the new text that none of the draft's citations holds becomes a notice.
        """
        from query.prove import unproven_figures

        held = json.loads(self._ledger.draft(scope, draft_id).body)
        for name, text in (("subject", subject), ("body", body)):
            if text is not None and not text.strip():
                raise UsageError(f"the {name} of a draft cannot be empty", hint="reject it instead")
            if text is not None:
                held[name] = text
        loose = unproven_figures(f"{held['subject']}\n{held['body']}", held.get("citations") or [])
        held["notices"] = [notice for notice in held.get("notices") or [] if not notice.startswith(_EDITED)]
        if loose:
            held["notices"].append(f"{_EDITED} {', '.join(loose)} without a source.")
        return _body(self._ledger.edit_draft(scope, draft_id, json.dumps(held, ensure_ascii=False)))

    def approve(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        """Let it go; nothing is sent from here: the approved draft is exported by whoever sends it."""
        return _body(self._ledger.decide_draft(scope, draft_id, "approved"))

    def reject(self, scope: Scope, draft_id: str, reason: str = "") -> dict[str, Any]:
        """Turn it down, with a reason."""
        return _body(self._ledger.decide_draft(scope, draft_id, "rejected", reason=reason))


def _body(record: DraftRecord) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(record.body)
    return {
        **held,
        "status": record.status,
        "answer_id": record.answer_id,
        "created_at": record.created_at,
        "decided_at": record.decided_at,
        "decided_by": record.decided_by,
        "reason": record.reason,
    }
