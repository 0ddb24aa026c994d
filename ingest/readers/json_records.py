"""Records from JSON and JSON lines, with broken parts reported instead of raised."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from index.errors import SourceError
from ingest.readers.base import Broken, FileData, Record, read_bytes, read_file
from ingest.readers.encoding import decode

_UNREASONABLE = (RecursionError, ValueError)  # nested too deeply; a number of thousands of digits
_WRAPPERS = ("records", "value", "data", "items", "results", "rows")


def read_json(path: Path, records: str = "", encoding: str = "") -> Iterator[Record | Broken]:
    """Records of a JSON file: the list at the dotted path `records`, else the top-level list, else the only list
    of objects in the top-level object (Salesforce's `records`, OData's `value`); a lone object is one record.

    A file that breaks off gives the records before the break and one `Broken`.
    """
    return parse_json(read_file(path), records, encoding)


def parse_json(file: FileData, records: str = "", encoding: str = "") -> Iterator[Record | Broken]:
    """`read_json` of the content of a file."""
    text = decode(file.data, encoding).lstrip("\ufeff").replace("\x00", "")
    try:
        loaded = json.loads(text)
    except json.JSONDecodeError as error:
        yield from _salvage(text, records, error)
        return
    except _UNREASONABLE as error:
        raise SourceError(f"{file.name}: {_why(error)}", hint="split or flatten it") from error
    for number, item in enumerate(_find(loaded, records, file.name), 1):
        yield _record(str(number), item)


def read_jsonl(path: Path, encoding: str = "") -> Iterator[Record | Broken]:
    """Records of a file with one JSON object a line; the place of a record is its line, from 1."""
    return parse_jsonl(read_bytes(path), encoding)


def parse_jsonl(data: bytes, encoding: str = "") -> Iterator[Record | Broken]:
    """`read_jsonl` of the content of a file."""
    text = decode(data, encoding).lstrip("\ufeff")
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except json.JSONDecodeError as error:
            yield Broken(str(number), f"not JSON: {error.msg} at character {error.pos}", line)
            continue
        except _UNREASONABLE as error:
            yield Broken(str(number), _why(error), line[:4_000])
            continue
        yield _record(str(number), item)


def _why(error: Exception) -> str:
    return "JSON nested too deeply" if isinstance(error, RecursionError) else f"not JSON: {error}"


def _record(place: str, item: object) -> Record | Broken:
    if isinstance(item, Mapping):
        return Record(place, item)
    return Broken(place, f"expected an object, found {type(item).__name__}", json.dumps(item))


def _find(loaded: Any, records: str, name: str) -> list[Any]:
    if records:
        for part in records.split("."):
            if not isinstance(loaded, Mapping) or part not in loaded:
                keys = ", ".join(map(str, list(loaded)[:8])) if isinstance(loaded, Mapping) else "a list"
                raise SourceError(f"{name}: has nothing at {records!r}; found {keys}", hint="set `records:`")
            loaded = loaded[part]
    if isinstance(loaded, list):
        return loaded
    if isinstance(loaded, Mapping):
        if isinstance(loaded.get("d"), Mapping):  # OData version 2
            return _find(loaded["d"], "", name)
        lists = {k: v for k, v in loaded.items() if isinstance(v, list) and all(isinstance(i, Mapping) for i in v)}
        wrapper = next((name for name in _WRAPPERS if name in lists), None)
        if wrapper or (len(lists) == 1 and len(loaded) <= 5):
            return lists[wrapper or next(iter(lists))]
        return [loaded]
    raise SourceError(f"{name}: holds {type(loaded).__name__}, not records", hint="set `records:`")


def _salvage(text: str, records: str, error: json.JSONDecodeError) -> Iterator[Record | Broken]:
    """The objects of the list that a broken file holds, up to the break."""
    name = records.rpartition(".")[2]
    start = text.find("[", text.find(f'"{name}"') if name else 0)
    decoder, number = json.JSONDecoder(), 0
    position = start + 1
    while start >= 0:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        try:
            item, position = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, *_UNREASONABLE):
            break
        number += 1
        yield _record(str(number), item)
    rest = text[max(position, 0) :] if start >= 0 else text
    yield Broken(str(number + 1), f"not JSON from here on: {error.msg} at line {error.lineno}", rest[:4_000])
