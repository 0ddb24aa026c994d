"""Joins that a database declares, and those that names and values speak for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.catalogue import ColumnType, Join
from index.drafting_labels import Labels
from index.drafting_read import RawTable, Reader
from index.naming import singular, words

_GENERIC = frozenset("id name code number key type no title date description status".split())
INCLUDED = 0.95
_COUNTING = frozenset({"num", "number", "count", "total", "no", "amount", "quantity", "max", "min"})
_MAX_CHECKS = 400  # value comparisons in one draft: a database of hundreds of tables stays quick


@dataclass(frozen=True)
class _Target:
    table: RawTable
    key: str
    key_words: tuple[str, ...]
    table_words: tuple[str, ...]


def short_key(table: str, column: str) -> bool:
    """True for `aid` of `author` and `oiid` of `order_item`: the start of one word, the initials of several."""
    named, own = words(column), words(table)
    if len(named) != 1 or not named[0].endswith("id") or len(named[0]) < 3:
        return False
    start = named[0][:-2]
    return own[0].startswith(start) if len(own) == 1 else start == "".join(word[0] for word in own)


def find_joins(
    reader: Reader, tables: Sequence[RawTable], types: Mapping[tuple[str, str], ColumnType], labels: Labels
) -> tuple[Join, ...]:
    """Declared joins first, then inferred ones: at most one for each column that no declaration covers."""
    joins = _declared(tables)
    covered = {(j.left, c) for j in joins for c in j.left_columns if len(j.left_columns) == 1}
    taken = {(j.left, j.left_columns, j.right) for j in joins}
    targets = [
        _Target(
            t,
            t.key[0],
            ("id",) if short_key(t.name, t.key[0]) else _singular(labels.column_words(t, t.key[0])),
            _singular(labels.table_words(t)),
        )
        for t in tables
        if len(t.key) == 1 and (t.name, t.key[0]) in types
    ]
    checks = _MAX_CHECKS
    for table in tables:
        for column in table.columns:
            kind = types.get((table.name, column.name))
            if kind not in ("integer", "text") or (table.name, column.name) in covered:
                continue
            if kind == "integer" and _counts(words(column.name)):
                continue
            named = _singular(labels.column_words(table, column.name))
            ranked = sorted(
                ((_likeness(table, column.name, named, t), -at, t) for at, t in enumerate(targets)),
                key=lambda r: r[:2],
                reverse=True,
            )
            for score, _, target in ranked[:3]:
                if score <= 0 or checks <= 0 or types[target.table.name, target.key] != kind:
                    continue
                if (target.table.name, (target.key,), table.name) in taken:
                    continue
                checks -= 1
                share = reader.included(table, column.name, target.table, target.key)
                if (share is None and score >= 2) or (share is not None and share >= INCLUDED):
                    join = Join(table.name, (column.name,), target.table.name, (target.key,))
                    joins.append(join)
                    taken.add((join.left, join.left_columns, join.right))
                    break
    return tuple(joins)


def _singular(found: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(singular, found))


def _counts(named: tuple[str, ...]) -> bool:
    """True for a number of things, such as `num_semesters` and `cares_for_students`, which refers to none of them."""
    return len(named) > 1 and (named[0] in _COUNTING or singular(named[-1]) != named[-1]) and named[-1] != "id"


def _declared(tables: Sequence[RawTable]) -> list[Join]:
    by_name = {t.name.lower(): t for t in tables}
    joins: list[Join] = []
    for table in tables:
        for columns, other, there in table.foreign:
            target = by_name.get(other.lower())
            if target is None:
                continue
            left = [table.column(c) for c in columns]
            right = [target.column(c) for c in (there or target.key)]
            if len(left) != len(right) or None in left or None in right:
                continue  # a reference to columns that do not exist
            join = Join(table.name, tuple(c.name for c in left if c), target.name, tuple(c.name for c in right if c))
            if join not in joins and (join.left, join.left_columns) != (join.right, join.right_columns):
                joins.append(join)
    return joins


def _likeness(table: RawTable, column: str, named: tuple[str, ...], target: _Target) -> int:
    """How much the name of a column speaks for a reference to `target`: 0 not, 1 with values, 2 and more on its own."""
    key, own = target.key_words, target.table_words
    if column.lower() == target.key.lower() and target.table is not table and short_key(target.table.name, target.key):
        return 3
    generic = len(key) == 1 and key[0] in _GENERIC
    if target.table is table:
        # parent_id, manager_id, reports_to: a table that refers to itself
        roles = {"parent", "manager", "supervisor", "boss", "predecessor"}
        own_role = named[:2] == ("report", "to") or bool(set(named) & roles and set(named) & {*key, "id"})
        return 2 if own_role and column not in table.key else 0
    if column in table.key and len(table.key) == 1 and named != own + key and (generic or named != key or own >= named):
        return 0  # a key refers to another table's only where it is named after it
    if not generic and "".join(named) == "".join(key):
        # The same name in two tables: the table that is named after the column holds it.
        return 3 + bool(set(own) & set(key))
    if named == own + key or (not generic and named[-len(key) :] == key and len(key) > 1):
        return 3
    if generic and len(named) > 1 and named[-1] in (key[0], "id", "code", "no", "number"):
        if named[:-1] == own or named[:-1] == own[-1:]:
            return 3
        return 2 if named[-1 - len(own) : -1] == own else 0
    if named == own or (len(named) > 1 and named[-len(own) :] == own):
        return 1
    return 0
