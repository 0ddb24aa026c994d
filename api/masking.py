"""JSON lines with texts in, JSON lines with masked texts and their spans out; and how well that does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.encode import error_body
from index.errors import TowerError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from index.masking.known import KnownPersons
    from index.masking.score import TypeScore

_SURROGATE = re.compile("[\ud800-\udfff]")
MAX_TEXT = 5_000_000  # characters of one line's text


def masked_lines(
    lines: Iterable[str], known: KnownPersons | None, about: Callable[[str], str] | None = None
) -> Iterator[dict[str, Any]]:
    """`{"id", "text", "spans"}` for each line `{"id", "text"}`, an error with `line` for one that is no such thing.

    `text` has pseudonyms that are the line's own; `spans` are offsets in characters into the text that was given.
    Where something may be told of the bearers of names (`about`), a line has it under `about`, by pseudonym. Empty
    lines are passed over.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _masked(number, line, known, about)


def _masked(number: int, line: str, known: KnownPersons | None, about: Callable[[str], str] | None) -> dict[str, Any]:
    from index.masking import Masker

    identity: Any = None
    try:
        read = _parsed(line)
        identity = read.get("id")
        text = read.get("text")
        if not isinstance(text, str):
            raise UsageError("the line has no text", hint='a line is {"id": ..., "text": "..."}')
        if len(text) > MAX_TEXT:
            raise UsageError(f"the text has more than {MAX_TEXT:,} characters", hint="cut it into parts")
        masked = Masker(known).mask(text)
    except TowerError as error:
        return {"id": identity, "line": number, **error_body(error)}
    spans = [{"start": span.start, "end": span.end, "type": span.type} for span in masked.spans]
    told = {pseudonym: about(value) for pseudonym, value in masked.mapping.items()} if about else {}
    told = {pseudonym: said for pseudonym, said in told.items() if said}
    return {"id": identity, "text": masked.text, "spans": spans, **({"about": told} if told else {})}


def _parsed(line: str) -> Mapping[str, Any]:
    try:
        read = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the line is not JSON: {error}", hint='a line is {"id": ..., "text": "..."}') from error
    if not isinstance(read, dict):
        raise UsageError("the line is no JSON object", hint='a line is {"id": ..., "text": "..."}')
    return read


def line_json(line: Mapping[str, Any]) -> str:
    """A result line as JSON, letters as they are; half a surrogate pair, which no encoding has, is escaped."""
    text = json.dumps(line, ensure_ascii=False)
    return text if text.isascii() or not _SURROGATE.search(text) else json.dumps(line)


def score_file(path: Path, known: KnownPersons | None) -> list[TypeScore]:
    """Recall and precision by type on texts with marked spans; raises `UsageError` for a file of another shape."""
    from index.masking import Masker
    from index.masking.score import read_marked, score

    return score(read_marked(path), Masker(known).find)


def score_json(scores: list[TypeScore]) -> list[dict[str, Any]]:
    """The scores as JSON."""
    return [
        {
            "type": one.type,
            "expected": one.expected,
            "recall": one.recall,
            "typed_recall": one.typed / one.expected if one.expected else None,
            "found": one.found,
            "precision": one.precision,
        }
        for one in scores
    ]


def render_scores(console: Console, scores: list[TypeScore]) -> None:
    """The scores as a table."""
    from rich.table import Table

    table = Table("type", "expected", "recall", "of its type", "found", "precision")
    for row in score_json(scores):
        shown = ("-" if row[k] is None else f"{row[k]:.1%}" for k in ("recall", "typed_recall"))
        last = "-" if row["precision"] is None else f"{row['precision']:.1%}"
        table.add_row(row["type"], str(row["expected"]), *shown, str(row["found"]), last)
    console.print(table)
