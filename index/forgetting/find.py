"""Where somebody stands in the SQL index. What is found is what `erase` takes out; found again afterwards, it is the
proof that nothing is left."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from index.forgetting.reach import HISTORY, LINKS, Reach
from index.forgetting.suppression import Suppression
from index.store import schema
from index.store.schema import KEY
from index.store.tables import DataTable, batches, sql_table


@dataclass
class Found:
    """Ids by store. `mentions` are cells of other customers' rows that name somebody forgotten, by table, key and
    column, with what is to stand there; `states` are what sources remember, without them; `messages` are
    `(table, id)` of runs, sources and builds whose message names them."""

    rows: dict[str, list[str]] = field(default_factory=dict)
    documents: list[str] = field(default_factory=list)
    chunks: int = 0
    answers: list[str] = field(default_factory=list)
    turns: list[str] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)
    feedback: list[str] = field(default_factory=list)
    quarantine: list[tuple[str, str]] = field(default_factory=list)
    mentions: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    messages: list[tuple[str, str]] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How much stands in each store."""
        return {
            **{f"rows: {table}": len(keys) for table, keys in sorted(self.rows.items())},
            "cells of other rows": sum(len(cells) for rows in self.mentions.values() for cells in rows.values()),
            "documents": len(self.documents),
            "passages": self.chunks,
            "kept answers": len(self.answers),
            "conversation turns": len(self.turns),
            "drafts": len(self.drafts),
            "feedback": len(self.feedback),
            "quarantined records": len(self.quarantine),
            "memory of sources": len(self.states),
            "messages of runs": len(self.messages),
        }


def find(connection: sa.Connection, tables: Mapping[str, DataTable], reach: Reach, suppression: Suppression) -> Found:
    """Everything of `reach`, and everything that names whom `suppression` holds."""
    found = Found(rows={table: sorted(set(keys)) for table, keys in reach.rows.items() if keys})
    _documents(connection, reach, suppression, found)
    _kept(connection, reach, suppression, found)
    for source, origin, target, record in connection.execute(
        sa.select(*(schema.quarantine.c[n] for n in ("source", "origin", "target", "record")))
    ):
        if suppression.drops_record(target, origin, record):
            found.quarantine.append((source, origin))
    _mentions(connection, tables, suppression, found)
    _memory(connection, suppression, found)
    return found


def _documents(connection: sa.Connection, reach: Reach, suppression: Suppression, found: Found) -> None:
    table = schema.documents
    columns = [table.c[n] for n in ("doc_id", "title", "text", "uri", "entities", "meta", "origin")]
    gone = {(name, key) for name, keys in reach.rows.items() for key in keys}
    query = sa.select(*columns).execution_options(yield_per=500)
    for doc_id, title, text, uri, entities, meta, origin in connection.execute(query):
        subjects = {f"{name}:{key}" for name, keys in json.loads(entities).items() for key in keys}
        said = json.loads(meta)
        mine = (
            not subjects.isdisjoint(reach.subjects)
            or (said.get("table", ""), said.get("key", "")) in gone
            or suppression.has("document", doc_id)
            or suppression.names(title, text, doc_id, uri, origin, *map(str, said.values()))
        )
        if mine:
            found.documents.append(doc_id)
    for part in batches(found.documents):
        count = sa.select(sa.func.count()).where(schema.chunks.c.doc_id.in_(part))
        found.chunks += connection.scalar(count) or 0


def _kept(connection: sa.Connection, reach: Reach, suppression: Suppression, found: Found) -> None:
    """Answers with what was said of them, turns of conversations and drafts that are about it, cite it or name it."""
    about = _About(reach, suppression, set(found.documents))
    for answer_id, body in connection.execute(sa.select(schema.answers.c.id, schema.answers.c.body)):
        if about.named_in(json.loads(body)):
            found.answers.append(answer_id)
    gone = set(found.answers)
    turns = schema.turns
    query = sa.select(turns.c.answer_id, turns.c.question, turns.c.named, turns.c.plan)
    for answer_id, question, named, plan in connection.execute(query):
        entries = json.loads(named)
        if (
            answer_id in gone
            or about.named_in([question, json.loads(plan)])
            or any(f"{entry[0]}:{entry[1]}" in reach.subjects or suppression.names(str(entry[2])) for entry in entries)
        ):
            found.turns.append(answer_id)
    drafts = schema.drafts
    made = sa.select(drafts.c.id, drafts.c.entity, drafts.c.key, drafts.c.reason, drafts.c.body)
    for draft_id, entity, key, reason, body in connection.execute(made):
        if f"{entity}:{key}" in reach.subjects or about.named_in([reason, json.loads(body)]):
            found.drafts.append(draft_id)
    said = schema.feedback
    for row in connection.execute(sa.select(said)):
        if row.answer_id in gone or about.named_in([row.comment, row.reason, json.loads(row.correction or "null")]):
            found.feedback.append(row.id)


class _About:
    """Tells whether something that Tower made speaks of whom is forgotten."""

    def __init__(self, reach: Reach, suppression: Suppression, documents: set[str]) -> None:
        self._reach = reach
        self._suppression = suppression
        self._documents = documents
        self._rows = {(table, key) for table, keys in reach.rows.items() for key in keys}
        self._letters = not reach.key.isdigit()

    def named_in(self, value: Any) -> bool:
        """True where a text of `value` names it, or a part of it leads to a record or document of it."""
        if isinstance(value, str):
            return (self._letters and value == self._reach.key) or self._suppression.names(value)
        if isinstance(value, Mapping):
            return self._leads(value) or any(self.named_in(one) for one in (*value.keys(), *value.values()))
        return isinstance(value, list) and any(self.named_in(one) for one in value)

    def _leads(self, part: Mapping[str, Any]) -> bool:
        key = str(part.get("key") or "")
        return (
            part.get("doc_id") in self._documents
            or (str(part.get("table") or ""), key) in self._rows
            or f"{part.get('entity')}:{key}" in self._reach.subjects
        )


def _mentions(
    connection: sa.Connection, tables: Mapping[str, DataTable], suppression: Suppression, found: Found
) -> None:
    """Cells of rows that stay and name it, and references to it from rows that stay."""
    for table in tables.values():
        going = set(found.rows.get(table.name, ()))
        names = [c.name for c in table.columns if c.type == "text"]
        blanks = [rule for rule in suppression.rules.get(table.name.removesuffix(HISTORY), ()) if rule.blank]
        references = [column for rule in blanks for column in rule.columns]
        if not names and not references:
            continue
        built = sql_table(table)
        wanted = list(dict.fromkeys([*names, *(r for r in references if r in built.c)]))
        query = sa.select(built.c[KEY], *(built.c[c] for c in wanted)).execution_options(yield_per=2_000)
        for key, *cells in connection.execute(query):
            if str(key) in going:
                continue
            changed = _changed(dict(zip(wanted, cells, strict=True)), names, references, suppression, table.name)
            if changed:
                found.mentions.setdefault(table.name, {})[str(key)] = changed
        if {c.name for c in table.columns}.issuperset(LINKS):  # written anew after each sync, never masked
            stale = found.mentions.pop(table.name, {})
            found.rows[table.name] = sorted({*found.rows.get(table.name, ()), *stale})
            if not found.rows[table.name]:
                del found.rows[table.name]


def _changed(
    cells: Mapping[str, Any], names: list[str], references: list[str], suppression: Suppression, table: str
) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for name in names:
        text = cells[name]
        if isinstance(text, str) and (masked := suppression.masked(text)) != text:
            changed[name] = masked
    for rule in suppression.rules.get(table.removesuffix(HISTORY), ()):
        value = rule.value(cells) if rule.blank and set(rule.columns) <= set(cells) else None
        if value is not None and suppression.has("cell", f"{rule.space}|{value}"):
            changed.update(dict.fromkeys(rule.columns))
    return changed


def _memory(connection: sa.Connection, suppression: Suppression, found: Found) -> None:
    """What sources remember by a key or a file's name, and what was said of runs."""
    sources, runs, builds = schema.sources, schema.runs, schema.generations
    for source, state, message in connection.execute(sa.select(sources.c.source, sources.c.state, sources.c.message)):
        held = json.loads(state)
        gone = {doc_id.removeprefix(f"{source}:") for doc_id in found.documents if doc_id.startswith(f"{source}:")}
        cleaned = without(held, suppression, source, gone)
        if cleaned != held:
            found.states[source] = json.dumps(cleaned)
        if suppression.names(message):
            found.messages.append((sources.name, source))
    for table, identity in ((runs, runs.c.run_id), (builds, builds.c.generation)):
        for name, message in connection.execute(sa.select(identity, table.c.message)):
            if suppression.names(message):
                found.messages.append((table.name, name))


def without(state: Any, suppression: Suppression, source: str, gone: Collection[str] = (), table: str = "") -> Any:
    """What a source remembers, without deletions of forgotten rows and files that were one forgotten document."""
    if not isinstance(state, dict):
        return state
    kept: dict[str, Any] = {}
    for name, value in state.items():
        if name == "graves" and isinstance(value, dict):
            kept[name] = {key: moment for key, moment in value.items() if not suppression.row_is_gone(table, key)}
        elif name == "tables" and isinstance(value, dict):
            kept[name] = {held: without(one, suppression, source, gone, held) for held, one in value.items()}
        elif name not in gone and not suppression.file_is_gone(source, name):
            kept[name] = without(value, suppression, source, gone, table)
    return kept
