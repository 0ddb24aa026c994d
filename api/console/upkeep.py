"""Sources and jobs: how fresh everything is, what is being done about it, what could not be taken."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from api.console.asking import fields
from api.console.rendering import PageRoute, page, scope_of, service_of
from api.service import UPKEEP
from index.errors import PolicyError, TowerError, UsageError

if TYPE_CHECKING:
    from api.upkeep.jobs import Jobs

router = APIRouter(route_class=PageRoute)
SHOWN = 50  # records of the quarantine
SHOWN_JOBS = 12
_KINDS = {"ingest": "ingest", "reindex": "reindex", "retrain": "reindex"}
"""The action that each kind of job needs."""


@router.get("/console/sources")
def sources(request: Request) -> Response:
    """Sources with their freshness, jobs with their progress, the quarantine."""
    return _sources(request)


@router.post("/console/jobs")
async def begin(request: Request) -> Response:
    """Begin a job, or ask one to stop."""
    form = await fields(request)
    return await run_in_threadpool(_begun, request, form)


def _begun(request: Request, form: Mapping[str, str]) -> Response:
    kind, scope, jobs = form.get("kind", ""), scope_of(request), _jobs(request)
    try:
        if form.get("cancel"):
            scope.require("ingest")
            with service_of(request).change("jobs.cancel", scope, job=form["cancel"][:64]):
                jobs.cancel(form["cancel"])
        elif kind in _KINDS:
            scope.require("reindex" if _KINDS[kind] == "reindex" else "ingest")
            only = [form["source"]] if form.get("source") else []
            with service_of(request).change("jobs.begin", scope, kind=kind, sources=only) as found:
                found["job"] = jobs.begin(kind, _arguments(kind, only, form), only).id
        else:
            raise UsageError("there is no such button", hint="load the page again")
    except PolicyError:
        raise
    except TowerError as error:
        return _sources(request, error)
    return RedirectResponse("/console/sources#jobs", status_code=303)


def _arguments(kind: str, only: Sequence[str], form: Mapping[str, str]) -> dict[str, Any]:
    if kind == "retrain":
        return {}
    given: dict[str, Any] = {
        "sources": list(only), "full": False, "reconcile": False, "retry": form.get("retry") == "1",
    }  # fmt: skip
    if kind == "reindex":
        given |= {"vectors_only": True, "roll_back": form.get("roll_back") == "1"}
    return given


def _sources(request: Request, error: TowerError | None = None) -> Response:
    service, scope = service_of(request), scope_of(request)
    scope.require(*UPKEEP)
    status = service.status()
    late = {one["source"]: one for one in status.get("late", ())}
    held = [{**one, "late": late.get(one["source"])} for one in status.get("sources", ())]
    jobs = _jobs(request).list()[:SHOWN_JOBS] if scope.may("ingest") else []
    refused = service.quarantine(scope, "")[:SHOWN] if scope.may("ingest") else []
    return page(
        request, "sources.html", error.status if error is not None else 200,
        status=status, sources=held, jobs=[_told(job) for job in jobs], problem=error,
        quarantine=[{**one, "record": _record(one)} for one in refused],
        quarantined=sum(int(one.get("quarantined") or 0) for one in held),
    )  # fmt: skip


def _told(job: Mapping[str, Any]) -> dict[str, Any]:
    """A job with what came of it in a few words."""
    result, told = job.get("result"), []
    if isinstance(result, Mapping):
        told += [f"generation {result['generation']}"] if result.get("generation") else []
        told += [f"{result['total']:,} passages, {result['embedded']:,} embedded"] if "embedded" in result else []
        golden = result.get("golden")
        if isinstance(golden, Mapping):
            told.append(str(golden.get("summary") or ""))
            return {**job, "told": " · ".join(told), "wrong": golden.get("wrong") or ()}
    elif isinstance(result, list):
        reports = [one for one in result if isinstance(one, Mapping)]
        for name in ("loaded", "deleted", "quarantined"):
            count = sum(int(one.get(name) or _total(one, name)) for one in reports)
            told += [f"{count:,} {name}"] if reports else []
        told += [str(one) for one in result if isinstance(one, str)]
    return {**job, "told": " · ".join(told)}


def _total(report: Mapping[str, Any], name: str) -> int:
    totals = report.get("totals")
    return int(totals.get(name) or 0) if isinstance(totals, Mapping) else 0


def _record(one: Mapping[str, Any]) -> str:
    """A quarantined record, a field a line where it is a JSON object."""
    text = str(one.get("record") or "")
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return "\n".join(f"{k}: {v}" for k, v in found.items() if v is not None) if isinstance(found, dict) else text


def _jobs(request: Request) -> Jobs:
    held: Jobs = request.app.state.jobs
    return held
