"""Readers, one module a format. `read_records` for structured files, `parse_file` for documents, `ReaderPool` for
documents that nobody has looked at: each is then read by a process of its own, under caps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from index.errors import SourceError
from ingest.readers.base import Broken, ParsedDocument, Part, Record, read_file
from ingest.readers.csv_records import read_csv
from ingest.readers.json_records import read_json, read_jsonl
from ingest.readers.suffixes import DOCUMENTS, STRUCTURED
from ingest.readers.table_records import read_parquet, read_xlsx


def read_records(path: Path, records: str = "", encoding: str = "") -> Iterator[Record | Broken]:
    """The records of a structured file, by its suffix, with what is broken in it in between.

    `records` is where they are: a dotted path in JSON, a sheet of a workbook. A file that cannot be read at all is
    a `SourceError`.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        return read_json(path, records, encoding)
    if suffix in (".jsonl", ".ndjson"):
        return read_jsonl(path, encoding)
    if suffix in (".csv", ".tsv"):
        return read_csv(path, encoding)
    if suffix == ".parquet":
        return read_parquet(path)
    if suffix in (".xlsx", ".xlsm"):
        return read_xlsx(path, records)
    raise SourceError(
        f"{path.name}: {suffix or 'no suffix'} is no table", hint=f"one of {', '.join(sorted(STRUCTURED))}"
    )


def parse_file(path: Path) -> ParsedDocument:
    """What a document file says, read in this process: for files that are known to be harmless.

    A `SourceError` gives the reason where it cannot be read or says nothing.
    """
    from ingest.readers.formats import parse_data

    if not path.exists():
        raise SourceError(f"{path}: no such file")
    return parse_data(read_file(path))


__all__ = ["DOCUMENTS", "STRUCTURED", "Broken", "ParsedDocument", "Part", "Record", "parse_file", "read_records"]
