"""At risk and Audit: lists to look at."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.console.rendering import PageRoute, page, page_number, scope_of, service_of, shown_sort
from index.errors import NotFoundError

router = APIRouter(route_class=PageRoute)
PAGE = 25
AUDIT_PAGE = 100


@router.get("/console/at-risk")
def at_risk(request: Request) -> Response:
    """Entities by a declared score, with reasons, due date, next steps and draft."""
    asked = request.query_params
    every, score, sort = asked.get("show") == "all", asked.get("score", ""), asked.get("sort", "-score")
    at = page_number(request)
    try:
        found = service_of(request).views.at_risk(
            scope_of(request), score, sort=sort, every=every, skip=(at - 1) * PAGE, limit=PAGE
        )
    except NotFoundError as error:
        return page(request, "risk.html", found=None, problem=error)
    kept = {"score": found["score"], **({"show": "all"} if every else {})}
    heads = {name: shown_sort(asked, name, **kept) for name in ("score", "name", "due")}
    return page(
        request, "risk.html", found=found, heads=heads, every=every, sort=sort, at=at,
        pages=-(-found["total"] // PAGE), problem=None,
    )  # fmt: skip


@router.get("/console/audit")
def audit(request: Request) -> Response:
    """The last records of the audit log, newest first, and whether the log holds together."""
    service, scope = service_of(request), scope_of(request)
    records = service.audit_tail(scope, AUDIT_PAGE)
    verdict = service.audit_verify(scope) if request.query_params.get("check") == "1" else None
    return page(request, "audit.html", records=records[::-1], verdict=verdict)
