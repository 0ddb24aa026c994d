"""Principal and Scope: who asks, and what they may see. Every read takes a Scope; there is no default.

Default deny: a table, column or tag that a Scope does not list is not there. One Scope has two renderings:
`index.guard` puts it into SQL, `index.vectors` into a vector filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from index.catalogue import Catalogue

Visibility = Literal["visible", "masked"]
Action = Literal["ask", "sql", "drafts", "ingest", "reindex", "audit"]
ACTIONS: frozenset[Action] = frozenset({"ask", "sql", "drafts", "ingest", "reindex", "audit"})


@dataclass(frozen=True)
class Principal:
    """Who asks: a user or a machine client, with its groups and attributes."""

    name: str
    groups: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TableScope:
    """What is visible of one table: its columns, and the rows for which `rows` (a SQL condition over bare
    column names of that table; empty means every row) is true. A column that is not listed is hidden."""

    columns: Mapping[str, Visibility]
    rows: str = ""

    def __post_init__(self) -> None:
        # Guarded queries are cached by the scope they were made for: it must not change under them.
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))


@dataclass(frozen=True)
class Scope:
    """What one principal may see and do. `tags` is an allow-list: a document is visible when it carries at
    least one of them; the empty set sees no document. `entities` narrows documents that are about an entity:
    a mapping from entity name to a SQL condition is rendered by the caller into keys before the search."""

    principal: Principal
    tables: Mapping[str, TableScope]
    tags: frozenset[str]
    actions: frozenset[Action] = frozenset({"ask"})

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))

    def may(self, action: Action) -> bool:
        """True when the principal may do `action`."""
        return action in self.actions

    @classmethod
    def nothing(cls, name: str) -> Scope:
        """The Scope of a principal without policy: it sees nothing and may do nothing."""
        return cls(Principal(name), {}, frozenset(), frozenset())

    @classmethod
    def administrator(cls, catalogue: Catalogue, tags: frozenset[str], name: str = "admin") -> Scope:
        """The local administrator: every catalogued table and column, every declared tag, every action."""
        tables = {t.name: TableScope({c.name: "visible" for c in t.columns}) for t in catalogue.tables}
        return cls(Principal(name), tables, tags, ACTIONS)

    def key(self) -> str:
        """A text that is equal for equal scopes, for use in cache keys."""
        return self._key

    @cached_property
    def _key(self) -> str:
        tables = sorted((name, sorted(t.columns.items()), t.rows) for name, t in self.tables.items())
        return repr((self.principal.name, tables, sorted(self.tags), sorted(self.actions)))
