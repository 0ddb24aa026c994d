"""`audit`: check the audit log, and read its end."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.runtime import AsOption, HomeOption, JsonOption, runtime, show
from index.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(help="Check the audit log, and read its end.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def verify(
    context: typer.Context,
    head: Annotated[
        str, typer.Option("--head", metavar="SEQ:MAC", help="A head noted elsewhere, whose record must still be there.")
    ] = "",
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Check every record; exit status 1 and the first broken one where the log was changed, cut or reordered.

    It prints the head. Noted on another machine and given back with --head, it also finds a log that was put back
    to an older state together with its anchor.

    \b
    Examples:
      tower audit verify
      tower audit verify --head 1250:9c1f...
    """
    with runtime(context).workspace(home) as service:
        verdict = service.audit_verify(service.scope_for(as_user), head)
    show(verdict, as_json, lambda console: _print_verdict(console, verdict))
    if not verdict["intact"]:
        raise typer.Exit(1)


@app.command()
def tail(
    context: typer.Context,
    count: Annotated[int, typer.Option("-n", "--lines", help="How many records.")] = 20,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show the last records, oldest first.

    \b
    Example:
      tower audit tail -n 5
    """
    if count < 1:
        raise UsageError("-n must be at least 1", hint="for example: tower audit tail -n 20")
    with runtime(context).workspace(home) as service:
        records = service.audit_tail(service.scope_for(as_user), count)
    show(records, as_json, lambda console: _print_records(console, records))


def _print_verdict(console: Console, verdict: dict[str, Any]) -> None:
    if verdict["intact"]:
        console.print(f"{verdict['records']:,} records, all intact; head {verdict['head'] or 'none yet'}", markup=False)
    else:
        console.print(f"record {verdict['broken']:,} is broken: {verdict['reason']}", markup=False)


def _print_records(console: Console, records: list[dict[str, Any]]) -> None:
    for record in records:
        if "seq" not in record:
            console.print("(a damaged record)")
            continue
        when = dt.datetime.fromtimestamp(record["time"] / 1000, dt.UTC).isoformat(timespec="seconds")
        who, what = record["actor"]["user"]["name"], record["api"]["operation"]
        rest = [record.get("status_code", ""), record.get("route", ""), ", ".join(record.get("tables", []))]
        words = " ".join(["", *(word for word in rest if word)])
        console.print(f"{record['seq']:>6}  {when}  {who}  {what}  {record['status']}{words}", markup=False)
