"""`ask`, `explain`, `search` and `sql`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.runtime import (
    AsOption,
    HomeOption,
    JsonOption,
    SqlUrlOption,
    progress,
    remark,
    runtime,
    show,
)
from index.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from index.documents import Passage

BatchOption = Annotated[Path | None, typer.Option("--batch", metavar="IN.jsonl", help="Read lines from this file.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="OUT.jsonl", help="Write a line for each to this one.")
]
ConversationOption = Annotated[
    str, typer.Option("--conversation", metavar="NAME", help="The conversation that this question follows up.")
]
KOption = Annotated[int, typer.Option("-k", help="How many passages.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (ask, explain, search, sql, replay):
        app.command()(command)


def ask(
    context: typer.Context,
    question: Annotated[str | None, typer.Argument(metavar="QUESTION")] = None,
    batch: BatchOption = None,
    out: OutOption = None,
    sql_url: SqlUrlOption = None,
    as_user: AsOption = None,
    conversation: ConversationOption = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Answer a question, every claim cited.

    A follow-up ("and in APAC?", "only those in Germany", "draft it for the second one") names its conversation: any
    name, or the conversation_id of the answer before. What was carried over is shown.

    A batch line is {"id", "question", "as"?, "conversation_id"?}; an output line is the answer with that id, or an
    error for it.

    \b
    Examples:
      tower ask "How many customers do we have in EMEA?"
      tower ask --sql-url sqlite:///chinook.db "How many albums are there?"
      tower ask --conversation mine "Revenue by region last quarter"
      tower ask --conversation mine "and for tents?"
      tower ask --batch questions.jsonl --out answers.jsonl
    """
    from api.questions import checked_conversation, checked_question

    one_or_batch("QUESTION", question, batch, out)
    checked = checked_question(question) if batch is None else ""
    from api.encode import answer_json
    from api.render.answers import render_answer

    with runtime(context).workspace(home, sql_url=sql_url) as service:
        if batch is None:
            answer = service.ask(checked, service.scope_for(as_user), conversation=checked_conversation(conversation))
            show(answer_json(answer), as_json, lambda console: render_answer(console, answer))
            return

        def answer_line(line: Mapping[str, Any]) -> Mapping[str, Any]:
            asked = checked_question(line.get("question"))
            named = checked_conversation(str(line.get("conversation_id", conversation) or ""))
            return answer_json(service.ask(asked, service.scope_for(line.get("as", as_user)), conversation=named))

        _batch(batch, out, answer_line, as_json)


def explain(
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION")],
    sql_url: SqlUrlOption = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show what `ask` would do: route, plan, SQL, filters. Runs nothing.

    \b
    Example:
      tower explain "Which customers placed the most orders this year?"
    """
    from api.questions import checked_question

    checked = checked_question(question)
    from api.render.answers import plan_json, render_plan

    with runtime(context).workspace(home, sql_url=sql_url) as service:
        plan = service.explain(checked, service.scope_for(as_user))
    show(plan_json(plan), as_json, lambda console: render_plan(console, plan))


def search(
    context: typer.Context,
    query: Annotated[str | None, typer.Argument(metavar="QUERY")] = None,
    k: KOption = 10,
    batch: BatchOption = None,
    out: OutOption = None,
    repeats: Annotated[bool, typer.Option("--repeats", help="Also what says again what a better hit says.")] = False,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Find passages; no answer is written. Where none is likely to be relevant, that is said.

    A batch line is {"id", "query", "as"?}; an output line is {"id", "hits", "notices"}.

    \b
    Examples:
      tower search "warranty on zips" -k 5
      tower search --batch queries.jsonl --out hits.jsonl -k 100
    """
    from api.questions import checked_k, checked_question

    one_or_batch("QUERY", query, batch, out)
    checked_k(k)
    checked = checked_question(query) if batch is None else ""
    from api.render.answers import render_passages
    from api.render.hits import search_json

    with runtime(context).workspace(home) as service:
        if batch is None:
            passages: tuple[Passage, ...] = service.search(checked, service.scope_for(as_user), k, repeats=repeats)
            show(search_json(checked, passages), as_json, lambda c: render_passages(c, passages))
            return

        def search_line(line: Mapping[str, Any]) -> Mapping[str, Any]:
            text = checked_question(line.get("query", line.get("question", line.get("text"))))
            passages = service.search(text, service.scope_for(line.get("as", as_user)), k, repeats=repeats)
            return {name: value for name, value in search_json(text, passages).items() if name != "query"}

        _batch(batch, out, search_line, as_json)


def sql(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="SELECT")],
    sql_url: SqlUrlOption = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Run a SELECT of one's own, through the same guard and policy as every answer.

    \b
    Example:
      tower sql "SELECT region, COUNT(*) FROM accounts GROUP BY region"
    """
    from api.render.answers import render_rows, rows_json

    if not text.strip():
        raise UsageError("the SQL is empty", hint='for example: tower sql "SELECT COUNT(*) FROM accounts"')
    with runtime(context).workspace(home, sql_url=sql_url) as service:
        query, rows = service.sql(text, service.scope_for(as_user))
    show(rows_json(query, rows), as_json, lambda console: render_rows(console, rows))


def replay(
    context: typer.Context,
    answer_id: Annotated[str, typer.Argument(metavar="ANSWER_ID")],
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Ask an answer's question again and show what changed since. Nothing is kept of it, no draft is made.

    \b
    Example:
      tower replay 3f2b8c1e5d7a4c0f9e6b1a2d3c4f5e6d
    """
    from api.render.answers import line

    with runtime(context).workspace(home) as service:
        replayed = service.replay(answer_id, service.scope_for(as_user))

    def print_changes(console: Console) -> None:
        for change in replayed.changes or ("nothing changed",):
            line(console, change)

    show(replayed.model_dump(exclude_none=True), as_json, print_changes)


def one_or_batch(name: str, text: str | None, batch: Path | None, out: Path | None) -> None:
    """Raises `UsageError` unless there is either a text, or both `--batch` and `--out`."""
    if (text is None) == (batch is None):
        raise UsageError(f"give either {name} or --batch IN.jsonl", hint="see --help for examples")
    if (batch is None) != (out is None):
        raise UsageError("--batch and --out go together", hint="--batch IN.jsonl --out OUT.jsonl")


def _batch(
    source: Path, target: Path | None, answer: Callable[[Mapping[str, Any]], Mapping[str, Any]], as_json: bool
) -> None:
    from api.batch import run_batch

    assert target is not None  # one_or_batch saw to it
    with progress() as report:
        result = run_batch(source, target, answer, lambda done, total: report("questions", done, total))
    remark(f"{result.answered} answered, {result.failed} failed; written to {result.out}")
    if as_json:
        show(result, True, lambda console: None)
