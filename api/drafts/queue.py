"""The approval queue over the ledger: drafts as mappings with what was decided about them.

proposed → edited → approved or rejected → exported. An approval is bound to the hash of what was approved, and an edit
voids it. The lint stands before the approval and once more before the export.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from index.errors import DraftBlocked, TowerError, UsageError

if TYPE_CHECKING:
    from api.drafts.exporting import Outbox
    from index.ledger import DraftRecord, Ledger
    from index.scope import Scope
    from query.answer import DraftView
    from query.proof.text_check import Finding

_EDITED = "Edited by hand:"
BOUND = ("kind", "entity", "key", "to", "sender", "subject", "body", "language", "citations", "images", "attachments")
"""What an approval is bound to: whom it goes to and everything that it says and shows."""

Lint = Callable[["Scope", "DraftView", str, bool], "Sequence[Finding]"]
"""Scope, draft, the body as it was proposed, whether it is to be exported; to what does not hold."""


class LedgerQueue:
    """Implements `api.service.DraftQueue`."""

    def __init__(self, ledger: Ledger, lint: Lint, outbox: Callable[[], Outbox]) -> None:
        self._ledger = ledger
        self._lint = lint
        self._outbox = outbox

    def list(self, scope: Scope, status: str | None = None, ids: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The drafts that `scope` may see, newest first."""
        return [_body(record) for record in self._ledger.drafts(scope, status=status, ids=ids)]

    def outlines(self, scope: Scope, status: str | None = None) -> Sequence[Mapping[str, str]]:
        """The same drafts without their texts."""
        return [asdict(one) for one in self._ledger.outlines(scope, status=status)]

    def get(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        """One draft; raises `NotFoundError`."""
        return _body(self._ledger.draft(scope, draft_id))

    def lint(
        self, scope: Scope, draft_id: str, *, subject: str | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """What keeps the draft from being approved: `{"id", "status", "findings": [{"code", "message", "where"}]}`.

        With `subject` or `body` it is looked at as it would be with that text, which is not kept.
        """
        record = self._ledger.draft(scope, draft_id)
        held = json.loads(record.body)
        held.setdefault("proposed", {"subject": held["subject"], "body": held["body"]})
        held.update({name: text for name, text in (("subject", subject), ("body", body)) if text is not None})
        found = [vars(f) for f in self._findings(scope, held, to_export=False)]
        return {"id": draft_id, "status": record.status, "findings": found}

    def edit(
        self, scope: Scope, draft_id: str, *, subject: str | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """Change a draft; an approval that it had is void. An empty subject or body is a `UsageError`.

        A figure in the new text that none of the draft's citations holds becomes a notice.
        """
        from query.drafts.localise import english
        from query.proof.prove import unproven_figures

        record = self._ledger.draft(scope, draft_id)
        held = json.loads(record.body)
        held.setdefault("proposed", {"subject": held["subject"], "body": held["body"]})
        held.pop("approved_hash", None)
        for name, text in (("subject", subject), ("body", body)):
            if text is not None and not text.strip():
                raise UsageError(f"the {name} of a draft cannot be empty", hint="reject it instead")
            if text is not None:
                held[name] = text
        text = english(f"{held['subject']}\n{held['body']}", held.get("language") or "en")
        loose = unproven_figures(text, held.get("citations") or [])
        held["notices"] = [notice for notice in held.get("notices") or [] if not notice.startswith(_EDITED)]
        if loose:
            held["notices"].append(f"{_EDITED} {', '.join(loose)} without a source.")
        return _body(self._ledger.edit_draft(scope, draft_id, _json(held), was=record.body))

    def approve(self, scope: Scope, draft_id: str) -> dict[str, Any]:
        """Let it go; nothing is sent from here. `DraftBlocked` where the lint finds something."""
        scope.require("drafts")
        record = self._ledger.draft(scope, draft_id)
        held = json.loads(record.body)
        if record.status in ("proposed", "edited"):
            self._must_hold(scope, draft_id, held, "approved")
        held["approved_hash"] = content_hash(held)
        return _body(self._ledger.decide_draft(scope, draft_id, "approved", body=_json(held), was=record.body))

    def reject(self, scope: Scope, draft_id: str, reason: str = "") -> dict[str, Any]:
        """Turn it down, with a reason."""
        return _body(self._ledger.decide_draft(scope, draft_id, "rejected", reason=reason))

    def export(self, scope: Scope, draft_id: str, by: str = "eml") -> dict[str, Any]:
        """Hand an approved draft over: as an `.eml` file (in `eml`, base64), or sent by `smtp` or `webhook`.

        Checked once more before; `DraftBlocked` where it is not approved as it stands or the lint finds something,
        `UsageError` for a way that the settings do not open. What was sent is not sent again.
        """
        scope.require("drafts")
        outbox = self._outbox()
        send = outbox.sender(by)
        record = self._ledger.draft(scope, draft_id)
        held = json.loads(record.body)
        _must_be_approved(record, held, by)
        self._must_hold(scope, draft_id, held, "exported")
        message = outbox.message(draft_id, held)
        held["exports"] = [*held.get("exports", []), {"by": by, "at": _now(), "who": scope.principal.name}]
        claimed = self._ledger.export_draft(scope, draft_id, _json(held), "exported", was=record.body)
        try:
            send(message, held)
        except TowerError:  # it was not sent: the claim is given back, so that it can be tried again
            self._ledger.export_draft(scope, draft_id, record.body, "approved", was=claimed.body)
            raise
        sent = {"eml": base64.b64encode(message).decode("ascii")} if by == "eml" else {}
        return {**_body(claimed), "by": by, **sent}

    def _must_hold(self, scope: Scope, draft_id: str, held: Mapping[str, Any], done: str) -> None:
        found = self._findings(scope, held, to_export=done == "exported")
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise DraftBlocked(
                f"the draft {draft_id!r} cannot be {done}: {found[0].code}: {found[0].message}{more}",
                hint=f"`tower drafts lint {draft_id}` lists it: edit the draft, or ask again for a fresh one",
            )

    def _findings(self, scope: Scope, held: Mapping[str, Any], *, to_export: bool) -> Sequence[Finding]:
        from query.answer import DraftView

        draft = DraftView.model_validate({name: held[name] for name in DraftView.model_fields if name in held})
        proposed = str((held.get("proposed") or {}).get("body", ""))
        return self._lint(scope, draft, proposed, to_export)


def _must_be_approved(record: DraftRecord, held: Mapping[str, Any], by: str) -> None:
    if record.status not in ("approved", "exported"):
        raise DraftBlocked(
            f"the draft {record.id!r} is {record.status}, not approved",
            hint=f"`tower drafts approve {record.id}` first",
        )
    if held.get("approved_hash") != content_hash(held):
        raise DraftBlocked(
            f"the draft {record.id!r} is not what was approved", hint="it was changed behind the approval: ask again"
        )
    sent = [one for one in held.get("exports", ()) if one["by"] != "eml"]
    if sent and by != "eml":
        raise DraftBlocked(
            f"the draft {record.id!r} was sent by {sent[0]['by']} at {sent[0]['at']}", hint="ask for a new draft"
        )


def content_hash(held: Mapping[str, Any]) -> str:
    """The hash of what an approval is bound to."""
    bound = {name: held.get(name) for name in BOUND}
    return hashlib.sha256(json.dumps(bound, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _json(held: Mapping[str, Any]) -> str:
    return json.dumps(held, ensure_ascii=False)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


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
