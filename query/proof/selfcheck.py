"""Checks of a query on itself, before its figures are told: does a join count rows several times, and do groups add up?

Both read the query's own tree. A suspicion is looked at in the data with one more query, so that a notice says what is
so and not what might be; where the data cannot tell, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from index.catalogue.model import Catalogue
from index.errors import TowerError
from index.guard.guard import guard
from index.scope import Scope
from index.sql import Rows, SqlReader, Value
from query.format import as_decimal, number
from query.proof.fan_out import FanOut, Structure, structure

_WORTH_PARSING = re.compile(r"\bjoin\b|\bgroup\s+by\b|\bfrom\b[^()]*,", re.IGNORECASE)
MOST_GROUPS = 1000


@dataclass(frozen=True)
class SelfCheck:
    """Checks the queries of one scope."""

    catalogue: Catalogue
    reader: SqlReader
    scope: Scope

    def notices(self, sql: str, rows: Rows) -> list[str]:
        """What the reader of `rows`, the result of `sql`, has to know; mostly nothing."""
        if not _WORTH_PARSING.search(sql):
            return []
        query = structure(sql, self.catalogue, self.reader.dialect)
        if query is None:
            return []
        found = [note for fan in query.fan_outs() if (note := self._repeated(query, fan))]
        return list(dict.fromkeys(found)) or [note for note in (self._apart(query, rows),) if note]

    def _repeated(self, query: Structure, fan: FanOut) -> str:
        counted = query.repetition(fan)
        found = self._one_row(counted) if counted else None
        if found is None or found[0] == found[1] or None in found:
            return ""
        joined, own = (int(str(count)) for count in found)
        table, by = self._label(fan.table), self._label(fan.by)
        return (
            f"{fan.written} takes rows of {table} several times: {own:,} of them stand in {joined:,} joined "
            f"rows, because of {by}."
        )

    def _apart(self, query: Structure, rows: Rows) -> str:
        """Groups that do not add up to what there is: rows that no group holds."""
        if rows.truncated or not 0 < len(rows.rows) <= MOST_GROUPS:
            return ""
        for total in query.totals():
            found = self._one_row(total.sql)
            values = [row[total.column] for row in rows.rows]
            if found is None or total.column >= len(rows.columns):
                continue
            parts, whole = _sum(values), as_decimal(found[0])
            if parts is None or whole is None or abs(parts - whole) <= abs(whole) * Decimal("1e-9"):
                continue
            missing = whole - parts
            return (
                f"The groups add up to {number(parts)}, all {self._label(total.table)} to {number(whole)}: "
                f"{number(missing)} belong to no group here."
            )
        return ""

    def _one_row(self, sql: str) -> tuple[Value, ...] | None:
        try:
            rows = self.reader.read(guard(sql, self.catalogue, self.scope, dialect=self.reader.dialect)).rows
        except TowerError:
            return None
        return rows[0] if rows else None

    def _label(self, table: str) -> str:
        held = self.catalogue.table(table)
        return held.label.lower() if held is not None else table


def _sum(values: Iterable[Value]) -> Decimal | None:
    numbers = [as_decimal(v) for v in values if v is not None]
    return None if None in numbers else sum((n for n in numbers if n is not None), Decimal(0))
