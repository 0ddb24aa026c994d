"""What every request passes before it reaches a route: an id, a size limit, room for it, and the same-origin rule.

Tower serves on loopback without sign-in, so a page of another origin in the same browser is the neighbour to fear:
requests for a foreign host name (DNS rebinding) and state-changing requests from a foreign origin are refused.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

from api.audit import CORRELATION
from api.http.problems import is_page, problem, told
from api.telemetry.logs import FIELDS
from index.stages import OBSERVERS, TRACEPARENT, stage

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.telemetry.metrics import Metrics
    from index.stages import Observer

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "testserver"})
_log = logging.getLogger("tower.http")
_access = logging.getLogger("tower.access")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
_BLANK = "<request-id>"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
}


class Boundary:
    """ASGI middleware: refuses what must not come in, puts ids and safe headers on what goes out."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body: int,
        hosts: frozenset[str],
        metrics: Metrics,
        concurrent: int,
        observers: tuple[Observer, ...] = (),
    ) -> None:
        self.app, self.max_body, self.hosts, self.metrics = app, max_body, hosts, metrics
        self.concurrent, self.at_work = concurrent, 0
        self.observers = (metrics, *observers)
        self._full_reply: tuple[list[tuple[bytes, bytes]], bytes] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer it with a problem document."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        identity = given if _ID.fullmatch(given) else uuid.uuid4().hex
        scope["request_id"] = identity
        CORRELATION.set(identity)
        OBSERVERS.set(self.observers)
        traced = headers.get("traceparent", "")
        TRACEPARENT.set(traced if _TRACE.fullmatch(traced) else "")
        started, status = time.monotonic(), 500

        refused = self._refusal(scope["method"], headers)
        works = not refused and not _waits(scope["path"])

        async def outgoing(message: Message) -> None:
            nonlocal status, works
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self.at_work -= works  # the caller may have its answer and send the next request
                works = False
            if message["type"] == "http.response.start":
                status = message["status"]
                reply = MutableHeaders(scope=message)
                reply["X-Request-ID"] = identity
                for name, value in _HEADERS.items():
                    reply.setdefault(name, value)
            await send(message)

        with self.metrics.request(), stage("request") as mark:
            try:
                if refused:
                    await problem(*refused, request_id=identity)(scope, receive, outgoing)
                elif works and self.at_work >= self.concurrent:
                    works = False
                    if is_page(scope["path"]):
                        await self._full(scope)(scope, receive, outgoing)
                    else:
                        status = 429
                        await self._turned_away(identity, send)
                else:
                    self.at_work += works
                    await self._limited(scope, receive, outgoing)
            finally:
                self.at_work -= works
                seconds = time.monotonic() - started
                method, route = _method(scope["method"]), _route(scope, status)
                mark.note(method=method, route=route, status=status, request_id=identity)
                self.metrics.add(method, route, status, seconds)
                told = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
                _access.info("request", extra={FIELDS: told})

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.max_body:
                raise HTTPException(413, self._too_large()[2])  # FastAPI lets this kind through, as a problem
            return message

        await self._answered(scope, counted, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; what nobody foresaw becomes a problem document here, so that it carries our headers."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception:
            _log.exception("request %s failed", scope["request_id"])
            if begun:
                raise  # half an answer is out: the connection must break
            detail = "something failed that Tower did not foresee"
            await told(scope, 500, "internal", detail, hint="try again; the log says more")(scope, receive, send)

    def _full(self, scope: Scope) -> Response:
        """Said at once: what waits in a line that only grows is answered when nobody listens any more."""
        detail = f"the server is answering {self.concurrent} requests"
        reply = told(scope, 429, "limited", detail, hint="wait a moment, then send it again")
        reply.headers["Retry-After"] = "1"
        return reply

    async def _turned_away(self, identity: str, send: Send) -> None:
        """`_full` as a problem document. Under a flood ten of them leave for each answer, so it is written once, and
        its id put in: ids hold nothing that JSON spells otherwise."""
        if self._full_reply is None:
            reply = self._full({"path": "", "request_id": _BLANK})
            named = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
            kept = [pair for pair in reply.raw_headers if pair[0] != b"content-length"]
            self._full_reply = [*kept, *named], bytes(reply.body)
        headers, text = self._full_reply
        body = text.replace(_BLANK.encode(), identity.encode())
        own = [(b"content-length", b"%d" % len(body)), (b"x-request-id", identity.encode())]
        await send({"type": "http.response.start", "status": 429, "headers": [*headers, *own]})
        await send({"type": "http.response.body", "body": body})

    def _too_large(self) -> tuple[int, str, str]:
        return 413, "too_large", f"the request has more than {self.max_body:,} bytes"

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str, str] | None:
        host = _name(headers.get("host", ""))
        if host not in self.hosts:
            return 421, "wrong_host", f"this server does not answer for {host or 'a request without a host'!r}"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self.max_body:
            return self._too_large()
        if method in SAFE_METHODS:
            return None
        origin = headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc != headers.get("host")
        if foreign or headers.get("sec-fetch-site") == "cross-site":
            return 403, "foreign_origin", "a page of another origin may not change anything here"
        return None


def _method(given: str) -> str:
    return given if given in _METHODS else "other"


def _route(scope: Scope, status: int) -> str:
    """The template of the route that answered, so that neither ids nor what somebody made up becomes a label."""
    route = scope.get("route")
    if route is not None:
        return str(route.path)
    return "/mcp" if scope["path"] == "/mcp" and status != 404 else "none"


def _waits(path: str) -> bool:
    """True for what takes no time of the server's: health, and streams that follow a job."""
    return path in ("/healthz", "/readyz") or path.endswith("/events")


def _name(host: str) -> str:
    """The host name of a Host header, without port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
