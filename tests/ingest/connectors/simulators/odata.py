"""An OData service of version 2 or 4 over an EDMX document: pages by skip token, filters, expand, delta links.

After the OData 2.0 JSON format (`d`, `results`, `__next`, `/Date()/`), the OData 4.01 JSON format (`value`,
`@odata.nextLink`, `@odata.deltaLink`, `@removed`), and what SAP's gateway does of them.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from urllib.parse import quote

from ingest.connectors.support.edmx import Service, parse_metadata
from tests.ingest.connectors.simulators.base import Request, Response, Simulator

_FILTER = re.compile(r"(\w+) ge (?:datetimeoffset|datetime)?'?([^']+?)'?\Z")


class ODataService(Simulator):
    """`edmx` says what there is; `parts` maps a set's navigation to the set and the column that holds its parts."""

    user, password = "tower", "odata-secret-value"

    def __init__(
        self, edmx: str, *, page: int = 10, parts: dict[str, tuple[str, str]] | None = None, **more: Any
    ) -> None:
        super().__init__(**more)
        self.edmx = edmx
        self.size = page
        self.parts = parts or {}
        self.service: Service = parse_metadata(edmx, "simulator")
        self.log: list[tuple[str, str, bool]] = []  # set, key, removed: what delta links are cut from
        self.delta_from = 0  # older delta links are gone (410)

    def change(self, name: str, key: str, /, **values: Any) -> None:
        self.tick()
        cursor = {"LastChange": self.stamp()} if "LastChange" in self.service.sets[name].edm else {}
        self.put(name, key, **{**cursor, **values})
        self.log.append((name, key, False))

    def drop(self, name: str, key: str) -> None:
        self.tick()
        self.remove(name, key)
        self.log.append((name, key, True))

    def answer(self, request: Request) -> Response:
        import base64

        expected = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if request.headers.get("authorization") != expected:
            return Response({"error": {"code": "401"}}, 401)
        path = request.path.removeprefix("/odata/").strip("/")
        if path == "$metadata":
            return Response(self.edmx, 200, {"Content-Type": "application/xml"})
        if path not in self.service.sets:
            return Response({"error": {"code": "404", "message": f"Resource not found for segment '{path}'"}}, 404)
        token = request.query.get("$deltatoken") or request.query.get("!deltatoken")
        if token is not None:
            return self._changes(path, int(token), int(request.query.get("$skiptoken", 0)))
        return self._list(path, request)

    def _list(self, name: str, request: Request) -> Response:
        query = request.query
        rows = self.listed(name)
        if found := _FILTER.fullmatch(query.get("$filter", "")):
            rows = [r for r in rows if str(r.get(found[1], ""))[:19] >= found[2][:19]]
        order = [c for c in query.get("$orderby", "").split(",") if c] or list(self.service.sets[name].key)
        rows.sort(key=lambda r: tuple(str(r.get(c, "")) for c in order))
        start = int(query.get("$skiptoken", 0))
        chosen = [self._shown(name, row, query.get("$expand", "")) for row in self.page(rows, start, self.size)]
        following = ""
        if start + self.size < len(rows):
            kept = "".join(f"&{quote(k)}={quote(v)}" for k, v in query.items() if k != "$skiptoken")
            following = f"{self.url}/odata/{name}?$skiptoken={start + self.size}{kept}"
        tracked = "track-changes" in request.headers.get("prefer", "") or "track" in query
        if tracked and following:
            following += "&track=1" if "track=1" not in following else ""
        return self._body(name, chosen, following, f"{len(self.log)}" if tracked and not following else "", len(rows))

    def _changes(self, name: str, since: int, skip: int) -> Response:
        if since < self.delta_from:
            return Response({"error": {"code": "410", "message": "the delta link has expired"}}, 410)
        last: dict[str, bool] = {}
        for table, key, removed in self.log[since:]:
            if table == name:
                last.pop(key, None)
                last[key] = removed
        entries: list[dict[str, Any]] = []
        for key, removed in last.items():
            if removed:
                entries.append(self._tombstone(name, key))
            elif key in self.rows[name]:
                entries.append(self._shown(name, self.rows[name][key], ""))
        chosen = entries[skip : skip + self.size]
        following = ""
        if skip + self.size < len(entries):
            following = f"{self.url}/odata/{name}?!deltatoken={since}&$skiptoken={skip + self.size}"
        return self._body(name, chosen, following, "" if following else str(len(self.log)), len(entries))

    def _tombstone(self, name: str, key: str) -> dict[str, Any]:
        escaped = key.replace("'", "''")
        identity = f"{name}('{quote(escaped)}')"
        if self.service.version == 2 or self.random.random() < 0.5:
            return {"@odata.context": f"$metadata#{name}/$deletedEntity", "id": f"{self.url}/odata/{identity}"}
        return {"@removed": {"reason": "deleted"}, "@odata.id": identity}

    def _body(self, name: str, items: list[Any], following: str, delta: str, total: int) -> Response:
        if self.service.version == 2:
            inner: dict[str, Any] = {"results": items, "__count": str(total)}
            if following:
                inner["__next"] = following
            if delta:
                inner["__delta"] = f"{self.url}/odata/{name}?!deltatoken={delta}"
            return Response({"d": inner})
        body: dict[str, Any] = {"@odata.context": f"$metadata#{name}", "@odata.count": total, "value": items}
        if following:
            body["@odata.nextLink"] = following
        if delta:
            body["@odata.deltaLink"] = f"{self.url}/odata/{name}?$deltatoken={delta}"
        return Response(body)

    def _shown(self, name: str, row: dict[str, Any], expand: str) -> dict[str, Any]:
        edm = self.service.sets[name].edm
        if self.service.version == 4:
            shown = {k: v for k, v in row.items() if k in edm}
        else:
            shown = {k: _v2(v, edm[k]) for k, v in row.items() if k in edm}
            shown["__metadata"] = {"uri": f"{self.url}/odata/{name}('x')", "type": name}
        for part, (target, column) in self.parts.items():
            if part not in self.service.sets[name].parts:
                continue
            key = self.service.sets[name].key[0]
            inner = [self._shown(target, r, "") for r in self.listed(target) if r.get(column) == row[key]]
            if part == expand:
                shown[part] = inner if self.service.version == 4 else {"results": inner}
            elif self.service.version == 2:
                shown[part] = {"__deferred": {"uri": f"{self.url}/odata/{name}/{part}"}}
        return shown


def _v2(value: Any, kind: str) -> Any:
    """Version 2 writes dates as /Date(ms)/, and decimals and 64-bit integers as text."""
    if value is None:
        return None
    if kind in ("Edm.DateTime", "Edm.DateTimeOffset"):
        moment = dt.datetime.fromisoformat(str(value))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        offset = "+0000" if kind == "Edm.DateTimeOffset" else ""
        return f"/Date({int(moment.timestamp() * 1000)}{offset})/"
    return str(value) if kind in ("Edm.Decimal", "Edm.Int64") else value
