"""`sources`, `quarantine` and `lineage`: what is connected, what was not taken, and where a row comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.runtime import AsOption, HomeOption, JsonOption, progress, runtime, show

if TYPE_CHECKING:
    from api.settings import Settings

SourcesArgument = Annotated[list[str] | None, typer.Argument(metavar="[SOURCE]...")]
quarantine_app = typer.Typer(help="Records that were not taken, with their reasons.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(sources)
    app.command()(lineage)
    quarantine_app.command("list")(list_quarantine)
    quarantine_app.command("retry")(retry_quarantine)
    app.add_typer(quarantine_app, name="quarantine")


def sources(
    context: typer.Context,
    names: SourcesArgument = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Sign in to each source and list its streams: nothing is read or changed. Run where tower.yaml's secrets are.

    \b
    Example:
      tower sources crm
    """
    from api.render.sources import render_reports

    with runtime(context).workspace(home) as service:
        service.scope_for(as_user).require("ingest")
    found = _tested(runtime(context).settings(home), names or [])
    show(found, as_json, lambda console: render_reports(console, found))
    if any(one["status"] == "failed" for one in found):
        raise typer.Exit(1)


def _tested(settings: Settings, names: list[str]) -> list[dict[str, Any]]:
    from ingest.config import load_sources
    from ingest.connection import check_source

    config = load_sources(settings.sources, settings.home.absolute(), settings.environment)
    return [check_source(config, name) for name in names or config.sources]


def lineage(
    context: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="The row's key; parts of a compound one put apart by |.")],
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show where a row comes from: source, stream, and the sync that last changed it.

    \b
    Example:
      tower lineage accounts ACC-0445
    """
    from api.render.sources import render_mapping

    with runtime(context).workspace(home) as service:
        found = service.lineage(service.scope_for(as_user), table, key)
    show(found, as_json, lambda console: render_mapping(console, found))


def list_quarantine(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="[SOURCE]")] = "",
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List the records that were not taken.

    \b
    Example:
      tower quarantine list crm
    """
    from api.render.sources import render_mapping

    with runtime(context).workspace(home) as service:
        found = service.quarantine(service.scope_for(as_user), source)
    show(found, as_json, lambda console: render_mapping(console, {"quarantine": found}))


def retry_quarantine(
    context: typer.Context,
    names: SourcesArgument = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Read what stands in quarantine again, after it was mended at its source or in tower.yaml.

    \b
    Example:
      tower quarantine retry crm
    """
    from api.render.sources import any_failed, render_mapping, render_reports, report_json

    with runtime(context).workspace(home) as service, progress() as report:
        service.scope_for(as_user).require("ingest")
        reports = [report_json(one) for one in service.ingest(names or (), False, report, retry=True)]
    if reports:
        show(reports, as_json, lambda console: render_reports(console, reports))
    else:
        show([], as_json, lambda console: render_mapping(console, "nothing stands in quarantine"))
    if any_failed(reports):
        raise typer.Exit(1)
