"""Where the columns of a SELECT come from, so that a value can be cited as a cell, and SQL with its parameters
written out, so that a citation can be run again as it stands."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from index.catalogue import Catalogue, Column, Table
from index.sql import Value
from query.evidence import Citation, CitationBook, TableEvidence

_PARAMETER = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(?<![:\w]):([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Origin:
    """The base column that an output column shows unchanged."""

    table: str
    column: str


@dataclass(frozen=True)
class Shape:
    """`origins[i]` is the origin of output column i, None where it is computed. `keyed` gives, for each base table
    whose whole primary key is among the outputs, the positions of that key. `plain` is False for aggregates."""

    names: tuple[str, ...]
    origins: tuple[Origin | None, ...]
    keyed: Mapping[str, tuple[int, ...]]
    plain: bool


def parameters_in(sql: str) -> tuple[str, ...]:
    """The names of the `:parameters` in `sql`, each once, in order; those inside quotes do not count."""
    found = (match.group(1) for match in _PARAMETER.finditer(sql))
    return tuple(dict.fromkeys(name for name in found if name))


def bind(sql: str, parameters: Mapping[str, Value]) -> str:
    """`sql` with its parameters written out as literals, so that it can be run as it stands."""

    def literal_of(match: re.Match[str]) -> str:
        name = match.group(1)
        return literal(parameters[name]) if name and name in parameters else match.group(0)

    return _PARAMETER.sub(literal_of, sql)


def literal(value: Value) -> str:
    """`value` as a SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, dt.datetime):
        return f"'{value.isoformat(sep=' ')}'"
    if isinstance(value, dt.date):
        return f"'{value.isoformat()}'"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    return "'" + value.replace("'", "''") + "'"


def shape(sql: str, catalogue: Catalogue) -> Shape | None:
    """Where the outputs of `sql` come from; None when it cannot be told (then values are cited as aggregates)."""
    return _shape(sql, _Same(catalogue))


class _Same:
    """A catalogue compared by identity: its mappings cannot be hashed, and one is alive for as long as a workspace."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def __hash__(self) -> int:
        return id(self.catalogue)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.catalogue is self.catalogue


@lru_cache(maxsize=512)
def _shape(sql: str, same: _Same) -> Shape | None:
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(sql, dialect="sqlite")
    except sqlglot.errors.ParseError:
        return None
    if not isinstance(tree, exp.Select) or tree.args.get("with_") or tree.args.get("with"):
        return None
    known = {t.name: (t.key, tuple(c.name for c in t.columns)) for t in same.catalogue.tables}
    sources = {t.alias_or_name: t.name for t in tree.find_all(exp.Table) if t.find_ancestor(exp.Select) is tree}
    computed = (
        tree.args.get("group")
        or tree.args.get("distinct")
        or any(node.find_ancestor(exp.Select) is tree for node in tree.find_all(exp.AggFunc))
    )
    names, origins = [], []
    for projection in tree.selects:
        if isinstance(projection, exp.Star) or projection.is_star:
            return None
        names.append(projection.alias_or_name)
        inner = projection.unalias()
        origins.append(_origin(inner, sources, known) if isinstance(inner, exp.Column) else None)
    keyed = {}
    for table in dict.fromkeys(sources.values()):
        places = [
            next((i for i, o in enumerate(origins) if o == Origin(table, column)), None)
            for column in known.get(table, ((), ()))[0]
        ]
        unique = list(sources.values()).count(table) == 1
        if places and unique and None not in places:
            keyed[table] = tuple(p for p in places if p is not None)
    return Shape(tuple(names), tuple(origins), keyed, not computed)


def _origin(
    column: object, sources: Mapping[str, str], known: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
) -> Origin | None:
    name, qualifier = str(column.name), str(column.table)  # type: ignore[attr-defined]
    if qualifier:
        table = sources.get(qualifier, "")
        return Origin(table, name) if table in known and name in known[table][1] else None
    owners = [t for t in dict.fromkeys(sources.values()) if t in known and name in known[t][1]]
    return Origin(owners[0], name) if len(owners) == 1 else None


def column_of(evidence: TableEvidence, name: str, catalogue: Catalogue) -> Column | None:
    """The catalogue's description of an output column that shows a base column, or None."""
    found = shape(evidence.text, catalogue)
    if found is None or name not in found.names:
        return None
    origin = found.origins[found.names.index(name)]
    table = catalogue.table(origin.table) if origin else None
    return table.column(origin.column) if table and origin else None


def cite(evidence: TableEvidence, row: int, column: str, catalogue: Catalogue, book: CitationBook) -> Citation:
    """The citation of one value of a result: its cell where the row's key is among the columns, else an aggregate."""
    at = evidence.rows.columns.index(column)
    values = evidence.rows.rows[row]
    found = shape(evidence.text, catalogue)
    origin = found.origins[at] if found and len(found.origins) == len(values) else None
    if found and origin and origin.table in found.keyed:
        table = catalogue.table(origin.table)
        key = key_text(values[i] for i in found.keyed[origin.table])
        return book.cite("cell", source_of(table), table=origin.table, key=key, column=origin.column, value=values[at])
    sql = bind(evidence.text, dict(evidence.parameters))
    return book.cite("aggregate", sources_of(evidence.tables, catalogue), sql=sql, column=column, value=values[at])


def key_text(values: object) -> str:
    """Key values as the one text that citations carry; the parts of a composite key are joined by `|`."""
    return "|".join(str(v) for v in values)  # type: ignore[attr-defined]


def source_of(table: Table | None) -> str:
    """The source that a table came from, for a citation."""
    return (table.source or table.name) if table else ""


def sources_of(tables: tuple[str, ...], catalogue: Catalogue) -> str:
    """The sources behind several tables, each once, in order."""
    return ", ".join(dict.fromkeys(source_of(catalogue.table(name)) or name for name in tables))


def with_keys(sql: str, catalogue: Catalogue) -> str:
    """`sql` with the primary keys of its base tables added behind its columns as `table__column`, where it is a plain
    SELECT that leaves them out; otherwise `sql` as it stands. Its values can then be cited as cells."""
    found = shape(sql, catalogue)
    if found is None or not found.plain:
        return sql
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, dialect="sqlite")
    origins = {o.table for o in found.origins if o}
    added = False
    for scan in list(tree.find_all(exp.Table)):
        table = catalogue.table(scan.name)
        if table is None or not table.key or scan.name not in origins or scan.name in found.keyed:
            continue
        if scan.find_ancestor(exp.Select) is not tree:
            continue
        for column in table.key:
            tree = tree.select(exp.column(column, scan.alias_or_name).as_(f"{scan.name}__{column}"), copy=False)
            added = True
    return tree.sql(dialect="sqlite") if added else sql
