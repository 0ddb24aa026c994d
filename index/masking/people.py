"""The dictionary of known persons, read from the personal columns of a catalogue through the guard."""

from __future__ import annotations

import re
from typing import Literal

from index.catalogue.model import Catalogue, Column, Table
from index.errors import SqlRejected
from index.guard.guard import guard
from index.masking.known import KnownPersons
from index.scope import Scope
from index.sql import SqlReader

MOST = 2_000_000  # values of one column
_LONGEST = 80  # characters of a name; what is longer is a text
_PHONE = re.compile(r"phone|mobile|\bcell|\bfax|\btel(?:efon)?", re.IGNORECASE)
_NAME = re.compile(r"name|person|\bcontact\b|\bowner\b", re.IGNORECASE)


def known_persons(catalogue: Catalogue, reader: SqlReader, scope: Scope) -> KnownPersons:
    """Names and telephone numbers in the columns whose sensitivity is `personal`, as far as `scope` shows them.

    A given name and a surname in two columns of a table are also one name. Raises what the guard and the reader
    raise; a column with more than two million values is an error rather than a dictionary with gaps.
    """
    names: set[str] = set()
    numbers: set[str] = set()
    for table in catalogue.tables:
        kinds = {column.name: _kind(column) for column in table.columns if column.sensitivity == "personal"}
        named = [name for name, kind in kinds.items() if kind == "name"]
        for parts in ([name] for name in named):
            names.update(_values(table, parts, catalogue, reader, scope))
        if pair := _pair(named):
            names.update(_values(table, pair, catalogue, reader, scope))
        for phone in (name for name, kind in kinds.items() if kind == "phone"):
            numbers.update(_values(table, [phone], catalogue, reader, scope))
    return KnownPersons.of((name for name in names if len(name) <= _LONGEST), numbers)


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
    listed = ", ".join(_quote(column) for column in columns)
    query = guard(
        f"SELECT DISTINCT {listed} FROM {_quote(table.name)}", catalogue, scope, dialect=reader.dialect, limit=MOST
    )
    found = reader.read(query)
    if found.truncated:
        raise SqlRejected(f"{table.name}.{columns[0]} has more than {MOST:,} values: too many to know by name")
    return {" ".join(str(value) for value in row) for row in found.rows if all(row)}


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
