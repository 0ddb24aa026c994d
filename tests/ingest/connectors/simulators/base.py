"""An HTTP server on loopback whose clock is its own, and that can be told to fail.

A simulator holds records by table and id. `Faults` draws, from a seed, which requests fail and how; a fault that the
client cannot see through (`empty`) stays until it is cleared.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TRANSPORT = (
    "too_many", "server_error", "unavailable", "bad_gateway", "timeout", "reset", "half", "broken_json", "html",
    "expired",
)  # fmt: skip
DATA = ("duplicates", "reordered", "drift")
START = dt.datetime(2026, 3, 1, 8, 0, 0, tzinfo=dt.UTC)


@dataclass
class Faults:
    """Which faults happen: of `kinds`, to about `rate` of the requests, at most `most` in all."""

    kinds: Sequence[str] = ()
    seed: int = 0
    rate: float = 0.3
    most: int = 40
    slow: float = 0.4
    happened: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(f"{self.seed}/{','.join(self.kinds)}")

    def draw(self, among: Sequence[str]) -> str:
        """The fault of this request; empty for none."""
        possible = [kind for kind in self.kinds if kind in among]
        if not possible or len(self.happened) >= self.most or self.random.random() >= self.rate:
            return ""
        kind = self.random.choice(possible)
        if kind == "timeout" and self.happened.count("timeout") >= 3:
            return ""
        self.happened.append(kind)
        return kind


@dataclass(frozen=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        return {k: v[0] for k, v in parse_qs(self.body).items()}

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Response:
    """What it gets: `body` is text, or anything for JSON."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        if self.body is None:
            return b""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class Simulator:
    """One system. Subclasses answer requests in `answer`."""

    def __init__(self, *, seed: int = 0, skew: float = 0.0) -> None:
        self.random = random.Random(seed)
        self.faults = Faults()
        self.rows: dict[str, dict[str, dict[str, Any]]] = {}
        self.graves: dict[str, dict[str, dt.datetime]] = {}
        self.time = START + dt.timedelta(hours=skew)
        self.tokens: set[str] = set()
        self.requests: list[Request] = []
        self.empty = False
        self.on_page: Callable[[], None] = lambda: None  # what changes while pages are read
        self._lock = threading.RLock()
        self._server: ThreadingHTTPServer | None = None

    # the world

    def tick(self, seconds: float = 1.0) -> str:
        """The source's clock goes on; returns the moment as text."""
        self.time += dt.timedelta(seconds=seconds)
        return self.stamp()

    def stamp(self) -> str:
        return self.time.strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def put(self, table: str, key: str, /, **values: Any) -> None:
        """Write a record, as changed now."""
        with self._lock:
            held = self.rows.setdefault(table, {}).get(key, {})
            self.rows[table][key] = {**held, **values}
            self.graves.setdefault(table, {}).pop(key, None)

    def remove(self, table: str, key: str) -> None:
        with self._lock:
            if self.rows.get(table, {}).pop(key, None) is not None:
                self.graves.setdefault(table, {})[key] = self.time

    def listed(self, table: str) -> list[dict[str, Any]]:
        """The records of a table, as a page-reader sees them now."""
        return [] if self.empty else list(self.rows.get(table, {}).values())

    def page(self, items: list[dict[str, Any]], start: int, size: int) -> list[dict[str, Any]]:
        """A page of `items`, with the faults that data can have."""
        chosen = items[start : start + size]
        kind = self.faults.draw(DATA)
        if kind == "duplicates" and items:
            chosen = [*chosen, *self.faults.random.sample(items, min(3, len(items)))]
        elif kind == "reordered":
            self.faults.random.shuffle(chosen)
        elif kind == "drift":
            self.on_page()
        return chosen

    def new_token(self) -> str:
        token = f"token-{self.random.getrandbits(64):x}"
        self.tokens.add(token)
        return token

    def signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization", "").removeprefix("Bearer ") in self.tokens

    def answer(self, request: Request) -> Response:
        raise AssertionError("a simulator answers")

    # the server

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[Simulator]:
        """Serve until the block ends."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def start(self) -> None:
        simulator = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                return

            def _serve(self) -> None:
                simulator._serve(self)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length).decode() if length else ""
        headers = {k.lower(): v for k, v in handler.headers.items()}
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        request = Request(handler.command, parts.path, query, headers, body)
        with self._lock:
            self.requests.append(request)
            kind = self.faults.draw(TRANSPORT)
            if kind == "expired":
                self.tokens.clear()
            response = self._failing(kind) or self.answer(request)
        if kind == "timeout":
            time.sleep(self.faults.slow)
        if kind in ("reset", "timeout"):
            _hang_up(handler)
            return
        payload = response.payload()
        if kind == "broken_json" and response.status == 200 and payload:
            payload = payload[: len(payload) // 2]
        self._send(handler, response, payload, cut=kind == "half" and len(payload) > 2)

    def _failing(self, kind: str) -> Response | None:
        statuses = {"too_many": 429, "server_error": 500, "bad_gateway": 502, "unavailable": 503}
        if kind in statuses:
            headers = {"Retry-After": "0"} if kind in ("too_many", "unavailable") else {}
            return Response({"error": kind}, statuses[kind], headers)
        if kind == "html":
            return Response("<html><body>Maintenance</body></html>")
        return None

    def _send(self, handler: BaseHTTPRequestHandler, response: Response, payload: bytes, *, cut: bool) -> None:
        handler.send_response_only(response.status)
        handler.send_header("Date", format_datetime(self.time, usegmt=True))
        handler.send_header("Content-Type", response.headers.pop("Content-Type", "application/json"))
        for name, value in response.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(payload)))
        handler.end_headers()
        handler.wfile.write(payload[: len(payload) // 2] if cut else payload)
        if cut:
            _hang_up(handler)


def _hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    try:
        handler.connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
