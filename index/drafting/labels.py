"""Labels of tables and columns: words of their names, without the prefixes that a whole database shares."""

from __future__ import annotations

from collections.abc import Sequence

from index.drafting.naming import singular, words
from index.drafting.read import RawTable

_KINDS = frozenset({"tbl", "table", "dim", "fact", "vw", "stg", "t"})


class Labels:
    """The words of every name of a database, with glued names split by the words of its table names."""

    def __init__(self, tables: Sequence[RawTable]) -> None:
        own = [t.own_name.lower() for t in tables]
        # A schema is part of a label only where it tells two tables apart.
        self._said = {t.name: t.own_name if own.count(t.own_name.lower()) == 1 else t.name for t in tables}
        parts = [words(self._said[t.name]) for t in tables]
        self._vocabulary = frozenset(
            form for named in parts for word in named for form in (word, singular(word)) if len(word) > 3
        )
        firsts = {named[0] for named in parts}
        # sbCustomer, sbTicker, ...: a short first word that every table shares says nothing.
        shared = len(parts) > 2 and len(firsts) == 1 and all(len(named) > 1 for named in parts)
        self._prefix = next(iter(firsts)) if shared and len(next(iter(firsts))) <= 4 else ""
        self._tables = {t.name: self._table(t) for t in tables}
        self._initials = {t.name: self._initialism(t) for t in tables}

    def table_words(self, table: RawTable) -> tuple[str, ...]:
        """The words of a table's label."""
        return self._tables[table.name]

    def column_words(self, table: RawTable, name: str) -> tuple[str, ...]:
        """The words of a column's label."""
        found = self._strip(words(name, self._vocabulary))
        initials = self._initials[table.name]
        return found[1:] if initials and len(found) > 1 and found[0] == initials else found

    def _table(self, table: RawTable) -> tuple[str, ...]:
        found = self._strip(words(self._said[table.name], self._vocabulary))
        return found[1:] if len(found) > 1 and found[0] in _KINDS else found

    def _strip(self, found: tuple[str, ...]) -> tuple[str, ...]:
        return found[1:] if self._prefix and len(found) > 1 and found[0] == self._prefix else found

    def _initialism(self, table: RawTable) -> str:
        """`dp` where every column of the table "daily price" starts with it; so does any short prefix of them all."""
        found = [self._strip(words(c.name, self._vocabulary)) for c in table.columns]
        first = found[0][0] if found else ""
        whole = "".join(self._tables[table.name])
        known = first in self._tables[table.name] or first == whole or not 1 < len(first) <= 3
        alike = len(found) > 2 and all(len(f) > 1 and f[0] == first for f in found)
        return first if alike and not known else ""
