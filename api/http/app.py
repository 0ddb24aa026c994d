"""The HTTP API: `create_app(service)` gives a FastAPI application over an open workspace.

Routes are plain functions, so that FastAPI runs their blocking work in its thread pool. docs/http.md lists them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from api.access.owner import Owner
from api.encode import answer_json, plain
from api.evaluation.replay import Replay
from api.http import problems
from api.http.boundary import LOOPBACK_NAMES, Boundary, Metrics
from api.http.door import Door
from api.http.streaming import ask_events
from api.http.wire import (
    AskRequest,
    Decision,
    DraftEdit,
    IngestRequest,
    ReindexRequest,
    SearchRequest,
    SearchResponse,
    SqlRequest,
    SqlResponse,
)
from api.questions import checked_conversation, checked_k, checked_question
from api.render.answers import hits_json, plan_json, rows_json
from api.service import UPKEEP
from api.upkeep.jobs import Handler, Job, Jobs
from index.catalogue.scope import without_hidden_values
from index.errors import PolicyError, TowerError, UsageError
from index.scope import Action, Scope
from query.answer import Answer

if TYPE_CHECKING:
    from api.access.browser import Browsers
    from api.access.limits import Limits
    from api.access.signin import SignIn
    from api.service import Service

log = logging.getLogger("tower.http")
MAX_BODY = 256 * 1024  # bytes; a question is at most 4,000 characters, a draft 50,000


def create_app(
    service: Service,
    *,
    hosts: frozenset[str] = LOOPBACK_NAMES,
    max_body: int = MAX_BODY,
    user: str | None = None,
    owner: Owner | None = None,
    sign_in: SignIn | None = None,
    limits: Limits | None = None,
    jobs: Jobs | None = None,
    browsers: Browsers | None = None,
) -> FastAPI:
    """The application over `service`, which stays the caller's to close. `hosts` are the names it answers for.

    A request with a bearer token is asked as whom `sign_in` makes of it; one without as `user`, where None is the
    local administrator in a workspace without users, and nobody in others. `owner` lets the commands of the
    workspace's owner in; see `api.access.owner`. `browsers` holds the sessions of the pages at `/`.
    """
    from importlib.metadata import version

    from api.access.browser import Browsers
    from api.console import routers as console
    from api.http.desk import router as desk
    from api.http.views import router as views
    from api.settings import ConsoleSettings

    metrics = Metrics()
    app = FastAPI(
        title="Tower",
        version=version("tower-rag"),
        description="Answers over a company's records and documents, every claim cited.",
        docs_url=None,  # the stock page loads code from other hosts
        redoc_url=None,
        responses=problems.responses(400, 401, 403, 404, 413, 421, 422, 429, 500, 503),
    )
    app.state.service, app.state.metrics = service, metrics
    app.state.owner, app.state.jobs = owner, jobs if jobs is not None else Jobs(handlers(service))
    browsers = browsers if browsers is not None else Browsers(ConsoleSettings())
    app.state.sign_in, app.state.limits, app.state.browsers = sign_in, limits, browsers
    app.add_middleware(Door, service=service, user=user, sign_in=sign_in, limits=limits, browsers=browsers)
    app.add_middleware(Boundary, max_body=max_body, hosts=hosts, metrics=metrics)
    problems.install(app)
    for router in (questions, drafts, operations, admin, desk, views):
        app.include_router(router)
    for router in console:
        app.include_router(router, include_in_schema=False)
    return app


def open_service(request: Request) -> Service:
    """The workspace that this application serves."""
    service: Service = request.app.state.service
    return service


def caller_scope(request: Request) -> Scope:
    """What the caller may see, as `api.http.door` found it."""
    scope: Scope = request.scope["tower.scope"]
    return scope


ServiceDep = Annotated[Any, Depends(open_service)]
ScopeDep = Annotated[Scope, Depends(caller_scope)]
questions = APIRouter(prefix="/v1", tags=["questions"])
drafts = APIRouter(prefix="/v1/drafts", tags=["drafts"])
operations = APIRouter(tags=["operations"])
admin = APIRouter(prefix="/v1/admin", tags=["operations"])


@questions.post("/ask", response_model=Answer, response_model_exclude_none=True)
def ask(body: AskRequest, request: Request, service: ServiceDep, scope: ScopeDep) -> Response:
    """Answer a question. With `Accept: text/event-stream` the answer's parts come as they are ready."""
    question, conversation = checked_question(body.question), checked_conversation(body.conversation_id)
    if "text/event-stream" in request.headers.get("accept", ""):
        events = ask_events(service, question, scope, conversation)
        return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
    return JSONResponse(answer_json(service.ask(question, scope, conversation=conversation)))


@questions.post("/explain")
def explain(body: AskRequest, service: ServiceDep, scope: ScopeDep) -> Response:
    """The plan that `ask` would run; runs nothing."""
    return JSONResponse(plan_json(service.explain(checked_question(body.question), scope)))


@questions.get("/answers/{answer_id}", response_model=Answer, response_model_exclude_none=True)
def answer(answer_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """An answer given earlier."""
    return JSONResponse(answer_json(service.answer(answer_id, scope)))


@questions.post("/answers/{answer_id}/replay", response_model=Replay, response_model_exclude_none=True)
def replay(answer_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """Ask an answer's question again and tell what changed since; nothing of it is kept."""
    found = service.replay(answer_id, scope)
    return JSONResponse({**plain(found), "answer": answer_json(found.answer)})


@questions.post("/answers/{answer_id}/check")
def check(answer_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """Read every citation of an answer given earlier from its source again: a line for each that does not hold."""
    return JSONResponse({"faults": list(service.check_citations(service.answer(answer_id, scope), scope))})


@questions.get("/churn")
def churn(service: ServiceDep, scope: ScopeDep, account: str | None = None) -> Response:
    """Scores with the contributions that add up to them, highest first; of one entity with `account`."""
    return JSONResponse({"scores": plain(list(service.churn(scope, account)))})


@questions.post("/search", response_model=SearchResponse)
def search(body: SearchRequest, service: ServiceDep, scope: ScopeDep) -> Response:
    """Find passages."""
    query = checked_question(body.query)
    passages = service.search(query, scope, checked_k(body.k))
    return JSONResponse({"query": query, "hits": plain(passages if body.whole else hits_json(passages))})


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
    status: Annotated[str | None, Query(pattern="^(proposed|edited|approved|rejected|exported)$")] = None,
) -> Response:
    """The approval queue, newest first."""
    return JSONResponse({"drafts": plain(service.drafts.list(scope, status))})


@drafts.get("/{draft_id}")
def get_draft(draft_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """One draft."""
    return JSONResponse(plain(service.drafts.get(scope, draft_id)))


@drafts.patch("/{draft_id}")
def edit_draft(draft_id: str, body: DraftEdit, service: ServiceDep, scope: ScopeDep) -> Response:
    """Change a draft; an approval that it had is void."""
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


@admin.post("/ingest", status_code=202)
def ingest(body: IngestRequest, request: Request, service: ServiceDep, scope: ScopeDep) -> Response:
    """Bring sources up to date, as a job; 409 while another runs."""
    _require(scope, "ingest")
    return _begun(_jobs(request).begin("ingest", body.model_dump(), body.sources))


@admin.post("/reindex", status_code=202)
def reindex(body: ReindexRequest, request: Request, service: ServiceDep, scope: ScopeDep) -> Response:
    """Build a new generation beside the live one and switch, or switch back, as a job; 409 while another runs."""
    _require(scope, "reindex")
    return _begun(_jobs(request).begin("reindex", body.model_dump()))


@admin.get("/quarantine")
def quarantine(service: ServiceDep, scope: ScopeDep, source: str = "") -> Response:
    """The records that were not taken, with their reasons."""
    _require(scope, "ingest")
    return JSONResponse({"records": plain(service.quarantine(scope, source))})


@admin.get("/lineage")
def lineage(service: ServiceDep, scope: ScopeDep, table: str, key: str) -> Response:
    """Where a row comes from, and the sync that last changed it."""
    _require(scope, "ingest")
    return JSONResponse(plain(service.lineage(scope, table, key)))


@admin.post("/retrain", status_code=202)
def retrain(request: Request, scope: ScopeDep) -> Response:
    """Train the declared scores anew, as a job; 409 while another runs."""
    _require(scope, "reindex")
    return _begun(_jobs(request).begin("retrain", {}))


@admin.get("/jobs")
def jobs(request: Request, scope: ScopeDep) -> Response:
    """The jobs of this server, the newest first."""
    _require(scope, "ingest")
    return JSONResponse({"jobs": _jobs(request).list()})


@admin.get("/jobs/{job_id}")
def job(job_id: str, request: Request, scope: ScopeDep) -> Response:
    """One job."""
    _require(scope, "ingest")
    return JSONResponse(_jobs(request).get(job_id))


@admin.post("/jobs/{job_id}/cancel", status_code=202)
def cancel_job(job_id: str, request: Request, scope: ScopeDep) -> Response:
    """Ask a job to stop; what it committed is kept."""
    _require(scope, "ingest")
    return JSONResponse(_jobs(request).cancel(job_id), status_code=202)


@admin.get("/jobs/{job_id}/events")
def job_events(job_id: str, request: Request, scope: ScopeDep) -> Response:
    """A job's progress as server-sent events, to its end."""
    _require(scope, "ingest")
    events = _jobs(request).events(job_id)
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@admin.get("/catalogue")
def catalogue(service: ServiceDep, scope: ScopeDep) -> Response:
    """The semantic model in use, whole; with the values that its columns hold as far as the caller sees all of them."""
    _require(scope, "ingest")
    return JSONResponse(plain(without_hidden_values(service.catalogue, scope)))


def handlers(service: Service) -> dict[str, Handler]:
    """What jobs of each kind do with a service."""
    return {
        "ingest": lambda given, told: service.ingest(
            given["sources"],
            given["full"],
            told,
            reconcile=bool(given.get("reconcile")),
            retry=bool(given.get("retry")),
        ),
        "reindex": lambda given, told: (
            service.roll_back(told)
            if given.get("roll_back")
            else service.reindex(given["sources"], given["vectors_only"], given["full"], told)
        ),
        "retrain": lambda _given, told: service.retrain(told),
    }


def _jobs(request: Request) -> Jobs:
    held: Jobs = request.app.state.jobs
    return held


def _begun(job: Job) -> Response:
    return JSONResponse(job.view(), status_code=202, headers={"Location": f"/v1/admin/jobs/{job.id}"})


def _require(scope: Scope, action: Action) -> None:
    if not scope.may(action):
        raise PolicyError(f"{scope.principal.name} may not do this: {action}", hint="ask an administrator")


@operations.get("/healthz")
def healthz(request: Request) -> dict[str, str]:
    """The process runs; `server` names this run of it, where it owns its workspace."""
    owner: Owner | None = request.app.state.owner
    return {"status": "ok"} | ({"server": owner.server} if owner is not None else {})


@operations.get("/readyz")
def readyz(service: ServiceDep, request: Request) -> Response:
    """The workspace can be read."""
    try:
        service.status()
    except TowerError as error:
        log.warning("not ready: %s", error.message)  # anybody may ask, so why is for the log
        identity = str(request.scope.get("request_id", ""))
        return problems.problem(503, error.code, "the workspace cannot be read", request_id=identity)
    return JSONResponse({"status": "ready"})


@operations.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, scope: ScopeDep) -> str:
    """Counters in Prometheus's text format; for those who may see the status."""
    scope.require(*UPKEEP)
    text: str = request.app.state.metrics.text()
    return text
