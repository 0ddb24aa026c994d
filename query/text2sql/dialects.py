"""Readings in the dialect of the database that is asked.

The grammar writes SQLite's SQL. Here its tree is changed where the same words would mean something else, or nothing,
elsewhere (days that are texts, truth values that are numbers, LIKE that knows no case), and sqlglot writes the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from index.catalogue.model import Catalogue, Column
from query.plan import Choice, Link, Reading

if TYPE_CHECKING:
    from query.planning.population import TableReader

GENERATED = ("postgres", "mysql", "duckdb", "snowflake", "bigquery", "tsql", "oracle")
_AS_TEXT = frozenset({"postgres", "mysql", "duckdb", "bigquery"})  # where a day cast to text reads as ISO 8601
_TRUE_FALSE = frozenset({"postgres", "duckdb", "snowflake", "bigquery"})  # where a truth value is no number
_ILIKE = frozenset({"postgres", "duckdb", "snowflake"})
_LOWERED = frozenset({"bigquery", "oracle"})
_PARTS = {(1, 4): "%Y", (1, 7): "%Y-%m", (1, 10): "%Y-%m-%d", (6, 2): "%m"}
_ISO_WEEK = {"postgres": 'IYYY-"W"IW', "snowflake": 'YYYY-"W"WW', "oracle": 'IYYY-"W"IW'}


@dataclass(frozen=True)
class DialectTables:
    """The table planner of a database that does not speak SQLite: its readings in that database's own SQL, without
    those that the database would not run (`accepts` says so)."""

    inner: TableReader
    dialect: str
    catalogue: Catalogue
    accepts: Callable[[str], bool]

    def own(self) -> DialectTables:
        """The same for one question: nothing is remembered of others."""
        return replace(self, inner=self.inner.own())

    def plan(self, question: str, *, subject: str | None = None, limit: int = 5) -> tuple[Reading, ...]:
        """Readings, best first."""
        return self._said(self.inner.plan(question, subject=subject, limit=limit))

    def choice(self, question: str) -> Choice | None:
        """The ways in which the question can be meant."""
        found = self.inner.choice(question)
        return found if found is None else replace(found, readings=self._said(found.readings))

    def _said(self, readings: Iterable[Reading]) -> tuple[Reading, ...]:
        said = (replace(r, sql=spoken(r.sql, self.dialect, self.catalogue)) for r in readings)
        return tuple(reading for reading in said if self.accepts(reading.sql))

    def links(self, question: str) -> tuple[Link, ...]:
        """Words of the question tied to the catalogue."""
        return self.inner.links(question)

    def unknown_words(self, question: str) -> tuple[str, ...]:
        """Content words that nothing explains."""
        return self.inner.unknown_words(question)


def spoken(sql: str, dialect: str, catalogue: Catalogue) -> str:
    """SQLite's `sql` as `dialect` says it; text that does not parse stays as it is."""
    if dialect == "sqlite":
        return sql
    try:
        tree = sqlglot.parse_one(sql, read="sqlite")
    except SqlglotError:
        return sql
    types = {id(node): column for node, column in _columns(tree, catalogue)}
    for node in list(tree.walk(bfs=False)):
        _change(node, dialect, types)
    return str(tree.sql(dialect=dialect))


def _columns(tree: exp.Expr, catalogue: Catalogue) -> Iterator[tuple[exp.Column, Column]]:
    """Every column of the tree whose base column is known."""
    known = {t.name.lower(): {c.name.lower(): c for c in t.columns} for t in catalogue.tables}
    for node in tree.find_all(exp.Column):
        select = node.find_ancestor(exp.Select)
        while select is not None:
            found = _in(select, node, known)
            if found is not None:
                yield node, found
                break
            select = select.find_ancestor(exp.Select)


def _in(select: exp.Select, node: exp.Column, known: dict[str, dict[str, Column]]) -> Column | None:
    for table in select.find_all(exp.Table):
        if table.find_ancestor(exp.Select) is not select:
            continue
        if node.table and node.table.lower() != table.alias_or_name.lower():
            continue
        name = f"{table.db}.{table.name}" if table.db else table.name
        column = known.get(name.lower(), {}).get(node.name.lower())
        if column is not None:
            return column
    return None


def _change(node: exp.Expr, dialect: str, types: dict[int, Column]) -> None:
    """Change one node in place where `dialect` would take it in another way."""
    if isinstance(node, exp.Substring):
        _part_of_day(node, dialect, types)
    elif isinstance(node, exp.Like) and dialect in _ILIKE:
        node.replace(exp.ILike(this=node.this, expression=node.expression))
    elif isinstance(node, exp.Like) and dialect in _LOWERED:
        node.set("this", exp.Lower(this=node.this.copy()))
        node.set("expression", exp.Lower(this=node.expression.copy()))
    elif isinstance(node, exp.EQ | exp.NEQ | exp.In) and dialect in _TRUE_FALSE:
        _truth(node, types)
    elif isinstance(node, exp.Sum | exp.Avg | exp.Min | exp.Max) and dialect in _TRUE_FALSE:
        if _kind(node.this, types) == "boolean":
            node.set("this", exp.cast(node.this.copy(), "INT"))
    elif isinstance(node, exp.Round) and dialect == "postgres" and node.args.get("decimals") is not None:
        node.set("this", exp.cast(node.this.copy(), "DECIMAL"))
    elif isinstance(node, exp.Div) and isinstance(node.expression, exp.Literal):
        node.set("safe", False)  # a number is not zero
    elif isinstance(node, exp.Sub) and _julian(node.this) and _julian(node.expression):
        _days(node, dialect)
    elif isinstance(node, exp.TimeToStr) and dialect != "sqlite":
        _week(node, dialect)


def _part_of_day(node: exp.Substring, dialect: str, types: dict[int, Column]) -> None:
    if _kind(node.this, types) not in ("date", "datetime"):
        return
    start, length = node.args.get("start"), node.args.get("length")
    part = (int(start.name), int(length.name)) if start is not None and length is not None else (0, 0)
    if dialect in _AS_TEXT:
        node.set("this", exp.cast(node.this.copy(), "TEXT"))
    elif part in _PARTS:
        node.replace(exp.TimeToStr(this=node.this.copy(), format=exp.Literal.string(_PARTS[part])))


def _truth(node: exp.Expr, types: dict[int, Column]) -> None:
    if _kind(node.this, types) != "boolean":
        return
    values = node.expressions if isinstance(node, exp.In) else [node.expression]
    for value in values:
        if isinstance(value, exp.Literal) and value.name.lower() in ("0", "1", "true", "false"):
            value.replace(exp.Boolean(this=value.name.lower() in ("1", "true")))


def _julian(node: exp.Expr | None) -> exp.Expr | None:
    """The argument of JULIANDAY."""
    if isinstance(node, exp.Anonymous) and str(node.this).upper() == "JULIANDAY" and len(node.expressions) == 1:
        found: exp.Expr = node.expressions[0]
        return found
    return None


def _days(node: exp.Sub, dialect: str) -> None:
    later, earlier = _julian(node.this), _julian(node.expression)
    assert later is not None and earlier is not None
    if dialect in ("postgres", "duckdb"):
        gap = exp.Sub(this=exp.cast(later.copy(), "TIMESTAMP"), expression=exp.cast(earlier.copy(), "TIMESTAMP"))
        seconds = exp.Extract(this=exp.var("EPOCH"), expression=exp.Paren(this=gap))
        node.replace(exp.Div(this=seconds, expression=exp.Literal.number("86400.0")))
    elif dialect == "oracle":
        node.set("this", exp.cast(later.copy(), "DATE"))
        node.set("expression", exp.cast(earlier.copy(), "DATE"))
    else:
        node.replace(exp.DateDiff(this=later.copy(), expression=earlier.copy(), unit=exp.var("DAY")))


def _week(node: exp.TimeToStr, dialect: str) -> None:
    """Weeks of the year: by ISO 8601 where the engine has no other."""
    if "%W" not in node.args["format"].name:
        return
    day = node.this.this if isinstance(node.this, exp.TsOrDsToTimestamp) else node.this
    if dialect == "tsql":
        week = exp.Anonymous(this="DATEPART", expressions=[exp.var("ISO_WEEK"), day.copy()])
        year = exp.Anonymous(this="YEAR", expressions=[day.copy()])
        node.replace(exp.Anonymous(this="CONCAT", expressions=[year, exp.Literal.string("-W"), week]))
    elif dialect in _ISO_WEEK:
        shape = exp.Literal.string(_ISO_WEEK[dialect])
        node.replace(exp.Anonymous(this="TO_CHAR", expressions=[exp.cast(day.copy(), "TIMESTAMP"), shape]))


def _kind(node: exp.Expr | None, types: dict[int, Column]) -> str:
    column = types.get(id(node))
    return column.type if column is not None else ""
