"""Reading cited values from their tables again, for the person who asks: has anything changed since?"""

from __future__ import annotations

from dataclasses import dataclass, replace

from index.catalogue.model import Catalogue
from index.errors import SqlRejected
from index.guard.guard import guard
from index.scope import Scope
from index.sql import Rows, SqlReader, Value
from query.evidence import Citation
from query.facts import quoted
from query.proof.provenance import literal


@dataclass(frozen=True)
class TableRereader:
    """Resolves citations of cells, rows and aggregates in the live tables, within a scope."""

    reader: SqlReader
    catalogue: Catalogue
    scope: Scope

    def values(self, citation: Citation) -> tuple[Value, ...]:
        """What the cited place holds now: one value of a cell, all values of a row, a column of a query's result.

        Empty when the place is gone, hidden from this scope, or not a place in a table.
        """
        sql = citation.sql if citation.kind == "aggregate" else self._row_query(citation)
        if not sql:
            return ()
        try:
            rows = self.reader.read(guard(sql, self.catalogue, self.scope, dialect=self.reader.dialect))
        except SqlRejected:
            return ()
        if citation.kind == "row":
            return rows.rows[0] if rows.rows else ()
        if citation.kind == "aggregate":
            if citation.column not in rows.columns:
                return ()
            at = rows.columns.index(citation.column)
            return tuple(row[at] for row in rows.rows)
        return tuple(row[0] for row in rows.rows)

    def rows(self, citation: Citation, *, limit: int = 50) -> Rows | None:
        """What stands around the cited value now: its row with every column that the scope shows, or the result of its
        query. None where the place is gone, hidden, or not in a table."""
        sql = citation.sql if citation.kind == "aggregate" else self._row_query(replace(citation, kind="row"))
        if not sql:
            return None
        try:
            rows = self.reader.read(guard(sql, self.catalogue, self.scope, dialect=self.reader.dialect, limit=limit))
        except SqlRejected:
            return None
        return rows if rows.rows else None

    def _row_query(self, citation: Citation) -> str:
        table = self.catalogue.table(citation.table or "")
        shown = self.scope.tables.get(citation.table or "")
        if table is None or shown is None or citation.key is None or not table.key:
            return ""
        keys = citation.key.split("|") if len(table.key) > 1 else [citation.key]
        if len(keys) != len(table.key):
            return ""
        listed = citation.column if citation.kind == "cell" else None
        columns = quoted(listed) if listed else ", ".join(quoted(name) for name in shown.columns)
        conditions = []
        for name, text in zip(table.key, keys, strict=True):
            column = table.column(name)
            number = column is not None and column.type == "integer" and text.lstrip("-").isdigit()
            conditions.append(f"{quoted(name)} = {int(text) if number else literal(text)}")
        return f"SELECT {columns} FROM {quoted(table.name)} WHERE {' AND '.join(conditions)}"
