"""REST APIs that answer JSON: streams by path, four styles of paging, OAuth 2, ETags.

Nothing describes such an API, so tower.yaml does: where the records are, their key, and the field to go on from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field as Setting
from pydantic import SecretStr, field_validator

from index.errors import SourceError
from ingest.connectors.support.contract import Batch, BrokenRecord, Connector, Json, Key, Options, Stream
from ingest.connectors.support.moments import higher, rewound
from ingest.connectors.support.signin import AuthOptions, SignIn
from ingest.connectors.support.web import Api, Reply, WebOptions

_LINK = re.compile(r"<([^>]*)>\s*;[^,]*\brel=\"?next\"?", re.IGNORECASE)
_MOST_PAGES = 1_000_000


class Paging(Options):
    """How the next page is found: by its number, by how many records came before, by a token in the answer, or by a
    link (in the `Link` header, or at `next` in the answer)."""

    style: Literal["none", "page", "offset", "cursor", "link"] = "none"
    parameter: str = ""
    size_parameter: str = ""
    size: int = Setting(default=100, ge=1)
    first: int = 1
    next: str = ""
    total: str = ""


class RestStream(Options):
    """One list of records. `records` is where they are in the answer (`data.items`; empty: the answer is the list);
    `since` is the parameter that takes the cursor's value; `deleted_at` in `deletes` says how a delete is known."""

    path: str
    records: str = ""
    key: tuple[str, ...] = ()
    cursor: str = ""
    since: str = ""
    params: dict[str, str | int | bool] = Setting(default={})
    paging: Paging = Paging()
    deletes: Literal["keys", "scan", "never"] = "scan"

    _key = field_validator("key", mode="before")(lambda value: (value,) if isinstance(value, str) else value)


class RestOptions(WebOptions):
    """A REST API."""

    url: str
    auth: AuthOptions = AuthOptions()
    headers: dict[str, SecretStr] = Setting(default={})
    ping: str = ""
    streams: dict[str, RestStream] = Setting(min_length=1)

    def secrets(self) -> list[str]:
        """The headers' values too."""
        return [*super().secrets(), *(value.get_secret_value() for value in self.headers.values())]


class RestConnector(Connector):
    """Reads a REST API as tower.yaml describes it."""

    Options = RestOptions
    options: RestOptions

    def open(self) -> None:
        """Make ready; nothing is asked yet."""
        self._api = Api(self.options.url, self.options, SignIn(self.options.auth))
        self._headers = {name: value.get_secret_value() for name, value in self.options.headers.items()}

    def describe(self) -> Sequence[Stream]:
        """The declared streams; with a cursor and `since` a stream is read from there on, else whole."""
        return [
            Stream(
                name,
                stream.key,
                cursor=stream.cursor,
                deletes=stream.deletes if stream.since or stream.deletes == "never" else "scan",
                drifts=stream.paging.style in ("page", "offset"),
            )
            for name, stream in self.options.streams.items()
        ]

    def test(self) -> str:
        """Read the first page of the first stream, or `ping`."""
        name, stream = next(iter(self.options.streams.items()))
        path = self.options.ping or stream.path
        self._send(path, {**stream.params, **self._first(stream)} if path == stream.path else {})
        return f"{self._api.name}: {path} answers, for the stream {name}"

    def read(self, stream: Stream, cursor: Json) -> Iterator[Batch]:
        """Every page; where records carry a cursor that the API can be asked from, only from there on.

        An answer that did not change since (by its ETag) costs one request and reads no further page.
        """
        declared = self.options.streams[stream.name]
        if declared.paging.style == "none" and not declared.since:
            yield from self._single(stream, declared, cursor)
            return
        since = cursor.get("since") if isinstance(cursor, dict) else None
        asked = {declared.since: rewound(since, stream.overlap)} if declared.since and since is not None else {}
        highest = since
        for body, total in self._pages(declared, asked):
            records, broken = _records(body, declared.records, stream.name)
            now = self._api.now()
            for record in records:
                value = _at(record, stream.cursor) if stream.cursor else None
                highest = higher(highest, value, now)
            resumable = bool(declared.since) and highest is not None and _in_order(declared)
            yield Batch(records, {"since": highest} if resumable else None, broken=broken, total=total)
        if declared.since and highest is not None:
            yield Batch((), {"since": highest})

    def _single(self, stream: Stream, declared: RestStream, cursor: Json) -> Iterator[Batch]:
        """A list that comes in one answer; with its ETag, only where it changed."""
        tag = str(cursor.get("etag") or "") if isinstance(cursor, dict) else ""
        reply = self._send(declared.path, declared.params, {"If-None-Match": tag} if tag else {})
        if reply.status == 304:
            yield Batch((), cursor, unchanged=True)
            return
        records, broken = _records(reply.json(), declared.records, stream.name)
        etag = reply.headers.get("etag", "")
        yield Batch(records, {"etag": etag} if etag else None, broken=broken, total=len(records))

    def keys(self, stream: Stream) -> Iterator[Sequence[Key]]:
        """The keys of every record, by reading every page."""
        declared = self.options.streams[stream.name]
        for body, _ in self._pages(declared, {}):
            records, _broken = _records(body, declared.records, stream.name)
            yield [tuple(record.get(name) for name in stream.key) for record in records]

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _pages(self, stream: RestStream, asked: Mapping[str, Any]) -> Iterator[tuple[Any, int]]:
        paging = stream.paging
        path = stream.path
        params: dict[str, Any] = {**stream.params, **asked, **self._first(stream)}
        came = 0
        seen: set[tuple[str, str]] = set()
        for _ in range(_MOST_PAGES):
            reply = self._send(path, params)
            body = reply.json()
            count = len(_list_at(body, stream.records, stream.path))
            came += count
            yield body, int(_at(body, paging.total) or 0) if paging.total else 0
            following = self._next(paging, reply, body, came, count, params)
            if following is None:
                return
            path, params = following[0] or path, following[1]
            if (path, str(sorted(params.items()))) in seen:
                raise SourceError(
                    f"{self._api.name}: {stream.path} leads to the same page again",
                    hint="check `paging:` in tower.yaml",
                )
            seen.add((path, str(sorted(params.items()))))

    def _next(
        self, paging: Paging, reply: Reply, body: Any, came: int, count: int, params: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]] | None:
        """Where the next page is: a path (empty for the same one) and its parameters; None after the last."""
        if paging.style == "link":
            found = _LINK.search(reply.headers.get("link", ""))
            link = found[1] if found else str((_at(body, paging.next) if paging.next else "") or "")
            return (self._api.url(link), {}) if link else None
        if paging.style == "cursor":
            token = _at(body, paging.next)
            return ("", {**params, paging.parameter: token}) if token else None
        if paging.style == "none" or count == 0:
            return None
        total = int(_at(body, paging.total) or 0) if paging.total else 0
        if (total and came >= total) or (not total and count < paging.size):
            return None
        step = came if paging.style == "offset" else int(params[paging.parameter]) + 1
        return "", {**params, paging.parameter: step}

    def _first(self, stream: RestStream) -> dict[str, Any]:
        paging = stream.paging
        first: dict[str, Any] = {paging.size_parameter: paging.size} if paging.size_parameter else {}
        if paging.style == "page":
            first[paging.parameter] = paging.first
        elif paging.style == "offset":
            first[paging.parameter] = 0
        return first

    def _send(self, path: str, params: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Reply:
        query = dict(parse_qsl(urlsplit(path).query)) if "?" in path else {}
        return self._api.send(
            "GET", path.partition("?")[0], params={**query, **params}, headers={**self._headers, **(headers or {})}
        )


def _in_order(stream: RestStream) -> bool:
    """True where tower.yaml says that pages come in the order of the cursor: only then may a read go on mid-way."""
    return any(str(value).lstrip("+").startswith(stream.cursor) for value in stream.params.values() if stream.cursor)


def _at(body: Any, path: str) -> Any:
    """What stands at a path of names with dots; None where nothing does."""
    for name in path.split(".") if path else ():
        body = body.get(name) if isinstance(body, Mapping) else None
    return body


def _list_at(body: Any, path: str, where: str) -> list[Any]:
    found = _at(body, path)
    if found is None and path:
        found = [] if isinstance(body, Mapping) and not body.get("error") else None
    if not isinstance(found, list):
        raise SourceError(
            f"{where}: there is no list of records at {path or 'the top'} of the answer", hint="set `records:`"
        )
    return found


def _records(body: Any, path: str, where: str) -> tuple[list[Mapping[str, Any]], list[BrokenRecord]]:
    items = _list_at(body, path, where)
    good = [item for item in items if isinstance(item, Mapping)]
    if len(good) == len(items):
        return good, []
    broken = [
        BrokenRecord(f"item {n}", f"not an object but {type(item).__name__}", str(item)[:1_000])
        for n, item in enumerate(items)
        if not isinstance(item, Mapping)
    ]
    return good, broken
