"""`feedback`: a word on an answer, and what reviewers make of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.runtime import AsOption, HomeOption, JsonOption, runtime, show
from index.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    help="Say whether an answer was right; make golden questions of what people said.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The feedback's id, from `tower feedback list`.")]
RouteOption = Annotated[
    str | None, typer.Option("--route", help="The right route: sql, vector, hybrid, clarify or refuse.")
]
SqlOption = Annotated[str | None, typer.Option("--sql", metavar="SELECT", help="A SELECT that gives the right rows.")]
ContainsOption = Annotated[
    list[str] | None, typer.Option("--contains", metavar="TEXT", help="A text that the right answer holds.")
]
DocumentOption = Annotated[
    list[str] | None, typer.Option("--document", metavar="DOC_ID", help="A document that the right answer may cite.")
]


@app.command()
def give(
    context: typer.Context,
    answer_id: Annotated[str, typer.Argument(metavar="ANSWER_ID")],
    up: Annotated[bool, typer.Option("--up/--down", help="Right, or wrong.")],
    comment: Annotated[str, typer.Option("--comment", help="Why; kept with it.")] = "",
    route: RouteOption = None,
    sql: SqlOption = None,
    contains: ContainsOption = None,
    document: DocumentOption = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say that an answer was right or wrong, and what would be right. A second word replaces the first.

    \b
    Examples:
      tower feedback give 3f2b8c1e --up
      tower feedback give 3f2b8c1e --down --comment "LATAM is missing" --sql "SELECT COUNT(*) FROM accounts"
    """
    given: dict[str, Any] = {"verdict": "up" if up else "down", "comment": comment}
    correction = _correction(route, sql, contains, document)
    with runtime(context).workspace(home) as service:
        scope = service.scope_for(as_user)
        kept = service.feedback.give(scope, answer_id, given | ({"correction": correction} if correction else {}))
    show(kept, as_json, lambda console: console.print(f"kept as {kept['id']}; a reviewer sees it", markup=False))


@app.command(name="list")
def list_feedback(
    context: typer.Context,
    status: Annotated[str | None, typer.Option("--status", help="open, accepted or dismissed.")] = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show one's own feedback, or everybody's to those who may audit; newest first.

    \b
    Example:
      tower feedback list --status open
    """
    from api.render.answers import line

    with runtime(context).workspace(home) as service:
        found = service.feedback.list(service.scope_for(as_user), status)

    def render(console: Console) -> None:
        for one in found:
            line(
                console, f"{one['id']}  {one['verdict']:<4}  {one['status']:<9}  {one['principal']}: {one['question']}"
            )
            for name in ("comment", "correction"):
                if one.get(name):
                    told = one[name] if isinstance(one[name], str) else json.dumps(one[name], ensure_ascii=False)
                    line(console, f"    {name}: {told}")
        if not found:
            line(console, "no feedback")

    show(found, as_json, render)


@app.command()
def accept(
    context: typer.Context,
    feedback_id: IdArgument,
    route: RouteOption = None,
    sql: SqlOption = None,
    contains: ContainsOption = None,
    document: DocumentOption = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Make a golden question of it, in the workspace's golden file, which `tower eval` asks.

    A thumb up expects the answer that was given; a thumb down needs to be told what is right, by the asker or here.

    \b
    Examples:
      tower feedback accept 9c41d2
      tower feedback accept 9c41d2 --contains "two years"
    """
    correction = _correction(route, sql, contains, document)
    with runtime(context).workspace(home) as service:
        done = service.feedback.accept(service.scope_for(as_user), feedback_id, correction or None)
    show(done, as_json, lambda console: console.print(f"golden question {done['golden']['id']}", markup=False))


@app.command()
def dismiss(
    context: typer.Context,
    feedback_id: IdArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with it.")] = "",
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Set it aside.

    \b
    Example:
      tower feedback dismiss 9c41d2 --reason "asked for last year"
    """
    with runtime(context).workspace(home) as service:
        done = service.feedback.dismiss(service.scope_for(as_user), feedback_id, reason)
    show(done, as_json, lambda console: console.print(f"dismissed {done['id']}", markup=False))


def _correction(
    route: str | None, sql: str | None, contains: list[str] | None, document: list[str] | None
) -> dict[str, Any]:
    stated = {"route": route, "sql": sql, "contains": contains, "doc_ids": document}
    found = {name: value for name, value in stated.items() if value}
    if sql is not None and not sql.strip():
        raise UsageError("the SQL is empty", hint="a SELECT whose rows are the right ones")
    return found
