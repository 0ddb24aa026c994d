"""`drafts`: the approval queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.runtime import AsOption, HomeOption, JsonOption, runtime, show
from index.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(help="Read, edit, approve or reject what Tower drafted.", no_args_is_help=True, rich_markup_mode=None)
IdArgument = Annotated[str, typer.Argument(metavar="ID")]
STATUSES = ("proposed", "edited", "approved", "rejected", "exported")


@app.command(name="list")
def list_drafts(
    context: typer.Context,
    status: Annotated[
        str | None, typer.Option("--status", help="proposed, edited, approved, rejected or exported.")
    ] = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List drafts, newest first.

    \b
    Example:
      tower drafts list --status proposed
    """
    from api.render.answers import render_drafts

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
    """Show one draft with its citations.

    \b
    Example:
      tower drafts show 3f2a
    """
    from api.render.answers import render_draft

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
    """Change a draft's subject or body; an approval that it had is void.

    \b
    Example:
      tower drafts edit 3f2a --subject "Your renewal in May"
    """
    from api.render.answers import render_draft

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
def lint(
    context: typer.Context,
    draft_id: IdArgument,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Check a draft as approval does: stale evidence, facts of another account, what has no source, links.

    \b
    Example:
      tower drafts lint 3f2a
    """
    from api.render.answers import line

    with runtime(context).workspace(home) as service:
        found = service.drafts.lint(service.scope_for(as_user), draft_id)

    def render(console: Console) -> None:
        for finding in found["findings"]:
            where = f"  (in: {finding['where']})" if finding["where"] else ""
            line(console, f"{finding['code']}: {finding['message']}{where}")
        if not found["findings"]:
            line(console, f"{draft_id}: nothing to object")

    show(found, as_json, render)
    if found["findings"]:
        raise typer.Exit(1)


@app.command()
def export(
    context: typer.Context,
    draft_id: IdArgument,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.eml", help="Where the message goes.")] = None,
    by: Annotated[str, typer.Option("--by", help="eml, or smtp or webhook where the settings open them.")] = "eml",
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Hand an approved draft over, as an .eml file or by the way that the settings open. Checked once more before.

    \b
    Examples:
      tower drafts export 3f2a --out letter.eml
      tower drafts export 3f2a --by smtp
    """
    import base64

    if out is not None and by != "eml":
        raise UsageError(f"--out is for a file, and --by {by} writes none", hint="give one of them")
    with runtime(context).workspace(home) as service:
        done = service.drafts.export(service.scope_for(as_user), draft_id, by)
    message = done.pop("eml", None)
    if message is not None:
        path = out or Path(f"{draft_id}.eml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(message))
        done["file"] = str(path)
    told = done.get("file") or by
    show(done, as_json, lambda console: console.print(f"exported {done['id']}: {told}", markup=False))


@app.command()
def approve(
    context: typer.Context,
    draft_id: IdArgument,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Approve a draft as it stands; the lint must find nothing. Tower sends nothing itself.

    \b
    Example:
      tower drafts approve 3f2a
    """
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
    """Reject a draft.

    \b
    Example:
      tower drafts reject 3f2a --reason "already renewed"
    """
    with runtime(context).workspace(home) as service:
        draft = service.drafts.reject(service.scope_for(as_user), draft_id, reason)
    show(draft, as_json, lambda console: console.print(f"rejected {draft['id']}: {draft['subject']}", markup=False))
