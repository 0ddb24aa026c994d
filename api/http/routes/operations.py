"""Is it well: status, audit, health, readiness, counters."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from api.access.owner import Owner
from api.encode import plain
from api.http import problems
from api.http.context import JobsDep, ScopeDep, ServiceDep
from api.http.wire import AuditPage, Readiness
from api.service import UPKEEP

log = logging.getLogger("tower.http")
router = APIRouter(tags=["operations"])


@router.get("/v1/status")
def status(service: ServiceDep, scope: ScopeDep) -> Response:
    """Sources, freshness, counts, generation, quarantine; for those who may look after them."""
    scope.require(*UPKEEP)
    return JSONResponse(plain(service.status()))


@router.get("/v1/audit", response_model=AuditPage)
def audit(service: ServiceDep, scope: ScopeDep, n: Annotated[int, Query(ge=1, le=1000)] = 20) -> Response:
    """The last records of the audit log, oldest first; needs the action `audit`."""
    return JSONResponse({"records": plain(service.audit_tail(scope, n))})


@router.get("/v1/audit/verify")
def verify_audit(service: ServiceDep, scope: ScopeDep, head: str = "") -> Response:
    """Check the audit log; `head` is one noted elsewhere, whose record must still be there."""
    return JSONResponse(plain(service.audit_verify(scope, head)))


@router.get("/healthz")
def healthz(request: Request) -> dict[str, str]:
    """The process runs; `server` names this run of it, where it owns its workspace."""
    owner: Owner | None = request.app.state.owner
    return {"status": "ok"} | ({"server": owner.server} if owner is not None else {})


@router.get("/readyz", response_model=Readiness)
def readyz(service: ServiceDep, request: Request) -> Response:
    """Whether questions can be answered, part by part: 503 where the records cannot be read; `degraded` where passages
    cannot be searched, and questions about records still are answered."""
    parts: dict[str, Any] = {}
    for part, failure in service.health().items():
        parts[part] = "failed" if failure else "ok"
        if failure:  # anybody may ask, so why is for the log
            log.warning("%s: not well: %s", part, failure)
    if parts.get("records") != "ok":
        identity = str(request.scope.get("request_id", ""))
        return problems.problem(503, "storage_failed", "the workspace cannot be read", request_id=identity)
    degraded = any(state != "ok" for state in parts.values())
    return JSONResponse({"status": "degraded" if degraded else "ready", "parts": parts})


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, scope: ScopeDep, jobs: JobsDep) -> str:
    """Counts and durations in Prometheus's text format; for those who may see the status."""
    scope.require(*UPKEEP)
    text: str = request.app.state.metrics.text(jobs.list())
    return text
