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
    card: Annotated[bool, typer.Option("--card", help="The model card: data, features, how good, limits.")] = False,
    version: Annotated[str | None, typer.Option("--version", metavar="V", help="The card of that version.")] = None,
    versions: Annotated[bool, typer.Option("--versions", help="Every version that was trained.")] = False,
    train: Annotated[bool, typer.Option("--train", help="Train anew; the versions before are kept.")] = False,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show churn scores with the contributions that add up to them, or the model behind them.

    \b
    Examples:
      tower churn
      tower churn --account ACC-0042
      tower churn --card
      tower churn --train
    """
    from api.render.answers import render_scores
    from api.render.card import render_card, render_cards, render_versions
    from index.errors import UsageError

    if sum([account is not None, card or version is not None, versions, train]) > 1:
        raise UsageError("--account, --card, --versions and --train are different things", hint="give one of them")
    with runtime(context).workspace(home) as service:
        scope = service.scope_for(as_user)
        if train:
            with progress() as report:
                cards = service.models.train(scope, report)
            show(cards, as_json, lambda console: render_cards(console, cards))
        elif versions:
            found = service.models.versions(scope)
            show(found, as_json, lambda console: render_versions(console, found))
        elif card or version is not None:
            held = service.models.card(scope, version)
            show(held, as_json, lambda console: render_card(console, held))
        else:
            scores = service.churn(scope, account)
            show(list(scores), as_json, lambda console: render_scores(console, scores, in_full=account is not None))


def evaluate(
    context: typer.Context,
    golden: Annotated[
        Path | None, typer.Argument(metavar="[FILE.jsonl]", help="Default: the workspace's golden file.")
    ] = None,
    minimum: Annotated[
        float,
        typer.Option(
            "--min-accuracy", "--min", help="Exit 1 below this accuracy (0 to 1), or if anything is unproven."
        ),
    ] = 0.0,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Ask golden questions and score the answers: accuracy, citation checks, latency.

    docs/evaluation.md describes the file.

    \b
    Examples:
      tower eval golden.jsonl --min-accuracy 0.97
      tower eval --min-accuracy 0.97 --json > report.json
    """
    from api.evaluation.evaluate import evaluate_file
    from api.render.evaluation import render_evaluation
    from index.errors import UsageError

    if not 0 <= minimum <= 1:
        raise UsageError(f"--min-accuracy is {minimum}; it is a share from 0 to 1", hint="for example 0.97")
    run = runtime(context)
    asked = golden if golden is not None else run.settings(home).golden_path
    if golden is None and not asked.is_file():
        raise UsageError(
            f"the workspace has no golden questions yet: there is no {asked}",
            hint="write some, or accept feedback: docs/evaluation.md",
        )
    with run.workspace(home) as service, progress() as report:
        result = evaluate_file(
            service, asked, user=as_user, on_case=lambda done, total: report("golden questions", done, total)
        )
    show(result.as_json(), as_json, lambda console: render_evaluation(console, result))
    if result.accuracy < minimum or (minimum and not result.all_proven):
        raise typer.Exit(1)
