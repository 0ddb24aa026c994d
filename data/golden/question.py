"""One golden question and how it is written down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Route = Literal["sql", "vector", "hybrid", "clarify", "refuse"]
Cells = list[list[Any]]


@dataclass(frozen=True)
class Question:
    """A question, the way it should go, and what a right answer holds."""

    id: str
    question: str
    route: Route
    expect: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)

    def line(self) -> dict[str, Any]:
        """The question as the JSON object of its line."""
        return {"id": self.id, "question": self.question, "route": self.route, "expect": self.expect, **self.extras}


def _plain(value: Any) -> Any:
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    return round(value, 4) if isinstance(value, float) else value


def _cells(rows: Iterable[Sequence[Any]]) -> Cells:
    return [[_plain(v) for v in row] for row in rows]


def ask(
    slug: str,
    question: str,
    rows: Iterable[Sequence[Any]] | Any,
    *,
    ordered: bool = False,
    alternatives: Iterable[Iterable[Sequence[Any]]] = (),
    **extras: Any,
) -> Question:
    """A question over tables. `rows` may also be one value; `alternatives` are other right results."""
    wanted = _cells(rows) if isinstance(rows, list) else [[_plain(rows)]]
    if not wanted:
        raise ValueError(f"golden question {slug} would expect an empty result")
    expect: dict[str, Any] = {"rows": wanted, "ordered": ordered}
    others = [_cells(a) for a in alternatives]
    others = [a for a in others if a != wanted]
    if others:
        expect["alternatives"] = others
    return Question(f"sql-{slug}", question, "sql", expect, extras)


def find(slug: str, question: str, doc_ids: Iterable[str], *contains: str) -> Question:
    """A question whose answer stands in a document: one of `doc_ids` is cited and `contains` is said."""
    return Question(f"vector-{slug}", question, "vector", _passages(doc_ids, contains))


def join(
    slug: str,
    question: str,
    *,
    items: Iterable[str] = (),
    doc_ids: Iterable[str] = (),
    contains: Iterable[str] = (),
    **extras: Any,
) -> Question:
    """A question that needs records and documents (or a score) together."""
    expect: dict[str, Any] = {}
    if keys := sorted(items):
        expect["items"] = keys
    expect.update(_passages(doc_ids, contains))
    return Question(f"hybrid-{slug}", question, "hybrid", expect, extras)


def unclear(slug: str, question: str) -> Question:
    """A question that deserves to be asked back."""
    return Question(f"clarify-{slug}", question, "clarify")


def unknown(slug: str, question: str) -> Question:
    """A question that the data cannot answer, or that must not be done."""
    return Question(f"refuse-{slug}", question, "refuse")


def _passages(doc_ids: Iterable[str], contains: Iterable[str]) -> dict[str, Any]:
    ids, texts = sorted(doc_ids), list(contains)
    return {**({"doc_ids": ids} if ids else {}), **({"contains": texts} if texts else {})}
