"""How well masking does on texts whose personal data is marked: recall and precision by type."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import UsageError
from index.masking.spans import Span

_SAME = {"DATE_OF_BIRTH": "DATE_TIME", "URL_CREDENTIALS": "DOMAIN_NAME", "URL": "DOMAIN_NAME"}


@dataclass(frozen=True)
class TypeScore:
    """For one type: `expected` spans, how many are masked to the last letter by spans of whatever type (`masked`),
    how many are met by a span of the type (`typed`); `found` spans of ours, and how many of them meet an expected
    span of whatever type (`right`)."""

    type: str
    expected: int
    masked: int
    typed: int
    found: int
    right: int

    @property
    def recall(self) -> float | None:
        """Masked of expected."""
        return self.masked / self.expected if self.expected else None

    @property
    def precision(self) -> float | None:
        """Right of found."""
        return self.right / self.found if self.found else None


def read_marked(path: Path) -> list[tuple[str, list[Span]]]:
    """Texts with marked spans: a JSON list, or JSON lines, of `{"text", "spans": [{"start", "end", "type"}]}`.

    The field names of Presidio's evaluation sets (`full_text`, `start_position`, ...) are read as well. Raises
    `UsageError` for a file of another shape.
    """
    try:
        content = path.read_text(encoding="utf-8")
        rows = json.loads(content) if content.lstrip().startswith("[") else map(json.loads, content.splitlines())
        return [(_first(row, "text", "full_text"), [_span(span) for span in row["spans"]]) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} does not hold texts with spans: {error!r}", hint="see docs/masking.md") from error


def _span(row: Mapping[str, Any]) -> Span:
    kind = _first(row, "type", "entity_type")
    return Span(int(_first(row, "start", "start_position")), int(_first(row, "end", "end_position")), kind)


def _first(row: Mapping[str, Any], *names: str) -> Any:
    return next(row[name] for name in names if name in row)


def score(cases: Sequence[tuple[str, Sequence[Span]]], find: Callable[[str], Sequence[Span]]) -> list[TypeScore]:
    """A score for each type that is expected or found, the most frequent first."""
    counts: dict[str, dict[str, int]] = {}

    def add(kind: str, what: str, yes: bool = True) -> None:
        counts.setdefault(_SAME.get(kind, kind), dict.fromkeys(("expected", "masked", "typed", "found", "right"), 0))[
            what
        ] += yes

    for text, expected in cases:
        found = find(text)
        for span in expected:
            met = [f for f in found if f.start < span.end and span.start < f.end]
            add(span.type, "expected")
            add(span.type, "masked", _covered(text, span, met))
            add(span.type, "typed", any(_SAME.get(f.type, f.type) == _SAME.get(span.type, span.type) for f in met))
        for span in found:
            add(span.type, "found")
            add(span.type, "right", any(e.start < span.end and span.start < e.end for e in expected))
    scores = [TypeScore(kind, **numbers) for kind, numbers in counts.items()]
    return sorted(scores, key=lambda s: (-s.expected, s.type))


def _covered(text: str, span: Span, met: Sequence[Span]) -> bool:
    """True when no letter or digit of the span is left in the open."""
    return all(not text[at].isalnum() or any(f.start <= at < f.end for f in met) for at in range(span.start, span.end))
