"""What a document is about: entities by a key, a path, an e-mail address, or their full name in the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from index.catalogue.model import Catalogue, Entity
from index.store.store import Store
from index.store.writer import digest

_WORD = re.compile(r"\w+")
_MINIMUM = 5  # letters of a name that is a single word

Found = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class EntityDictionary:
    """Names and e-mail addresses of every entity in the loaded tables.

    `names` maps the first word (lower case) to `(words, entity, key)`, the longest first; `solo` maps a one-word name
    as it is written to `(entity, key)`; `emails` maps entity to address to key. A name or address that several have is
    in none of them.
    """

    names: Mapping[str, tuple[tuple[tuple[str, ...], str, str], ...]] = field(default_factory=dict)
    solo: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    emails: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """A hash that changes with any name or address."""
        return digest(sorted(self.names.items()), sorted(self.solo.items()), sorted(self.emails.items()))

    def in_text(self, text: str) -> Found:
        """The entities whose full name stands in `text`; of two names at one place, the longer."""
        if not self.names and not self.solo:
            return {}
        found: dict[str, dict[str, None]] = {}
        spans = list(_WORD.finditer(text))
        words = [span.group().lower() for span in spans]
        position = 0
        while position < len(words):
            taken = 1
            for candidate, entity, key in self.names.get(words[position], ()):
                if tuple(words[position : position + len(candidate)]) == candidate:
                    found.setdefault(entity, {})[key] = None
                    taken = len(candidate)
                    break
            else:
                if named := self.solo.get(spans[position].group()):
                    found.setdefault(named[0], {})[named[1]] = None
            position += taken
        return {entity: tuple(keys) for entity, keys in found.items()}

    def by_email(self, entity: str, addresses: str) -> tuple[str, ...]:
        """The keys of `entity` that the addresses (apart by spaces) belong to."""
        known = self.emails.get(entity, {})
        return tuple(dict.fromkeys(known[a] for a in addresses.lower().split() if a in known))


def build_dictionary(store: Store, catalogue: Catalogue | None) -> EntityDictionary:
    """The dictionary of the catalogue's entities, from the tables as they are loaded now."""
    names: dict[tuple[str, ...], set[tuple[str, str]]] = {}
    written: dict[tuple[str, ...], str] = {}
    emails: dict[str, dict[str, str]] = {}
    for entity in catalogue.entities if catalogue else ():
        for key, name in store.rows(entity.table, [entity.key, entity.name_column]):
            words = tuple(w.lower() for w in _WORD.findall(str(name or "")))
            if key is not None and words:
                names.setdefault(words, set()).add((entity.name, str(key)))
                written[words] = str(name).strip()
        emails[entity.name] = _emails(store, catalogue, entity) if catalogue else {}
    by_first: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
    solo: dict[str, tuple[str, str]] = {}
    for words, owners in names.items():
        if len(owners) != 1:
            continue
        owner, key = next(iter(owners))
        if len(words) > 1:
            by_first.setdefault(words[0], []).append((words, owner, key))
        elif len(words[0]) >= _MINIMUM and not words[0].isdigit():
            solo[written[words]] = (owner, key)
    longest_first = {first: tuple(sorted(held, key=lambda n: (-len(n[0]), n))) for first, held in by_first.items()}
    return EntityDictionary(longest_first, solo, emails)


def _emails(store: Store, catalogue: Catalogue, entity: Entity) -> dict[str, str]:
    """E-mail address to key: from the entity's own table, and from tables whose rows belong to one entity."""
    found: dict[str, set[str]] = {}
    places = [(entity.table, entity.key)]
    for join in catalogue.joins:
        if join.right == entity.table and join.right_columns == (entity.key,):
            places.append((join.left, join.left_columns[0]))
    for table_name, key_column in places:
        table = catalogue.table(table_name)
        for column in table.columns if table else ():
            if column.role != "email" and not re.search(r"(?:^|_)e?mail(?:_address)?$", column.name):
                continue
            for key, address in store.rows(table_name, [key_column, column.name]):
                if key is not None and address:
                    found.setdefault(str(address).strip().lower(), set()).add(str(key))
    return {address: next(iter(keys)) for address, keys in found.items() if len(keys) == 1}


def merge(*parts: Mapping[str, tuple[str, ...]]) -> Found:
    """Entities of several findings together, without repeats, the first found first."""
    merged: dict[str, dict[str, None]] = {}
    for part in parts:
        for entity, keys in part.items():
            merged.setdefault(entity, {}).update(dict.fromkeys(keys))
    return {entity: tuple(keys) for entity, keys in merged.items() if keys}
