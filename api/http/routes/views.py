"""HTTP routes of what pages show beside answers: example questions, what a citation leads to, entities by a score."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from api.encode import plain
from api.http.context import ScopeDep, ServiceDep
from api.http.wire import AtRisk, DraftEdit, Examples, Lint, Place

router = APIRouter(prefix="/v1", tags=["views"])


@router.get("/examples", response_model=Examples)
def examples(service: ServiceDep, scope: ScopeDep) -> Response:
    """Questions that this workspace can answer for the caller."""
    return JSONResponse({"questions": service.views.examples(scope)})


@router.get("/answers/{answer_id}/citations/{number}", response_model=Place)
def answer_citation(answer_id: str, number: int, service: ServiceDep, scope: ScopeDep) -> Response:
    """What a citation of an answer leads to, read now."""
    return JSONResponse(plain(service.views.citation(scope, number, answer=answer_id)))


@router.get("/drafts/{draft_id}/citations/{number}", response_model=Place)
def draft_citation(draft_id: str, number: int, service: ServiceDep, scope: ScopeDep) -> Response:
    """What a citation of a draft leads to, read now."""
    return JSONResponse(plain(service.views.citation(scope, number, draft=draft_id)))


@router.post("/drafts/{draft_id}/lint", response_model=Lint)
def lint_text(draft_id: str, body: DraftEdit, service: ServiceDep, scope: ScopeDep) -> Response:
    """What would keep a draft from being approved if it said this; nothing is changed."""
    return JSONResponse(plain(service.drafts.lint(scope, draft_id, subject=body.subject, body=body.body)))


@router.get("/at-risk", response_model=AtRisk)
def at_risk(
    service: ServiceDep,
    scope: ScopeDep,
    score: str = "",
    sort: Annotated[str, Query(pattern="^-?(score|name|due)$")] = "-score",
    every: bool = False,
    skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 25,
) -> Response:
    """Entities by a declared score, with reasons, due date, next steps and draft."""
    return JSONResponse(plain(service.views.at_risk(scope, score, sort=sort, every=every, skip=skip, limit=limit)))
