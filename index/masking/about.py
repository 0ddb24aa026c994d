"""What may be told of somebody whose name does not leave: a region, a segment, a size in a band.

Attributes come from the row's own columns, as far as the asker's scope shows them, and only such as at least five of
the names that the asker may see have in common, all attributes together: nobody is told apart by them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from index.catalogue.model import Catalogue, Column, Table
from index.errors import TowerError
from index.guard.guard import guard
from index.masking.invisible import visible
from index.masking.known import folded_words
from index.masking.people import name_columns, quote, thing_tables
from index.scope import Scope
from index.sql import SqlReader

ALIKE = 5  # names that share what is told of one
MOST_NAMES = 200_000  # of one table; of a larger one nothing is told
_LONGEST = 40  # characters of an attribute
_CATEGORY = re.compile(
    r"\b(?:region|territory|market|segment|industry|sector|tier|category|department|title|position|job)\b",
    re.IGNORECASE,
)
_SIZE = re.compile(r"\b(?:employees|headcount|staff|seats|size|users|licen[cs]es|members|stores)\b", re.IGNORECASE)
_PLAIN = re.compile(r"[^\W_](?:[\w&/.,'+ -]*[\w.+])?")


@dataclass(frozen=True)
class Attributes:
    """Reads the tables of `catalogue` whose names are masked (`things` are the kinds of entities among them) within
    `scope`, once, when first asked."""

    catalogue: Catalogue
    reader: SqlReader
    scope: Scope
    things: Sequence[str] = ()

    def read(self) -> Attributes:
        """Itself, with everything read."""
        _ = self._tables
        return self

    def of(self, name: str) -> str:
        """What may be told of the bearer of `name`: "EMEA, Enterprise, 1,000-4,999 employees"; empty where nothing is,
        and where several bear the name and differ."""
        words = folded_words(name)
        told = {held[form] for held in self._tables for form in (words, (*words[1:], *words[:1])) if form in held}
        return told.pop() if len(told) == 1 else ""

    @cached_property
    def _tables(self) -> tuple[dict[tuple[str, ...], str], ...]:
        named = thing_tables(self.catalogue, self.things)
        tables = [(table, [column]) for table, column in named]
        tables += [(t, columns) for t in self.catalogue.tables for columns in name_columns(t)]
        return tuple(self._read(table, columns) for table, columns in tables)

    def _read(self, table: Table, names: list[str]) -> dict[tuple[str, ...], str]:
        """What is told of each name in the columns `names` of `table`."""
        shown = self.scope.tables.get(table.name)
        seen = {name for name, level in (shown.columns if shown else {}).items() if level == "visible"}
        chosen = [column for column in _attributes(table) if column.name in seen]
        if not chosen or not {*names} <= seen:
            return {}
        listed = ", ".join(quote(name) for name in (*names, *(column.name for column in chosen)))
        try:
            query = guard(
                f"SELECT {listed} FROM {quote(table.name)}",
                self.catalogue, self.scope, dialect=self.reader.dialect, limit=MOST_NAMES,
            )  # fmt: skip
            rows = self.reader.read(query)
        except TowerError:  # a question is answered without attributes rather than not at all
            return {}
        if rows.truncated:
            return {}
        at, found = len(names), dict[tuple[str, ...], set[tuple[str, ...]]]()
        for row in rows.rows:
            words = folded_words(" ".join(str(part) for part in row[:at] if part is not None))
            told = tuple(_said(column, value) for column, value in zip(chosen, row[at:], strict=True))
            if words:
                found.setdefault(words, set()).add(told)
        return _shared({words: told.pop() for words, told in found.items() if len(told) == 1})


def _attributes(table: Table) -> list[Column]:
    """The columns that say of what kind a row is, then the one that says how large."""
    open_to = [c for c in table.columns if c.sensitivity in ("public", "internal")]
    kinds = [c for c in open_to if c.type == "text" and c.role == "dimension" and _CATEGORY.search(_words(c))]
    sizes = [c for c in open_to if c.type in ("integer", "number") and c.role != "key" and _SIZE.search(_words(c))]
    return kinds[:3] + sizes[:1]


def _words(column: Column) -> str:
    return f"{column.name.replace('_', ' ')} {column.label}"


def _said(column: Column, value: object) -> str:
    """A value as it may be told: a band of a number, a short plain text; empty for all others."""
    if value is None:
        return ""
    if column.type == "text":
        text = visible(" ".join(str(value).split())).text
        return text if len(text) <= _LONGEST and _PLAIN.fullmatch(text) else ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{band(value)} {column.label.lower()}" if value >= 1 else ""
    return ""


def band(value: float) -> str:
    """The band that `value`, at least 1, is in.

    >>> band(7), band(1200), band(5000)
    ('5-9', '1,000-4,999', '5,000-9,999')
    """
    low = 10 ** (len(str(int(value))) - 1)
    low, high = (low, 5 * low - 1) if value < 5 * low else (5 * low, 10 * low - 1)
    return f"{low:,}-{high:,}"


def _shared(told: dict[tuple[str, ...], tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Of what could be told of each name, what at least `ALIKE` names have in common: an attribute is left out where
    it would tell fewer of them apart, and then from the last one on until as many are told the same."""
    kept: dict[tuple[str, ...], tuple[str, ...]] = dict.fromkeys(told, ())
    for at in range(max((len(values) for values in told.values()), default=0)):
        longer = {name: (*kept[name], values[at]) for name, values in told.items()}
        counts = Counter(longer.values())
        kept = {name: v if counts[v] >= ALIKE else (*kept[name], "") for name, v in longer.items()}
    while few := {v for v, count in Counter(kept.values()).items() if count < ALIKE and any(v)}:
        kept = {name: _without_last(v) if v in few else v for name, v in kept.items()}
    return {name: ", ".join(value for value in values if value) for name, values in kept.items() if any(values)}


def _without_last(values: tuple[str, ...]) -> tuple[str, ...]:
    last = max(at for at, value in enumerate(values) if value)
    return (*values[:last], "", *values[last + 1 :])
