"""The owner of the workspace's files at the door of the server: a command on this machine that read `serve.json`.

Its token makes it what it is without the server: the local administrator, or with `--as` whom it names.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from api.client.presence import TOKEN_HEADER, USER_HEADER
from index.errors import PolicyError

if TYPE_CHECKING:
    from starlette.requests import Request

    from api.service import Service
    from index.scope import Scope


@dataclass(frozen=True)
class Owner:
    """The name of this run of the server, which `/healthz` tells, and the token that only the file holds."""

    server: str
    token: str

    @classmethod
    def new(cls) -> Owner:
        """A name and a token that nobody can guess."""
        return cls(secrets.token_hex(8), secrets.token_urlsafe(32))


def owner_scope(request: Request, service: Service) -> Scope | None:
    """The scope of a request that carries the owner's token; None for one without a token.

    Raises `PolicyError` for a wrong token.
    """
    given = request.headers.get(TOKEN_HEADER)
    if given is None:
        return None
    owner: Owner | None = request.app.state.owner
    if owner is None or not secrets.compare_digest(given.encode(), owner.token.encode()):
        raise PolicyError("the owner's token is not this server's", hint="it is in serve.json of the workspace")
    user = unquote(request.headers.get(USER_HEADER, ""))
    return service.scope_for(user or None)
