"""`serve`: the HTTP API and the console."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, cast

import typer

from api.commands.runtime import AsOption, HomeOption, JsonOption, remark, runtime
from index.errors import PolicyError, SettingsError, UsageError

if TYPE_CHECKING:
    from api.access.signin import SignIn
    from api.service import Service
    from api.settings import Settings
    from api.upkeep.share import Share

_M_ARENA_MAX = -8  # malloc.h of glibc


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(serve)


def serve(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", help="The address to bind; another than loopback needs sign-in.")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="The port; default 8000.")] = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Serve the HTTP API, and the console at /.

    In a workspace that declares users, a request needs a bearer token: of the sign-in service in the settings, an API
    key (tower keys add), or for development one of tower token. With --as, requests without a token are that user's.

    \b
    Example:
      tower serve --port 8000
    """
    from api.access.browser import Browsers
    from api.access.limits import Limits
    from api.access.shelf import shelf_of
    from api.access.signin import SignIn
    from api.http.boundary import LOOPBACK_NAMES
    from api.http.idempotency import KEPT, Repeats
    from api.http.serving import serve_workspace
    from api.telemetry.logs import set_up
    from index.stages import OBSERVERS

    run = runtime(context)
    settings = run.settings(home)
    address = host or settings.server.host
    number = settings.server.port if port is None else port
    sign_in = SignIn(settings.signin, settings.home)
    require_sign_in(settings, sign_in, address, as_user)
    browsers = Browsers(settings.console, settings.signin, shelf_of(settings.console, settings.limits))
    set_up(settings.logs, settings.home)
    _few_arenas()
    with run.workspace(home, own=True) as service:
        if as_user is not None or not settings.policy_path.exists():
            service.scope_for(as_user)
        serve_workspace(
            service,
            settings.home,
            address,
            number,
            lambda url: remark(f"serving {settings.home} at {url}/ (Ctrl-C stops)"),
            user=as_user,
            hosts=LOOPBACK_NAMES | {name.lower() for name in (address, *settings.server.names)},
            sign_in=sign_in,
            limits=Limits(settings.limits),
            kept_jobs=settings.jobs if settings.jobs.keep else None,
            share=_share(service, settings),
            browsers=browsers,
            repeats=Repeats(shelf_of(settings.console, settings.limits, KEPT)),
            observers=OBSERVERS.get(),
            concurrent=settings.server.concurrent,
            threads=_threads(settings),
            drain_s=settings.server.drain_s,
        )


def require_sign_in(settings: Settings, sign_in: SignIn, host: str, user: str | None) -> None:
    """Raises `PolicyError` where other machines could reach the server, or production is meant, and somebody could
    ask without having signed in."""
    outside = not _loopback(host)
    if not outside and not sign_in.production:
        return
    what = f"on {host}: other machines could reach it" if outside else "in production"
    if not settings.policy_path.exists():
        raise PolicyError(
            f"will not serve {what}, and the workspace declares no users",
            hint="declare them in policy.yaml, or serve on 127.0.0.1: docs/security.md",
        )
    if user is not None:
        raise PolicyError(f"will not serve {what}, and --as lets in whoever comes", hint="leave --as away")
    if not sign_in.ready:
        raise PolicyError(
            f"will not serve {what}, and nobody can sign in",
            hint="name a sign-in service (signin.issuer), or make a key: tower keys add --user USER",
        )
    if outside and ipaddress.ip_address(host).is_unspecified and not settings.server.names:
        raise SettingsError(f"{host} has no name of its own to answer for", hint="list the host names in server.names")


def _few_arenas() -> None:
    """Let the C library allocate from two arenas and not from eight a core, of which each keeps what its threads once
    needed: a server under mixed load held a quarter less. Before any thread; elsewhere than on glibc nothing."""
    import ctypes

    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
    except (AttributeError, OSError):
        return


def _share(service: Service, settings: Settings) -> Share | None:
    """The server's part in a workspace that several processes share."""
    if not settings.jobs.shared:
        return None
    from api.audit import Audited
    from api.upkeep.share import Share
    from api.workspace import Workspace

    return Share(cast(Workspace, cast(Audited, service).inner), settings, serves=True)


def _threads(settings: Settings) -> int:
    """Few where requests compute; as many as requests where they wait for a model or another machine's database."""
    roles = (settings.models.planner, settings.models.writer, settings.models.image)
    waits = bool(settings.index.url) or any(role.provider != "none" for role in roles)
    return settings.server.concurrent if waits else 0


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise UsageError(f"{host!r} is no address to listen on", hint="an IP address, or localhost") from error
