"""The dictionary of known persons, and of entities whose names are masked too, read through the guard."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from index.catalogue.model import Catalogue, Column, Table
from index.errors import SettingsError, SqlRejected
from index.guard.guard import guard
from index.masking.known import KnownPersons
from index.scope import Scope
from index.sql import SqlReader

MOST = 2_000_000  # values of one column
_LONGEST = 80  # characters of a name; what is longer is a text
_PHONE = re.compile(r"phone|mobile|\bcell|\bfax|\btel(?:efon)?", re.IGNORECASE)
_NAME = re.compile(r"name|person|\bcontact\b|\bowner\b", re.IGNORECASE)


def known_persons(catalogue: Catalogue, reader: SqlReader, scope: Scope, things: Sequence[str] = ()) -> KnownPersons:
    """Names and telephone numbers in the columns whose sensitivity is `personal`, and the names of the entities whose
    kinds are `things`, as far as `scope` shows them.

    A given name and a surname in two columns of a table are also one name. Raises what the guard and the reader
    raise, and `SettingsError` for a kind that the catalogue lacks; a column with more than two million values is an
    error rather than a dictionary with gaps.
    """
    names: set[str] = set()
    numbers: set[str] = set()
    for table in catalogue.tables:
        for columns in name_columns(table):
            names.update(_values(table, columns, catalogue, reader, scope))
        for phone in (c.name for c in table.columns if c.sensitivity == "personal" and _kind(c) == "phone"):
            numbers.update(_values(table, [phone], catalogue, reader, scope))
    named = {
        kind_of(thing): _values(table, [column], catalogue, reader, scope)
        for thing, (table, column) in zip(things, thing_tables(catalogue, things), strict=True)
    }
    return KnownPersons.of((name for name in names if len(name) <= _LONGEST), numbers, named)


def name_columns(table: Table) -> list[list[str]]:
    """The personal columns of `table` that hold names, each by itself; and its given name with its surname."""
    named = [c.name for c in table.columns if c.sensitivity == "personal" and _kind(c) == "name"]
    pair = _pair(named)
    return [[name] for name in named] + ([pair] if pair else [])


def thing_tables(catalogue: Catalogue, things: Sequence[str]) -> list[tuple[Table, str]]:
    """Table and column of the names of each of these kinds of entities."""
    entities, tables = {e.name: e for e in catalogue.entities}, {t.name: t for t in catalogue.tables}
    if strange := [thing for thing in things if thing not in entities]:
        raise SettingsError(
            f"models.pseudonyms: the catalogue has no entity {strange[0]!r}", hint=f"it has: {', '.join(entities)}"
        )
    return [(tables[entities[thing].table], entities[thing].name_column) for thing in things]


def kind_of(thing: str) -> str:
    """The type of a kind of entities in a pseudonym.

    >>> kind_of("account"), kind_of("sales-order")
    ('ACCOUNT', 'SALES_ORDER')
    """
    return re.sub(r"[^A-Z]", "_", thing.upper())[:30].ljust(2, "_")


def _kind(column: Column) -> Literal["name", "phone", ""]:
    words = f"{column.name.replace('_', ' ')} {column.label}"
    if _PHONE.search(words):
        return "phone"
    if column.role == "email" or column.type != "text":
        return ""  # an address of mail has a form of its own, and needs no dictionary
    return "name" if column.role == "name" or _NAME.search(words) else ""


def _pair(columns: list[str]) -> list[str]:
    """The columns of given name and surname, where a table has both."""
    given = next((c for c in columns if re.search(r"first|given|fore", c, re.IGNORECASE)), None)
    family = next((c for c in columns if re.search(r"last|family|sur", c, re.IGNORECASE)), None)
    return [given, family] if given and family else []


def _values(table: Table, columns: list[str], catalogue: Catalogue, reader: SqlReader, scope: Scope) -> set[str]:
    shown = scope.tables.get(table.name)
    if shown is None or any(shown.columns.get(column) != "visible" for column in columns):
        return set()
    listed = ", ".join(quote(column) for column in columns)
    query = guard(
        f"SELECT DISTINCT {listed} FROM {quote(table.name)}", catalogue, scope, dialect=reader.dialect, limit=MOST
    )
    found = reader.read(query)
    if found.truncated:
        raise SqlRejected(f"{table.name}.{columns[0]} has more than {MOST:,} values: too many to know by name")
    return {" ".join(str(value) for value in row) for row in found.rows if all(row)}


def quote(name: str) -> str:
    """A name as SQL says it."""
    return '"' + name.replace('"', '""') + '"'
