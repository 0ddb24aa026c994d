"""Feedback: a word on an answer, and what reviewers make of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from api.encode import plain
from api.http.context import ScopeDep, ServiceDep
from api.http.paging import MOST, AfterQuery, LimitQuery, page
from api.http.wire import AcceptRequest, Decision, Feedback, FeedbackPage, FeedbackRequest

router = APIRouter(prefix="/v1", tags=["feedback"])
StatusQuery = Annotated[str | None, Query(pattern="^(open|accepted|dismissed)$")]


@router.post("/answers/{answer_id}/feedback", status_code=201, response_model=Feedback)
def give(answer_id: str, body: FeedbackRequest, service: ServiceDep, scope: ScopeDep) -> Response:
    """Say whether an answer was right, and what would be; a second word replaces the first while that is open."""
    given = body.model_dump(exclude_none=True)
    return JSONResponse(plain(service.feedback.give(scope, answer_id, given)), status_code=201)


@router.get("/feedback", response_model=FeedbackPage)
def list_feedback(
    service: ServiceDep, scope: ScopeDep, status: StatusQuery = None, limit: LimitQuery = MOST, after: AfterQuery = ""
) -> Response:
    """What the caller gave, or everybody's for those who may audit; newest first."""
    part, more = page(service.feedback.list(scope, status), limit, after, lambda one: one["id"])
    return JSONResponse({"feedback": plain(part), **more})


@router.post("/feedback/{feedback_id}/accept", response_model=Feedback)
def accept(feedback_id: str, service: ServiceDep, scope: ScopeDep, body: AcceptRequest | None = None) -> Response:
    """Make a golden question of it; needs the actions `audit` and `reindex`."""
    return JSONResponse(plain(service.feedback.accept(scope, feedback_id, body.correction if body else None)))


@router.post("/feedback/{feedback_id}/dismiss", response_model=Feedback)
def dismiss(feedback_id: str, service: ServiceDep, scope: ScopeDep, body: Decision | None = None) -> Response:
    """Set it aside; needs the action `audit`."""
    return JSONResponse(plain(service.feedback.dismiss(scope, feedback_id, body.reason if body else "")))
