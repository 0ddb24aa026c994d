"""A service desk with Zendesk's incremental exports: by cursor for tickets and users, by time for organizations."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

from tests.ingest.connectors.simulators.base import Request, Response, Simulator


class Zendesk(Simulator):
    """`change` writes a ticket; `drop` deletes it, which the export tells by a status."""

    email, secret = "agent@example.com", "zendesk-secret-value"

    def __init__(self, *, page: int = 10, **more: Any) -> None:
        super().__init__(**more)
        self.size = page
        self.export: list[dict[str, Any]] = []  # in the order of change, a record as often as it changed

    def change(self, key: int, /, **values: Any) -> None:
        stamp = self.tick().replace(".000Z", "Z")
        held = self.rows.get("tickets", {}).get(str(key), {"created_at": stamp, "status": "open"})
        self.put("tickets", str(key), **{**held, "id": key, "updated_at": stamp, **values})
        self.export.append(dict(self.rows["tickets"][str(key)]))

    def drop(self, key: int) -> None:
        stamp = self.tick().replace(".000Z", "Z")
        self.remove("tickets", str(key))
        self.export.append({"id": key, "status": "deleted", "updated_at": stamp})

    def answer(self, request: Request) -> Response:
        pair = base64.b64encode(f"{self.email}/token:{self.secret}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {pair}":
            return Response({"error": "Couldn't authenticate you"}, 401)
        if request.path == "/api/v2/users/me.json":
            return Response({"user": {"email": self.email, "role": "admin"}})
        if request.path == "/api/v2/incremental/tickets/cursor.json":
            return self._cursor(request)
        if request.path == "/api/v2/incremental/organizations.json":
            return self._time(int(request.query["start_time"]))
        return Response({"error": "RecordNotFound"}, 404)

    def _cursor(self, request: Request) -> Response:
        if "cursor" in request.query:
            start = int(base64.b64decode(request.query["cursor"]))
        else:
            since = dt.datetime.fromtimestamp(int(request.query["start_time"]), dt.UTC)
            start = next((n for n, r in enumerate(self.export) if _moment(r) >= since), len(self.export))
        export = [] if self.empty else self.export
        chosen = self.page(export, start, self.size)
        end = min(start + self.size, len(export))
        after = base64.b64encode(str(end).encode()).decode()
        return Response({"tickets": chosen, "after_cursor": after, "end_of_stream": end >= len(export)})

    def _time(self, start: int) -> Response:
        rows = sorted(self.listed("organizations"), key=_moment)
        chosen = [r for r in rows if _moment(r).timestamp() >= start][:1_000]
        end = int(_moment(chosen[-1]).timestamp()) if chosen else start
        return Response({"organizations": chosen, "end_time": end, "count": len(chosen)})


def _moment(record: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(record["updated_at"])
