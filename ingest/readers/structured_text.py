"""Structured files read as documents: their records as one table of text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from index.errors import SourceError
from ingest.readers.base import Broken, FileData, ParsedDocument, Record
from ingest.readers.builder import TextBuilder
from ingest.readers.csv_records import csv_rows
from ingest.readers.json_records import parse_json, parse_jsonl

_RECORDS = 5_000


def read_table_text(file: FileData) -> ParsedDocument:
    """A CSV file as a pipe table: its first row the header, rows of another width as they are, with a warning."""
    builder = TextBuilder()
    rows: list[list[str]] = []
    for place, row in csv_rows(file.data):
        if len(rows) > _RECORDS:
            builder.warn(f"only the first {_RECORDS} rows were read")
            break
        if rows and len(row) != len(rows[0]):
            builder.warn(f"{place}: {len(row)} fields where the header has {len(rows[0])}")
        rows.append(row)
    builder.table(rows)
    return builder.finish(file.stem, file.suffix.removeprefix("."))


def read_json_text(file: FileData) -> ParsedDocument:
    """A JSON or JSON-lines file as a pipe table; a value that is no table in plain lines."""
    found: list[Record] = []
    builder = TextBuilder()
    for item in _records(file):
        if isinstance(item, Broken):
            builder.warn(f"{item.place}: {item.reason}")
        elif len(found) == _RECORDS:
            builder.warn(f"only the first {_RECORDS} records were read")
            break
        else:
            found.append(item)
    if not found and builder.warnings:
        raise SourceError(f"{file.name}: {builder.warnings[0]}", hint="save it as text if it is text")
    if len(found) == 1:
        builder.block("\n".join(_lines(found[0].values, "")))
    else:
        names = list(dict.fromkeys(name for record in found for name in record.values))
        builder.table([names, *([_cell(record.values.get(name)) for name in names] for record in found)])
    return builder.finish(file.stem, file.suffix.removeprefix("."))


def _records(file: FileData) -> Iterator[Record | Broken]:
    return parse_json(file) if file.suffix == ".json" else parse_jsonl(file.data)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _lines(value: Any, name: str, depth: int = 0) -> Iterator[str]:
    """`a.b: value` for every value in an object."""
    if isinstance(value, dict) and depth < 20:
        for key, item in value.items():
            yield from _lines(item, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list) and depth < 20 and any(isinstance(item, dict | list) for item in value):
        for number, item in enumerate(value, 1):
            yield from _lines(item, f"{name}[{number}]", depth + 1)
    elif isinstance(value, list):
        yield f"{name}: {', '.join(map(_cell, value))}"
    else:
        yield f"{name}: {_cell(value)}"
