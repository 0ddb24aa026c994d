"""Whose a fact is: the entity that a cited cell, query or passage speaks of, and whether it is another one's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from index.catalogue.model import Catalogue, Entity
from index.errors import NotFoundError, SqlRejected
from index.guard.guard import guard
from index.reading import DocumentReader
from index.scope import Scope
from index.sql import SqlReader
from query.evidence import Citation
from query.facts import quoted, typed_key
from query.proof.provenance import literal

MOST_HOPS = 3
Hop = tuple[str, str, str, str]
"""A step to the table that is looked up: from table and column, to table and column."""


@dataclass
class Owners:
    """Tells whether citations belong to the entity `entity` with the key `key`."""

    catalogue: Catalogue
    reader: SqlReader
    scope: Scope
    documents: DocumentReader | None
    entity: Entity
    key: str
    _subjects: dict[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    def foreign(self, citation: Citation) -> bool:
        """True where the citation speaks of another entity of the same kind; what belongs to none is nobody's."""
        if citation.kind in ("cell", "row"):
            return self._foreign_row(citation)
        if citation.kind == "aggregate":
            return self._foreign_query(citation.sql or "")
        if citation.kind == "passage":
            subjects = self._about(citation.doc_id or "").get(self.entity.name, ())
            return bool(subjects) and self.key not in subjects
        return citation.key not in (None, self.key)

    @cached_property
    def paths(self) -> Mapping[str, tuple[Hop, ...]]:
        """The hops from every table whose rows belong to one entity each; none for the entity's own table."""
        found: dict[str, tuple[Hop, ...]] = {self.entity.table: ()}
        for _ in range(MOST_HOPS):
            for join in self.catalogue.joins:
                if join.right in found and join.left not in found and len(join.left_columns) == 1:
                    hop = (join.left, join.left_columns[0], join.right, join.right_columns[0])
                    found[join.left] = (hop, *found[join.right])
        return found

    def _foreign_row(self, citation: Citation) -> bool:
        table = self.catalogue.table(citation.table or "")
        if table is None or table.name not in self.paths or citation.key is None or len(table.key) != 1:
            return False
        path = self.paths[table.name]
        column = table.column(table.key[0])
        number = column is not None and column.type == "integer" and citation.key.lstrip("-").isdigit()
        key = citation.key if number else literal(citation.key)
        last = f"t{len(path)}"
        joins = "".join(
            f" JOIN {quoted(right)} AS t{at + 1} ON t{at}.{quoted(mine)} = t{at + 1}.{quoted(theirs)}"
            for at, (_, mine, right, theirs) in enumerate(path)
        )
        sql = f"SELECT {last}.{quoted(self.entity.key)} FROM {quoted(table.name)} AS t0{joins}"
        return self._read(f"{sql} WHERE t0.{quoted(table.key[0])} = {key}") not in ((), (self.key,))

    def _foreign_query(self, sql: str) -> bool:
        """A query over rows that belong to entities must be narrowed to this one, and to no other."""
        import sqlglot
        from sqlglot import exp

        try:
            tree = sqlglot.parse_one(sql, dialect="sqlite")
        except sqlglot.errors.ParseError:
            return True
        tables = {table.name for table in tree.find_all(exp.Table)}
        columns = {hop[1] for name in tables for hop in self.paths.get(name, ())[-1:]} | {self.entity.key}
        columns |= {"feature_key"}  # of a score's feature, as `query.scoring` names it
        named = set()
        for equal in tree.find_all(exp.EQ):
            for one, other in ((equal.this, equal.expression), (equal.expression, equal.this)):
                if isinstance(one, exp.Column) and one.name in columns and isinstance(other, exp.Literal):
                    named.add(str(other.this))
        owned = bool(tables & set(self.paths))
        return bool(named - {self.key}) or (owned and self.key not in named)

    def _about(self, doc_id: str) -> Mapping[str, Sequence[str]]:
        if doc_id not in self._subjects:
            try:
                found = self.documents.document(doc_id, self.scope).entities if self.documents else {}
            except NotFoundError:
                found = {}
            self._subjects[doc_id] = found
        return self._subjects[doc_id]

    def _read(self, sql: str) -> tuple[str, ...]:
        try:
            rows = self.reader.read(guard(sql, self.catalogue, self.scope, dialect=self.reader.dialect)).rows
        except SqlRejected:
            return ()
        return tuple(dict.fromkeys(str(row[0]) for row in rows))


def own_names(entity: Entity, key: str, reader: SqlReader, catalogue: Catalogue, scope: Scope) -> tuple[str, ...]:
    """What the entity is called, as its own row says."""
    typed = literal(typed_key(catalogue, entity.name, key))
    where = f"{quoted(entity.key)} = {typed}"
    return names_in(entity.table, entity.name_column, where)(reader, catalogue, scope)


def names_in(table: str, column: str, where: str = "") -> Callable[[SqlReader, Catalogue, Scope], tuple[str, ...]]:
    """Reads the distinct texts of a column, as far as the scope shows them."""
    sql = f"SELECT DISTINCT {quoted(column)} FROM {quoted(table)}" + (f" WHERE {where}" if where else "")

    def read(reader: SqlReader, catalogue: Catalogue, scope: Scope) -> tuple[str, ...]:
        try:
            rows = reader.read(guard(sql, catalogue, scope, dialect=reader.dialect, limit=100_000)).rows
        except SqlRejected:
            return ()
        return tuple(str(row[0]) for row in rows if row[0])

    return read
