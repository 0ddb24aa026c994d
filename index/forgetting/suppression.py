"""What was forgotten, as keyed hashes: the writers of the SQL index ask it about every record that comes in.

Nothing personal is in it. The key lies in the index itself, since the index is useless without it and it without the
index; who holds both can try out keys, and no more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from index.documents import Document
from index.forgetting.marks import WORD, Mark, runs
from index.store.schema import forgotten, meta
from index.store.tables import Cell, DataRow, DataTable

META = "forgotten"
CELL, ROW, SUBJECT, DOCUMENT, WORDS, FIRST = "cell", "row", "subject", "document", "words", "first"
_CACHED = 200_000  # words whose hashes are remembered
FILLER = "█"


@dataclass(frozen=True)
class Rule:
    """The cells of a table that name a forgotten record: `columns`, in the terms of `space` (`table.column` of the key
    that they refer to). `direct` ones name the customer itself, and decide alone where they are filled; a row is
    dropped for them, and loses only the reference where `blank`."""

    columns: tuple[str, ...]
    space: str
    direct: bool = False
    blank: bool = False

    def value(self, cells: Mapping[str, Any]) -> str | None:
        """The reference of a row as text; None where a part of it is empty."""
        parts = [cells.get(column) for column in self.columns]
        return None if any(part in (None, "") for part in parts) else "|".join(cell_text(part) for part in parts)


def cell_text(value: Any) -> str:
    """A cell of a key as text: a whole number is written as one, whatever type holds it."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@dataclass
class Suppression:
    """Tells what was forgotten. `held` are hashes, `rules` name the cells of each table to look at, `counts` how many
    words forgotten names have."""

    key: bytes = b""
    held: set[str] = field(default_factory=set)
    rules: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    counts: frozenset[int] = frozenset()
    version: int = 0
    _words: dict[str, str] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self.held)

    def hash(self, kind: str, value: str) -> str:
        """The keyed hash that stands for `value`."""
        text = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self.key, digest_size=16).hexdigest()

    def has(self, kind: str, value: str) -> bool:
        """True where exactly this was forgotten."""
        return bool(self.held) and self.hash(kind, value) in self.held

    def row_is_gone(self, table: str, key: str) -> bool:
        """True where the row with that key was forgotten."""
        return self.has(ROW, f"{table}|{key}")

    def file_is_gone(self, source: str, name: str) -> bool:
        """True for a file of a source that was one forgotten document, or that is named after somebody forgotten."""
        return self.has(DOCUMENT, f"{source}:{name}") or self.names(name)

    def without(self, table: str, keys: Iterable[str]) -> set[str]:
        """`keys` of a table but for those of forgotten rows."""
        return {key for key in keys if not self.row_is_gone(table, key)} if self.held else set(keys)

    def names(self, *texts: str) -> bool:
        """True where one of `texts` holds a forgotten name, address or key."""
        return bool(self.counts) and any(next(self._spans(text), None) is not None for text in texts)

    def masked(self, text: str) -> str:
        """`text` with what names somebody forgotten covered, as long as it was."""
        if not self.counts:
            return text
        for start, end in list(self._spans(text)):
            text = text[:start] + FILLER * (end - start) + text[end:]
        return text

    def kept(self, table: DataTable, rows: Sequence[DataRow]) -> Sequence[DataRow]:
        """The rows that may be written, without what names somebody forgotten."""
        if not self.held:
            return rows
        names = [column.name for column in table.columns]
        texts = [place for place, column in enumerate(table.columns) if column.type == "text"]
        kept = (self._kept(table.name, row, names, texts) for row in rows)
        return [row for row in kept if row is not None]

    def drops(self, table: str, cells: Mapping[str, Any]) -> bool:
        """True for a row that belongs to somebody forgotten."""
        rules = [rule for rule in self.rules.get(table, ()) if not rule.blank]
        said = [value for rule in rules if rule.direct and (value := rule.value(cells)) is not None]
        if said:
            direct = [rule for rule in rules if rule.direct]
            return any(self._refers(rule, cells) for rule in direct)
        return any(self._refers(rule, cells) for rule in rules)

    def drops_document(self, document: Document) -> bool:
        """True for a document that was forgotten, is about somebody forgotten, or names them."""
        if not self.held:
            return False
        subjects = (f"{name}:{key}" for name, keys in document.entities.items() for key in keys)
        row = document.meta.get("table", ""), document.meta.get("key", "")
        return (
            self.has(DOCUMENT, document.doc_id)
            or any(self.has(SUBJECT, subject) for subject in subjects)
            or (all(row) and self.row_is_gone(*row))
            or self.names(document.title, document.text, document.doc_id, document.uri, *document.meta.values())
        )

    def drops_record(self, target: str, origin: str, record: str) -> bool:
        """True for a record in quarantine that belongs to somebody forgotten, or names them."""
        if not self.held:
            return False
        try:
            cells = json.loads(record)
        except ValueError:
            cells = None
        return (isinstance(cells, dict) and self.drops(target, cells)) or self.names(origin, record)

    def with_more(
        self, hashes: Iterable[str], rules: Mapping[str, Sequence[Rule]], marks: Iterable[Mark]
    ) -> Suppression:
        """Everything held here, and more."""
        merged = {name: tuple(dict.fromkeys((*self.rules.get(name, ()), *rules.get(name, ())))) for name in
                  {*self.rules, *rules}}  # fmt: skip
        counts = self.counts | {mark.count for mark in marks}
        return Suppression(self.key, self.held | set(hashes), merged, frozenset(counts), self.version)

    def _kept(self, table: str, row: DataRow, names: Sequence[str], texts: Sequence[int]) -> DataRow | None:
        cells = dict(zip(names, row.values, strict=True))
        if self.row_is_gone(table, row.key) or self.drops(table, cells):
            return None
        values: list[Cell] = list(row.values)
        for rule in self.rules.get(table, ()):
            if rule.blank and self._refers(rule, cells):
                for column in rule.columns:
                    values[names.index(column)] = None
        for place in texts:
            if isinstance(text := values[place], str):
                values[place] = self.masked(text)
        return DataRow(row.key, row.origin, tuple(values))

    def _refers(self, rule: Rule, cells: Mapping[str, Any]) -> bool:
        value = rule.value(cells)
        return value is not None and self.has(CELL, f"{rule.space}|{value}")

    def _spans(self, text: str) -> Any:
        """Where forgotten names stand in `text`."""
        spans = list(WORD.finditer(text))
        for place, span in enumerate(spans):
            if self._first(span.group().lower()) in self.held:
                for words, last in runs(spans, place, self.counts):
                    if self.hash(WORDS, words) in self.held:
                        yield span.start(), spans[last].end()

    def _first(self, word: str) -> str:
        known = self._words.get(word)
        if known is None:
            if len(self._words) > _CACHED:
                self._words.clear()
            known = self._words[word] = self.hash(FIRST, word)
        return known


NOTHING = Suppression()


def load(connection: sa.Connection, known: Suppression = NOTHING) -> Suppression:
    """What the index remembers of what it forgot; `known` where nothing came since it was read."""
    value = connection.scalar(sa.select(meta.c.value).where(meta.c.name == META))
    if value is None:
        return NOTHING
    body = json.loads(value)
    if known.version == body["version"] and known.key.hex() == body["key"]:
        return known
    rules = {
        name: tuple(Rule(tuple(columns), space, direct, blank) for columns, space, direct, blank in held)
        for name, held in body["rules"].items()
    }
    held = set(connection.scalars(sa.select(forgotten.c.hash)))
    return Suppression(bytes.fromhex(body["key"]), held, rules, frozenset(body["counts"]), body["version"])


def save(connection: sa.Connection, suppression: Suppression, subject: str, hashes: Iterable[str]) -> None:
    """Remember `hashes` for `subject`, and what of `suppression` is not a hash, as the next version."""
    already = set(connection.scalars(sa.select(forgotten.c.hash).where(forgotten.c.subject == subject)))
    rows = [{"hash": one, "subject": subject} for one in sorted(set(hashes) - already)]
    if rows:
        connection.execute(sa.insert(forgotten), rows)
    body = {
        "key": suppression.key.hex(),
        "version": suppression.version + 1,
        "counts": sorted(suppression.counts),
        "rules": {
            name: [[list(r.columns), r.space, r.direct, r.blank] for r in held]
            for name, held in suppression.rules.items()
        },
    }
    connection.execute(sa.delete(meta).where(meta.c.name == META))
    connection.execute(sa.insert(meta).values(name=META, value=json.dumps(body)))


def lift(connection: sa.Connection, entity: str, key: str) -> int:
    """Let somebody forgotten come in again with the next sync; how many hashes went."""
    held = load(connection)
    if held is NOTHING:
        return 0
    gone = connection.execute(sa.delete(forgotten).where(forgotten.c.subject == held.hash(SUBJECT, f"{entity}:{key}")))
    save(connection, held, "", ())
    return gone.rowcount
