"""HTTP routes of the desk where people work with what Tower made: models of scores, checks and exports of drafts."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from api.encode import plain
from api.http import ScopeDep, ServiceDep

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
