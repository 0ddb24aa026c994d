"""The `tower` command: its commands, and the one place where failures become messages and exit statuses.

Exit status: 0 done; 1 failed; 2 bad usage or bad input; 3 refused by policy; 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import Abort, TyperException

from api.commands import (
    audit,
    demo,
    drafts,
    feedback,
    forget,
    lineage,
    masking,
    mcp,
    policy,
    questions,
    scores,
    serving,
    sources,
    tokens,
    working,
)
from api.commands.runtime import Runtime, remark
from api.encode import error_body
from api.logs import protect, redacted
from index.errors import StorageError, TowerError, UsageError

if TYPE_CHECKING:
    from api.service import Opener

INTERRUPTED = 130
_INTERRUPTED = "\ninterrupted; nothing that was finished is lost, and the command can be run again"

app = typer.Typer(
    name="tower",
    help="Answers, charts and e-mail drafts over a company's records and documents, every claim cited.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
for group in (demo, sources, lineage, forget, questions, masking, scores, serving, working, mcp, tokens):
    group.register(app)
app.add_typer(drafts.app, name="drafts")
app.add_typer(feedback.app, name="feedback")
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tower {version('tower-rag')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Answers, charts and e-mail drafts over a company's records and documents, every claim cited.

    Begin with `tower demo` (a sample company) or `tower init` (data of your own).
    """


def main(arguments: Sequence[str] | None = None, *, opener: Opener | None = None) -> int:
    """Run one command and return its exit status. `opener` opens the workspace (default: the real wiring)."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    run = Runtime(opener)
    protect(None)
    try:
        result = app(argv, prog_name="tower", standalone_mode=False, obj=run)
        sys.stdout.flush()
        if result == INTERRUPTED:  # Typer turned the KeyboardInterrupt into this status
            remark(_INTERRUPTED)
        return result if isinstance(result, int) else 0
    except (Exception, KeyboardInterrupt) as error:
        return failed(error, argv, run)


def failed(error: BaseException, argv: Sequence[str], run: Runtime) -> int:
    """Say what went wrong in a command, and return its exit status."""
    if isinstance(error, (KeyboardInterrupt, Abort)):
        remark(_INTERRUPTED)
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the exit does not fail on the flush
        return 1
    return _fail(_said(error, argv, run), argv, run.home)


def _said(error: BaseException, argv: Sequence[str], run: Runtime) -> TowerError:
    if isinstance(error, TowerError):
        return error
    if isinstance(error, TyperException):
        return UsageError(error.format_message(), hint=_usage_hint(argv))
    # The last resort: one line for the user, the trace in a file.
    return _of_os(error, run) if isinstance(error, OSError) else _internal(error, run)


def _fail(error: TowerError, argv: Sequence[str], home: Path | None) -> int:
    if "--json" in argv:
        from api.encode import to_json

        sys.stdout.write(to_json(error_body(error)) + "\n")
        sys.stdout.flush()
    else:
        text = f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else "")
        remark(redacted(text, home))
    return error.exit_status


def _usage_hint(argv: Sequence[str]) -> str:
    known = [command.name for command in app.registered_commands] + [group.name for group in app.registered_groups]
    named = next((word for word in argv if word in known), None)
    return f"see `tower {named} --help`" if named else "see `tower --help`"


def _of_os(error: OSError, run: Runtime) -> TowerError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(f"the disk is full: {error}", hint="make room and run the command again; nothing is lost")
    if isinstance(error, (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)):
        return UsageError(f"{error.strerror}: {error.filename}", hint="check the path and its permissions")
    return _internal(error, run)


class InternalError(TowerError):
    """Something that Tower did not foresee; the trace is in a file."""

    code = "internal"


def _internal(error: BaseException, run: Runtime) -> TowerError:
    trace = "".join(traceback.format_exception(error))
    folder = run.home / "logs" if run.home is not None and run.home.is_dir() else Path(tempfile.gettempdir())
    path = folder / f"tower-error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(redacted(trace, run.home), encoding="utf-8")
        hint = f"this is a fault of Tower; the trace is in {path}"
    except OSError as failure:
        hint = f"this is a fault of Tower; its trace could not be written to {path}: {failure}"
    return InternalError(
        f"unexpected {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", hint=hint
    )
