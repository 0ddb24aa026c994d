"""Trying a source's connection: sign in, list its streams, read nothing."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from rapidfuzz import process

from index.errors import NotFoundError, TowerError
from ingest.config import ConnectorSource, FileSource, SourceConfig, SourcesConfig
from ingest.connectors import connect
from ingest.connectors.files import FilesOptions
from ingest.connectors.sql import SqlOptions
from ingest.connectors.support.contract import Connector
from ingest.object_store import is_object_url, object_count


def check_source(config: SourcesConfig, name: str) -> dict[str, Any]:
    """What a source says: `status` is ok or failed, `connection` where to and as whom, `streams` their names."""
    if name not in config.sources:
        near = process.extractOne(name, list(config.sources), score_cutoff=60)
        there = ", ".join(config.sources) or "none"
        hint = f"did you mean {near[0]!r}?" if near else f"there are {there}"
        raise NotFoundError(f"no source {name!r} in tower.yaml", hint=hint)
    source = config.sources[name]
    said: dict[str, Any] = {"source": name, "kind": source.kind, "status": "ok", "connection": "", "streams": []}
    try:
        if isinstance(source, FileSource) and is_object_url(source.path):
            return said | {"connection": f"{source.path}: {object_count(source.path, source.storage)} objects"}
        with closing(_connector(source, config)) as connector:
            said["connection"] = connector.test()
            said["streams"] = [stream.name for stream in connector.describe()]
    except TowerError as error:
        return said | {"status": "failed", "message": source.redacted(error.message), "hint": error.hint}
    return said


def _connector(source: SourceConfig, config: SourcesConfig) -> Connector:
    if isinstance(source, ConnectorSource):
        return connect(source.kind, source.options, config.base)
    if isinstance(source, FileSource):
        return connect("files", FilesOptions(path=source.path), config.base)
    return connect("sql", SqlOptions.model_validate({"url": source.url}), config.base)
