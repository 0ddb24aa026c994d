"""HTTP routes of the desk where people work with what Tower made: models of scores, checks and exports of drafts."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from api.encode import plain
from api.http.app import ScopeDep, ServiceDep
from api.http.wire import ExportRequest

router = APIRouter(prefix="/v1", tags=["desk"])


@router.get("/churn/versions")
def versions(service: ServiceDep, scope: ScopeDep) -> Response:
    """Every version of the scores, newest first: score, version, created_at, live, auc."""
    return JSONResponse({"versions": plain(service.models.versions(scope))})


@router.get("/churn/card")
def card(service: ServiceDep, scope: ScopeDep, version: str | None = None) -> Response:
    """The model card of a version: data, features, AUC, Brier score, reliability, limits; of the live one without."""
    return JSONResponse(plain(service.models.card(scope, version)))


@router.post("/admin/train")
def train(service: ServiceDep, scope: ScopeDep) -> Response:
    """Train every declared score anew; the versions before are kept. Needs the action `ingest`."""
    return JSONResponse({"scores": plain(service.models.train(scope, lambda *_: None))})


@router.get("/drafts/{draft_id}/lint")
def lint(draft_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """What keeps a draft from being approved: `{"id", "status", "findings"}`."""
    return JSONResponse(plain(service.drafts.lint(scope, draft_id)))


@router.post("/drafts/{draft_id}/export")
def export(draft_id: str, service: ServiceDep, scope: ScopeDep, body: ExportRequest | None = None) -> Response:
    """Hand an approved draft over: as a message (`eml`, base64), or by the way that the settings open."""
    return JSONResponse(plain(service.drafts.export(scope, draft_id, body.by if body else "eml")))
