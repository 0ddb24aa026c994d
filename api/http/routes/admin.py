"""Upkeep: syncs, reindexes and training as jobs; quarantine, lineage, the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response, StreamingResponse

from api.encode import plain
from api.http.context import JobsDep, KeyDep, RepeatsDep, ScopeDep, ServiceDep, require
from api.http.idempotency import Repeats
from api.http.paging import MOST, AfterQuery, LimitQuery, page
from api.http.streaming import job_events, streamed
from api.http.wire import ForgetRequest, IngestRequest, JobPage, JobView, QuarantinePage, ReindexRequest
from api.upkeep.jobs import Jobs
from index.catalogue.scope import without_hidden_values
from index.scope import Scope

if TYPE_CHECKING:
    from api.service import Service

router = APIRouter(prefix="/v1/admin", tags=["admin"])


@router.post("/ingest", status_code=202, response_model=JobView)
def ingest(
    body: IngestRequest, service: ServiceDep, jobs: JobsDep, scope: ScopeDep, repeats: RepeatsDep, key: KeyDep = ""
) -> Response:
    """Bring sources up to date, as a job; 409 while another runs."""
    require(scope, "ingest")
    return _begun(service, jobs, repeats, scope, key, "ingest", body.model_dump(), body.sources)


@router.post("/reindex", status_code=202, response_model=JobView)
def reindex(
    body: ReindexRequest, service: ServiceDep, jobs: JobsDep, scope: ScopeDep, repeats: RepeatsDep, key: KeyDep = ""
) -> Response:
    """Build a new generation beside the live one and switch, or switch back, as a job; 409 while another runs."""
    require(scope, "reindex")
    return _begun(service, jobs, repeats, scope, key, "reindex", body.model_dump())


@router.post("/retrain", status_code=202, response_model=JobView)
def retrain(service: ServiceDep, jobs: JobsDep, scope: ScopeDep, repeats: RepeatsDep, key: KeyDep = "") -> Response:
    """Train the declared scores anew, as a job; 409 while another runs."""
    require(scope, "reindex")
    return _begun(service, jobs, repeats, scope, key, "retrain", {})


@router.get("/quarantine", response_model=QuarantinePage, response_model_exclude_none=True)
def quarantine(
    service: ServiceDep, scope: ScopeDep, source: str = "", limit: LimitQuery = MOST, after: AfterQuery = ""
) -> Response:
    """The records that were not taken, with their reasons."""
    require(scope, "ingest")
    records = list(enumerate(service.quarantine(scope, source), 1))
    part, more = page(records, limit, after, lambda numbered: str(numbered[0]))
    return JSONResponse({"records": plain([record for _, record in part]), **more})


@router.get("/lineage")
def lineage(service: ServiceDep, scope: ScopeDep, table: str, key: str) -> Response:
    """Where a row comes from, and the sync that last changed it."""
    require(scope, "ingest")
    return JSONResponse(plain(service.lineage(scope, table, key)))


@router.post("/forget")
def forget(body: ForgetRequest, service: ServiceDep, scope: ScopeDep) -> Response:
    """Take a customer out of every store, and prove it; a receipt. Not a job: jobs keep what they are given."""
    require(scope, "forget")
    return JSONResponse(plain(service.forget(scope, body.entity, body.mode, lambda *_told: None)))


@router.get("/jobs", response_model=JobPage, response_model_exclude_none=True)
def list_jobs(jobs: JobsDep, scope: ScopeDep, limit: LimitQuery = MOST, after: AfterQuery = "") -> Response:
    """The jobs of this server, the newest first."""
    require(scope, "ingest")
    part, more = page(jobs.list(), limit, after, lambda job: job["id"])
    return JSONResponse({"jobs": part, **more})


@router.get("/jobs/{job_id}", response_model=JobView)
def job(job_id: str, jobs: JobsDep, scope: ScopeDep) -> Response:
    """One job."""
    require(scope, "ingest")
    return JSONResponse(jobs.get(job_id))


@router.post("/jobs/{job_id}/cancel", status_code=202, response_model=JobView)
def cancel_job(job_id: str, service: ServiceDep, jobs: JobsDep, scope: ScopeDep) -> Response:
    """Ask a job to stop; what it committed is kept."""
    require(scope, "ingest")
    with service.change("jobs.cancel", scope, job=job_id[:64]):
        job = jobs.cancel(job_id)
    return JSONResponse(job, status_code=202)


@router.get(
    "/jobs/{job_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
def follow_job(job_id: str, jobs: JobsDep, scope: ScopeDep) -> Response:
    """A job's progress as server-sent events, to its end."""
    require(scope, "ingest")
    jobs.news(job_id, 0)  # a job that is not known is a problem document, not a stream
    return streamed(job_events(jobs, job_id))


@router.get("/catalogue")
def catalogue(service: ServiceDep, scope: ScopeDep) -> Response:
    """The semantic model in use, whole; with the values that its columns hold as far as the caller sees all of them."""
    require(scope, "ingest")
    return JSONResponse(plain(without_hidden_values(service.catalogue, scope)))


def _begun(
    service: Service,
    jobs: Jobs,
    repeats: Repeats,
    scope: Scope,
    key: str,
    kind: str,
    arguments: Mapping[str, Any],
    sources: Sequence[str] = (),
) -> Response:
    make: Callable[[], str] = lambda: jobs.begin(kind, arguments, sources).id  # noqa: E731
    with service.change("jobs.begin", scope, kind=kind, sources=list(sources)) as found:
        known = repeats.once(scope.principal.name, kind, key, arguments, make)
        found["job"] = known
    return JSONResponse(jobs.get(known), status_code=202, headers={"Location": f"/v1/admin/jobs/{known}"})
