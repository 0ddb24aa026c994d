"""`churn` and `eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.runtime import AsOption, HomeOption, JsonOption, progress, runtime, show


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(churn)
    app.command(name="eval")(evaluate)


def churn(
    context: typer.Context,
    account: Annotated[str | None, typer.Option("--account", metavar="ID", help="One customer, in full.")] = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show churn scores with the contributions that add up to them.

    \b
    Examples:
      tower churn
      tower churn --account ACC-0042
    """
    from api.render import render_scores

    with runtime(context).workspace(home) as service:
        scores = service.churn(service.scope_for(as_user), account)
    show(list(scores), as_json, lambda console: render_scores(console, scores, in_full=account is not None))


def evaluate(
    context: typer.Context,
    golden: Annotated[Path, typer.Argument(metavar="FILE.jsonl")],
    minimum: Annotated[
        float, typer.Option("--min", help="Exit 1 below this accuracy (0 to 1), or if anything is unproven.")
    ] = 0.0,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Ask golden questions and score the answers: accuracy, citation checks, latency.

    docs/evaluation.md describes the file.

    \b
    Example:
      tower eval golden.jsonl --min 0.95
    """
    from api.evaluate import evaluate_file
    from api.render_eval import render_evaluation
    from index.errors import UsageError

    if not 0 <= minimum <= 1:
        raise UsageError(f"--min is {minimum}; it is a share from 0 to 1", hint="for example --min 0.95")
    with runtime(context).workspace(home) as service, progress() as report:
        result = evaluate_file(
            service, golden, user=as_user, on_case=lambda done, total: report("golden questions", done, total)
        )
    show(result.as_json(), as_json, lambda console: render_evaluation(console, result))
    if result.accuracy < minimum or (minimum and not result.all_proven):
        raise typer.Exit(1)
