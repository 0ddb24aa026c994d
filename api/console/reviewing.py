"""A word on an answer, and the page on which reviewers make golden questions of such words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from api.console.asking import fields
from api.console.rendering import PageRoute, is_part, page, page_number, scope_of, service_of
from api.encode import to_json
from index.errors import TowerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(route_class=PageRoute)
STATES = ("open", "accepted", "dismissed")
PAGE = 25
LONGEST = 2_000  # characters of a comment or a reason
_TYPED = ("contains", "sql", "route")
"""The parts of a correction that the pages have fields for."""


@router.post("/console/answers/{answer_id}/feedback")
async def give(request: Request, answer_id: str) -> Response:
    """Keep a thumb, or the thumb with what would be right; the page goes on from where it was."""
    form = await fields(request)
    return await run_in_threadpool(_given, request, answer_id, form)


@router.get("/console/feedback")
def queue(request: Request) -> Response:
    """What people said of answers, newest first, for those who may audit."""
    return _queue(request)


@router.post("/console/feedback/{feedback_id}")
async def decide(request: Request, feedback_id: str) -> Response:
    """Accept or dismiss, by the button that was pressed."""
    form = await fields(request)
    return await run_in_threadpool(_decided, request, feedback_id, form)


def _given(request: Request, answer_id: str, form: Mapping[str, str]) -> Response:
    verdict, comment = form.get("verdict", ""), form.get("comment", "").strip()[:LONGEST]
    correction = _correction(form)
    word = {"verdict": verdict, "comment": comment, **({"correction": correction} if correction else {})}
    service_of(request).feedback.give(scope_of(request), answer_id, word)
    said = "more" if comment or correction else verdict
    if is_part(request):
        return page(request, "word.html", answer={"id": answer_id}, said=said)
    return RedirectResponse(f"/console/answers/{answer_id}?said={said}#word-{answer_id}", status_code=303)


def _decided(request: Request, feedback_id: str, form: Mapping[str, str]) -> Response:
    feedback, scope, action = service_of(request).feedback, scope_of(request), form.get("action", "")
    try:
        if action == "accept":
            held = next((one for one in feedback.list(scope, "open") if one["id"] == feedback_id), {})
            kept = {n: part for n, part in (held.get("correction") or {}).items() if n not in _TYPED}
            feedback.accept(scope, feedback_id, {**kept, **_correction(form)} or None)
        elif action == "dismiss":
            feedback.dismiss(scope, feedback_id, form.get("reason", "").strip()[:LONGEST])
        else:
            raise UsageError("there is no such button", hint="load the page again")
    except TowerError as error:
        return _queue(request, error=error, typed={feedback_id: form})
    return RedirectResponse(f"/console/feedback?done={action}", status_code=303)


def _queue(
    request: Request, *, error: TowerError | None = None, typed: Mapping[str, Mapping[str, str]] | None = None
) -> Response:
    service, scope = service_of(request), scope_of(request)
    scope.require("audit")
    asked, at = request.query_params.get("status", STATES[0]), page_number(request)
    held = service.feedback.list(scope)
    counts = {state: sum(one["status"] == state for one in held) for state in STATES}
    shown = [one for one in held if one["status"] == asked]
    words = [_shown(one, (typed or {}).get(one["id"])) for one in shown[(at - 1) * PAGE : at * PAGE]]
    return page(
        request, "feedback.html", error.status if error is not None else 200,
        words=words, counts=counts, asked=asked, at=at, pages=-(-len(shown) // PAGE), problem=error,
        done=request.query_params.get("done", ""),
    )  # fmt: skip


def _shown(one: Mapping[str, Any], typed: Mapping[str, str] | None) -> dict[str, Any]:
    """A word with its correction as the fields of the form have it, or as they were typed."""
    correction = one.get("correction") or {}
    stated = {
        "contains": "\n".join(str(text) for text in correction.get("contains", ())),
        "sql": str(correction.get("sql", "")),
        "route": str(correction.get("route", "")),
    }
    others = {name: part for name, part in correction.items() if name not in _TYPED}
    return {
        **one,
        "comment": one.get("comment", ""),
        "question": one.get("question", ""),
        "stated": {**stated, **{name: typed[name] for name in _TYPED if typed and name in typed}},
        "others": to_json(others) if others else "",
    }


def _correction(form: Mapping[str, str]) -> dict[str, Any]:
    """The correction that a form states: texts a line each, a SELECT, a route."""
    texts = [line.strip() for line in form.get("contains", "").splitlines() if line.strip()]
    sql, route = form.get("sql", "").strip(), form.get("route", "")
    return {**({"contains": texts} if texts else {}), **({"sql": sql} if sql else {}),
            **({"route": route} if route else {})}  # fmt: skip
