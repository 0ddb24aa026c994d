"""Drafts: the queue, one draft with its sources, and what a person does with it."""

from __future__ import annotations

import base64
import re
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from api.console.answering import letter_html, sources
from api.console.asking import fields
from api.console.rendering import PageRoute, page, page_number, scope_of, service_of
from index.errors import NotFoundError, TowerError, UsageError
from query.answer import CitationView

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(route_class=PageRoute)
STATES = ("proposed", "edited", "approved", "exported", "rejected")
PAGE = 50
OPEN = ("proposed", "edited", "approved")
_UNSAFE = re.compile(r"[^A-Za-z0-9]+")


@router.get("/console/drafts")
def queue(request: Request) -> Response:
    """The approval queue, newest first, of one state or all."""
    asked, at = request.query_params.get("status", ""), page_number(request)
    queued, scope = service_of(request).drafts, scope_of(request)
    held = queued.outlines(scope)
    counts = {state: sum(draft["status"] == state for draft in held) for state in STATES}
    shown = [draft["id"] for draft in held if not asked or draft["status"] == asked]
    listed = queued.list(scope, ids=shown[(at - 1) * PAGE : at * PAGE])
    part = [{**draft, "named": parseaddr(str(draft.get("to") or ""))} for draft in listed]
    pages = -(-len(shown) // PAGE)
    return page(request, "drafts.html", drafts=part, counts=counts, total=len(held), asked=asked, at=at, pages=pages)


@router.get("/console/drafts/{draft_id}")
def draft(request: Request, draft_id: str) -> Response:
    """One draft: as its reader gets it, its sources, what keeps it from being approved."""
    return _draft(request, draft_id)


@router.post("/console/drafts/{draft_id}/check")
async def check(request: Request, draft_id: str) -> Response:
    """What the lint says of a text that is not saved, and how it looks."""
    form = await fields(request)

    def checked() -> Response:
        service, scope = service_of(request), scope_of(request)
        found = service.drafts.lint(scope, draft_id, subject=_text(form, "subject"), body=_text(form, "body"))
        held = {**service.drafts.get(scope, draft_id), "body": _text(form, "body") or ""}
        return page(request, "lint.html", findings=found["findings"], letter=letter_html(held["body"], draft_id))

    return await run_in_threadpool(checked)


@router.post("/console/drafts/{draft_id}")
async def decide(request: Request, draft_id: str) -> Response:
    """Save, approve, reject or export, by the button that was pressed."""
    form = await fields(request)
    return await run_in_threadpool(_decided, request, draft_id, form)


def _decided(request: Request, draft_id: str, form: Mapping[str, str]) -> Response:
    drafts, scope, action = service_of(request).drafts, scope_of(request), form.get("action", "")
    try:
        if action in ("save", "approve"):
            _save(request, draft_id, form)
        if action == "approve":
            drafts.approve(scope, draft_id)
        elif action == "reject":
            drafts.reject(scope, draft_id, form.get("reason", "")[:2000])
        elif action == "export":
            return _message(drafts.export(scope, draft_id, "eml"))
        elif action != "save":
            raise UsageError("there is no such button", hint="load the page again")
    except NotFoundError:
        raise
    except TowerError as error:
        return _draft(request, draft_id, error=error, form=form)
    return RedirectResponse(f"/console/drafts/{draft_id}?done={action}", status_code=303)


def _save(request: Request, draft_id: str, form: Mapping[str, str]) -> None:
    """Keep what was changed; an unchanged text is not an edit."""
    drafts, scope = service_of(request).drafts, scope_of(request)
    held = drafts.get(scope, draft_id)
    changed = {n: t for n in ("subject", "body") if (t := _text(form, n)) is not None and t != held[n]}
    if changed:
        drafts.edit(scope, draft_id, **changed)


def _draft(
    request: Request, draft_id: str, *, error: TowerError | None = None, form: Mapping[str, str] | None = None
) -> Response:
    service, scope = service_of(request), scope_of(request)
    held = service.drafts.get(scope, draft_id)
    body = (_text(form or {}, "body") or held["body"]) if error is not None else held["body"]
    subject = (_text(form or {}, "subject") or held["subject"]) if error is not None else held["subject"]
    is_open = held["status"] in OPEN
    findings = service.drafts.lint(scope, draft_id, subject=subject, body=body)["findings"] if is_open else []
    shown: dict[str, Any] = {
        "draft": held, "subject": subject, "body": body, "findings": findings, "letter": letter_html(body, draft_id),
        "sources": sources([CitationView.model_validate(one) for one in held.get("citations") or []],
                           f"/console/drafts/{draft_id}"),
        "editable": is_open and scope.may("drafts"), "problem": error, "done": request.query_params.get("done", ""),
        "mail": bool(held.get("to") or held.get("sender")),
    }  # fmt: skip
    return page(request, "draft.html", error.status if error is not None else 200, **shown)


def _message(exported: Mapping[str, Any]) -> Response:
    """The message as a file to be opened by a mail program."""
    name = _UNSAFE.sub("-", str(exported.get("subject") or "draft")).strip("-").lower()[:60] or "draft"
    headers = {"Content-Disposition": f'attachment; filename="{name}.eml"'}
    return Response(base64.b64decode(exported["eml"]), media_type="message/rfc822", headers=headers)


def _text(form: Mapping[str, str], name: str) -> str | None:
    """A field as it was typed, with the line ends that drafts have."""
    text = form.get(name)
    return text.replace("\r\n", "\n") if text is not None else None
