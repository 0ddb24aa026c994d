"""Drafts: read, edited, checked, decided, handed over."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from api.encode import plain
from api.http.context import KeyDep, RepeatsDep, ScopeDep, ServiceDep
from api.http.paging import MOST, AfterQuery, LimitQuery, page
from api.http.wire import Decision, DraftEdit, DraftPage, ExportRequest, Lint
from index.errors import UsageError
from query.answer import DraftView

router = APIRouter(prefix="/v1/drafts", tags=["drafts"])
StatusQuery = Annotated[str | None, Query(pattern="^(proposed|edited|approved|rejected|exported)$")]


@router.get("", response_model=DraftPage, response_model_exclude_none=True)
def list_drafts(
    service: ServiceDep, scope: ScopeDep, status: StatusQuery = None, limit: LimitQuery = MOST, after: AfterQuery = ""
) -> Response:
    """The approval queue, newest first."""
    part, more = page(service.drafts.outlines(scope, status), limit, after, lambda draft: draft["id"])
    found = service.drafts.list(scope, status, [draft["id"] for draft in part])
    return JSONResponse({"drafts": plain(found), **more})


@router.get("/{draft_id}", response_model=DraftView)
def get_draft(draft_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """One draft."""
    return JSONResponse(plain(service.drafts.get(scope, draft_id)))


@router.patch("/{draft_id}", response_model=DraftView)
def edit_draft(draft_id: str, body: DraftEdit, service: ServiceDep, scope: ScopeDep) -> Response:
    """Change a draft; an approval that it had is void."""
    if body.subject is None and body.body is None:
        raise UsageError("nothing to change", hint="send subject, body or both")
    return JSONResponse(plain(service.drafts.edit(scope, draft_id, subject=body.subject, body=body.body)))


@router.get("/{draft_id}/lint", response_model=Lint)
def lint(draft_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """What keeps a draft from being approved: `{"id", "status", "findings"}`."""
    return JSONResponse(plain(service.drafts.lint(scope, draft_id)))


@router.post("/{draft_id}/approve", response_model=DraftView)
def approve_draft(
    draft_id: str, service: ServiceDep, scope: ScopeDep, repeats: RepeatsDep, key: KeyDep = ""
) -> Response:
    """Approve a draft. Tower sends nothing itself."""

    def make() -> str:
        return str(service.drafts.approve(scope, draft_id)["id"])

    known = repeats.once(scope.principal.name, f"approve {draft_id}", key, {}, make)
    return JSONResponse(plain(service.drafts.get(scope, known)))


@router.post("/{draft_id}/reject", response_model=DraftView)
def reject_draft(
    draft_id: str,
    service: ServiceDep,
    scope: ScopeDep,
    repeats: RepeatsDep,
    body: Decision | None = None,
    key: KeyDep = "",
) -> Response:
    """Reject a draft."""
    reason = body.reason if body else ""

    def make() -> str:
        return str(service.drafts.reject(scope, draft_id, reason)["id"])

    known = repeats.once(scope.principal.name, f"reject {draft_id}", key, {"reason": reason}, make)
    return JSONResponse(plain(service.drafts.get(scope, known)))


@router.post("/{draft_id}/export", response_model=DraftView)
def export(draft_id: str, service: ServiceDep, scope: ScopeDep, body: ExportRequest | None = None) -> Response:
    """Hand an approved draft over: as a message (`eml`, base64), or by the way that the settings open."""
    return JSONResponse(plain(service.drafts.export(scope, draft_id, body.by if body else "eml")))
