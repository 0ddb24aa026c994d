"""Questions, what they would run, their answers, passages and SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from api.encode import answer_json, encodable, plain
from api.evaluation.replay import Replay
from api.http.context import KeyDep, RepeatsDep, ScopeDep, ServiceDep
from api.http.quick import QuickRoute
from api.http.streaming import ask_events, streamed
from api.http.wire import AskRequest, Faults, SearchRequest, SearchResponse, SqlRequest, SqlResponse
from api.questions import checked_conversation, checked_k, checked_question
from api.render.answers import plan_json, rows_json
from api.render.hits import search_json
from index.errors import UsageError
from query.answer import Answer

if TYPE_CHECKING:
    from api.http.idempotency import Repeats
    from api.service import OnEvent, Service
    from index.scope import Scope

router = APIRouter(prefix="/v1", tags=["questions"])
STREAM = {"text/event-stream": {"schema": {"type": "string"}, "example": "event: route\ndata: {...}\n\n"}}


@router.post("/ask", response_model=Answer, response_model_exclude_none=True, responses={200: {"content": STREAM}})
def ask(
    body: AskRequest, request: Request, service: ServiceDep, scope: ScopeDep, repeats: RepeatsDep, key: KeyDep = ""
) -> Response:
    """Answer a question. With `Accept: text/event-stream` the answer's parts come as they are ready."""
    checked_question(body.question), checked_conversation(body.conversation_id)
    asked = _asker(service, scope, repeats, body, key)
    if "text/event-stream" in request.headers.get("accept", ""):
        return streamed(ask_events(asked))
    return JSONResponse(answer_json(asked(None)))


def _asker(
    service: Service, scope: Scope, repeats: Repeats, body: AskRequest, key: str
) -> Callable[[OnEvent | None], Answer]:
    """Asks once for each key; a repetition reads the answer that the first request made."""
    question, conversation = checked_question(body.question), checked_conversation(body.conversation_id)

    def asked(on_event: OnEvent | None) -> Answer:
        made: list[Answer] = []

        def make() -> str:
            made.append(service.ask(question, scope, conversation=conversation, on_event=on_event))
            return made[0].id

        known = repeats.once(scope.principal.name, "ask", key, body.model_dump(), make)
        return made[0] if made else service.answer(known, scope)

    return asked


@router.post("/explain")
def explain(body: AskRequest, service: ServiceDep, scope: ScopeDep) -> Response:
    """The plan that `ask` would run; gives no answer."""
    return JSONResponse(plan_json(service.explain(checked_question(body.question), scope)))


@router.get("/answers/{answer_id}", response_model=Answer, response_model_exclude_none=True)
def answer(answer_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """An answer given earlier."""
    return JSONResponse(answer_json(service.answer(answer_id, scope)))


@router.post("/answers/{answer_id}/replay", response_model=Replay, response_model_exclude_none=True)
def replay(answer_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """Ask an answer's question again and tell what changed since; nothing of it is kept."""
    found = service.replay(answer_id, scope)
    return JSONResponse({**plain(found), "answer": answer_json(found.answer)})


@router.post("/answers/{answer_id}/check", response_model=Faults)
def check(answer_id: str, service: ServiceDep, scope: ScopeDep) -> Response:
    """Read every citation of an answer given earlier from its source again: a line for each that does not hold."""
    return JSONResponse({"faults": list(service.check_citations(service.answer(answer_id, scope), scope))})


def search(body: SearchRequest, service: ServiceDep, scope: ScopeDep) -> Response:
    """Find passages."""
    query = encodable(checked_question(body.query))  # it is said back
    passages = service.search(query, scope, checked_k(body.k), repeats=body.repeats)
    found = search_json(query, passages)
    return JSONResponse(found | {"hits": plain(passages)} if body.whole else found)


router.add_api_route(
    "/search", search, methods=["POST"], response_model=SearchResponse, route_class_override=QuickRoute
)


@router.post("/sql", response_model=SqlResponse)
def sql(body: SqlRequest, service: ServiceDep, scope: ScopeDep) -> Response:
    """Run a SELECT through the guard and the policy."""
    if not body.sql.strip():
        raise UsageError("the SQL is empty", hint="send one SELECT")
    return JSONResponse(rows_json(*service.sql(body.sql, scope)))
