"""Where the columns of a SELECT come from, so that a value can be cited as a cell, and SQL with its parameters
written out, so that a citation can be run again as it stands."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from index.catalogue.model import Catalogue, Column, Table
from index.sql import Value
from query.evidence import Citation, CitationBook, TableEvidence

if TYPE_CHECKING:
    from sqlglot import exp

_PARAMETER = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(?<![:\w]):([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Origin:
    """The base column that an output column shows unchanged."""

    table: str
    column: str


@dataclass(frozen=True)
class Shape:
    """`origins[i]` is the origin of output column i, None where it is computed. `keyed` gives, for each base table
    whose whole primary key is among the outputs, the positions of that key. `plain` is False for aggregates. `scans`
    are the base tables with their aliases, `ends` is where the list of columns ends in the text."""

    names: tuple[str, ...]
    origins: tuple[Origin | None, ...]
    keyed: Mapping[str, tuple[int, ...]]
    plain: bool
    scans: tuple[tuple[str, str], ...] = ()
    ends: int | None = None


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
    except sqlglot.errors.SqlglotError:
        return None
    if not isinstance(tree, exp.Select) or tree.args.get("with_") or tree.args.get("with"):
        return None
    known = _Known(same.catalogue)
    scans = tuple(
        (known.table(t), t.alias_or_name) for t in tree.find_all(exp.Table) if t.find_ancestor(exp.Select) is tree
    )
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
        origins.append(known.origin(inner, scans) if isinstance(inner, exp.Column) else None)
    return Shape(tuple(names), tuple(origins), _keyed(origins, scans, known), not computed, scans, _list_end(sql))


class _Known:
    """Names of a catalogue in any case; a schema in front belongs to a name (`sales.orders`)."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._tables = {t.name.lower(): t for t in catalogue.tables}

    def table(self, scan: exp.Table) -> str:
        """The catalogue's name of a scanned table; empty for one it does not list."""
        whole = f"{scan.db}.{scan.name}".lower() if scan.db else scan.name.lower()
        found = self._tables.get(whole) or (self._tables.get(scan.name.lower()) if scan.db else None)
        return found.name if found else ""

    def key(self, table: str) -> tuple[str, ...]:
        """The key columns of a table."""
        found = self._tables.get(table.lower())
        return found.key if found else ()

    def origin(self, column: exp.Column, scans: Sequence[tuple[str, str]]) -> Origin | None:
        """The base column that a column shows; None where it is of no base table, or of one of several."""
        wanted, qualifier = column.name.lower(), column.table.lower()
        owners = [
            Origin(name, held.name)
            for name, alias in scans
            if name and (not qualifier or alias.lower() == qualifier)
            for held in self._tables[name.lower()].columns
            if held.name.lower() == wanted
        ]
        unknown = [alias for name, alias in scans if not name]
        certain = len(owners) == 1 and (qualifier or not unknown)
        return owners[0] if certain else None


def _keyed(
    origins: Sequence[Origin | None], scans: Sequence[tuple[str, str]], known: _Known
) -> dict[str, tuple[int, ...]]:
    keyed: dict[str, tuple[int, ...]] = {}
    for table in dict.fromkeys(name for name, _ in scans if name):
        places = [
            next((i for i, o in enumerate(origins) if o == Origin(table, column)), None) for column in known.key(table)
        ]
        unique = [name for name, _ in scans].count(table) == 1
        if places and unique and None not in places:
            keyed[table] = tuple(p for p in places if p is not None)
    return keyed


def _list_end(sql: str) -> int | None:
    """Where the outermost FROM begins."""
    import sqlglot
    from sqlglot.tokenizer_core import TokenType

    depth = 0
    for token in sqlglot.tokenize(sql, read="sqlite"):
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth == 0 and token.token_type == TokenType.FROM:
            return int(token.start)
    return None


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
    if found and origin and (key := row_key(evidence, found, origin.table, row)) is not None:
        table = catalogue.table(origin.table)
        return book.cite("cell", source_of(table), table=origin.table, key=key, column=origin.column, value=values[at])
    sql = bind(evidence.text, dict(evidence.parameters))
    count = evidence.total if evidence.rows.truncated else len(evidence.rows.rows)
    return book.cite(
        "aggregate", sources_of(evidence.tables, catalogue), sql=sql, row_count=count, column=column, value=values[at]
    )


def row_key(evidence: TableEvidence, found: Shape, table: str, row: int) -> str | None:
    """The key of `table` in a row of a result: from its columns, else from the keys read with it; None where a row
    has none (the far side of an outer join) or it is hidden."""
    if table not in found.keyed:
        return evidence.key(table, row)
    values = [evidence.rows.rows[row][i] for i in found.keyed[table]]
    return None if any(v is None for v in values) else key_text(values)


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
    return keyed(sql, catalogue).sql


@dataclass(frozen=True)
class Keyed:
    """SQL with key columns behind its own: those of each table stand at `places` among its columns."""

    sql: str
    columns: int
    places: Mapping[str, tuple[int, ...]]


def keyed(sql: str, catalogue: Catalogue) -> Keyed:
    """`sql` as `with_keys` gives it, and where the keys stand. The keys are written into the text: nothing else of the
    query changes, so that its rows stay what they are."""
    found = shape(sql, catalogue)
    if found is None or not found.plain or found.ends is None:
        return Keyed(sql, len(found.names) if found else 0, {})
    shown = {o.table for o in found.origins if o}
    places: dict[str, tuple[int, ...]] = {}
    added: list[str] = []
    for name, alias in found.scans:
        table = catalogue.table(name)
        if table is None or not table.key or name not in shown or name in found.keyed or name in places:
            continue
        if [n for n, _ in found.scans].count(name) > 1:
            continue  # which of the two would the key be of?
        at = len(found.names) + len(added)
        places[name] = tuple(range(at, at + len(table.key)))
        added += [f"{_quoted(alias)}.{_quoted(c)} AS {_quoted(f'{name}__{c}')}" for c in table.key]
    if not added:
        return Keyed(sql, len(found.names), {})
    head, tail = sql[: found.ends], sql[found.ends :]
    return Keyed(f"{head.rstrip()}, {', '.join(added)} {tail}", len(found.names), places)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
