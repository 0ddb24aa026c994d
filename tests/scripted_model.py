"""A server with OpenAI's interface that says what a test wrote down, over real HTTP on loopback.

    with ScriptedModel(says("```sql\\nSELECT 1\\n```"), hangs()) as model:
        ...  # base_url=model.base_url; the first request gets the first reply, the last reply repeats
        assert "orders" in model.requests[0].prompt

A reply may also be a function of the request. It can hang, drip, break off, send garbage, an error status, or more than
anybody wants to read; streamed or not, as the request asks.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal

Manner = Literal["well", "hang", "drip", "break_off", "garbage", "endless", "close"]
PIECE = 12  # characters of a streamed piece


@dataclass(frozen=True)
class Reply:
    """What to answer with, and in what manner. `pause_s` is between two pieces of a drip."""

    text: str = ""
    manner: Manner = "well"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    pause_s: float = 0.2


@dataclass(frozen=True)
class Request:
    """A request as it came in; `key` is the bearer token."""

    path: str
    body: dict[str, Any]
    key: str

    @property
    def prompt(self) -> str:
        """Everything the model was told, as one text."""
        said = self.body.get("prompt")
        return said if isinstance(said, str) else "\n".join(_content(m) for m in self.body.get("messages", []))

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Roles and texts of a chat."""
        return [(m["role"], _content(m)) for m in self.body.get("messages", [])]


Scripted = Reply | Callable[[Request], Reply]


def says(text: str) -> Reply:
    """A model that answers `text`."""
    return Reply(text)


def hangs() -> Reply:
    """Takes the request and never answers."""
    return Reply(manner="hang")


def drips(text: str, pause_s: float = 0.2) -> Reply:
    """Answers a few characters at a time, or byte by byte where nobody asked for a stream."""
    return Reply(text, "drip", pause_s=pause_s)


def breaks_off(text: str) -> Reply:
    """Closes the connection in the middle of `text`."""
    return Reply(text, "break_off")


def garbage() -> Reply:
    """Answers 200 with bytes that are no JSON."""
    return Reply("\x00\ufffd{]: not json <html>", "garbage")


def endless() -> Reply:
    """Answers without an end, as fast as it can."""
    return Reply("SELECT ", "endless")


def closes() -> Reply:
    """Closes the connection at once."""
    return Reply(manner="close")


def fails(status: int, **headers: str) -> Reply:
    """Answers with an error status; header names are written with `_` for `-`."""
    return Reply(
        "the server is not well", status=status, headers=tuple((k.replace("_", "-"), v) for k, v in headers.items())
    )


@dataclass
class ScriptedModel:
    """The server; a context manager. `requests` holds what came in, in order."""

    replies: Sequence[Scripted] = ()
    requests: list[Request] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __init__(self, *replies: Scripted) -> None:
        self.replies = replies or (says(""),)
        self.requests = []
        self._server = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    @property
    def base_url(self) -> str:
        """What goes into `base_url` of a provider."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def script(self, *replies: Scripted) -> None:
        """Another script, from its start."""
        with self._lock:
            self.replies = replies
            self.requests.clear()

    def __enter__(self) -> ScriptedModel:
        model = self

        class Handler(_Handler):
            owner = model

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def next(self, request: Request) -> Reply:
        """The reply to a request, which is noted."""
        with self._lock:
            self.requests.append(request)
            reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
        return reply(request) if callable(reply) else reply

    def wait(self, seconds: float) -> bool:
        """Wait; True when the server is going down."""
        return self._stopping.wait(seconds)


class _Handler(BaseHTTPRequestHandler):
    owner: ScriptedModel
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""

    def do_GET(self) -> None:
        if self.path.endswith("/models"):
            self._json(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})
        else:
            self._json(404, {"error": {"message": "no such path"}})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        request = Request(self.path, json.loads(raw or b"{}"), key)
        reply = self.owner.next(request)
        try:
            self._reply(request, reply)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _reply(self, request: Request, reply: Reply) -> None:
        if reply.manner == "hang":
            while not self.owner.wait(0.05):
                pass
            self.close_connection = True
        elif reply.manner == "close":
            self.close_connection = True
        elif reply.status != 200:
            self._json(reply.status, {"error": {"message": reply.text, "code": reply.status}}, reply.headers)
        elif reply.manner == "garbage":
            self._bytes(200, reply.text.encode("utf-8", "replace"))
        elif request.body.get("stream"):
            self._streamed(reply)
        else:
            self._whole(reply)

    def _whole(self, reply: Reply) -> None:
        body = json.dumps(completion(reply.text)).encode()
        if reply.manner == "well":
            self._bytes(200, body)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if reply.manner != "endless" else 1 << 40))
        self.end_headers()
        if reply.manner == "break_off":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        for piece in _endlessly(b" " * 65536) if reply.manner == "endless" else (bytes([b]) for b in body):
            self.wfile.write(piece)
            self.wfile.flush()
            if self.owner.wait(reply.pause_s if reply.manner == "drip" else 0.0):
                break
        self.close_connection = reply.manner == "endless"

    def _streamed(self, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        pieces = [reply.text[at : at + PIECE] for at in range(0, len(reply.text), PIECE)]
        if reply.manner == "break_off":
            pieces = pieces[: len(pieces) // 2]
        for piece in _endlessly(reply.text * 1000) if reply.manner == "endless" else pieces:
            self._event(chunk(piece))
            if self.owner.wait(reply.pause_s if reply.manner == "drip" else 0.0):
                return
        if reply.manner != "break_off":
            self._event(chunk("", done=True))
            self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, body: dict[str, Any]) -> None:
        self.wfile.write(f"data: {json.dumps(body)}\n\n".encode())
        self.wfile.flush()

    def _json(self, status: int, body: dict[str, Any], headers: Sequence[tuple[str, str]] = ()) -> None:
        self._bytes(status, json.dumps(body).encode(), headers)

    def _bytes(self, status: int, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def completion(text: str) -> dict[str, Any]:
    """A whole answer of a chat, as OpenAI writes it."""
    return {
        "id": "scripted-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": "scripted",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def chunk(text: str, *, done: bool = False) -> dict[str, Any]:
    """One event of a streamed answer."""
    delta = {} if done else {"role": "assistant", "content": text}
    return {
        "id": "scripted-1",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": "scripted",
        "choices": [{"index": 0, "delta": delta, "finish_reason": "stop" if done else None}],
    }


def _content(message: dict[str, Any]) -> str:
    content = message.get("content", "")
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content)


def _endlessly(piece: Any) -> Iterator[Any]:
    while True:
        yield piece
