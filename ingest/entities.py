"""The same customer in several systems: which records of different tables speak of one, and why.

`resolve:` of a source-spanning entity names, for each table, the key and the columns that can tell. Two records match
by an identifier that both have (tax number, e-mail, domain, phone) or by names that are nearly the same; a person may
say that two are the same, or are not. The outcome is a table `<entity>_links`, one row a record, with the reason.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from index.errors import SettingsError
from index.store.schema import KEY
from index.store.store import Store
from index.store.tables import DataColumn, DataRow, DataTable
from ingest.config import ResolveConfig

SOURCE = "entities"  # whose tables these are
_LEGAL = re.compile(
    r"\b(?:gmbh|ag|kg|ltd|limited|llc|inc|incorporated|corp|corporation|co|company|sa|sas|sarl|srl|spa|bv|nv|ab|as|oy|plc)\b"
)
_PUBLIC = frozenset("gmail googlemail yahoo hotmail outlook icloud gmx web aol proton protonmail mail live".split())
_LEAST = 92.0  # of 100: names that are less alike are not taken for the same
_MOST = 50  # records that share an identifier; what more share tells nothing
_EVIDENCE = ("tax_number", "email", "domain", "phone")


@dataclass(frozen=True)
class Record:
    """One record that may speak of an entity, with what can tell, already brought to one form."""

    table: str
    key: str
    name: str
    marks: Mapping[str, str]

    @property
    def place(self) -> str:
        """`table:key`, as overrides name it."""
        return f"{self.table}:{self.key}"


@dataclass(frozen=True)
class Match:
    """Two records of one entity, how sure that is (0 to 1), and why."""

    left: str
    right: str
    score: float
    reason: str


@dataclass
class Resolution:
    """Which records belong together: `groups` by the place that names the entity, and the matches that say so."""

    groups: dict[str, list[str]] = field(default_factory=dict)
    matches: list[Match] = field(default_factory=list)

    def entity_of(self) -> dict[str, str]:
        """The entity's name by place."""
        return {place: name for name, places in self.groups.items() for place in places}


def resolve(records: Sequence[Record], same: Iterable[Sequence[str]], different: Iterable[Sequence[str]]) -> Resolution:
    """Group records. What a person said is never undone: `same` are joined first, `different` never, not even by way of
    others. The group is named by its first record, in the order given."""
    order = {record.place: number for number, record in enumerate(records)}
    groups = _Groups(order, different)
    taken: list[Match] = []
    said = (Match(a, b, 1.0, "said by hand") for first, *rest in same for a, b in ((first, r) for r in rest))
    found = sorted(_matches(records), key=lambda m: (-m.score, order[m.left], order[m.right]))
    for match in (*(m for m in said if m.left in order and m.right in order), *found):
        if groups.join(match.left, match.right):
            taken.append(match)
    return Resolution(groups.named(), taken)


def resolve_entities(store: Store, resolves: Mapping[str, ResolveConfig]) -> dict[str, int]:
    """Write `<entity>_links` for each entity of tower.yaml; how many records each links.

    One that names a table or column that is not there is a `SettingsError`.
    """
    counts: dict[str, int] = {}
    for entity, config in resolves.items():
        records = list(_records(store, entity, config))
        found = resolve(records, config.same, config.different)
        counts[entity] = _write(store, entity, records, found)
    return counts


def _records(store: Store, entity: str, config: ResolveConfig) -> Iterator[Record]:
    tables = store.tables()
    for table, columns in config.tables.items():
        held = tables.get(table)
        wanted = [c for c in (columns.name, columns.tax_number, columns.email, columns.domain, columns.phone) if c]
        there = {c.name for c in held.columns} if held is not None else set()
        if missing := [c for c in wanted if c not in there]:
            raise SettingsError(
                f"resolve.{entity}.tables.{table}: there is no {'column ' + missing[0] if there else 'such table'}",
                hint=f"it has {', '.join(sorted(there))}" if there else f"there are {', '.join(tables)}",
            )
        for key, *values in store.rows(table, [KEY, *wanted]):
            cells = {c: str(v) for c, v in zip(wanted, values, strict=True) if v is not None}
            raw = {mark: cells.get(getattr(columns, mark), "") for mark in _EVIDENCE}
            yield Record(table, str(key), _name(cells.get(columns.name, "")), _marks(raw))


def _marks(raw: Mapping[str, str]) -> dict[str, str]:
    """Identifiers in one form. A mailbox of a public provider tells a person, and no company's domain."""
    email = raw["email"].strip().lower()
    domain = (
        re.sub(r"^(?:https?://)?(?:www\.)?", "", raw["domain"].strip().lower()).split("/")[0] or email.partition("@")[2]
    )
    marks = {
        "tax_number": re.sub(r"[^A-Z0-9]", "", raw["tax_number"].upper()),
        "email": email if "@" in email else "",
        "domain": "" if domain.split(".")[0] in _PUBLIC else domain,
        "phone": re.sub(r"\D", "", raw["phone"])[-9:] if len(re.sub(r"\D", "", raw["phone"])) >= 7 else "",
    }
    return {mark: value for mark, value in marks.items() if value}


def _name(text: str) -> str:
    words = re.sub(r"[^\w\s]", " ", text.lower())
    return " ".join(_LEGAL.sub(" ", words).split())


def _matches(records: Sequence[Record]) -> Iterator[Match]:
    seen: set[tuple[str, str]] = set()
    for mark in _EVIDENCE:
        by_value: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            if mark in record.marks:
                by_value[record.marks[mark]].append(record)
        for value, sharing in by_value.items():
            if len(sharing) <= _MOST:
                for left, right in _pairs(sharing, seen):
                    yield _by_mark(left, right, mark, value)
    by_word: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        for word in sorted(record.name.split(), key=len, reverse=True)[:2]:
            if len(word) >= 4:
                by_word[word].append(record)
    for sharing in by_word.values():
        if len(sharing) <= _MOST:
            for left, right in _pairs(sharing, seen):
                alike = fuzz.token_sort_ratio(left.name, right.name)
                if alike >= _LEAST and not _contradict(left, right):
                    yield Match(left.place, right.place, alike / 100 * 0.9, f"names alike by {alike:.0f} of 100")


def _by_mark(left: Record, right: Record, mark: str, value: str) -> Match:
    sure = {"tax_number": 1.0, "email": 0.97, "domain": 0.95, "phone": 0.92}[mark]
    alike = fuzz.token_set_ratio(left.name, right.name) if left.name and right.name else 50.0
    return Match(left.place, right.place, sure * (0.8 + alike / 500), f"same {mark.replace('_', ' ')} {value}")


def _contradict(left: Record, right: Record) -> bool:
    """True where both have a tax number or a domain, and not the same."""
    return any(
        m in left.marks and m in right.marks and left.marks[m] != right.marks[m] for m in ("tax_number", "domain")
    )


def _pairs(records: Sequence[Record], seen: set[tuple[str, str]]) -> Iterator[tuple[Record, Record]]:
    """Pairs from different tables, each once: two records of one table are two entities, unless a person says not."""
    for place, left in enumerate(records):
        for right in records[place + 1 :]:
            pair = (left.place, right.place)
            if left.table != right.table and pair not in seen:
                seen.add(pair)
                yield left, right


class _Groups:
    """Sets of records that are joined, unless a person said that two of them differ or one table would be in twice."""

    def __init__(self, order: Mapping[str, int], different: Iterable[Sequence[str]]) -> None:
        self._order = order
        self._head = {place: place for place in order}
        self._members = {place: [place] for place in order}
        self._apart: dict[str, set[str]] = defaultdict(set)
        for places in different:
            for place in places:
                self._apart[place].update(p for p in places if p != place)

    def join(self, left: str, right: str) -> bool:
        """Join the groups of two records; False where they are one already, or must not be."""
        one, other = self._head[left], self._head[right]
        if one == other:
            return False
        if any(self._apart[m] & set(self._members[other]) for m in self._members[one] if m in self._apart):
            return False
        first, second = sorted((one, other), key=lambda place: self._order[place])
        for member in self._members.pop(second):
            self._head[member] = first
            self._members[first].append(member)
        return True

    def named(self) -> dict[str, list[str]]:
        """Every group by its first record."""
        return {head: sorted(members, key=lambda m: self._order[m]) for head, members in self._members.items()}


def _write(store: Store, entity: str, records: Sequence[Record], found: Resolution) -> int:
    entities = found.entity_of()
    why: dict[str, Match] = {}
    for match in found.matches:
        for place in (match.right, match.left):
            why.setdefault(place, match)
    columns = tuple(DataColumn(n, "number" if n == "score" else "text") for n in _COLUMNS)
    table = DataTable(f"{entity}_links", SOURCE, columns, ("table_name", "record_key"))
    rows = []
    for record in records:
        held = why.get(record.place)
        other = "" if held is None else held.left if held.right == record.place else held.right
        reason = f"{held.reason} as {other}" if held is not None else "alone"
        values = (record.table, record.key, entities[record.place], held.score if held else 1.0, reason)
        rows.append(DataRow(f"{record.table}|{record.key}", f"{SOURCE}|{entity}", values))
    with store.begin() as writer:
        written = writer.rows(writer.put_table(table))
        written.upsert(rows)
        written.delete_missing({row.key for row in rows})
    return len(rows)


_COLUMNS = ("table_name", "record_key", "entity", "score", "reason")
