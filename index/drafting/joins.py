"""Joins that a database declares, and those that names and values speak for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.catalogue.model import ColumnType, Join
from index.drafting.labels import Labels
from index.drafting.naming import singular, words
from index.drafting.read import RawTable, Reader

_GENERIC = frozenset("id name code number key type no title date description status".split())
INCLUDED = 0.95
_COUNTING = frozenset({"num", "number", "count", "total", "no", "amount", "quantity", "max", "min"})
_FEW_TABLES = 40  # values alone are looked at in small databases only
_DISTINCTIVE = 100  # the smallest key that says where it belongs
_TELLING = 3  # different values from which on being found says something
_QUANTITIES = frozenset(
    "year month day date time age price cost amount salary weight height length number count total grade rating score"
    " points value rank size quantity rate credit floor capacity population zip phone version".split()
)
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
    """Declared joins first, then inferred ones: at most one for each column that no declaration covers; last, what
    connects tables that nothing else does."""
    joins = [j for j in _declared(tables) if not _misdeclared(j, tables)]
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
            if kind not in ("integer", "text", "number") or (table.name, column.name) in covered:
                continue
            if kind == "number" and words(column.name)[-1:] != ("id",):
                continue  # identifiers declared as real numbers; any other real number refers to nothing
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
    joins += _by_values(reader, tables, types, joins, targets)
    joins += _by_shared_column(reader, tables, types, joins)
    return tuple(joins)


def _misdeclared(join: Join, tables: Sequence[RawTable]) -> bool:
    """A reference to a row's own table whose column is named exactly like another table's key is a slip."""
    if join.left != join.right or len(join.left_columns) != 1 or join.left_columns == join.right_columns:
        return False
    named = join.left_columns[0].lower()
    if any(words(named) == (generic,) for generic in _GENERIC):
        return False
    return any(len(t.key) == 1 and t.key[0].lower() == named and t.name != join.left for t in tables)


def _by_values(
    reader: Reader,
    tables: Sequence[RawTable],
    types: Mapping[tuple[str, str], ColumnType],
    joins: Sequence[Join],
    targets: Sequence[_Target],
) -> list[Join]:
    """ "advisor" holds the keys of `faculty`, whose numbers no other table shares: large, and every one of them is
    found. Small numbers are found in every key and say nothing."""
    found: list[Join] = []
    covered = {(j.left, c) for j in joins for c in j.left_columns}
    for table in tables if len(tables) <= _FEW_TABLES else ():
        for column in table.columns:
            place, named = (table.name, column.name), words(column.name)
            if types.get(place) != "integer" or place in covered or column.name in table.key or _counts(named):
                continue
            low = min((v for v in column.sample if isinstance(v, int)), default=0)
            if low < _DISTINCTIVE or len(set(column.sample)) < _TELLING or set(named) & _QUANTITIES:
                continue
            held = [
                t for t in targets
                if t.table is not table and types.get((t.table.name, t.key)) == "integer"
                and reader.included(table, column.name, t.table, t.key) == 1.0
            ]  # fmt: skip
            if len(held) == 1:
                found.append(Join(table.name, (column.name,), held[0].table.name, (held[0].key,)))
    return found


def _by_shared_column(
    reader: Reader,
    tables: Sequence[RawTable],
    types: Mapping[tuple[str, str], ColumnType],
    joins: Sequence[Join],
) -> list[Join]:
    """Tables that no join reaches meet where both have a column of one name and the values of one are among those of
    the other: the classroom of a pupil and of a teacher."""
    found: list[Join] = []
    for table in tables if len(tables) <= _FEW_TABLES else ():
        for other in tables:
            if other is table or table.name in _reached([*joins, *found], other.name):
                continue
            for column in table.columns:
                there, named = other.column(column.name), words(column.name)
                if there is None or set(named) & (_GENERIC | _QUANTITIES) or len(named) > 2 or column.name in table.key:
                    continue
                if types.get((table.name, column.name)) not in ("integer", "text") or "name" in column.name.lower():
                    continue
                if not _telling(there.sample) or table.rows < other.rows:
                    continue
                if (reader.included(table, column.name, other, there.name) or 0.0) >= INCLUDED:
                    found.append(Join(table.name, (column.name,), other.name, (there.name,)))
                    break
    return found


def _telling(sample: Sequence[object]) -> bool:
    """True for values that mostly stand once each, and are no small numbers."""
    different = set(sample)
    small = any(isinstance(v, int) and v < _DISTINCTIVE for v in different)
    return len(different) >= _TELLING and 2 * len(different) >= len(sample) and not small


def _reached(joins: Sequence[Join], start: str) -> set[str]:
    """The tables that joins connect with `start`."""
    seen, left = {start}, [start]
    while left:
        here = left.pop()
        for join in joins:
            other = join.right if join.left == here else join.left if join.right == here else here
            if other not in seen:
                seen.add(other)
                left.append(other)
    return seen


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
