"""Who is let in: each request's caller, scope and limits, before a route sees it.

The workspace's own commands show the owner's token, programs a bearer token, browsers the cookie of a session; without
one a request is the local administrator's, where no users are declared, or that of the one user whom the server was
started for.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request

from api.access.owner import owner_scope
from api.access.sessions import Arrivals
from api.client.presence import TOKEN_HEADER
from api.http import problems
from index.errors import LimitError, PolicyError, SignInError, SourceError, TowerError
from index.usage import USAGE, Uncounted, Usage

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Send
    from starlette.types import Scope as Connection

    from api.access.browser import Browsers
    from api.access.limits import Limits
    from api.access.signin import SignIn
    from api.service import Service
    from index.scope import Scope

OPEN = frozenset({("GET", path) for path in ("/healthz", "/readyz", "/openapi.json", "/openapi-3.0.json")})
OPEN_FOLDERS = ("/console/static/", "/console/sign-in", "/console/sign-out")
"""What tells nothing about the workspace; anybody who reaches the server may have it."""

CHALLENGE = 'Bearer realm="tower"'
log = logging.getLogger("tower.http")


class Door:
    """ASGI middleware: puts the caller's `index.scope.Scope` under `tower.scope`, or answers with a problem."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: Service,
        user: str | None,
        sign_in: SignIn | None,
        limits: Limits | None,
        browsers: Browsers,
    ) -> None:
        self.app, self.service, self.user, self.sign_in, self.limits = app, service, user, sign_in, limits
        self.browsers, self.arrivals = browsers, Arrivals()
        self._anybody = False  # the last request without credentials was let in

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        """Let one request in, or refuse it. What it holds is given back when its whole response is out."""
        if connection["type"] != "http" or _open(connection):
            await self.app(connection, receive, send)
            return
        if self.browsers.foreign(Request(connection)):
            detail = "a page of another origin may not change anything here"
            refused = problems.problem(403, "foreign_origin", detail, request_id=str(connection.get("request_id", "")))
            await refused(connection, receive, send)
            return
        held = ExitStack()
        try:
            if self._anybody and self._waits_for_nothing(connection):
                usage = self._admit(Request(connection), held)
            else:
                usage = await run_in_threadpool(self._admit, Request(connection), held)
        except TowerError as error:
            await run_in_threadpool(held.close)
            await self._refusal(connection, error)(connection, receive, send)
            return
        token = USAGE.set(usage)
        try:
            await self.app(connection, receive, send)
        finally:
            USAGE.reset(token)
            if self.limits is not None and self.limits.shared:
                await run_in_threadpool(held.close)
            else:
                held.close()

    def _waits_for_nothing(self, connection: Connection) -> bool:
        """True for a request that shows no credentials, which somebody would have to be asked about, where what is
        counted is counted here. It need not stand in line for a thread."""
        headers = Headers(scope=connection)
        shown = any(name in headers for name in ("authorization", "cookie", TOKEN_HEADER))
        return not shown and not (self.limits is not None and self.limits.shared)

    def _admit(self, request: Request, held: ExitStack) -> Usage:
        scope, client, counted = self._scope(request)
        request.scope["tower.scope"] = scope
        if not counted or self.limits is None:
            return Uncounted()
        entered: AbstractContextManager[Usage] = self.limits.entered(scope.principal.name, client)
        return held.enter_context(entered)

    def _scope(self, request: Request) -> tuple[Scope, str, bool]:
        """What the caller may see, the client it calls through, and whether what it uses is counted."""
        owned = owner_scope(request, self.service)
        if owned is not None:
            return owned, "", False
        given = request.headers.getlist("authorization")
        if given and self.sign_in is not None:
            try:
                caller = self.sign_in.caller(given)
            except (SignInError, SourceError) as error:
                self._failed(request, error)
                raise
            scope = self.service.scope_for(caller)
            if self.arrivals.new(given[0]):
                self.service.signed_in(caller, source_of(request))
                self.arrivals.note(given[0])
            return scope, caller.client, True
        session = self.browsers.session(request)
        if session is not None and self.sign_in is not None:
            caller = session.whom(self.sign_in)
            request.scope["tower.session"] = session
            return self.service.scope_for(caller), caller.client, True
        try:
            self._anybody = False  # a refusal is recorded, which may wait for a disk
            scope = self.service.scope_for(self.user)
            self._anybody = True
            return scope, "", True
        except PolicyError as error:
            if self.user is not None:
                raise
            failure = SignInError("nobody signed in", hint="send `Authorization: Bearer TOKEN`")
            if not (_page(request.scope) and request.method == "GET"):  # a browser without a session is no attack
                self._failed(request, failure)
            raise failure from error

    def _failed(self, request: Request, error: TowerError) -> None:
        failed(self.service, self.limits, request, error)

    def _refusal(self, connection: Connection, error: TowerError) -> Response:
        if _page(connection):
            from api.console.rendering import refusal

            response: Response = refusal(Request(connection), error)
        else:
            response = problems.of_error(error, str(connection.get("request_id", "")))
        if isinstance(error, SignInError):
            invalid = "authorization" in Headers(scope=connection)
            response.headers["WWW-Authenticate"] = CHALLENGE + (', error="invalid_token"' if invalid else "")
        return response


def failed(service: Service, limits: Limits | None, request: Request, error: TowerError) -> None:
    """Record a sign-in that failed; past the limit of an address nothing is recorded, and it is told to wait."""
    source = source_of(request)
    if limits is not None and not limits.failed(source):
        raise LimitError("too many failed sign-ins from here", retry_after=60) from error
    service.sign_in_failed(error.code, source)


def source_of(request: Request) -> str:
    """The address that a request came from."""
    return request.client.host if request.client else ""


def _open(connection: Connection) -> bool:
    path = str(connection["path"])
    return (_method(connection), path) in OPEN or path.startswith(OPEN_FOLDERS)


def _page(connection: Connection) -> bool:
    return problems.is_page(str(connection["path"]))


def _method(connection: Connection) -> str:
    method = str(connection["method"])
    return "GET" if method == "HEAD" else method
