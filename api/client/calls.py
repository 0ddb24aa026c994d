"""Requests to the server on this machine with a socket and nothing else: the thin client starts in milliseconds.

They are HTTP/1.0, so that a response ends where its connection does. A problem document becomes the error that a
workspace in process would raise.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from index import errors
from index.errors import SourceError, TowerError

if TYPE_CHECKING:
    from io import BufferedReader

    from api.client.presence import Presence

TIMEOUT_S = 600.0  # of silence; events come with a sign of life every 15 s
HEALTH_TIMEOUT_S = 2.0
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Calls:
    """Calls to the server at `presence`, as the workspace's owner; `user` is whom a call asks as."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._authority = presence.url.removeprefix("http://").rstrip("/")

    def answers(self) -> bool:
        """True when the server that wrote the file, and no other, listens at its address."""
        try:
            status, response = self._open("GET", "/healthz", {}, b"", HEALTH_TIMEOUT_S)
            with response:
                body = json.loads(response.read()) if status == 200 else None
        except (OSError, ValueError):
            return False
        return isinstance(body, dict) and body.get("server") == self._presence.server

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, user: str = "") -> Any:
        """The JSON of one response; raises the error that its problem document tells."""
        with self._sent(method, path, body, user, "application/json") as response:
            try:
                return json.loads(response.read())
            except (OSError, ValueError) as error:
                raise self._silent(path, error) from error

    def events(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, user: str = ""
    ) -> Iterator[tuple[str, Any]]:
        """The server-sent events of one response, each with its name and data, until the server ends it."""
        name = ""
        with self._sent(method, path, body, user, "text/event-stream") as response:
            try:
                for line in response:
                    text = line.decode("utf-8").rstrip("\n")
                    if text.startswith("event: "):
                        name = text.removeprefix("event: ")
                    elif text.startswith("data: "):
                        yield name, json.loads(text.removeprefix("data: "))
            except (OSError, ValueError) as error:
                raise self._silent(path, error) from error

    def _sent(self, method: str, path: str, body: Mapping[str, Any] | None, user: str, accept: str) -> BufferedReader:
        """The body of a response with a good status."""
        from api.client.presence import TOKEN_HEADER, USER_HEADER

        headers = {TOKEN_HEADER: self._presence.token, "Accept": accept, "Content-Type": "application/json"}
        if user:
            headers[USER_HEADER] = percent_encoded(user)
        content = b"" if body is None else json.dumps(body).encode()
        try:
            status, response = self._open(method, path, headers, content, TIMEOUT_S)
            if status < 400:
                return response
            with response:
                problem = response.read()
        except (OSError, ValueError) as error:
            raise self._silent(path, error) from error
        raise error_of(status, self._presence.url + path, problem)

    def _open(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes, timeout: float
    ) -> tuple[int, BufferedReader]:
        """Send one request; the status of its response, and its body to read. `ValueError` for what is not HTTP."""
        host, _, port = self._authority.rpartition(":")
        lines = [f"{method} {path} HTTP/1.0", f"Host: {self._authority}", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        with socket.create_connection((host.strip("[]"), int(port)), timeout) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + content)
            response = connection.makefile("rb")  # keeps the connection open until it is closed itself
        try:
            status = int(response.readline().split()[1])
            while response.readline().strip():
                pass
        except (OSError, ValueError, IndexError) as error:
            response.close()
            raise ValueError("what answers there does not speak HTTP") from error
        return status, response

    def _silent(self, path: str, error: Exception) -> SourceError:
        said = "it took too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        return SourceError(
            f"no answer from {self._presence.url}{path}: {said}",
            hint=f"`tower serve` runs there as process {self._presence.pid}; is it stopping?",
        )


def percent_encoded(text: str) -> str:
    """`text` as a header or a part of a path can carry it."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def error_of(status: int, where: str, body: bytes) -> TowerError:
    """The error that a problem document tells; `SourceError` for a response that is none."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return SourceError(f"HTTP {status} from {where}", hint="is this a Tower server?")
    return error_named(problem.get("code", ""), problem.get("detail", f"HTTP {status}"), problem.get("hint", ""))


def error_named(code: str, message: str, hint: str) -> TowerError:
    """The error class with this `code`, or the plain `TowerError`."""
    kind = next((known for known in _kinds(TowerError) if known.code == code), TowerError)
    return kind(message, hint=hint)


def _kinds(kind: type[TowerError]) -> list[type[TowerError]]:
    return [
        one for child in kind.__subclasses__() if child.__module__ == errors.__name__ for one in (child, *_kinds(child))
    ]
