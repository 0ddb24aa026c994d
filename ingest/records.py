"""From the raw records of one table to typed rows with a key, and the records that are not taken with their reason.

Every record ends as exactly one of: a row, a repeat of a row, or a rejected record.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from rapidfuzz import process

from index.catalogue.model import ColumnType
from index.errors import SourceError
from index.store.tables import Cell, DataColumn, DataRow, DataTable
from index.store.writer import RECORD_LIMIT, Rejected
from ingest.coercion import ColumnCoercer, Misfit, is_null
from ingest.config import DeriveConfig
from ingest.derive import derive

MAX_COLUMNS = 500
NEWEST_BY = (
    "system_modstamp", "last_modified_date", "updated_at", "last_modified", "modified_at", "last_updated",
    "modified_on", "updated_on", "modified", "updated", "last_modified_on", "change_date",
)  # fmt: skip


class RawRow(NamedTuple):
    """One record with clean names: where it stands (`origin` the file or table, `place` in it) and its raw values."""

    origin: str
    place: str
    values: dict[str, Any]

    @property
    def where(self) -> str:
        """The record's place as the quarantine names it."""
        return f"{self.origin}#{self.place}"


@dataclass(frozen=True)
class TableSpec:
    """How one table is built. `references` maps a column to where its keys are and what they are; `columns` are there
    even where no record has them; `texts` are declared as text, so that at most dates are made of them."""

    name: str
    source: str
    key: tuple[str, ...] = ()
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    derived: Mapping[str, DeriveConfig] = field(default_factory=dict)
    references: Mapping[str, tuple[str, Collection[str]]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    texts: frozenset[str] = frozenset()
    infer_key: bool = True


@dataclass(frozen=True)
class Built:
    """A table ready to write. `len(rows) + repeated + len(rejected)` is the number of records read."""

    table: DataTable
    rows: tuple[DataRow, ...]
    rejected: tuple[Rejected, ...]
    repeated: int = 0
    warnings: tuple[str, ...] = ()


def build_table(
    spec: TableSpec,
    raws: Sequence[RawRow],
    prior: DataTable | None = None,
    *,
    fixed: bool = False,
    times: dict[str, int] | None = None,
) -> Built:
    """Type, check and key the records of a table.

    Types come from all the values; `prior` gives the type of a column that has none, and with `fixed` of every
    column. `times` counts equal rows of a table without a key over several calls. A column of the key that no record
    has is a `SourceError`.
    """
    derive([raw.values for raw in raws], spec.derived)
    names = _columns(spec, raws, prior if fixed else None)
    held = {c.name: c.type for c in prior.columns} if prior else {}
    declared = {**(held if fixed else {}), **spec.types}
    declared.update(dict.fromkeys(spec.derived, "number"))
    coercers = [
        ColumnCoercer(
            name,
            [raw.values.get(name) for raw in raws],
            declared=declared.get(name),
            fallback=held.get(name, "text"),
            textual=name in spec.texts,
        )
        for name in names
    ]
    columns = tuple(DataColumn(c.name, c.type) for c in coercers)
    assembler = _Assembler(spec, names, _key_columns(spec, names, raws), times)
    cells = [coercer.cells() for coercer in coercers]
    for raw, row in zip(raws, zip(*cells, strict=True), strict=True) if cells else ():
        assembler.take(raw, row)
    warnings = [f"{spec.name}: no record has a column {n!r}" for n in spec.types if raws and not _seen(n, raws)]
    table = DataTable(spec.name, spec.source, columns, assembler.key)
    return Built(table, assembler.rows(), tuple(assembler.rejected), assembler.repeated, tuple(warnings))


def raw_json(values: Mapping[str, Any]) -> str:
    """A raw record as JSON text of at most 4,000 characters."""
    return json.dumps(values, ensure_ascii=False, default=str)[:RECORD_LIMIT]


def key_text(values: Sequence[Cell]) -> str:
    """The key of a row as text; the parts of a compound key are put apart by `|`."""
    if len(values) == 1:
        return "" if values[0] is None else str(values[0])
    return "|".join("" if v is None else str(v) for v in values)


def _columns(spec: TableSpec, raws: Sequence[RawRow], fixed: DataTable | None) -> list[str]:
    names: dict[str, None] = dict.fromkeys(c.name for c in fixed.columns) if fixed else {}
    names.update(dict.fromkeys(spec.columns))
    for raw in raws:
        if not raw.values.keys() <= names.keys():
            names.update(dict.fromkeys(raw.values))
    names.update(dict.fromkeys(spec.types))
    if len(names) > MAX_COLUMNS:
        raise SourceError(
            f"{spec.source}.{spec.name}: {len(names)} columns, and a table has at most {MAX_COLUMNS}",
            hint="is it a list of records? `records:` says where in a file they are",
        )
    return list(names)


def _seen(name: str, raws: Sequence[RawRow]) -> bool:
    return any(name in raw.values for raw in raws)


def _key_columns(spec: TableSpec, names: Sequence[str], raws: Sequence[RawRow]) -> tuple[str, ...]:
    if not spec.key:
        return _infer_key(spec.name, names, raws) if spec.infer_key else ()
    for column in spec.key:
        if raws and column not in names:
            near = process.extractOne(column, names, score_cutoff=60)
            there = ", ".join(names[:20])
            raise SourceError(
                f"{spec.source}.{spec.name}: no column {column!r} for its key; the records have {there}",
                hint=f"did you mean {near[0]!r}?" if near else "set `key:`, or `rename:` the column",
            )
    return spec.key


def _infer_key(table: str, names: Sequence[str], raws: Sequence[RawRow]) -> tuple[str, ...]:
    """The first column that is called like a key and has another value in every record; none where there is none."""
    single = table.removesuffix("s")
    wanted = [n for n in ("id", f"{table}_id", f"{single}_id", f"{single}_key", "key", "uuid") if n in names]
    wanted += [n for n in names[:3] if n.endswith(("_id", "_key", "_code", "_no", "_number")) and n not in wanted]
    for name in wanted:
        values = [raw.values.get(name) for raw in raws]
        if values and not any(is_null(v) for v in values) and len({str(v) for v in values}) == len(values):
            return (name,)
    return ()


class _Assembler:
    """Takes records one by one, and knows at the end which of them are rows."""

    def __init__(
        self,
        spec: TableSpec,
        names: Sequence[str],
        key: tuple[str, ...],
        times: dict[str, int] | None,
    ) -> None:
        self._spec = spec
        self._names = names
        self.key = key
        self._key_names = [c for c in key if c in names]
        self._key_places = [names.index(c) for c in self._key_names]
        self._references = [(names.index(c), c, *target) for c, target in spec.references.items() if c in names]
        self._newest = next((names.index(n) for n in NEWEST_BY if n in names), None)
        self._taken: dict[str, tuple[RawRow, tuple[Cell, ...]]] = {}
        self._times: dict[str, int] = {} if times is None else times
        self.rejected: list[Rejected] = []
        self.repeated = 0

    def rows(self) -> tuple[DataRow, ...]:
        """The rows, in the order in which their keys were first met."""
        source = self._spec.source
        names: dict[str, str] = {}  # one text for all rows of an origin: a table is held with its origins
        for raw, _ in self._taken.values():
            if raw.origin not in names:
                names[raw.origin] = f"{source}|{raw.origin}"
        return tuple(DataRow(key, names[raw.origin], values) for key, (raw, values) in self._taken.items())

    def take(self, raw: RawRow, cells: tuple[Cell | Misfit, ...]) -> None:
        """Make `raw` a row, a repeat, or a rejected record."""
        if Misfit in map(type, cells):  # a third of the time that a generator takes, and this is done for every row
            misfits = (f"{n}: {c.reason}" for n, c in zip(self._names, cells, strict=True) if isinstance(c, Misfit))
            self._reject(raw, "; ".join(misfits))
            return
        row = cast(tuple[Cell, ...], cells)
        parts = [row[place] for place in self._key_places]
        if None in parts:
            missing = (name for name, part in zip(self._key_names, parts, strict=True) if part is None)
            self._reject(raw, f"missing key {', '.join(missing)}")
            return
        for place, name, target, keys in self._references:
            if row[place] is not None and str(row[place]) not in keys:
                self._reject(raw, f"missing reference: {name} {row[place]!r} is not in {target}")
                return
        if not parts:
            self._taken[self._content_key(row)] = (raw, row)
        else:
            self._place(raw, row, key_text(parts))

    def _place(self, raw: RawRow, row: tuple[Cell, ...], key: str) -> None:
        held = self._taken.get(key)
        if held is None:
            self._taken[key] = (raw, row)
        elif _within(row, held[1]):
            self.repeated += 1
        elif _within(held[1], row):
            self.repeated += 1
            self._taken[key] = (raw, row)
        elif self._is_newer(row, held[1]):
            self._taken[key] = (raw, row)
            self._reject(held[0], f"duplicate key {key}: the record at {raw.where} is newer")
        else:
            self._reject(raw, f"duplicate key {key}: the record at {held[0].where} is newer")

    def _content_key(self, row: tuple[Cell, ...]) -> str:
        """The key of a row without one: its content, and which of the equal rows it is."""
        content = hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        times = self._times[content] = self._times.get(content, 0) + 1
        return content if times == 1 else f"{content}.{times}"

    def _is_newer(self, row: tuple[Cell, ...], held: tuple[Cell, ...]) -> bool:
        """True where `row`, which was read later, is to stand."""
        if self._newest is None:
            return True
        return _moment_text(row[self._newest]) >= _moment_text(held[self._newest])

    def _reject(self, raw: RawRow, reason: str) -> None:
        self.rejected.append(Rejected(raw.where, reason, raw_json(raw.values)))


def _within(left: tuple[Cell, ...], right: tuple[Cell, ...]) -> bool:
    """True where `left` says nothing that `right` does not say too."""
    return left == right or all(a is None or a == b for a, b in zip(left, right, strict=True))


def _moment_text(value: Cell) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return "" if value is None else str(value)
