"""Pages out of templates: who is signed in, what that may do, the headers that keep foreign content out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Coroutine, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.requests import Request

from api.console.assets import address
from api.http.problems import recorded
from api.render.answers import cell_text
from api.service import UPKEEP
from index.errors import LimitError, SignInError, TowerError

if TYPE_CHECKING:
    from jinja2 import Environment

    from api.access.browser import Browsers
    from api.service import Service
    from index.scope import Scope

_TITLES = {401: "Please sign in", 403: "Not for you", 404: "Not found", 409: "Not now", 429: "Too many requests"}


class PageRoute(APIRoute):
    """A route whose failures that Tower foresaw are pages, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler, with the failure's page around it."""
        inner = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await inner(request)
            except TowerError as error:
                return refusal(request, await recorded(request, error))

        return handled


def service_of(request: Request) -> Service:
    """The workspace that is shown."""
    service: Service = request.app.state.service
    return service


def scope_of(request: Request) -> Scope:
    """What the reader of the page may see."""
    scope: Scope = request.scope["tower.scope"]
    return scope


def browsers_of(request: Request) -> Browsers:
    """The sessions of this server's pages."""
    browsers: Browsers = request.app.state.browsers
    return browsers


def page(request: Request, template: str, code: int = 200, /, **shown: Any) -> HTMLResponse:
    """A template as a page, or as a part of one (`?part=1`) for a page that is open already."""
    scope: Scope | None = request.scope.get("tower.scope")
    shown |= {
        "path": request.url.path,
        "part": is_part(request),
        "who": scope.principal.name if scope is not None else "",
        "signed_in": "tower.session" in request.scope,
        "may": _rights(scope),
    }
    content = _environment().get_template(template).render(shown)
    return HTMLResponse(content, status_code=code, headers=headers_of(request))


def headers_of(request: Request) -> dict[str, str]:
    """The policy of a page: own style, scripts and pictures, nothing inline, nothing from or to another host."""
    frames = " ".join(browsers_of(request).settings.frame_origins)
    rules = (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
        "form-action 'self'", "base-uri 'none'", f"frame-ancestors {frames or chr(39) + 'none' + chr(39)}",
        "require-trusted-types-for 'script'", "trusted-types tower",
    )  # fmt: skip
    return {"Content-Security-Policy": "; ".join(rules), "Vary": "Cookie"}


def is_part(request: Request) -> bool:
    """True where a script of an open page asks for a piece of it."""
    return request.query_params.get("part") == "1"


def page_number(request: Request) -> int:
    """Which page of a list is asked for; the first for anything else."""
    text = request.query_params.get("page", "")
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 6 else 1


def refusal(request: Request, error: TowerError) -> Response:
    """The page of a failure; who has to sign in is sent there."""
    if isinstance(error, SignInError) and request.method == "GET" and not is_part(request):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/console/sign-in?{urlencode({'then': asked})}", status_code=303)
    reply = failure(request, error.status, error.message, error.hint)
    if isinstance(error, LimitError):
        reply.headers["Retry-After"] = str(error.retry_after)
    return reply


def failure(request: Request, status: int, message: str, hint: str = "") -> HTMLResponse:
    """What failed, as a page or as a part of one."""
    if status == 404:
        hint = "it may be gone, or it is not yours to see"
    elif "Authorization:" in hint:  # hints that speak of headers are for programs
        hint = ""
    template = "error.html" if is_part(request) else "error_page.html"
    return page(request, template, status, title=_TITLES.get(status, "That did not work"), message=message, hint=hint)


def _rights(scope: Scope | None) -> dict[str, bool]:
    if scope is None:
        return {}
    return {action: scope.may(action) for action in ("ask", "drafts", "ingest", "reindex", "audit")} | {
        "upkeep": any(scope.may(action) for action in UPKEEP)
    }


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {"asset": address}
    made.filters |= {
        "percent": percent, "day": day, "moment": moment, "ago": ago, "cell": cell_text, "number": number,
        "is_number": is_number, "words": words, "seconds": seconds,
    }  # fmt: skip
    return made


# --- how values are written ------------------------------------------------------------------------------------------


def percent(value: float | None, places: int = 0) -> str:
    """0.954 as 95 %; never 0 or 100 for what is neither."""
    if value is None:
        return "–"
    shown = f"{value * 100:.{places}f}"
    edge = {"100": "> 99", "0": "< 1"}.get(shown, shown) if places == 0 and 0 < value < 1 else shown
    return f"{edge} %"


def number(value: Any) -> str:
    """A count with its thousands apart."""
    return f"{value:,}" if isinstance(value, int | float) else cell_text(value)


def is_number(value: Any) -> bool:
    """True for what stands at the right of its column."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def words(value: str) -> str:
    """A name of code as words."""
    return str(value).replace("_", " ").replace(".", " ")


def day(value: str | None) -> str:
    """An ISO date as 6 Jun 2026."""
    try:
        found = dt.date.fromisoformat((value or "")[:10])
    except ValueError:
        return value or "–"
    return f"{found.day} {found:%b %Y}"


def moment(value: str | int | None) -> str:
    """An ISO time, or milliseconds since 1970, as 6 Jun 2026, 14:05 UTC."""
    if not value:
        return "–"
    try:
        found = (
            dt.datetime.fromtimestamp(value / 1000, dt.UTC)
            if isinstance(value, int)
            else dt.datetime.fromisoformat(value)
        )
    except ValueError:
        return str(value)
    found = found.astimezone(dt.UTC) if found.tzinfo else found
    return f"{found.day} {found:%b %Y, %H:%M} UTC"


def ago(value: str | None) -> str:
    """How long ago an ISO time was, in one unit."""
    try:
        then = dt.datetime.fromisoformat(value or "")
    except ValueError:
        return "never"
    passed = (dt.datetime.now(dt.UTC) - (then if then.tzinfo else then.replace(tzinfo=dt.UTC))).total_seconds()
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if passed >= size:
            count = int(passed // size)
            return f"{count} {unit}{'s' if count != 1 else ''} ago"
    return "just now"


def seconds(value: float | None) -> str:
    """A duration in ms, s or min."""
    if value is None:
        return ""
    return f"{value * 1000:,.0f} ms" if value < 1 else f"{value:.1f} s" if value < 90 else f"{value / 60:.0f} min"


def shown_sort(asked: Mapping[str, str], name: str, **others: str) -> dict[str, str]:
    """The link of a column's head: its address, and the order that it is in now, for `aria-sort`."""
    now = asked.get("sort", "-score")
    down = now == f"-{name}"
    first = "-" if name == "score" else ""  # what to look at first: high scores, early dates
    target = (name if down else f"-{name}") if now.lstrip("-") == name else f"{first}{name}"
    order = "none" if now.lstrip("-") != name else "descending" if down else "ascending"
    return {"href": "?" + urlencode({**others, "sort": target}), "order": order}
