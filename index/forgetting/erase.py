"""Taking a customer out of the SQL index in one transaction, and remembering by keyed hashes to keep it out."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from index.catalogue.model import Catalogue, Entity
from index.errors import NotFoundError, UsageError
from index.forgetting.find import Found, find
from index.forgetting.marks import WORD
from index.forgetting.reach import Reach, reach
from index.forgetting.suppression import (
    CELL,
    DOCUMENT,
    FIRST,
    NOTHING,
    ROW,
    SUBJECT,
    WORDS,
    Suppression,
    lift,
    load,
    save,
)
from index.store import schema
from index.store.base import RECORDS, StoreBase, alone
from index.store.schema import KEY
from index.store.tables import DataTable, batches, sql_table, stored_tables

UNFINISHED = "forgetting:"


@dataclass(frozen=True)
class Subject:
    """Whom to forget: an entity of the catalogue, and its key."""

    entity: Entity
    key: str

    @property
    def place(self) -> str:
        """`entity:key`."""
        return f"{self.entity.name}:{self.key}"


@dataclass(frozen=True)
class Erased:
    """What was taken out of the SQL index: how much by store, and from which sources it came. `pseudonym` is the keyed
    hash that a receipt names it by. `texts` (how it is called) and `documents` are for looking whether anything is
    left, and go nowhere else."""

    pseudonym: str
    counts: Mapping[str, int]
    texts: frozenset[str]
    sources: tuple[str, ...]
    documents: tuple[str, ...]


class Eraser(StoreBase):
    """Finds and removes what the SQL index holds of a customer."""

    def subject(self, catalogue: Catalogue, said: str) -> Subject:
        """Whom `said` means: `KEY`, or `entity:KEY` where several kinds of entity have that key.

        Raises `NotFoundError` where nobody has it and nobody with it was forgotten, `UsageError` where several do.
        """
        name, _, rest = said.partition(":")
        if (entity := catalogue.entity(name)) is not None and rest:
            candidates = [Subject(entity, rest)]
        else:
            candidates = [Subject(entity, said) for entity in catalogue.entities]
        with self._reading() as connection:
            held = load(connection)
            tables = stored_tables(connection)
            there = [
                one for one in candidates
                if held.has(SUBJECT, one.place) or reach(connection, tables, catalogue, one.entity, one.key).rows
            ]  # fmt: skip
        if len(there) > 1:
            names = " or ".join(one.place for one in there)
            raise UsageError(f"{said!r} is the key of several entities", hint=f"say which: {names}")
        if not there:
            kinds = ", ".join(entity.name for entity in catalogue.entities) or "none: the catalogue declares no entity"
            raise NotFoundError(f"no entity has the key {said!r}", hint=f"kinds of entities: {kinds}")
        return there[0]

    def look(self, catalogue: Catalogue, subject: Subject) -> Found:
        """What stands there now; nothing is changed, and nothing remembered."""
        with self._reading() as connection:
            return self._find(connection, catalogue, subject)[0]

    def erase(self, catalogue: Catalogue, subject: Subject) -> Erased:
        """Take it out and keep it out, all or nothing. Once more for somebody forgotten takes out what was left or came
        since; what an earlier call that was not followed by `finish` took out counts as taken out now."""
        with self._transaction() as connection:
            alone(connection, RECORDS)
            found, reached, suppression = self._find(connection, catalogue, subject)
            _remove(connection, found)
            pseudonym = suppression.hash(SUBJECT, subject.place)
            save(connection, suppression, pseudonym, _hashes(suppression, reached, found))
            before = json.loads(connection.scalar(_meta(f"{UNFINISHED}{pseudonym}")) or "{}")
            counts = {name: count + before.get(name, 0) for name, count in found.counts().items()}
            counts = {**before, **counts}
            _put_meta(connection, f"{UNFINISHED}{pseudonym}", json.dumps(counts))
        sources = {table.source for name in found.rows if (table := self._tables().get(name)) is not None}
        sources |= {doc_id.partition(":")[0] for doc_id in found.documents}
        return Erased(pseudonym, counts, frozenset(reached.texts), tuple(sorted(sources)), tuple(found.documents))

    def finish(self, pseudonym: str) -> None:
        """Everything that follows an erasure is done."""
        with self._transaction() as connection:
            connection.execute(sa.delete(schema.meta).where(schema.meta.c.name == f"{UNFINISHED}{pseudonym}"))

    def unfinished(self) -> list[str]:
        """The pseudonyms of those whose forgetting was cut off."""
        query = sa.select(schema.meta.c.name).where(schema.meta.c.name.like(f"{UNFINISHED}%"))
        with self._reading() as connection:
            return [name.removeprefix(UNFINISHED) for name in connection.scalars(query)]

    def lift(self, subject: Subject) -> int:
        """Let it come in again with the next whole sync; how many hashes were removed."""
        with self._transaction() as connection:
            alone(connection, RECORDS)
            return lift(connection, subject.entity.name, subject.key)

    def compact(self, told: Callable[[str], None]) -> None:
        """Leave nothing of what was deleted in the database's files, as far as its engine lets us."""
        with self._reading() as connection:
            dialect = connection.dialect.name
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            told(f"compacting the {dialect} database")
            connection.exec_driver_sql("VACUUM")
            if dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _tables(self) -> dict[str, DataTable]:
        with self._reading() as connection:
            return stored_tables(connection)

    def _find(
        self, connection: sa.Connection, catalogue: Catalogue, subject: Subject
    ) -> tuple[Found, Reach, Suppression]:
        tables = stored_tables(connection)
        reached = reach(connection, tables, catalogue, subject.entity, subject.key)
        held = load(connection)
        if held is NOTHING:
            held = Suppression(secrets.token_bytes(32))
        suppression = held.with_more(_hashes(held, reached), reached.rules, reached.marks)
        return find(connection, tables, reached, suppression), reached, suppression


def _meta(name: str) -> sa.Select[tuple[str]]:
    return sa.select(schema.meta.c.value).where(schema.meta.c.name == name)


def _put_meta(connection: sa.Connection, name: str, value: str) -> None:
    connection.execute(sa.delete(schema.meta).where(schema.meta.c.name == name))
    connection.execute(sa.insert(schema.meta).values(name=name, value=value))


def _hashes(suppression: Suppression, reached: Reach, found: Found | None = None) -> set[str]:
    """What to remember of it."""
    hashed = suppression.hash
    hashes = {hashed(SUBJECT, subject) for subject in reached.subjects}
    hashes |= {hashed(CELL, f"{space}|{value}") for space, value in reached.cells}
    hashes |= {hashed(ROW, f"{table}|{key}") for table, keys in reached.rows.items() for key in keys}
    for mark in reached.marks:
        first = WORD.search(mark.words)
        assert first is not None  # a mark has a word
        hashes |= {hashed(WORDS, mark.words), hashed(FIRST, first.group().lower())}
    if found is not None:
        hashes |= {hashed(DOCUMENT, doc_id) for doc_id in found.documents}
    return hashes


def _remove(connection: sa.Connection, found: Found) -> None:
    tables = stored_tables(connection)
    for name, keys in found.rows.items():
        _delete(connection, sql_table(tables[name]).c[KEY], keys)
    for name, rows in found.mentions.items():
        built = sql_table(tables[name])
        for key, cells in rows.items():
            connection.execute(sa.update(built).where(built.c[KEY] == key).values(**cells))
    for column in (schema.chunks.c.doc_id, schema.documents.c.doc_id, schema.likeness.c.doc_id):
        _delete(connection, column, found.documents)
    _delete(connection, schema.answers.c.id, found.answers)
    _delete(connection, schema.turns.c.answer_id, found.turns)
    _delete(connection, schema.drafts.c.id, found.drafts)
    _delete(connection, schema.feedback.c.id, found.feedback)
    _delete(connection, schema.sights.c.id, [*found.answers, *found.drafts])
    aside = schema.quarantine
    for source, origin in found.quarantine:
        connection.execute(sa.delete(aside).where(aside.c.source == source, aside.c.origin == origin))
    for source, state in found.states.items():
        connection.execute(sa.update(schema.sources).where(schema.sources.c.source == source).values(state=state))
    for name, identity in found.messages:
        table = schema.metadata.tables[name]
        named = next(iter(table.primary_key.columns))
        connection.execute(sa.update(table).where(named == identity).values(message=""))


def _delete(connection: sa.Connection, column: sa.Column[str], keys: Sequence[str]) -> None:
    for part in batches(keys):
        connection.execute(sa.delete(column.table).where(column.in_(part)))
