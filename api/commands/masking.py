"""`mask`: personal data found and replaced."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.runtime import HomeOption, JsonOption, Runtime, runtime, show

if TYPE_CHECKING:
    from index.masking.known import KnownPersons


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(mask)


def mask(
    context: typer.Context,
    score: Annotated[
        Path | None, typer.Option("--score", metavar="FILE", help="Print recall and precision on marked texts instead.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Replace personal data by pseudonyms: JSON lines {"id", "text"} in, {"id", "text", "spans"} out.

    Spans are {"start", "end", "type"}, in characters of the given text. It needs no workspace; where there is one,
    the names and telephone numbers of its personal columns are known, and a line says under "about" what may be told
    of their bearers (docs/masking.md). A bad line gives an error for that line.

    \b
    Examples:
      echo '{"id": 1, "text": "Write to ann@example.com"}' | tower mask
      tower mask --home .tower < tickets.jsonl > masked.jsonl
      tower mask --score marked.json
    """
    from api.masking import line_json, masked_lines, render_scores, score_file, score_json

    known, about = _known(runtime(context), home)
    if score is not None:
        scores = score_file(score, known)
        show(score_json(scores), as_json, lambda console: render_scores(console, scores))
        return
    lines = (line.decode("utf-8", errors="replace") for line in sys.stdin.buffer)
    for line in masked_lines(lines, known, about):
        sys.stdout.write(line_json(line) + "\n")
        sys.stdout.flush()


def _known(run: Runtime, home: Path | None) -> tuple[KnownPersons | None, Callable[[str], str] | None]:
    """The persons that the workspace knows, and what may be told of them; None where there is no workspace."""
    from api.settings import SETTINGS_FILE, default_home

    folder = home or default_home()
    if not (folder / SETTINGS_FILE).is_file():
        return None, None
    settings = run.settings(folder)
    from api.known import attributes_of, known_persons_of

    return known_persons_of(folder, settings), attributes_of(folder, settings)
