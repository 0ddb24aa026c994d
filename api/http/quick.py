"""A route that many ask at once, without what FastAPI works out for each request."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, get_type_hints

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.http.context import caller_scope, open_line, open_service
from api.http.wire import SearchRequest
from index.embedding.asked import Asked


class QuickRoute(APIRoute):
    """The route of a function of `body` (a `SearchRequest`), `service` and `scope`.

    A JSON body that is what it should be goes to the function, in a thread, when it is its turn in the line of those
    who search. Every other request takes FastAPI's way, which says what is wrong with it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        thorough, answer = super().get_route_handler(), self.endpoint
        model: type[SearchRequest] = get_type_hints(answer)["body"]

        async def handle(request: Request) -> Response:
            if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                return await thorough(request)
            try:
                body = model.model_validate_json(await request.body())
            except ValidationError:
                return await thorough(request)
            service, scope = await open_service(request), await caller_scope(request)
            async with (await open_line(request)).turn(Asked(body.query, scope.principal.name)):
                return await run_in_threadpool(answer, body, service, scope)

        return handle
