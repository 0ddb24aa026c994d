"""`policy`: is the policy file sound, and what does it give a user. Both read the file only, and no data."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands.runtime import HomeOption, JsonOption, runtime, show

app = typer.Typer(
    help="Check the policy file, and see what it gives a user.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def check(context: typer.Context, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Check the policy file against the catalogue and the declared document tags.

    \b
    Example:
      tower policy check
    """
    from api.access.policies import read_policy, render_summary, summary

    settings = runtime(context).settings(home)
    found = summary(settings.policy_path, read_policy(settings))
    show(found, as_json, lambda console: render_summary(console, found))


@app.command()
def explain(
    context: typer.Context,
    user: Annotated[str, typer.Argument(metavar="USER")],
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show what a user sees and may do, and which role gives it.

    \b
    Example:
      tower policy explain erin
    """
    from api.access.policies import explained, read_catalogue, read_policy, render_explained

    settings = runtime(context).settings(home)
    found = explained(read_policy(settings), user, read_catalogue(settings))
    show(found, as_json, lambda console: render_explained(console, found))
