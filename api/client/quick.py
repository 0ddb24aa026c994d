"""`tower search` through the workspace's server, with json and a socket alone: nothing else is loaded.

Only the plain case is done here: a search for a pipe or a program, with a server that answers it. Where no server owns
the workspace, `api.client.owner` opens it. Everything else, failures too, goes to `api.cli`, which does the same and
says what is wrong. `api.client.calls` and `api.client.presence` are the whole of what this is the short form of.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing itself takes a tenth of the time that this has
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

DEFAULT_K = 10
MAX_K = 200
MAX_QUESTION = 4_000  # characters
_VALUES = {"-k": "k", "--home": "home", "--as": "user"}
_HEALTH_S, _ANSWER_S = 2.0, 600.0
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def quick_search(arguments: Sequence[str]) -> int | None:
    """Exit status 0 when the search was done and printed, None when the command line has to see to it."""
    if not arguments or arguments[0] != "search" or sys.stdout.isatty():
        return None
    search = _parsed(arguments[1:])
    if search is None:
        return None
    from api.home import home_name

    home = search["home"] or home_name()
    path = os.path.join(home, "serve.json")  # noqa: PTH118
    if os.path.isfile(path):  # noqa: PTH113
        return _run(search, path)
    from api.client.owner import search_here

    query, k = search["query"].strip(), int(search["k"])
    return search_here(query, k, home, search["user"], as_json=search["json"], arguments=arguments)


def _parsed(words: Sequence[str]) -> dict[str, Any] | None:
    """What a plain search says; None for one that is not, so that the command line judges it."""
    search: dict[str, Any] = {"query": None, "k": str(DEFAULT_K), "home": "", "user": "", "json": False}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--json":
            search["json"] = True
        elif word in _VALUES and rest and not rest[0].startswith("-"):
            search[_VALUES[word]] = rest.pop(0)
        elif not word.startswith("-") and search["query"] is None:
            search["query"] = word
        else:
            return None
    return search if _is_plain(search) else None


def _is_plain(search: dict[str, Any]) -> bool:
    query, k = search["query"], search["k"]
    if query is None or len(query) > MAX_QUESTION or not any(character.isalnum() for character in query):
        return False
    return k.isdecimal() and k.isascii() and 1 <= int(k) <= MAX_K


def _run(search: dict[str, Any], path: str) -> int | None:
    import json

    query = search["query"].strip()
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            presence = json.load(file)
        os.kill(presence["pid"], 0)
        authority = presence["url"].removeprefix("http://").rstrip("/")
        health = json.loads(_answer(authority, "GET", "/healthz", {}, b"", _HEALTH_S))
        if health["server"] != presence["server"]:
            return None  # another one listens there: it must not see the token
        headers = {"X-Tower-Owner": presence["token"], "Content-Type": "application/json"}
        if search["user"]:
            headers["X-Tower-As"] = _percent_encoded(search["user"])
        body = json.dumps({"query": query, "k": int(search["k"]), "whole": True}).encode()
        found = json.loads(_answer(authority, "POST", "/v1/search", headers, body, _ANSWER_S))
        shown = _shown(query, found["hits"], found["notices"], search["json"])
    except (OSError, OverflowError, ValueError, KeyError, TypeError, AttributeError):
        return None
    sys.stdout.write(shown + "\n")
    sys.stdout.flush()
    return 0


def _shown(query: str, hits: list[dict[str, Any]], said: list[str], as_json: bool) -> str:
    from api.render.hits import hit_lines, hits_json

    found: Any = [_Hit(hit) for hit in hits]
    if as_json:
        import json

        return json.dumps({"query": query, "hits": hits_json(found), "notices": said}, ensure_ascii=False, indent=2)
    return "\n".join(line for line, _ in hit_lines(found, said))


class _Hit:
    """A hit as the server sent it, by its names."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)


def _answer(authority: str, method: str, path: str, headers: dict[str, str], content: bytes, timeout: float) -> bytes:
    """The body of one good response; `OSError` or `ValueError` for anything else."""
    import socket

    host, _, port = authority.rpartition(":")
    lines = [f"{method} {path} HTTP/1.0", f"Host: {authority}", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((host.strip("[]"), int(port)), timeout) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + content)
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    if head.split(b" ", 2)[1:2] != [b"200"]:
        raise ValueError("not a good response")
    return body


def _percent_encoded(text: str) -> str:
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())
