"""Signing in and out at the pages: at the sign-in service of the settings, or with a token or key of this workspace."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from api.access.browser import BEGUN
from api.console.asking import fields
from api.console.rendering import PageRoute, browsers_of, page, service_of
from api.http.door import source_of
from index.errors import NotFoundError, SignInError, SourceError, TowerError

if TYPE_CHECKING:
    from api.access.signin import SignIn

router = APIRouter(route_class=PageRoute)
BACK = "/console/sign-in/back"


@router.get("/console/sign-in")
def sign_in(request: Request) -> Response:
    """How to sign in here."""
    return _form(request, request.query_params.get("then", "/"))


@router.post("/console/sign-in")
async def with_token(request: Request) -> Response:
    """Sign in with an API key, or a development token."""
    form = await fields(request)
    return await run_in_threadpool(_with_token, request, form.get("token", "").strip(), form.get("then", "/"))


@router.get("/console/sign-in/start")
def begin(request: Request) -> Response:
    """Off to the sign-in service."""
    browsers = browsers_of(request)
    if browsers.flow is None:
        raise NotFoundError("no sign-in service is set up for these pages", hint="docs/settings.md: console.client_id")
    then = local(request.query_params.get("then", "/"))
    sent = browsers.flow.begin(browsers.address(request, BACK), then)
    reply = RedirectResponse(sent.url, status_code=303)
    browsers.remember(request, reply, sent.browser)
    return reply


@router.get(BACK)
def back(request: Request) -> Response:
    """Back from the sign-in service, with a code or a refusal."""
    browsers = browsers_of(request)
    if browsers.flow is None:
        raise NotFoundError("no sign-in service is set up for these pages")
    try:
        caller, then = browsers.flow.finish(request.cookies.get(BEGUN, ""), dict(request.query_params))
    except (SignInError, SourceError) as error:
        return _failed(request, error, "/")
    service_of(request).signed_in(caller, source_of(request))
    reply = RedirectResponse(then, status_code=303)
    browsers.open(request, reply, caller=caller)
    reply.delete_cookie(BEGUN, path="/console/sign-in")
    return reply


@router.post("/console/sign-out")
def sign_out(request: Request) -> Response:
    """End the session."""
    browsers, known = browsers_of(request), request.app.state.sign_in
    session = browsers.session(request)
    if session is not None and known is not None:
        with suppress(SignInError, SourceError):  # the token may have ended before the session
            service_of(request).signed_in(session.whom(known), source_of(request), out=True)
    reply = RedirectResponse("/console/sign-in?out=1", status_code=303)
    browsers.close(request, reply)
    return reply


def _with_token(request: Request, token: str, then: str) -> Response:
    service_sign_in: SignIn | None = request.app.state.sign_in
    try:
        if service_sign_in is None:
            raise SignInError("nobody has to sign in here")
        caller = service_sign_in.caller([f"Bearer {token}"])
    except (SignInError, SourceError) as error:
        return _failed(request, error, then)
    service_of(request).signed_in(caller, source_of(request))
    reply = RedirectResponse(local(then), status_code=303)
    browsers_of(request).open(request, reply, bearer=token)
    return reply


def _failed(request: Request, error: TowerError, then: str) -> Response:
    from api.http.door import failed

    try:
        failed(service_of(request), request.app.state.limits, request, error)
    except TowerError as limited:
        error = limited
    return _form(request, then, error)


def _form(request: Request, then: str, error: TowerError | None = None) -> Response:
    browsers, known = browsers_of(request), request.app.state.sign_in
    flow = browsers.flow
    return page(
        request, "sign_in.html", error.status if error is not None else 200,
        then=local(then), problem=error, provider=urlsplit(flow.issuer).netloc if flow is not None else "",
        tokens=known is not None, development=known is not None and not known.production,
        out=request.query_params.get("out") == "1",
    )  # fmt: skip


def local(path: str) -> str:
    """`path` where it is one of this server's own pages, else the first page: no link of ours leads elsewhere."""
    parts = urlsplit(path)
    own = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return path if own and "\\" not in path and path.isprintable() else "/"
