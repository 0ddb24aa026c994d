"""What a scope shows of a catalogue, folded for look-up, and the subquery that each table scan turns into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.expressions.core import Expr

from index.catalogue.model import Catalogue, Column, Table
from index.scope import Scope, Visibility

if TYPE_CHECKING:
    from index.guard.views import View

TEXT_MASK = "***"
_TYPES = {
    "sqlite": {"integer": "INTEGER", "number": "REAL", "text": "TEXT", "boolean": "INTEGER"},
    "postgres": {"integer": "BIGINT", "number": "DOUBLE PRECISION", "text": "TEXT", "boolean": "BOOLEAN",
                 "date": "DATE", "datetime": "TIMESTAMP"},
}  # fmt: skip


@dataclass(frozen=True)
class VisibleTable:
    """One table as a scope shows it. `columns` maps folded names to the catalogue's, in catalogue order."""

    table: Table
    columns: Mapping[str, str]
    masked: Mapping[str, Column]
    rows: str

    @property
    def name(self) -> str:
        """The table's name in the database."""
        return self.table.name


@dataclass(frozen=True)
class Visible:
    """Every table of which a scope shows at least one column, by folded name.

    `rules` keeps row rules that were already tied to their table, with what they read.
    """

    tables: Mapping[str, VisibleTable]
    catalogue: Catalogue
    rules: dict[tuple[str, ...], tuple[Expr, Mapping[str, Iterable[str]]]] = field(default_factory=dict, compare=False)

    @cached_property
    def whole(self) -> Visible:
        """Every catalogued table and column, unfiltered: what the row rules of a policy are written against."""
        catalogue = self.catalogue.whole or self.catalogue
        tables = {
            fold(t.name): VisibleTable(t, {fold(c.name): c.name for c in t.columns}, {}, "") for t in catalogue.tables
        }
        return Visible(tables, catalogue)

    @cached_property
    def views(self) -> tuple[View, ...]:
        """What PostgreSQL is to hold as views of these tables."""
        from index.guard.views import views_of

        return views_of(self)

    def find(self, name: str) -> VisibleTable | None:
        """The table of that name in any case, or None when it does not exist or is hidden: nobody can tell which."""
        return self.tables.get(fold(name))


def fold(name: str) -> str:
    """The form in which names are compared: SQL names are the same in any case."""
    return name.lower()


def visible(catalogue: Catalogue, scope: Scope) -> Visible:
    """The part of `catalogue` that `scope` shows. A table or column that either of them does not list is not there."""
    tables: dict[str, VisibleTable] = {}
    for table in catalogue.tables:
        shown = scope.tables.get(table.name)
        if shown is None:
            continue
        columns = {fold(c.name): c.name for c in table.columns if _level(shown.columns, c.name)}
        masked = {c.name: c for c in table.columns if _level(shown.columns, c.name) == "masked"}
        if columns:
            tables.setdefault(fold(table.name), VisibleTable(table, columns, masked, shown.rows.strip()))
    return Visible(tables, catalogue)


def _level(columns: Mapping[str, Visibility], name: str) -> Visibility | None:
    # Anything but the two words hides the column, so that a misspelt policy fails closed.
    level = columns.get(name)
    return level if level in ("visible", "masked") else None


def mask(column: Column, dialect: str) -> Expr:
    """The constant that stands for every value of a masked column, of the column's own type.

    Text reads `***`, so that an answer shows that something was there; everything else, and every key (which must
    not join rows that have nothing to do with each other), is NULL.
    """
    kind = _TYPES[dialect].get(column.type, "TEXT")
    text = column.type == "text" and column.role not in ("key", "reference")
    value: Expr = exp.Literal.string(TEXT_MASK) if text else exp.Null()
    return exp.Cast(this=value, to=exp.DataType(this=exp.DType.USERDEFINED, kind=kind))


def scan(table: VisibleTable, names: Iterable[str], rows: Expr | None, alias: str, inner: str, dialect: str) -> Expr:
    """`(SELECT visible and masked columns FROM table WHERE rows) AS alias`, as a tree.

    `inner` is a table alias that no text of the query uses; `rows` is already qualified with it. A filtered scan
    ends with an empty limit, so that no engine moves a condition of the question below the filter: on a row that
    the scope hides such a condition could fail, or take time, and so tell something about it.
    """
    select = selection(table, names, rows, inner, dialect)
    if rows is not None:
        if dialect == "sqlite":
            select.set("limit", exp.Limit(expression=exp.Neg(this=exp.Literal.number(1))))
        else:
            select.set("offset", exp.Offset(expression=exp.Literal.number(0)))
    return exp.Subquery(this=select, alias=exp.TableAlias(this=quoted(alias)))


def selection(table: VisibleTable, names: Iterable[str], rows: Expr | None, inner: str, dialect: str) -> exp.Select:
    """`SELECT visible and masked columns FROM table WHERE rows`, as a tree."""
    columns = [_output(table, name, inner, dialect) for name in names]
    select = exp.Select(
        expressions=columns or [exp.alias_(exp.Literal.number(1), f"{inner}1", quoted=True)],
        from_=exp.From(this=table_node(table.name, inner, dialect)),
    )
    if rows is not None:
        select.set("where", exp.Where(this=exp.Paren(this=rows)))
    return select


def _output(table: VisibleTable, name: str, inner: str, dialect: str) -> Expr:
    hidden = table.masked.get(name)
    value = mask(hidden, dialect) if hidden else exp.Column(this=quoted(name), table=quoted(inner))
    return exp.Alias(this=value, alias=quoted(name))


def table_node(name: str, alias: str, dialect: str) -> exp.Table:
    """A base table under an alias. On PostgreSQL a catalogued name may carry its schema: `sales.orders`."""
    schema, _, last = name.rpartition(".") if dialect == "postgres" else ("", "", name)
    node = exp.Table(this=quoted(last), alias=exp.TableAlias(this=quoted(alias)))
    if schema:
        node.set("db", quoted(schema))
    return node


def quoted(name: str) -> exp.Identifier:
    """A quoted identifier."""
    return exp.Identifier(this=name, quoted=True)
