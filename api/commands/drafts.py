"""`drafts`: the approval queue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.runtime import AsOption, HomeOption, JsonOption, runtime, show
from index.errors import UsageError

app = typer.Typer(help="Read, edit, approve or reject what Tower drafted.", no_args_is_help=True, rich_markup_mode=None)
IdArgument = Annotated[str, typer.Argument(metavar="ID")]
STATUSES = ("proposed", "approved", "rejected")


@app.command(name="list")
def list_drafts(
    context: typer.Context,
    status: Annotated[str | None, typer.Option("--status", help="proposed, approved or rejected.")] = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List drafts, newest first.

    \b
    Example:
      tower drafts list --status proposed
    """
    from api.render import render_drafts

    if status is not None and status not in STATUSES:
        raise UsageError(f"no status {status!r}", hint="one of " + ", ".join(STATUSES))
    with runtime(context).workspace(home) as service:
        found = service.drafts.list(service.scope_for(as_user), status)
    show(found, as_json, lambda console: render_drafts(console, found))


@app.command(name="show")
def show_draft(
    context: typer.Context,
    draft_id: IdArgument,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show one draft with its citations."""
    from api.render import render_draft

    with runtime(context).workspace(home) as service:
        draft = service.drafts.get(service.scope_for(as_user), draft_id)
    show(draft, as_json, lambda console: render_draft(console, draft))


@app.command()
def edit(
    context: typer.Context,
    draft_id: IdArgument,
    subject: Annotated[str | None, typer.Option("--subject", help="A new subject.")] = None,
    body: Annotated[str | None, typer.Option("--body", help="A new body, in Markdown.")] = None,
    body_file: Annotated[Path | None, typer.Option("--body-file", metavar="FILE", help="The new body's file.")] = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Change a proposed draft's subject or body.

    \b
    Example:
      tower drafts edit 3f2a --subject "Your renewal in May"
    """
    from api.render import render_draft

    if body is not None and body_file is not None:
        raise UsageError("give --body or --body-file, not both")
    if body_file is not None:
        body = body_file.read_text(encoding="utf-8")
    if subject is None and body is None:
        raise UsageError("nothing to change", hint="give --subject, --body or --body-file")
    with runtime(context).workspace(home) as service:
        draft = service.drafts.edit(service.scope_for(as_user), draft_id, subject=subject, body=body)
    show(draft, as_json, lambda console: render_draft(console, draft))


@app.command()
def approve(
    context: typer.Context,
    draft_id: IdArgument,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Approve a draft. Tower sends nothing itself."""
    with runtime(context).workspace(home) as service:
        draft = service.drafts.approve(service.scope_for(as_user), draft_id)
    show(draft, as_json, lambda console: console.print(f"approved {draft['id']}: {draft['subject']}", markup=False))


@app.command()
def reject(
    context: typer.Context,
    draft_id: IdArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the draft.")] = "",
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Reject a draft."""
    with runtime(context).workspace(home) as service:
        draft = service.drafts.reject(service.scope_for(as_user), draft_id, reason)
    show(draft, as_json, lambda console: console.print(f"rejected {draft['id']}: {draft['subject']}", markup=False))
