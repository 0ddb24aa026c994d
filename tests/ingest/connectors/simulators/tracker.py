"""The issue tracker of docs/connectors.md."""

from __future__ import annotations

from typing import Any

from tests.ingest.connectors.simulators.base import Request, Response, Simulator

SIZE = 10


class Tracker(Simulator):
    """Issues of one project, and an event list."""

    secret = "tracker-secret-value"

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.tokens.add(self.secret)
        self.events: list[dict[str, Any]] = []

    def change(self, number: int, /, **values: Any) -> None:
        self.put("issues", str(number), number=number, updated=self.tick(), **values)

    def drop(self, number: int) -> None:
        self.tick()
        self.remove("issues", str(number))
        self.events.append({"id": len(self.events) + 1, "kind": "deleted", "number": number})

    def answer(self, request: Request) -> Response:
        if not self.signed_in(request):
            return Response({"message": "Bad credentials"}, 401)
        rows = sorted(self.listed("issues"), key=lambda r: (r["updated"], r["number"]))
        if request.path == "/projects/boots/numbers":
            return Response({"numbers": [r["number"] for r in rows]})
        if request.path == "/projects/boots/events":
            after = int(request.query["after"])
            return Response({"events": [e for e in self.events if e["id"] > after], "last": len(self.events)})
        if request.path == "/projects/boots/issues":
            since, page = request.query.get("since", ""), int(request.query["page"])
            rows = [r for r in rows if r["updated"] >= since]
            chosen = self.page(rows, (page - 1) * SIZE, SIZE)
            return Response(
                {"issues": chosen, "total": len(rows), "next_page": page + 1 if page * SIZE < len(rows) else 0}
            )
        return Response({"name": "Boots"}) if request.path == "/projects/boots" else Response({}, 404)
