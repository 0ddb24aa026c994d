"""Scores of entities, and the models that give them."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from api.encode import plain
from api.http.context import ScopeDep, ServiceDep
from api.http.wire import Scores, Versions

router = APIRouter(prefix="/v1", tags=["scores"])


@router.get("/churn", response_model=Scores)
def churn(service: ServiceDep, scope: ScopeDep, account: str | None = None) -> Response:
    """Scores with the contributions that add up to them, highest first; of one entity with `account`."""
    return JSONResponse({"scores": plain(list(service.churn(scope, account)))})


@router.get("/churn/versions", response_model=Versions)
def versions(service: ServiceDep, scope: ScopeDep) -> Response:
    """Every version of the scores, newest first: score, version, created_at, live, auc."""
    return JSONResponse({"versions": plain(service.models.versions(scope))})


@router.get("/churn/card")
def card(service: ServiceDep, scope: ScopeDep, version: str | None = None) -> Response:
    """The model card of a version: data, features, AUC, Brier score, reliability, limits; of the live one without."""
    return JSONResponse(plain(service.models.card(scope, version)))


@router.post("/admin/train", response_model=Scores)
def train(service: ServiceDep, scope: ScopeDep) -> Response:
    """Train every declared score anew; the versions before are kept. Needs the action `ingest`."""
    return JSONResponse({"scores": plain(service.models.train(scope, lambda *_: None))})
