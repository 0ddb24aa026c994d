"""Principal and Scope: who asks, and what they may see. Every read takes a Scope; there is no default.

Default deny: a table, column or tag that a Scope does not list is not there. One Scope has two renderings:
`index.guard.guard` puts it into SQL, `index.vectors.gateway` into a vector filter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from index.catalogue.model import Catalogue
from index.errors import PolicyError

Visibility = Literal["visible", "masked"]
Action = Literal["ask", "sql", "drafts", "ingest", "reindex", "audit", "forget"]
ACTIONS: frozenset[Action] = frozenset({"ask", "sql", "drafts", "ingest", "reindex", "audit", "forget"})


@dataclass(frozen=True)
class Principal:
    """Who asks: a user or a machine client, with its groups and attributes (a text, or several)."""

    name: str
    groups: frozenset[str] = frozenset()
    attributes: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


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
    least one of them; the empty set sees no document.

    `follows` names entities whose documents follow their rows: a document about one of them is visible only where
    everything that it is about is in `about`, a list of `entity:key`. A document that carries one of the tags
    `unconditional` is visible whatever it is about. Without `follows`, neither of the two counts.
    `tells_withheld` says that answers tell how many rows and passages policy kept from them.
    """

    principal: Principal
    tables: Mapping[str, TableScope]
    tags: frozenset[str]
    actions: frozenset[Action] = frozenset({"ask"})
    follows: frozenset[str] = frozenset()
    about: frozenset[str] = frozenset()
    unconditional: frozenset[str] = frozenset()
    tells_withheld: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))

    def may(self, action: Action) -> bool:
        """True when the principal may do `action`."""
        return action in self.actions

    def require(self, *actions: Action) -> None:
        """Raises `PolicyError` unless the principal may do one of `actions`."""
        if self.actions.isdisjoint(actions):
            raise PolicyError(f"{self.principal.name} may not do this: {actions[0]}", hint="ask an administrator")

    def shows(self, tags: Collection[str], subjects: Iterable[str]) -> bool:
        """True for a document with `tags` that is about `subjects` (`entity:key`)."""
        if not self.follows:
            return not self.tags.isdisjoint(tags)
        held = self.tags.intersection(tags)
        return bool(held) and (not held.isdisjoint(self.unconditional) or self.about.issuperset(subjects))

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

    def sight(self) -> str:
        """A text that is equal for scopes that see the same, whoever they belong to and whatever they may do."""
        return self._sight

    def record(self) -> str:
        """What is visible under which rules, as JSON: kept beside what was made for this scope (see `covers`)."""
        return json.dumps(self._rules, ensure_ascii=False)

    def covers(self, record: str) -> bool:
        """True when the rules of this scope show at least what those of `record` (an earlier scope's) showed."""
        held = json.loads(record)
        for name, (rows, columns) in held["tables"].items():
            now = self.tables.get(name)
            if now is None or now.rows not in ("", rows):
                return False
            if any(now.columns.get(c) not in ("visible", level) for c, level in columns.items()):
                return False
        if not self.tags.issuperset(held["tags"]):
            return False
        free = held["unconditional"] if held["follows"] else held["tags"]
        return not self.follows or (self.follows <= set(held["follows"]) and self.unconditional.issuperset(free))

    @cached_property
    def unmasked(self) -> Scope:
        """This scope without its masked columns, the same object each time: caches of queries go by it."""
        if all(level == "visible" for table in self.tables.values() for level in table.columns.values()):
            return self
        tables = {
            name: replace(table, columns={c: v for c, v in table.columns.items() if v == "visible"})
            for name, table in self.tables.items()
        }
        return replace(self, tables=tables)

    @cached_property
    def _rules(self) -> dict[str, Any]:
        return {
            "tables": {name: [t.rows, dict(sorted(t.columns.items()))] for name, t in sorted(self.tables.items())},
            "tags": sorted(self.tags),
            "follows": sorted(self.follows),
            "unconditional": sorted(self.unconditional),
        }

    @cached_property
    def _sight(self) -> str:
        about = hashlib.sha256(json.dumps(sorted(self.about)).encode()).hexdigest() if self.follows else ""
        return f"{self.record()} {about}"

    @cached_property
    def _key(self) -> str:
        return repr((self.principal.name, sorted(self.actions), self.tells_withheld, self._sight))
