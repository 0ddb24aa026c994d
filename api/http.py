"""The HTTP API: `create_app(service)` gives a FastAPI application over an open workspace.

Routes are plain functions, so that FastAPI runs their blocking work in its thread pool. docs/http.md lists them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from api import problems
from api.boundary import LOOPBACK_NAMES, Boundary, Metrics
from api.encode import answer_json, plain
from api.questions import checked_k, checked_question
from api.render import hits_json, plan_json, rows_json
from api.service import UPKEEP
from api.streaming import ask_events
from api.wire import AskRequest, Decision, DraftEdit, SearchRequest, SearchResponse, SqlRequest, SqlResponse
from index.errors import TowerError, UsageError
from index.scope import Scope
from query.answer import Answer

if TYPE_CHECKING:
    from api.service import Service

MAX_BODY = 256 * 1024  # bytes; a question is at most 4,000 characters, a draft 50,000


def create_app(
    service: Service,
    *,
    hosts: frozenset[str] = LOOPBACK_NAMES,
    max_body: int = MAX_BODY,
    user: str | None = None,
) -> FastAPI:
    """The application over `service`, which stays the caller's to close. `hosts` are the names it answers for.

    Every request is asked as `user`; None is the local administrator, in a workspace without users.
    """
    from importlib.metadata import version

    from api.console import router as console

    metrics = Metrics()
    app = FastAPI(
        title="Tower",
        version=version("tower-rag"),
        description="Answers over a company's records and documents, every claim cited.",
        docs_url=None,  # the stock page loads code from other hosts
        redoc_url=None,
        responses=problems.responses(400, 403, 404, 413, 421, 422, 500, 503),
    )
    app.state.service, app.state.metrics, app.state.user = service, metrics, user
    app.add_middleware(Boundary, max_body=max_body, hosts=hosts, metrics=metrics)
    problems.install(app)
    for router in (questions, drafts, operations, console):
        app.include_router(router)
    return app


def open_service(request: Request) -> Service:
    """The workspace that this application serves."""
    service: Service = request.app.state.service
    return service


def caller_scope(request: Request) -> Scope:
    """What the caller may see: as nobody signs in yet, that of the one user that this server was started as."""
    user: str | None = request.app.state.user
    return open_service(request).scope_for(user)


ServiceDep = Annotated[Any, Depends(open_service)]
ScopeDep = Annotated[Scope, Depends(caller_scope)]
questions = APIRouter(prefix="/v1", tags=["questions"])
drafts = APIRouter(prefix="/v1/drafts", tags=["drafts"])
operations = APIRouter(tags=["operations"])


@questions.post("/ask", response_model=Answer, response_model_exclude_none=True)
def ask(body: AskRequest, request: Request, service: ServiceDep, scope: ScopeDep) -> Response:
    """Answer a question. With `Accept: text/event-stream` the answer's parts come as they are ready."""
    question = checked_question(body.question)
    if "text/event-stream" in request.headers.get("accept", ""):
        events = ask_events(service, question, scope)
        return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
    return JSONResponse(answer_json(service.ask(question, scope)))


@questions.post("/explain")
def explain(body: AskRequest, service: ServiceDep, scope: ScopeDep) -> Response:
    """The plan that `ask` would run; runs nothing."""
    return JSONResponse(plan_json(service.explain(checked_question(body.question), scope)))


@questions.get("/answers/{answer_id}", response_model=Answer, response_model_exclude_none=True)
def answer(answer_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """An answer given earlier."""
    return JSONResponse(answer_json(service.answer(answer_id, scope)))


@questions.post("/search", response_model=SearchResponse)
def search(body: SearchRequest, service: ServiceDep, scope: ScopeDep) -> Response:
    """Find passages."""
    query = checked_question(body.query)
    return JSONResponse({"query": query, "hits": plain(hits_json(service.search(query, scope, checked_k(body.k))))})


@questions.post("/sql", response_model=SqlResponse)
def sql(body: SqlRequest, service: ServiceDep, scope: ScopeDep) -> Response:
    """Run a SELECT through the guard and the policy."""
    if not body.sql.strip():
        raise UsageError("the SQL is empty", hint="send one SELECT")
    return JSONResponse(rows_json(*service.sql(body.sql, scope)))


@drafts.get("")
def list_drafts(
    service: ServiceDep,
    scope: ScopeDep,
    status: Annotated[str | None, Query(pattern="^(proposed|approved|rejected)$")] = None,
) -> Response:
    """The approval queue, newest first."""
    return JSONResponse({"drafts": plain(service.drafts.list(scope, status))})


@drafts.get("/{draft_id}")
def get_draft(draft_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """One draft."""
    return JSONResponse(plain(service.drafts.get(scope, draft_id)))


@drafts.patch("/{draft_id}")
def edit_draft(draft_id: str, body: DraftEdit, service: ServiceDep, scope: ScopeDep) -> Response:
    """Change a proposed draft."""
    if body.subject is None and body.body is None:
        raise UsageError("nothing to change", hint="send subject, body or both")
    return JSONResponse(plain(service.drafts.edit(scope, draft_id, subject=body.subject, body=body.body)))


@drafts.post("/{draft_id}/approve")
def approve_draft(draft_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """Approve a draft. Tower sends nothing itself."""
    return JSONResponse(plain(service.drafts.approve(scope, draft_id)))


@drafts.post("/{draft_id}/reject")
def reject_draft(draft_id: str, service: ServiceDep, scope: ScopeDep, body: Decision | None = None) -> Response:
    """Reject a draft."""
    return JSONResponse(plain(service.drafts.reject(scope, draft_id, body.reason if body else "")))


@operations.get("/v1/status")
def status(service: ServiceDep, scope: ScopeDep) -> Response:
    """Sources, freshness, counts, generation, quarantine; for those who may look after them."""
    scope.require(*UPKEEP)
    return JSONResponse(plain(service.status()))


@operations.get("/v1/audit")
def audit(service: ServiceDep, scope: ScopeDep, n: Annotated[int, Query(ge=1, le=1000)] = 20) -> Response:
    """The last records of the audit log, oldest first; needs the action `audit`."""
    return JSONResponse({"records": plain(service.audit_tail(scope, n))})


@operations.get("/v1/audit/verify")
def verify_audit(service: ServiceDep, scope: ScopeDep, head: str = "") -> Response:
    """Check the audit log; `head` is one noted elsewhere, whose record must still be there."""
    return JSONResponse(plain(service.audit_verify(scope, head)))


@operations.get("/healthz")
def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@operations.get("/readyz")
def readyz(service: ServiceDep, request: Request) -> Response:
    """The workspace can be read."""
    try:
        service.status()
    except TowerError as error:
        identity = str(request.scope.get("request_id", ""))
        return problems.problem(503, error.code, error.message, hint=error.hint, request_id=identity)
    return JSONResponse({"status": "ready"})


@operations.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> str:
    """Counters in Prometheus's text format."""
    text: str = request.app.state.metrics.text()
    return text
