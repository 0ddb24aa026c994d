"""`forget`: take a customer out of every store, keep it out, and write a receipt."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.runtime import AsOption, HomeOption, JsonOption, progress, runtime, show
from index.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from api.upkeep.forgetting import Mode


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(forget)


def forget(
    context: typer.Context,
    entity: Annotated[str, typer.Option("--entity", metavar="KEY", help="The customer's key, or entity:KEY.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go; change nothing.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Let a forgotten customer come in again.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Take a customer out of every store, keep it out, and write a receipt that proves it.

    Rows, documents, passages, vectors, kept answers, conversations and drafts go, and do not come back with the next
    sync. It cannot be taken back: --undo lets the sources bring it in again.

    \b
    Examples:
      tower forget --entity ACC-0042 --dry-run
      tower forget --entity account:ACC-0042 --yes
      tower forget --entity ACC-0042 --undo && tower ingest --full
    """
    if dry_run and undo:
        raise UsageError("--dry-run and --undo do not go together", hint="give one of them")
    mode: Mode = "look" if dry_run else "undo" if undo else "forget"
    with runtime(context).workspace(home) as service, progress() as report:
        scope = service.scope_for(as_user)
        scope.require("forget")
        if mode == "forget" and not yes:
            _confirm(service.forget(scope, entity, "look", report), entity)
        found = service.forget(scope, entity, mode, report)
    show(found, as_json, lambda console: _print(console, found))
    if found.get("absent") is False:
        raise typer.Exit(1)


def _confirm(found: dict[str, Any], entity: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("this removes data for good", hint="see it with --dry-run, and give --yes")
    there = ", ".join(f"{count} {store}" for store, count in found["stores"].items() if count)
    typer.confirm(f"Remove {found['entity']} {entity} for good ({there or 'nothing is held'})?", abort=True, err=True)


def _print(console: Console, found: dict[str, Any]) -> None:
    from api.render.sources import render_mapping

    stores = found.get("stores")
    if isinstance(stores, list | tuple):
        stores = {one["store"]: f"{one['removed']} removed, {one['left']} left" for one in stores}
    render_mapping(console, {**found, **({"stores": stores} if stores is not None else {})})
