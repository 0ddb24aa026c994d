"""`demo`: the sample company, from nothing to the four seed questions."""

from __future__ import annotations

import typer

from api.commands.runtime import HomeOption, JsonOption, runtime


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(demo)


def demo(context: typer.Context, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Make the sample company, bring it in and ask the four seed questions.

    Running it again is quick: only what changed is read.

    \b
    Example:
      tower demo --home /tmp/tower
    """
    from api.demo import run_demo

    run_demo(runtime(context), home, as_json=as_json)
