"""From the records of a stream to rows: clean names, one record a key, the types that the table has, keys as text."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from index.catalogue.model import ColumnType
from index.store.tables import DataTable
from ingest.coercion import ColumnCoercer, Misfit, is_null
from ingest.config import StreamTableConfig
from ingest.connectors.support.contract import Key, Stream
from ingest.names import Normaliser
from ingest.records import RawRow, TableSpec, key_text


@dataclass
class StreamShape:
    """What the records of one stream look like as rows of one table."""

    config: StreamTableConfig
    stream: Stream
    normalise: Normaliser = field(init=False)
    key: tuple[str, ...] = field(init=False)
    cursor: str = field(init=False)
    deleted: str = field(init=False)

    def __post_init__(self) -> None:
        self.normalise = Normaliser(self.config.rename)
        self.key = self.config.key or tuple(self.clean(name) for name in self.stream.key)
        self.cursor = self.clean(self.stream.cursor) if self.stream.cursor else ""
        self.deleted = self.clean(self.config.deleted) if self.config.deleted else ""

    def clean(self, raw: str) -> str:
        """The name of a column by the name that the source has for it."""
        head, _, tail = raw.partition(".")
        return next(iter(self.normalise({head: {tail: None}} if tail else {raw: None})))

    def spec(self, base: TableSpec, prior: DataTable | None, *, anew: bool) -> tuple[TableSpec, list[str]]:
        """The table's specification with the types that the source declares, and a line for each type that it changed.

        A held column keeps its type unless the table is read `anew`; what does not fit it goes to quarantine.
        """
        held = {c.name: c.type for c in prior.columns} if prior is not None else {}
        told = {self.clean(f.name): f.type for f in self.stream.fields}
        types: dict[str, ColumnType] = {name: kind for name, kind in told.items() if kind is not None}
        drifted = []
        for name, kind in held.items():
            if anew or name not in types or types[name] == kind or name in base.types:
                continue
            drifted.append(
                f"{base.name}: {name} is {types[name]} at the source now, and was {kind}: values that do not fit are "
                "set aside; accept it with `tower ingest --full`"
            )
            types[name] = kind
        names = tuple(dict.fromkeys((*held, *told)))
        spec = replace(base, key=self.key, types={**types, **base.types}, columns=names, infer_key=False)
        return spec, drifted

    def raws(self, records: Iterable[Mapping[str, Any]], known: frozenset[str]) -> list[RawRow]:
        """Raw rows with clean names, in order. A column that is not `known` and says nothing is left out, so that its
        type is decided by its first value."""
        rows: list[RawRow] = []
        origin = self.stream.name
        for record in records:
            values = self.normalise(record)
            if not values.keys() <= known:
                values = {name: v for name, v in values.items() if v is not None or name in known or name in self.key}
            rows.append(RawRow(origin, self._place(values), values))
        return rows

    def newest(self, raws: Sequence[RawRow]) -> list[RawRow]:
        """One raw row a key: the one with the highest cursor, else the last."""
        if not self.key:
            return list(raws)
        chosen: dict[str, RawRow] = {}
        for raw in raws:
            held = chosen.get(raw.place)
            if held is None or not self.older(raw, held):
                chosen[raw.place] = raw
        return list(chosen.values())

    def is_deleted(self, raw: RawRow) -> bool:
        """True where the record says that it is deleted."""
        value = raw.values.get(self.deleted) if self.deleted else None
        return not is_null(value) and str(value).strip().lower() not in ("false", "0", "no", "f", "n")

    def key_texts(self, keys: Sequence[Key], table: DataTable) -> list[str]:
        """Keys as the source gives them as the keys of rows, by the types of the table's key columns."""
        if not keys:
            return []
        types: dict[str, ColumnType] = {c.name: c.type for c in table.columns}
        columns = []
        for place, name in enumerate(self.key):
            values = [key[place] if place < len(key) else None for key in keys]
            columns.append(ColumnCoercer(name, values, declared=types.get(name, "text")).cells())
        return [
            key_text([None if isinstance(cell, Misfit) else cell for cell in row])
            for row in zip(*columns, strict=True)
            if not any(cell is None for cell in row)
        ]

    def _place(self, values: Mapping[str, Any]) -> str:
        """Where a record stands: its key, else its content."""
        if len(self.key) == 1 and (only := values.get(self.key[0])).__class__ is str and len(only) > 8:
            return str(only)
        parts = [values.get(name) for name in self.key]
        if parts and not any(is_null(part) for part in parts):
            return "|".join(str(part) for part in parts)
        text = json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
        return f"without key {hashlib.blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=6).hexdigest()}"

    def older(self, raw: RawRow, held: RawRow) -> bool:
        """True where the cursor of `raw` is below that of `held`."""
        if not self.cursor:
            return False
        return self.after(held.values.get(self.cursor), raw.values.get(self.cursor))

    @staticmethod
    def after(one: Any, other: Any) -> bool:
        """True where the cursor `one` is above `other`; false where they cannot be compared."""
        if one is None or other is None or type(one) is not type(other):
            return False
        if isinstance(one, str):
            return moment_of(one) > moment_of(other)
        return bool(one > other)


def moment_of(text: str) -> str:
    """A cursor's text so that texts compare as their moments do: ISO times in UTC; anything else as it is."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="microseconds")
