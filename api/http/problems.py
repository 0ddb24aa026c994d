"""Failures as RFC 9457 problem documents: one shape, one stable `code` each."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.http.wire import Problem
from index.errors import LimitError, PolicyError, TowerError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Scope

MEDIA_TYPE = "application/problem+json"
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "bad_media_type"}


def problem(status: int, code: str, detail: str, *, hint: str = "", request_id: str = "") -> JSONResponse:
    """A problem document as a response."""
    body = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, code=code, hint=hint, request_id=request_id
    )
    return JSONResponse(body.model_dump(), status_code=status, media_type=MEDIA_TYPE)


def of_error(error: TowerError, request_id: str = "") -> JSONResponse:
    """The problem document of a failure that Tower foresaw."""
    reply = problem(error.status, error.code, error.message, hint=error.hint, request_id=request_id)
    if isinstance(error, LimitError):
        reply.headers["Retry-After"] = str(error.retry_after)
    return reply


async def recorded(request: Request, error: TowerError) -> TowerError:
    """`error`, once a refusal by policy is in the audit log; the failure to record it, where that fails."""
    if isinstance(error, PolicyError) and not error.recorded:
        route = f"{request.method} {getattr(request.scope.get('route'), 'path', '')}"
        try:
            scope = request.scope.get("tower.scope")
            await run_in_threadpool(request.app.state.service.refused, scope, route, error)
        except TowerError as unwritten:
            return unwritten
    return error


def told(scope: Scope, status: int, code: str, detail: str, *, hint: str = "") -> Response:
    """A failure that no route told of: a page where a page was asked for, else a problem document."""
    identity = str(scope.get("request_id", ""))
    if is_page(str(scope["path"])) or (status == 404 and _browses(scope)):
        from starlette.requests import Request as Asked

        from api.console.rendering import failure

        return failure(Asked(scope), status, detail, hint)
    return problem(status, code, detail, hint=hint, request_id=identity)


def is_page(path: str) -> bool:
    """True for the address of a page of the console, whether there is one or not."""
    return path == "/" or (path.startswith("/console/") and not path.startswith("/console/static/"))


def _browses(scope: Scope) -> bool:
    """True for a browser that was sent to an address outside of the API."""
    accepted = dict(scope["headers"]).get(b"accept", b"")
    return bool(accepted.startswith(b"text/html")) and not str(scope["path"]).startswith("/v1/")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of the problems that an operation can answer with."""
    return {
        status: {"model": Problem, "description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {}}}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Make every foreseen failure of `app` a problem document; `api.http.boundary` does so for the others."""

    async def on_tower(request: Request, error: Exception) -> Response:
        assert isinstance(error, TowerError)
        return of_error(await recorded(request, error), _request_id(request))

    async def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return problem(422, "bad_request", f"{place}: {first['msg']}", request_id=_request_id(request))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _CODES.get(error.status_code, "failed")
        detail = "there is no such page" if error.status_code == 404 else str(error.detail)
        shown = is_page(request.url.path) or _browses(request.scope)
        reply = told(request.scope, error.status_code, code, detail if shown else str(error.detail))
        reply.headers.update(error.headers or {})
        return reply

    app.add_exception_handler(TowerError, on_tower)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)


def _request_id(request: Request) -> str:
    return str(request.scope.get("request_id", ""))
