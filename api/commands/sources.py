"""`init`, `ingest`, `reindex`, `status` and `parse`: what Tower holds, and bringing it up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.runtime import AsOption, HomeOption, JsonOption, progress, runtime, show
from api.service import UPKEEP
from index.errors import UsageError

SourcesArgument = Annotated[list[str] | None, typer.Argument(metavar="[SOURCE]...")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (init, ingest, reindex, status, parse):
        app.command()(command)


def init(
    context: typer.Context,
    sql: Annotated[list[str] | None, typer.Option("--sql", metavar="URL", help="A database; may be repeated.")] = None,
    files: Annotated[list[Path] | None, typer.Option("--files", metavar="DIR", help="A folder of files.")] = None,
    jsonl: Annotated[list[Path] | None, typer.Option("--jsonl", metavar="FILE", help="Documents, one a line.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a tower.yaml that is there already.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Write a tower.yaml for data of your own, with a catalogue drafted from it.

    \b
    Example:
      tower init --sql sqlite:///company.sqlite --files handbook
      tower ingest
      tower ask "..."
    """
    from api.settings import default_home
    from api.upkeep.initialise import initialise, render_initialised

    if not (sql or files or jsonl):
        raise UsageError("nothing to begin with", hint="give --sql URL, --files DIR or --jsonl FILE; see --help")
    run = runtime(context)
    run.home = home or default_home()
    found = initialise(run.home, sql=sql or (), files=files or (), jsonl=jsonl or (), force=force)
    show(found, as_json, lambda console: render_initialised(console, found))


def ingest(
    context: typer.Context,
    sources: SourcesArgument = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, changed or not.")] = False,
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="Compare the keys of every stream with those at its source.")
    ] = False,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Bring sources up to date: what did not change costs almost nothing.

    \b
    Examples:
      tower ingest
      tower ingest crm billing
    """
    from api.render.sources import any_failed, render_reports, report_json

    with runtime(context).workspace(home) as service, progress() as report:
        service.scope_for(as_user).require("ingest")
        reports = [report_json(one) for one in service.ingest(sources or (), full, report, reconcile=reconcile)]
    show(reports, as_json, lambda console: render_reports(console, reports))
    if any_failed(reports):
        raise typer.Exit(1)


def reindex(
    context: typer.Context,
    sources: SourcesArgument = None,
    vectors_only: Annotated[bool, typer.Option("--vectors-only", help="Do not read the sources.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Embed everything again.")] = False,
    no_golden: Annotated[bool, typer.Option("--no-golden", help="Ask no golden questions before the switch.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost, and do nothing.")] = False,
    roll_back: Annotated[bool, typer.Option("--roll-back", help="Switch back to the generation before.")] = False,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Build a new generation beside the live one, ask it the golden questions, switch.

    \b
    Examples:
      tower reindex --dry-run
      tower reindex --vectors-only
      tower reindex --roll-back
    """
    from api.render.sources import render_reindexed

    if roll_back and (sources or vectors_only or full or no_golden or dry_run):
        raise UsageError("--roll-back builds nothing", hint="give it alone: tower reindex --roll-back")
    with runtime(context).workspace(home) as service, progress() as report:
        service.scope_for(as_user).require("reindex")
        result = (
            service.roll_back(report)
            if roll_back
            else service.reindex(sources or (), vectors_only, full, report, golden=not no_golden, dry_run=dry_run)
        )
    show(result, as_json, lambda console: render_reindexed(console, result))


def status(
    context: typer.Context, as_user: AsOption = None, as_json: JsonOption = False, home: HomeOption = None
) -> None:
    """Show sources, freshness, counts, generation and quarantined records.

    \b
    Example:
      tower status
    """
    from api.render.sources import render_mapping

    with runtime(context).workspace(home) as service:
        service.scope_for(as_user).require(*UPKEEP)
        found = service.status()
    show(found, as_json, lambda console: render_mapping(console, found))


def parse(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...")],
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show what the document reader makes of files: text, offsets, pages, warnings. Needs no workspace.

    \b
    Example:
      tower parse contract.pdf --json
    """
    from api.parsing import parse_files, render_parsed

    runtime(context).home = home
    parsed = parse_files(files)
    show(parsed, as_json, lambda console: render_parsed(console, parsed))
    if any("error" in entry for entry in parsed):
        raise typer.Exit(1)
