"""Evidence: what was read, kept as values with their places, until the answer is written and checked.

Prose is built from `Slot`s: a slot is a piece of text that came from a piece of evidence, and nothing else may hold a
number, a date or a name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from index.documents import Passage
from index.sql import Rows, Value

CitationKind = Literal["cell", "row", "aggregate", "passage", "score"]


@dataclass(frozen=True)
class TableEvidence:
    """The result of one guarded query. `text` is the SQL as planned, `sql` what ran, `parameters` its values.

    `entity`/`key_column` say that each row is about the entity whose key stands in that column. `keys` holds, for each
    base table whose rows stand in the result, the key of every row of it, as citations write it: they were read with
    the rows and are not shown. `total` counts the rows of a result that was cut off.
    """

    id: str
    text: str
    sql: str
    rows: Rows
    tables: tuple[str, ...]
    purpose: str = "answer"
    entity: str | None = None
    key_column: str | None = None
    parameters: tuple[tuple[str, Value], ...] = ()
    keys: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    total: int | None = None

    def key(self, table: str, row: int) -> str | None:
        """The key of `table` in a row, where it was read with the rows."""
        held = self.keys.get(table)
        return held[row] if held is not None else None

    def column(self, name: str) -> tuple[Value, ...]:
        """All values of a column, in row order; raises KeyError for an unknown one."""
        if name not in self.rows.columns:
            raise KeyError(name)
        at = self.rows.columns.index(name)
        return tuple(row[at] for row in self.rows.rows)


@dataclass(frozen=True)
class PassageEvidence:
    """Passages found by one search, best first."""

    id: str
    query: str
    passages: tuple[Passage, ...]
    purpose: str = "answer"


@dataclass(frozen=True)
class Contribution:
    """One reason of a score: `logit` is its additive part, `text` how it reads; `sql` gives its value again, and the
    rows `keys` of `table` are behind it."""

    feature: str
    text: str
    value: float | str
    logit: float
    table: str = ""
    keys: tuple[str, ...] = ()
    sql: str = ""
    lower: str = ""
    next_step: str = ""


@dataclass(frozen=True)
class EntityScore:
    """A score of one entity: sigmoid(intercept + sum of contribution logits) = probability."""

    score: str
    entity: str
    key: str
    probability: float
    intercept: float
    contributions: tuple[Contribution, ...]
    model_version: str
    as_of: dt.date


@dataclass(frozen=True)
class Citation:
    """Where a piece of text comes from. `n` numbers it in the answer; other fields by `kind`:

    cell, row: `source`, `table`, `key`, `column`, `value`; aggregate: `sql` with its `row_count`, `column`, `value`;
    passage: `doc_id`, `start`, `end`, `quote`; score: `table` (its name), `key`, `value`. An aggregate with a `doc_id`
    was worked out from figures of that document, as `quote` writes it.
    """

    n: int
    kind: CitationKind
    source: str
    table: str | None = None
    key: str | None = None
    column: str | None = None
    value: Value = None
    doc_id: str | None = None
    start: int | None = None
    end: int | None = None
    quote: str | None = None
    sql: str | None = None
    row_count: int | None = None
    parameters: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True)
class Slot:
    """Text made from a cited value: `text` is how it is written, `value` what the source holds.

    `style` names the way of writing (`query.format.write`), so that the checker can write it again and compare.
    `operands` are the passages whose figures a worked-out value was made of.
    """

    text: str
    value: Value
    citation: Citation
    style: str = ""
    operands: tuple[Citation, ...] = ()


@dataclass(frozen=True)
class Sentence:
    """Fixed words and slots in order. A sentence without a slot may hold no figure and no name."""

    parts: tuple[str | Slot, ...]
    block: str = "paragraph"  # paragraph | bullet | heading | table

    def text(self) -> str:
        """The sentence as plain text, without marks."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def citations(self) -> tuple[Citation, ...]:
        """The citations of its slots in order of appearance, each once."""
        found = {part.citation.n: part.citation for part in self.parts if isinstance(part, Slot)}
        return tuple(found.values())


@dataclass
class CitationBook:
    """Numbers citations from 1 in order of first use; equal ones share a number."""

    entries: dict[tuple[object, ...], Citation] = field(default_factory=dict)

    def cite(self, kind: CitationKind, source: str, **fields: object) -> Citation:
        """The citation with these fields, new or already numbered."""
        identity = (kind, source, *sorted((k, _plain(v)) for k, v in fields.items()))
        if identity not in self.entries:
            self.entries[identity] = Citation(len(self.entries) + 1, kind, source, **fields)  # type: ignore[arg-type]
        return self.entries[identity]

    def all(self) -> tuple[Citation, ...]:
        """Every citation by number."""
        return tuple(self.entries.values())


def _plain(value: object) -> str:
    return f"{type(value).__name__}:{value}" if not isinstance(value, Decimal) else f"Decimal:{value.normalize()}"
