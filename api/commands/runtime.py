"""What every command shares: options, the open workspace, results on stdout, progress on stderr, errors."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.client.presence import FILE as PRESENCE
from api.home import default_home
from api.logs import protect
from index.errors import BusyError

if TYPE_CHECKING:
    from rich.console import Console

    from api.client.remote_service import RemoteService
    from api.service import Opener, Progress, Service
    from api.settings import Settings

HomeOption = Annotated[
    Path | None, typer.Option("--home", metavar="DIR", help="The workspace; default: TOWER_HOME, else ./.tower.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON value on stdout; logs and progress on stderr.")]
AsOption = Annotated[
    str | None, typer.Option("--as", metavar="USER", help="Ask as this user; default: the local administrator.")
]
SqlUrlOption = Annotated[
    str | None, typer.Option("--sql-url", metavar="URL", help="Ask this database in place; needs no workspace.")
]


PIPE_WIDTH = 160  # characters of a table in a file or a pipe


@dataclass
class Runtime:
    """One run of the command line. `opener` is `api.wiring.open_workspace` unless a test gives another."""

    opener: Opener | None = None
    home: Path | None = None
    started: float = field(default_factory=time.monotonic)

    def settings(self, home: Path | None, *, must_exist: bool = True) -> Settings:
        """The settings of the workspace that `--home`, TOWER_HOME or the default names."""
        from api.settings import load_settings

        return load_settings(self._named(home), must_exist=must_exist)

    def served(self, home: Path | None) -> RemoteService | None:
        """The server that owns the workspace; None where none does."""
        if not (self._named(home) / PRESENCE).is_file():
            return None
        from api.client.remote_service import connect

        return connect(self._named(home))

    @contextmanager
    def workspace(self, home: Path | None, *, sql_url: str | None = None, own: bool = False) -> Iterator[Service]:
        """The workspace, closed at the end whatever happens: through the server that owns it, else opened here.

        With `own` it is opened here or not at all: `BusyError` where a server owns it.
        """
        remote = self.served(home) if sql_url is None else None
        if remote is not None and own:
            raise BusyError(
                f"{self.home} is served already at {remote.presence.url} (pid {remote.presence.pid})",
                hint="stop that process first",
            )
        if remote is not None:
            yield remote
            return
        with self.opened(home, sql_url=sql_url) as service:
            yield service

    @contextmanager
    def opened(self, home: Path | None, *, sql_url: str | None = None) -> Iterator[Service]:
        """The workspace, opened here whoever serves it."""
        settings = self.settings(home, must_exist=sql_url is None)
        service = self._opener()(settings.home, settings, sql_url=sql_url)
        try:
            with _observed(settings):
                yield service
        finally:
            service.close()

    def _named(self, home: Path | None) -> Path:
        self.home = home or default_home()
        protect(self.home)
        return self.home

    def _opener(self) -> Opener:
        if self.opener is None:
            from api.wiring import open_workspace

            return open_workspace
        return self.opener


def _observed(settings: Settings) -> AbstractContextManager[None]:
    """Traces where the settings ask for them; nothing of OpenTelemetry is loaded where they do not."""
    if not settings.telemetry.otlp_endpoint:
        return nullcontext()
    from api.telemetry.tracing import observing

    return observing(settings.telemetry)


def runtime(context: typer.Context) -> Runtime:
    """The Runtime of this run."""
    found = context.find_object(Runtime)
    return found if found is not None else Runtime()


def show(value: Any, as_json: bool, render: Callable[[Console], None]) -> None:
    """The result of a command on stdout: `value` as JSON, or what `render` prints for people."""
    if as_json:
        from api.encode import to_json

        sys.stdout.write(to_json(value, indent=2) + "\n")
    else:
        render(stdout())
    sys.stdout.flush()


def stdout() -> Console:
    """A console on stdout: colours on a terminal only, and none with NO_COLOR."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def stderr() -> Console:
    """A console on stderr, for progress and remarks."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False)


def remark(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress callback: bars on a terminal, else a plain line every three seconds and at the end of a part."""
    if sys.stderr.isatty():
        with _bars() as report:
            yield report
    else:
        yield _Lines()


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr(), transient=False) as bars:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield report


class _Lines:
    """Progress for a log: few lines, each complete in itself."""

    def __init__(self, every_s: float = 3.0) -> None:
        self._every_s = every_s
        self._last: dict[str, float] = {}

    def __call__(self, what: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        finished = total is not None and done >= total
        if not finished and now - self._last.setdefault(what, now) < self._every_s:
            return
        self._last[what] = now
        remark(f"{what}: {done:,}" + (f" of {total:,}" if total is not None else ""))
