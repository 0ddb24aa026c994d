"""The tables of a database source: all rows, or from the cursor on, with deletes found by comparing keys."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from rapidfuzz import process

from index.catalogue.model import ColumnType
from index.errors import SettingsError, SourceError
from index.foreign import ForeignDatabase, ForeignTable, absolute_url, sqlite_fingerprint
from index.store.schema import KEY
from index.store.tables import Changes, DataRow, RowWriter
from index.store.writer import Rejected, RunTotals, Writer, digest
from ingest.coercion import ColumnCoercer, is_null
from ingest.config import SqlSource, SqlTableConfig
from ingest.cursors import cursor_json, cursor_value
from ingest.names import Normaliser, snake_case, unique
from ingest.records import Built, RawRow, TableSpec, build_table, key_text
from ingest.sync.source_run import SourceRun
from ingest.sync.tables import READER_VERSION, align, by_reference, drop_tables, reference_versions, table_spec

HEAD = 50_000  # rows that types are inferred from; the rest is read in batches of this size


def sync_sql_tables(run: SourceRun) -> None:
    """Bring every table of a database source up to date, each in its own transaction."""
    assert isinstance(run.config, SqlSource)
    url = absolute_url(run.config.url, run.base)
    print_of_file = sqlite_fingerprint(url)
    database = ForeignDatabase(url)
    try:
        tables = _tables(run, database)
        for name in by_reference(tables):
            _TableSync(run, database, name, tables[name], print_of_file).run()
        drop_tables(run, set(tables))
    finally:
        database.close()


def _tables(run: SourceRun, database: ForeignDatabase) -> dict[str, SqlTableConfig]:
    assert isinstance(run.config, SqlSource)
    if run.config.tables is not None:
        return dict(run.config.tables)
    taken = {t.name for t in run.store.tables().values() if t.source != run.name}
    tables: dict[str, SqlTableConfig] = {}
    for foreign in database.table_names():
        if foreign.startswith(("sqlite_", "_tower_", "pg_")):
            continue
        wanted = snake_case(foreign)
        if wanted in taken:
            wanted = f"{snake_case(run.name)}_{wanted}"
        tables[unique(wanted, {*tables, *taken})] = SqlTableConfig.model_validate({"from": foreign})
    return tables


class _TableSync:
    """One table on its way from a foreign database."""

    def __init__(
        self, run: SourceRun, database: ForeignDatabase, name: str, config: SqlTableConfig, print_of_file: str
    ) -> None:
        self._run = run
        self._database = database
        self._name = name
        self._config = config
        self._origin = config.from_ or name
        self._print = print_of_file
        self._held = run.tables.get(name, {})
        self._normalise = Normaliser(config.rename)

    def run(self) -> None:
        """Leave an unchanged file alone; else read from the cursor on where that is safe, else everything."""
        run, held = self._run, self._held
        foreign = self._foreign()
        shape = [(c.name, c.type) for c in foreign.columns]
        references = reference_versions(run, self._config)
        settings = digest(READER_VERSION, self._config.model_dump(mode="json"), shape, references)
        # Nothing says of a server that it did not change: each run of it is another version.
        state = {"settings": settings, "inputs": digest(settings, self._print or run.run_id)}
        if held.get("inputs") == state["inputs"] and not run.full:
            run.versions[self._name] = state["inputs"]
            run.totals += RunTotals(held["read"], 0, held["read"] - held["quarantined"], held["quarantined"])
            return
        if skipped := [c.name for c in foreign.columns if c.binary]:
            run.warnings.append(f"{self._name}: binary columns were not read: {', '.join(skipped)}")
        wanted = [c.name for c in foreign.columns if not c.binary]
        if not self._incremental(state, wanted, foreign):
            self._whole(state, wanted, foreign)

    def _foreign(self) -> ForeignTable:
        foreign = self._database.table(self._origin)
        if foreign is None:
            names = self._database.table_names()
            near = process.extractOne(self._origin, names, score_cutoff=60)
            raise SourceError(
                f"{self._run.name}.{self._name}: the database has no table {self._origin!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"it has {', '.join(names[:12]) or 'no tables'}",
            )
        cursor = self._config.cursor
        if cursor and cursor not in {c.name for c in foreign.columns}:
            raise SettingsError(
                f"sources.{self._run.name}.tables.{self._name}.cursor: {self._origin} has no column {cursor!r}",
                hint=f"it has {', '.join(c.name for c in foreign.columns)}",
            )
        return foreign

    def _spec(self, foreign: ForeignTable) -> TableSpec:
        """The table's specification, with the types and the key that the database declares."""
        spec = table_spec(self._run, self._name, self._config)
        columns = [(self._clean(c.name), c.type) for c in foreign.columns if not c.binary]
        # What is declared as text may still hold dates, and an untyped column anything: these are inferred.
        types = {name: kind for name, kind in columns if kind is not None and kind != "text"} | dict(spec.types)
        texts = frozenset(name for name, kind in columns if kind == "text")
        key = self._config.key or tuple(self._clean(c) for c in foreign.key)
        return replace(spec, key=key, types=types, texts=texts, columns=tuple(name for name, _ in columns))

    def _clean(self, raw: str) -> str:
        return next(iter(self._normalise({raw: None})))

    def _raw_batches(
        self, spec: TableSpec, wanted: Sequence[str], cursor: str = "", since: object = None
    ) -> Iterator[list[RawRow]]:
        """Raw rows in batches of at most `HEAD`; a row's place is its key, or its number where it has none."""
        batch: list[RawRow] = []
        number, begun = 0, time.monotonic()
        places: set[str] = set()
        total = 0 if cursor else self._database.count(self._origin)
        for rows in self._database.rows(self._origin, wanted, cursor=cursor, since=since):
            for row in rows:
                number += 1
                values = self._normalise(dict(zip(wanted, row, strict=True)))
                place = _key_of([values.get(c) for c in spec.key]) if spec.key else ""
                if not place or place in places:
                    place = f"{place} (row {number})"
                places.add(place)
                batch.append(RawRow(self._origin, place, values))
                if len(batch) >= HEAD:
                    yield batch
                    batch = []
            self._run.tell(self._name, number, max(total, number), begun, "rows")
        yield batch

    def _whole(self, state: Mapping[str, str], wanted: Sequence[str], foreign: ForeignTable) -> None:
        """Read everything, and write what differs."""
        run = self._run
        count = self._database.count(self._origin)
        spec = replace(self._spec(foreign), infer_key=count <= HEAD)
        batches = self._raw_batches(spec, wanted)
        head = next(batches)
        spec = replace(spec, types=_fitting(spec.types, self._config.types, head))
        times: dict[str, int] = {}
        built = build_table(spec, head, run.store.tables().get(self._name), times=times)
        run.warnings += built.warnings
        spec = replace(spec, key=built.table.key, infer_key=False)
        cursor = self._clean(self._config.cursor) if self._config.cursor else ""
        marks = [_highest([raw.values.get(cursor) for raw in head])]
        outcome = _Outcome()
        keep: set[str] = set()
        with run.begin() as writer:
            table = writer.put_table(built.table)
            rows = writer.rows(table)
            outcome.take(built, rows.upsert(align(built, table)))
            keep.update(row.key for row in built.rows)
            for following in batches:
                built = build_table(spec, following, table, fixed=True, times=times)
                again = [row for row in align(built, table) if row.key in keep]
                fresh = [row for row in align(built, table) if row.key not in keep]
                outcome.take(built, rows.upsert(fresh))
                outcome.take_again(self._origin, again, rows)
                keep.update(row.key for row in fresh)
                marks.append(_highest([raw.values.get(cursor) for raw in following]))
            outcome.changes += rows.delete_missing(keep)
            self._save(writer, state, outcome, _highest(marks))

    def _incremental(self, state: Mapping[str, str], wanted: Sequence[str], foreign: ForeignTable) -> bool:
        """Read from the cursor on, and compare the keys. False, with nothing written, where the keys show that this
        does not find every change."""
        run, held = self._run, self._held
        since, prior = cursor_value(held.get("cursor")), run.store.tables().get(self._name)
        if since is None or prior is None or not prior.key or run.full or held.get("settings") != state["settings"]:
            return False
        raw_key = [next((c.name for c in foreign.columns if self._clean(c.name) == k), "") for k in prior.key]
        if not all(raw_key):
            return False
        spec = replace(self._spec(foreign), key=prior.key)
        delta = [raw for batch in self._raw_batches(spec, wanted, self._config.cursor, since) for raw in batch]
        built = build_table(spec, delta, prior, fixed=True)
        there = [_key_of(row) for rows in self._database.rows(self._origin, raw_key) for row in rows]
        if forgotten := run.store.suppression():
            there = [key for key in there if not forgotten.row_is_gone(self._name, key)]
        read_again = {raw.where for raw in delta}
        old = [r for r in run.store.quarantined(run.name, limit=1_000_000) if r.target == self._name]
        carried = [Rejected(r.origin, r.reason, r.record) for r in old if r.origin not in read_again]
        bad = {r.origin.removeprefix(f"{self._origin}#") for r in (*carried, *built.rejected)}
        stored = {str(key) for (key,) in run.store.rows(self._name, [KEY])}
        good = (stored | {row.key for row in built.rows}) - bad
        if len(set(there)) != len(there) or (good & set(there)) | bad != set(there):
            return False
        with run.begin() as writer:
            rows = writer.rows(prior)
            outcome = _Outcome(rejected=carried)
            outcome.take(built, rows.upsert(align(built, prior)))
            outcome.changes += rows.delete_missing(good & set(there))
            outcome.changes += Changes(unchanged=len(good & set(there)) - len(built.rows))
            cursor = self._clean(self._config.cursor)
            self._save(writer, state, outcome, _highest([since, *(raw.values.get(cursor) for raw in delta)]))
        return True

    def _save(self, writer: Writer, state: Mapping[str, str], outcome: _Outcome, cursor: object) -> None:
        run, changes, rejected = self._run, outcome.changes, outcome.rejected
        writer.put_quarantine(run.name, self._name, rejected)
        unchanged = changes.unchanged + outcome.repeated
        read = changes.loaded + unchanged + len(rejected)
        run.totals += RunTotals(read, changes.loaded, unchanged, len(rejected), changes.deleted)
        run.tables[self._name] = {
            **state, "read": read, "quarantined": len(rejected), "cursor": cursor_json(cursor)
        }  # fmt: skip
        run.versions[self._name] = state["inputs"]
        run.save(writer)


@dataclass
class _Outcome:
    """What became of the rows of one table so far."""

    changes: Changes = field(default_factory=Changes)
    rejected: list[Rejected] = field(default_factory=list)
    repeated: int = 0

    def take(self, built: Built, changes: Changes) -> None:
        """Count a part that was written."""
        self.changes += changes
        self.rejected += built.rejected
        self.repeated += built.repeated

    def take_again(self, origin: str, rows: Sequence[DataRow], held: RowWriter) -> None:
        """Count rows whose key an earlier part had: repeats, or duplicates that go to quarantine."""
        for row in rows:
            if held.holds(row):
                self.repeated += 1
            else:
                reason = f"duplicate key {row.key}: another row with it was read before"
                self.rejected.append(Rejected(f"{origin}#{row.key} ({len(self.rejected)})", reason, str(row.values)))


def _fitting(
    types: Mapping[str, ColumnType], sure: Mapping[str, ColumnType], raws: Sequence[RawRow]
) -> dict[str, ColumnType]:
    """The declared types that the values keep to: SQLite lets a column of dates hold anything."""
    kept: dict[str, ColumnType] = dict(sure)
    for name, kind in types.items():
        if name in sure:
            continue
        values = [raw.values.get(name) for raw in raws]
        if ColumnCoercer(name, values, declared=kind).misfits() <= len(values) * 0.02:
            kept[name] = kind
    return kept


def _key_of(values: Sequence[Any]) -> str:
    """A key as the database gives it, as text; empty where a part of it is missing."""
    if len(values) == 1 and values[0].__class__ is int:  # most keys
        return str(values[0])
    return "" if any(is_null(v) for v in values) else key_text([_plain(v) for v in values])


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.strip() if isinstance(value, str) else value


def _highest(values: Sequence[Any]) -> Any:
    """The highest value of a cursor; None where they are of several kinds, or none."""
    real = [v for v in values if v is not None]
    return max(real) if real and len({type(v) for v in real}) == 1 else None
