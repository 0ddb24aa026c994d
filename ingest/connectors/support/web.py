"""HTTP as connectors need it: one origin, retries with back-off and jitter, renewed sign-in, the source's clock.

A request is repeated when the network, the server (429, 5xx) or its answer (broken JSON) fails, after the time that
`Retry-After` names, else with exponential back-off and jitter (stamina). The token is sent to the source's own origin
only. Secrets never come into a message.
"""

from __future__ import annotations

import datetime as dt
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urljoin, urlsplit

from pydantic import Field

from index.errors import SourceError
from ingest.connectors.support.contract import Options

if TYPE_CHECKING:
    import httpx

REPEATED = frozenset({408, 425, 429, 500, 502, 503, 504})


class WebOptions(Options):
    """How patient a connector over HTTP is; times in seconds."""

    timeout: float = Field(default=30.0, gt=0)
    attempts: int = Field(default=8, ge=1, le=100)
    first_wait: float = Field(default=0.5, gt=0)
    longest_wait: float = Field(default=60.0, gt=0)


class Auth(Protocol):
    """How requests are signed in."""

    def headers(self, api: Api) -> Mapping[str, str]:
        """The headers of a request, with a token that is got where there is none yet."""
        ...

    def renew(self) -> bool:
        """Forget the token; False where there is nothing to renew."""
        ...


@dataclass(frozen=True)
class Reply:
    """An answer: its status, its headers, and its body as text."""

    status: int
    headers: Mapping[str, str]
    text: str
    url: str

    def json(self) -> Any:
        """The body as JSON."""
        return self._parsed

    @cached_property
    def _parsed(self) -> Any:
        return json.loads(self.text) if self.text else None


class _Again(Exception):
    """A failure that may go away. `wait` is what the server asks for, None for back-off."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class Api:
    """One HTTP API under `base`."""

    def __init__(self, base: str, options: WebOptions, auth: Auth | None = None, name: str = "") -> None:
        import httpx

        self.base = base.rstrip("/") + "/"
        self.name = name or urlsplit(base).netloc
        self.auth = auth
        self.heard: Callable[[Reply], None] = lambda _reply: None  # is told of every answer
        self._options = options
        self._client: httpx.Client = httpx.Client(timeout=options.timeout, follow_redirects=False, verify=_trust())
        self._ahead = dt.timedelta()
        self.calls = 0
        self._refused = 0

    def close(self) -> None:
        """Close the connections; idempotent."""
        self._client.close()

    def now(self) -> dt.datetime:
        """The present moment by the source's clock, as its last answer told it."""
        return dt.datetime.now(dt.UTC) + self._ahead

    def url(self, path: str) -> str:
        """`path` as a whole URL; `SourceError` where it leads to another origin, which gets no token."""
        whole = urljoin(self.base, path)
        if urlsplit(whole)[:2] != urlsplit(self.base)[:2]:
            raise SourceError(
                f"{self.name}: a link leads to another server: {urlsplit(whole).netloc}",
                hint="the token is sent to the source itself only",
            )
        return whole

    def get(self, path: str, params: Mapping[str, Any] | None = None, **headers: str) -> Any:
        """The JSON at `path`."""
        return self.send("GET", path, params=params, headers=headers).json()

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        signed: bool = True,
        as_json: bool = True,
        allowed: frozenset[int] = frozenset(),
    ) -> Reply:
        """Send a request until it is answered. A status from 400 on that is not `allowed` is a `SourceError`."""
        import stamina

        options = self._options
        url = self.url(path)

        def again(error: Exception) -> bool | float:
            if not isinstance(error, _Again):
                return False
            return True if error.wait is None else min(error.wait, options.longest_wait)

        try:
            for attempt in stamina.retry_context(
                on=again,
                attempts=options.attempts,
                timeout=None,
                wait_initial=options.first_wait,
                wait_max=options.longest_wait,
                wait_jitter=options.first_wait,
            ):
                with attempt:
                    return self._once(method, url, params, headers or {}, body, form, signed, as_json, allowed)
        except _Again as error:
            raise SourceError(
                f"{self.name}: {error} ({options.attempts} attempts)",
                hint="try again later: what was read up to now is kept",
            ) from error
        raise AssertionError("unreachable")

    def _once(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        body: Any,
        form: Mapping[str, str] | None,
        signed: bool,
        as_json: bool,
        allowed: frozenset[int],
    ) -> Reply:
        reply = self._exchange(method, url, params, headers, body, form, signed)
        if reply.status == 401 and signed and self.auth is not None and self.auth.renew():
            reply = self._exchange(method, url, params, headers, body, form, signed)
        where = f"{method} {urlsplit(url).path}"
        self._refused = self._refused + 1 if reply.status == 401 else 0
        if reply.status == 401 and signed and 0 < self._refused < 4 and self.auth is not None and self.auth.renew():
            raise _Again(f"{where} answered 401")  # the new token too: it may have been taken back at once
        if reply.status in REPEATED:
            raise _Again(f"{where} answered {reply.status}", _retry_after(reply, self.now()))
        if reply.status >= 300 and reply.status != 304 and reply.status not in allowed:
            raise SourceError(f"{self.name}: {where} answered {reply.status}: {_said(reply)}", hint=_hint(reply.status))
        if as_json and reply.text and reply.status < 300:
            try:
                reply.json()
            except ValueError as error:
                raise _Again(f"{where} answered with broken JSON: {error}") from error
        return reply

    def _exchange(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        body: Any,
        form: Mapping[str, str] | None,
        signed: bool,
    ) -> Reply:
        import httpx

        signing = self.auth.headers(self) if signed and self.auth is not None else {}
        content = None if body is None else json.dumps(body)
        typed = {"Content-Type": "application/json"} if body is not None else {}
        self.calls += 1
        try:
            answer = self._client.request(
                method,
                url,
                params=dict(params) if params else None,
                headers={"Accept": "application/json", **typed, **signing, **headers},
                content=content,
                data=dict(form) if form else None,
            )
        except httpx.InvalidURL as error:
            raise SourceError(f"{self.name}: {error}", hint="check the URL in tower.yaml") from error
        except httpx.HTTPError as error:
            raise _Again(f"{method} {urlsplit(url).path}: {type(error).__name__}: {error}") from error
        self._set_clock(answer.headers.get("date", ""))
        reply = Reply(answer.status_code, answer.headers, answer.text, url)
        self.heard(reply)
        return reply

    def _set_clock(self, date: str) -> None:
        try:
            told = parsedate_to_datetime(date)
        except (ValueError, TypeError):
            return
        if told.tzinfo is not None:
            self._ahead = told - dt.datetime.now(dt.UTC)


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """The certificates that are trusted; reading them takes longer than a request."""
    import httpx

    return httpx.create_ssl_context()


def _retry_after(reply: Reply, now: dt.datetime) -> float | None:
    value = reply.headers.get("retry-after", "")
    if not value:
        return None
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(value) - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _said(reply: Reply) -> str:
    """What the server says of a failure, shortly."""
    return " ".join(reply.text.split())[:300] or "nothing"


def _hint(status: int) -> str:
    if status in (401, 403):
        return "check the credentials and what they may read"
    return "check the address and the names in tower.yaml" if status == 404 else "see docs/connectors.md"
