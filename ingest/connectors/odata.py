"""OData v2 and v4, as SAP and others serve it: $metadata, server-side pages, delta links, expanded parts of entities.

A stream is an entity set, or `Set/navigation` for the parts of its entities, which are read expanded and become
records of their own with their parent's key before them.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from pydantic import Field as Setting

from index.errors import SourceError
from ingest.connectors.support.contract import Batch, Connector, Deletes, Field, Json, Key, Stream
from ingest.connectors.support.edmx import Service, parse_metadata
from ingest.connectors.support.moments import higher, moment, rewound
from ingest.connectors.support.signin import AuthOptions, SignIn
from ingest.connectors.support.web import Api, WebOptions

_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d+)?\)/\Z")
_ENTITY_ID = re.compile(r"(?P<set>[A-Za-z_][\w.]*)\((?P<key>.*)\)\Z")
_KEY_PART = re.compile(r"(?:(\w+)=)?('(?:[^']|'')*'|[^,']+)")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class ODataOptions(WebOptions):
    """An OData service. `sets` are the streams to read, all entity sets where it is empty; `delta` are those to track
    by delta links; `page` asks for pages of that size."""

    url: str
    auth: AuthOptions = AuthOptions()
    sets: tuple[str, ...] = ()
    cursors: dict[str, str] = Setting(default={})
    delta: tuple[str, ...] = ()
    params: dict[str, str] = Setting(default={})
    page: int = Setting(default=1_000, ge=1)
    select: dict[str, tuple[str, ...]] = Setting(default={})


class ODataConnector(Connector):
    """Reads one OData service."""

    Options = ODataOptions
    options: ODataOptions

    def open(self) -> None:
        """Make ready; nothing is asked yet."""
        self._api = Api(self.options.url, self.options, SignIn(self.options.auth))
        self._held: Service | None = None

    @property
    def _service(self) -> Service:
        if self._held is None:
            reply = self._api.send(
                "GET", "$metadata", params=self.options.params, headers={"Accept": "application/xml"}, as_json=False
            )
            self._held = parse_metadata(reply.text, self._api.name)
        return self._held

    def test(self) -> str:
        """Read the metadata."""
        return f"{self._api.name}: OData v{self._service.version}, {len(self._service.sets)} entity sets"

    def describe(self) -> Sequence[Stream]:
        """The entity sets with their properties and keys, and the parts that `sets` names."""
        names = self.options.sets or tuple(self._service.sets)
        return [self._stream(name) for name in names]

    def _stream(self, name: str) -> Stream:
        head, _, part = name.partition("/")
        whole = self._service.entity_set(head)
        if part:
            inner = self._service.part(whole, part)
            fields = [Field(f"{head}_{key}", whole.type_of(key)) for key in whole.key]
            keys = (*(f.name for f in fields), *inner.key)
            return Stream(name, keys, (*fields, *inner.fields), "", "scan", drifts=True)
        chosen = self.options.select.get(name)
        fields = [f for f in whole.fields if not chosen or f.name in chosen or f.name in whole.key]
        cursor = self.options.cursors.get(name, "")
        deletes: Deletes = "told" if name in self.options.delta else "keys" if cursor else "scan"
        return Stream(name, whole.key, tuple(fields), cursor, deletes, drifts=deletes == "scan")

    def read(self, stream: Stream, cursor: Json) -> Iterator[Batch]:
        """Pages of an entity set: by its delta link, from its cursor on, or whole."""
        head, _, part = stream.name.partition("/")
        held = cursor if isinstance(cursor, dict) else {}
        if stream.name in self.options.delta:
            yield from self._tracked(stream, str(held.get("delta") or ""))
            return
        since = held.get("since")
        params = self._params(stream, part)
        if stream.cursor and since is not None:
            params["$filter"] = self._filter(stream, rewound(since, stream.overlap))
        for body in self._pages(head, params):
            items = _items(body)
            records = [r for i in items for r in self._parts(i, head, part)] if part else [_record(i) for i in items]
            now = self._api.now()
            for record in records if stream.cursor else ():
                since = higher(since, record.get(stream.cursor), now)
            yield Batch(records, {"since": since} if stream.cursor and since is not None else None, total=_total(body))

    def _tracked(self, stream: Stream, link: str) -> Iterator[Batch]:
        """Changes by delta link; where the link is too old (410), everything again."""
        prefer = {"Prefer": f"odata.track-changes, odata.maxpagesize={self.options.page}"}
        params = self._params(stream, "") if not link else {}
        path = link or stream.name
        while True:
            reply = self._api.send("GET", path, params=params, headers=prefer, allowed=frozenset({410}))
            if reply.status == 410 and link:
                self.notices.append(f"{stream.name}: the delta link had expired; everything was read again")
                yield Batch(restarted=True)
                yield from self._tracked(stream, "")
                return
            body = reply.json()
            items = _items(body)
            gone = [key for item in items if (key := self._removed(item, stream)) is not None]
            records = [_record(i) for i in items if self._removed(i, stream) is None]
            following, delta = _links(body)
            yield Batch(records, {"delta": delta} if delta and not following else None, gone, total=_total(body))
            if not following:
                return
            path, params = self._link(following), {}

    def keys(self, stream: Stream) -> Iterator[Sequence[Key]]:
        """The keys of everything, by reading nothing else."""
        head, _, part = stream.name.partition("/")
        if part:
            yield from super().keys(stream)
            return
        params = {**self.options.params, "$select": ",".join(stream.key), "$orderby": ",".join(stream.key)}
        for body in self._pages(head, params):
            yield [tuple(_record(item).get(name) for name in stream.key) for item in _items(body)]

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    # requests

    def _params(self, stream: Stream, part: str) -> dict[str, str]:
        params = dict(self.options.params)
        if self._service.version == 2:
            params["$format"] = "json"
        if part:
            params["$expand"] = part
        elif stream.name in self.options.select:
            params["$select"] = ",".join(field.name for field in stream.fields)
        if stream.cursor:
            params["$orderby"] = ",".join((stream.cursor, *stream.key))
        return params

    def _filter(self, stream: Stream, since: Any) -> str:
        kind = self._service.entity_set(stream.name).edm.get(stream.cursor, "")
        found = moment(since)
        if found is None:
            return f"{stream.cursor} ge {since}" if isinstance(since, int | float) else f"{stream.cursor} ge '{since}'"
        text = found.strftime("%Y-%m-%dT%H:%M:%S")
        if self._service.version == 2:
            name = "datetimeoffset" if kind == "Edm.DateTimeOffset" else "datetime"
            return f"{stream.cursor} ge {name}'{text}{'Z' if name == 'datetimeoffset' else ''}'"
        return f"{stream.cursor} ge {text}Z"

    def _pages(self, path: str, params: Mapping[str, str]) -> Iterator[Any]:
        """Every page by the server's own links."""
        asked: Mapping[str, str] = params
        where = path
        seen: set[str] = set()
        while True:
            body = self._api.send(
                "GET", where, params=asked, headers={"Prefer": f"odata.maxpagesize={self.options.page}"}
            ).json()
            yield body
            following, _ = _links(body)
            if not following:
                return
            where, asked = self._link(following), {}
            if where in seen:
                raise SourceError(f"{self._api.name}: {path} leads to a page that was read", hint="tell its owner")
            seen.add(where)

    def _link(self, link: str) -> str:
        """A link of the service; behind a proxy its host may be the inner one, and only its path counts."""
        root = self._api.base.split("/", 3)
        inner = link.split("/", 3)
        if link.startswith(("http://", "https://")) and inner[2].partition(":")[0] != root[2].partition(":")[0]:
            return self._api.url(link)  # refuses another server
        return link

    # records

    def _parts(self, item: Mapping[str, Any], head: str, part: str) -> list[dict[str, Any]]:
        whole = self._service.entity_set(head)
        parent = {f"{head}_{key}": _value(item.get(key)) for key in whole.key}
        found = item.get(part)
        if isinstance(found, Mapping) and "results" in found:
            found = found["results"]
        inner = found if isinstance(found, list) else [found] if isinstance(found, Mapping) else []
        return [{**parent, **_record(one)} for one in inner if "__deferred" not in one]

    def _removed(self, item: Mapping[str, Any], stream: Stream) -> Key | None:
        """The key of an entry that tells of a delete; None for any other entry. v4.01 marks it with @removed, v4.0 by
        its context, and so does SAP in v2."""
        context = str(item.get("@odata.context") or item.get("@context") or "")
        if "@removed" not in item and "$deletedEntity" not in context:
            return None
        if all(name in item for name in stream.key):
            return tuple(item[name] for name in stream.key)
        found = _ENTITY_ID.search(str(item.get("@odata.id") or item.get("@id") or item.get("id") or ""))
        if not found:
            raise SourceError(f"{self._api.name}: a deleted {stream.name} has no key", hint="tell the service's owner")
        parts = {name or stream.key[0]: _literal(value) for name, value in _KEY_PART.findall(found["key"])}
        return tuple(parts.get(name) for name in stream.key)


def _items(body: Any) -> list[Mapping[str, Any]]:
    inner = body.get("d", body) if isinstance(body, Mapping) else body
    if isinstance(inner, Mapping):
        inner = inner.get("results", inner.get("value"))
    if not isinstance(inner, list):
        raise SourceError("an OData answer holds no list of entities", hint="check the name of the entity set")
    return [item for item in inner if isinstance(item, Mapping)]


def _links(body: Mapping[str, Any]) -> tuple[str, str]:
    """The next page and the delta link, empty where there is none."""
    inner = body.get("d", body)
    if not isinstance(inner, Mapping):
        return "", ""
    following = inner.get("__next") or inner.get("@odata.nextLink") or inner.get("@nextLink") or ""
    delta = inner.get("__delta") or inner.get("@odata.deltaLink") or inner.get("@deltaLink") or ""
    return str(following), str(delta)


def _total(body: Mapping[str, Any]) -> int:
    inner = body.get("d", body)
    count = inner.get("__count") or inner.get("@odata.count") if isinstance(inner, Mapping) else 0
    return int(count or 0)


def _record(item: Mapping[str, Any]) -> dict[str, Any]:
    """An entity without the protocol's own marks; v2's dates and deep results as plain values."""
    record: dict[str, Any] = {}
    for name, value in item.items():
        if name.startswith(("__", "@")) or "@odata." in name:
            continue
        if isinstance(value, Mapping):
            if "__deferred" in value:
                continue
            value = [_record(i) for i in value["results"]] if "results" in value else _record(value)
        record[name] = _value(value)
    return record


def _value(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("/Date(") and (found := _DATE.match(value)):
        return (_EPOCH + dt.timedelta(milliseconds=int(found[1]))).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, list):
        return json.loads(json.dumps([_record(v) if isinstance(v, Mapping) else v for v in value]))
    return value


def _literal(text: str) -> Any:
    """A value in a key of a URL: `'O''Neil'`, `17`, `guid'...'`."""
    plain = unquote(text.strip())
    if found := re.fullmatch(r"(?:guid|datetime|datetimeoffset|binary)?'(.*)'", plain, re.DOTALL):
        return found[1].replace("''", "'")
    return plain.rstrip("LMmdDfF") if re.fullmatch(r"-?\d+(?:\.\d+)?[LMmdDfF]?", plain) else plain
