"""Structured files read as documents: their records as one table of text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.errors import SourceError
from ingest.readers.base import Broken, ParsedDocument, Record
from ingest.readers.builder import TextBuilder
from ingest.readers.csv_records import read_csv
from ingest.readers.json_records import read_json, read_jsonl

_RECORDS = 5_000


def read_structured(path: Path) -> ParsedDocument:
    """A CSV, JSON or JSON-lines file as a pipe table; of more than 5,000 records the first ones, with a warning."""
    found: list[Record] = []
    warnings: list[str] = []
    for item in _records(path):
        if isinstance(item, Broken):
            warnings.append(f"{item.place}: {item.reason}")
        elif len(found) == _RECORDS:
            warnings.append(f"only the first {_RECORDS} records were read")
            break
        else:
            found.append(item)
    names = list(dict.fromkeys(name for record in found for name in record.values))
    builder = TextBuilder()
    if names:
        builder.table([names, *([_cell(record.values.get(name)) for name in names] for record in found)])
    if not builder.text() and warnings:
        raise SourceError(f"{path.name}: {warnings[0]}")
    kind = path.suffix.lower().removeprefix(".")
    return ParsedDocument(path.stem, builder.text(), (), kind, warnings=tuple(warnings[:20]))


def _records(path: Path) -> Iterator[Record | Broken]:
    suffix = path.suffix.lower()
    if suffix == ".json":
        return read_json(path)
    return read_jsonl(path) if suffix in (".jsonl", ".ndjson") else read_csv(path)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
