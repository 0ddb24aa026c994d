"""The tables of a connector's source: which streams become tables, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from rapidfuzz import process

from index.errors import SourceError
from ingest.config import ConnectorSource, RowDocumentsConfig, StreamTableConfig
from ingest.connectors import connect
from ingest.connectors.support.contract import Stream
from ingest.names import snake_case, unique
from ingest.sync.source_run import SourceRun
from ingest.sync.stream_deletes import sync_stream
from ingest.sync.stream_table import StreamTable
from ingest.sync.tables import by_reference, drop_tables


def sync_stream_tables(run: SourceRun) -> None:
    """Bring every table of a connector's source up to date; each batch commits with the cursor behind it."""
    assert isinstance(run.config, ConnectorSource)
    with closing(connect(run.config.kind, run.config.options, run.base)) as connector:
        streams = {stream.name: stream for stream in connector.describe()}
        tables = _tables(run, streams)
        run.config = run.config.model_copy(update={"tables": tables})
        for name in by_reference(tables):
            stream = streams[tables[name].from_ or name]
            sync_stream(StreamTable(run, connector, name, tables[name], stream))
        run.warnings += connector.notices
        histories = {f"{name}_history" for name, table in tables.items() if table.history}
        drop_tables(run, {*tables, *histories})


def _tables(run: SourceRun, streams: Mapping[str, Stream]) -> dict[str, StreamTableConfig]:
    assert isinstance(run.config, ConnectorSource)
    if run.config.tables is not None:
        chosen = dict(run.config.tables)
        for name, table in chosen.items():
            _check_stream(run, name, table.from_ or name, streams)
    else:
        chosen = _every_stream(run, streams)
    return {name: _with_documents(run, table, streams[table.from_ or name]) for name, table in chosen.items()}


def _every_stream(run: SourceRun, streams: Mapping[str, Stream]) -> dict[str, StreamTableConfig]:
    taken = {t.name for t in run.store.tables().values() if t.source != run.name}
    tables: dict[str, StreamTableConfig] = {}
    for stream in streams:
        wanted = snake_case(stream)
        if wanted in taken or wanted.startswith(("sqlite_", "pg_", "_tower_")):
            wanted = f"{snake_case(run.name)}_{wanted}"
        tables[unique(wanted, {*tables, *taken})] = StreamTableConfig.model_validate({"from": stream})
    return tables


def _check_stream(run: SourceRun, table: str, stream: str, streams: Mapping[str, Stream]) -> None:
    if stream not in streams:
        near = process.extractOne(stream, list(streams), score_cutoff=60)
        raise SourceError(
            f"{run.name}.{table}: the source has no stream {stream!r}",
            hint=f"did you mean {near[0]!r}?" if near else f"it has {', '.join(list(streams)[:12]) or 'none'}",
        )


def _with_documents(run: SourceRun, table: StreamTableConfig, stream: Stream) -> StreamTableConfig:
    """The table with the documents that its stream suggests, where it declares none."""
    if table.documents is not None or stream.documents is None:
        return table
    documents = RowDocumentsConfig.model_validate({"tags": [run.name], **stream.documents})
    return table.model_copy(update={"documents": documents})
