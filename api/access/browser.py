"""What a browser shows at the door: the cookie of its session, and from which page a request came.

A cookie is sent along whoever made the browser send it, so a request that changes something and has no better proof
than a cookie must come from a page of this server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from api.access.code_flow import CodeFlow
from api.access.sessions import Session, Sessions
from api.access.shelf import LocalShelf

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from api.access.caller import Caller
    from api.access.shelf import Shelf
    from api.settings import ConsoleSettings, SigninSettings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BEGUN = "tower_sign_in"  # the cookie between a sign-in's begin and end


class Browsers:
    """The sessions of a server's pages, and the sign-in service that opens them, where the settings name one. What they
    hold is kept on `shelf`, which several servers may share."""

    def __init__(
        self, console: ConsoleSettings, signin: SigninSettings | None = None, shelf: Shelf | None = None
    ) -> None:
        shelf = shelf if shelf is not None else LocalShelf()
        self.settings = console
        self.flow = CodeFlow(signin, console, shelf=shelf) if console.client_id and signin is not None else None
        self._sessions = Sessions(shelf)

    def session(self, request: Request) -> Session | None:
        """The session whose cookie the request carries; None without one that is open."""
        identity = request.cookies.get(self._name(request), "")
        return self._sessions.find(identity) if identity else None

    def open(self, request: Request, response: Response, *, caller: Caller | None = None, bearer: str = "") -> None:
        """Open a session, and give its cookie to the browser."""
        seconds = self.settings.session_minutes * 60
        identity = self._sessions.open(seconds, caller=caller, bearer=bearer)
        secure = self._secure(request)
        response.set_cookie(
            self._name(request), identity, max_age=seconds, path="/", httponly=True, secure=secure,
            # a frame of another site sends a cookie only when it says so, and then only over https
            samesite="none" if secure and self.settings.frame_origins else "lax",
        )  # fmt: skip

    def close(self, request: Request, response: Response) -> None:
        """End the session, and take its cookie back."""
        name = self._name(request)
        self._sessions.close(request.cookies.get(name, ""))
        response.delete_cookie(name, path="/", httponly=True, secure=self._secure(request))

    def remember(self, request: Request, response: Response, text: str) -> None:
        """Give the browser the text that ties it to the sign-in it began. It must come back from the provider's site,
        by a plain link: `lax` lets that through."""
        response.set_cookie(
            BEGUN, text, max_age=600, path="/console/sign-in", httponly=True, secure=self._secure(request),
            samesite="lax",
        )  # fmt: skip

    def address(self, request: Request, path: str) -> str:
        """`path` as a whole address that this browser can reach."""
        base = self.settings.url or f"{request.url.scheme}://{request.url.netloc}"
        return base.rstrip("/") + path

    def foreign(self, request: Request) -> bool:
        """True for a request that changes something, carries a session's cookie and no token, and is not known to come
        from a page of this server."""
        if request.method in SAFE_METHODS or "authorization" in request.headers:
            return False
        if self._name(request) not in request.cookies:
            return False
        origin = request.headers.get("origin")
        if origin is not None:
            return urlsplit(origin).netloc != request.headers.get("host")
        return request.headers.get("sec-fetch-site") != "same-origin"

    def _secure(self, request: Request) -> bool:
        return self.address(request, "").startswith("https:")

    def _name(self, request: Request) -> str:
        return "__Host-tower" if self._secure(request) else "tower_session"
