"""The page at `/`: a box to ask from, and the answer with its sources. Rendered here, no script, nothing external."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool

from api.questions import checked_question
from index.errors import TowerError

if TYPE_CHECKING:
    from api.service import Service
    from index.scope import Scope

router = APIRouter(include_in_schema=False)

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 20%, Canvas); --accent: #0b6e5f; }
@media (prefers-color-scheme: dark) { :root { --accent: #5fd0bd; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.3rem; margin: 0 0 1rem; }
form { display: flex; gap: .5rem; margin-bottom: 1.5rem; }
input, button { font: inherit; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: .4rem; }
input { flex: 1; min-width: 0; }
button { border-color: transparent; background: var(--accent); color: Canvas; }
a { color: var(--accent); text-decoration: none; }
a:hover, a:focus { text-decoration: underline; }
article { overflow-wrap: anywhere; }
table { border-collapse: collapse; display: block; overflow-x: auto; margin: 1rem 0; font-size: .9rem; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .7rem; text-align: left; white-space: nowrap; }
.tower-draft { border: 1px solid var(--line); border-radius: .4rem; padding: .2rem 1rem 1rem; margin: 1rem 0; }
.tower-sources, details { font-size: .9rem; margin-top: 1rem; }
.tower-notice, .problem { border-left: 3px solid #c77700; padding-left: .8rem; }
li:target { background: color-mix(in srgb, var(--accent) 15%, Canvas); }
pre { white-space: pre-wrap; }
img { max-width: 100%; }
"""


@router.get("/console.css")
def style() -> Response:
    """The page's style sheet, a file of its own so that the policy needs no inline style."""
    return Response(STYLE, media_type="text/css")


@router.get("/", response_class=HTMLResponse)
def start() -> str:
    """An empty box. A question in the address is not asked: addresses end up in logs."""
    return page("")


@router.post("/", response_class=HTMLResponse)
async def ask(request: Request) -> HTMLResponse:
    """Answer the question of the form."""
    form = parse_qs((await request.body()).decode("utf-8", errors="replace"), max_num_fields=10)
    question = form.get("question", [""])[0]
    return await run_in_threadpool(_answered, request.app.state.service, request.scope["tower.scope"], question)


def _answered(service: Service, scope: Scope, question: str) -> HTMLResponse:
    from api.render.html import answer_html

    try:
        answer = service.ask(checked_question(question), scope)
    except TowerError as error:
        return refusal(error, question)
    return HTMLResponse(page(question, answer_html(answer)))


def refusal(error: TowerError, question: str = "") -> HTMLResponse:
    """The page with what went wrong."""
    told = f'<p class="problem" role="alert">{escape(error.message)}<br>{escape(error.hint)}</p>'
    return HTMLResponse(page(question, told), status_code=error.status)


def page(question: str, content: str = "") -> str:
    """The whole page; `content` is HTML that is safe already."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tower</title>
<link rel="stylesheet" href="/console.css">
</head>
<body>
<h1>Tower</h1>
<form method="post" action="/" role="search">
<input name="question" aria-label="Question" placeholder="Ask about your data" required value="{escape(question)}">
<button>Ask</button>
</form>
<main aria-live="polite">{content}</main>
</body>
</html>
"""
