"""Ask: the question, its answer, what its marks lead to, its chart and pictures."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.console.answering import answer_view
from api.console.rendering import PageRoute, is_part, page, scope_of, service_of
from api.encode import to_json
from api.questions import checked_conversation, checked_question
from api.render.html import picture
from index.errors import NotFoundError, TowerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

router = APIRouter(route_class=PageRoute)
_DRAWN = 64  # charts kept
_NARROW = 250  # pixels of a plot for a phone


@router.get("/")
def start(request: Request) -> Response:
    """The box to ask from. A question in the address is not asked: addresses end up in logs."""
    return page(request, "ask.html", answer=None, question="", conversation="", problem=None)


@router.get("/console/examples")
def examples(request: Request) -> Response:
    """Questions to begin with. A part of its own: the first page does not wait for a catalogue to be read."""
    template = "examples.html" if is_part(request) else "examples_page.html"
    return page(request, template, examples=service_of(request).views.examples(scope_of(request)))


@router.post("/")
async def ask(request: Request) -> Response:
    """Answer the question of the form, for a browser without scripts."""
    form = await fields(request)
    return await run_in_threadpool(_asked, request, form.get("question", ""), form.get("conversation", ""))


@router.get("/console/answers/{answer_id}")
def answer(request: Request, answer_id: str) -> Response:
    """An answer given earlier; the next question follows it up."""
    view = answer_view(service_of(request).answer(answer_id, scope_of(request)))
    if is_part(request):
        return page(request, "answer.html", answer=view)
    said = request.query_params.get("said", "")
    return page(
        request, "ask.html", answer=view, question="", conversation=view["conversation"], problem=None, said=said
    )


@router.get("/console/{owner}/{owner_id}/citations/{number}")
def citation(request: Request, owner: str, owner_id: str, number: int) -> Response:
    """What a mark of an answer or a draft leads to."""
    if owner not in ("answers", "drafts"):
        raise NotFoundError("there is no such page")
    of = {"answer": owner_id} if owner == "answers" else {"draft": owner_id}
    shown = service_of(request).views.citation(scope_of(request), number, **of)
    template = "citation.html" if is_part(request) else "citation_page.html"
    return page(request, template, found=shown, back=f"/console/{owner}/{owner_id}")


@router.get("/console/answers/{answer_id}/chart.svg")
def chart(
    request: Request, answer_id: str, dark: Annotated[bool, Query()] = False, narrow: Annotated[bool, Query()] = False
) -> Response:
    """The answer's chart, drawn here, for a light or a dark page, and for a phone."""
    held = service_of(request).answer(answer_id, scope_of(request)).chart
    if held is None:
        raise NotFoundError("this answer has no chart")
    return Response(drawn(to_json(held.vega_lite), dark, narrow), media_type="image/svg+xml", headers=_SEALED)


@router.get("/console/{owner}/{owner_id}/images/{number}")
def image(request: Request, owner: str, owner_id: str, number: int) -> Response:
    """A picture of an answer or a draft."""
    service, scope = service_of(request), scope_of(request)
    held: Sequence[Mapping[str, Any]]
    if owner == "answers":
        held = service.answer(owner_id, scope).images
    else:
        held = service.drafts.get(scope, owner_id).get("images") or []
    path = Path(str(held[number].get("path") or "")) if 0 <= number < len(held) else None
    found = picture(path) if path is not None else None
    if found is None:
        raise NotFoundError("the picture is not there, or is no PNG or JPEG file")
    return Response(found[1], media_type=found[0], headers=_SEALED)


_SEALED = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""A picture opened by itself is no page: whatever stands in it does not run."""


def _asked(request: Request, question: str, conversation: str) -> Response:
    try:
        checked = checked_question(question)
        found = service_of(request).ask(checked, scope_of(request), conversation=checked_conversation(conversation))
    except TowerError as error:
        return page(request, "ask.html", error.status, answer=None, question=question, conversation="", problem=error)
    view = answer_view(found)
    return page(request, "ask.html", answer=view, question="", conversation=view["conversation"], problem=None)


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form, the last of each name."""
    body = (await request.body()).decode("utf-8", errors="replace")
    return {name: values[-1] for name, values in parse_qs(body, keep_blank_values=True, max_num_fields=20).items()}


@lru_cache(maxsize=_DRAWN)
def drawn(specification: str, dark: bool, narrow: bool = False) -> str:
    """A Vega-Lite specification as SVG on whatever is behind it, in colours that a dark page shows where it is one. A
    narrow page gets a narrow plot, whose letters are as large as on a wide one."""
    import json

    import vl_convert

    for light, instead in _dark_colours().items() if dark else ():
        specification = specification.replace(light, instead)
    chart = {**json.loads(specification), "background": "transparent"}
    if narrow and isinstance(chart.get("width"), int | float):
        chart["width"] = min(chart["width"], _NARROW)
    try:
        svg: str = vl_convert.vegalite_to_svg(chart)
    except ValueError as error:
        raise NotFoundError(f"the chart could not be drawn: {str(error).splitlines()[0]}") from error
    return svg


def _dark_colours() -> dict[str, str]:
    """Each colour of `query.compose.chart` that is too dark there, and what stands for it."""
    from query.compose.chart import COLOURS, GRID, INK, MUTED

    lighter = dict(zip(COLOURS, ("#63b8f2", "#f0b429", "#3fcfa0", "#e3a1c6", "#8fd0f5", "#ff8a4c"), strict=True))
    return {INK: "#e6ecea", MUTED: "#a7b3b1", GRID: "#33403e", **lighter}
