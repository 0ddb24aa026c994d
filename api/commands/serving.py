"""`serve`: the HTTP API and the console."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.runtime import AsOption, HomeOption, JsonOption, remark, runtime
from index.errors import PolicyError

if TYPE_CHECKING:
    from api.service import Service


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(serve)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option("--host", help="The address to bind; loopback only for now.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="The port; default 8000.")] = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Serve the HTTP API, and a page to ask from at /.

    In a workspace that declares users, --as says whose questions these are: nobody signs in yet.

    \b
    Example:
      tower serve --port 8000
    """
    from api.serving import serve_workspace

    run = runtime(context)
    settings = run.settings(home)
    address = host or settings.server.host
    require_loopback(address)
    number = settings.server.port if port is None else port
    with run.workspace(home, own=True) as service:
        require_user(service, as_user)
        serve_workspace(
            service,
            settings.home,
            address,
            number,
            lambda url: remark(f"serving {settings.home} at {url}/ (Ctrl-C stops)"),
            user=as_user,
        )


def require_user(service: Service, user: str | None) -> None:
    """Raises `PolicyError` where users are declared and none is named, and for a user that is not declared."""
    try:
        service.scope_for(user)
    except PolicyError as error:
        if user is not None:
            raise
        raise PolicyError(
            "will not serve: this workspace declares users, and callers cannot sign in yet",
            hint="serve one user with --as USER: every request is then asked as that user",
        ) from error


def require_loopback(host: str) -> None:
    """Raises `PolicyError` for an address that other machines reach: nobody signs in yet."""
    if host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise PolicyError(
            f"will not serve on {host}: other machines could reach it, and nobody has to sign in",
            hint="serve on 127.0.0.1 and put a gateway that signs users in before it",
        )
