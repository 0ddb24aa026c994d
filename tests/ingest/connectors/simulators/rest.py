"""A REST API with four styles of paging, OAuth 2 client credentials, ETags and a filter by change."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.ingest.connectors.simulators.base import Request, Response, Simulator

SIZE = 10


class RestApi(Simulator):
    """`/oauth/token`; `/things?style=page|offset|cursor|link&updated_since=`; `/single` with an ETag."""

    secret = "rest-secret-value"

    def change(self, key: str, /, **values: Any) -> None:
        self.put("things", key, id=key, updated_at=self.tick(), **values)

    def answer(self, request: Request) -> Response:
        if request.path == "/oauth/token":
            form = request.form
            if form.get("client_secret") != self.secret or form.get("grant_type") != "client_credentials":
                return Response({"error": "invalid_client"}, 401)
            return Response({"access_token": self.new_token(), "token_type": "bearer", "expires_in": 3600})
        if not self.signed_in(request):
            return Response({"error": "invalid_token"}, 401)
        if request.path == "/single":
            return self._single(request)
        if request.path != "/things":
            return Response({"error": "not found"}, 404)
        return self._list(request)

    def _single(self, request: Request) -> Response:
        body = json.dumps(sorted(self.listed("things"), key=lambda r: str(r["id"])))
        tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(None, 304, {"ETag": tag})
        return Response(body, 200, {"ETag": tag})

    def _list(self, request: Request) -> Response:
        query = request.query
        items = sorted(self.listed("things"), key=lambda r: (str(r["updated_at"]), str(r["id"])))
        if query.get("order") == "id":
            items.sort(key=lambda r: str(r["id"]))
        since = query.get("updated_since", "")
        items = [r for r in items if str(r["updated_at"]) >= since]
        style = query.get("style", "page")
        size = int(query.get("size", SIZE))
        start = {"page": (int(query.get("page", 1)) - 1) * size, "offset": int(query.get("offset", 0))}.get(
            style, int(query.get("after", 0))
        )
        chosen = self.page(items, start, size)
        more = start + size < len(items)
        if style == "link":
            link = f"{self.url}/things?style=link&size={size}&after={start + size}&updated_since={since}"
            return Response(chosen, 200, {"Link": f'<{link}>; rel="next"'} if more else {})
        body: dict[str, Any] = {"data": {"items": chosen}, "total": len(items)}
        if style == "cursor":
            body["meta"] = {"next": str(start + size) if more else None}
        return Response(body)
