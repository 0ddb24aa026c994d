"""Records from delimited text, whatever the delimiter and the encoding."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ingest.readers.base import Broken, Record, read_bytes
from ingest.readers.encoding import decode

_DELIMITERS = ",;\t|"
_FIELD_LIMIT = 10_000_000


def read_csv(path: Path, encoding: str = "") -> Iterator[Record | Broken]:
    """Records of a CSV file; its first line that is not empty names the columns. The place is the line, from 1.

    A row with too few or too many fields is `Broken`. A quote that never closes costs the rows of its own line only.
    """
    return parse_csv(read_bytes(path), encoding)


def parse_csv(data: bytes, encoding: str = "") -> Iterator[Record | Broken]:
    """`read_csv` of the content of a file."""
    lines = _lines(data, encoding)
    delimiter = sniff_delimiter(lines[:50])
    header: list[str] | None = None
    for place, row, raw in _rows(lines, delimiter):
        if not any(field.strip() for field in row):
            continue
        if header is None:
            header = _header(row)
            continue
        if len(row) > len(header) and not any(field.strip() for field in row[len(header) :]):
            row = row[: len(header)]
        if len(row) != len(header):
            yield Broken(str(place), f"{len(row)} fields where the header has {len(header)}", raw)
            continue
        yield Record(str(place), dict(zip(header, row, strict=True)))


def csv_rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """`(line, fields)` of every row that is not empty, whatever its width, the header's among them."""
    lines = _lines(data, "")
    for place, row, _ in _rows(lines, sniff_delimiter(lines[:50])):
        if any(field.strip() for field in row):
            yield place, row


def _lines(data: bytes, encoding: str) -> list[str]:
    csv.field_size_limit(_FIELD_LIMIT)
    text = decode(data, encoding).lstrip("\ufeff").replace("\x00", "")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def sniff_delimiter(lines: list[str]) -> str:
    """The delimiter that cuts the first lines most evenly into the most fields; a comma where none does."""
    sample = [line for line in lines if line.strip()][:20]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(sample, delimiter=delimiter))
        width, times = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        score = (times / max(len(sample), 1)) * (width - 1)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _rows(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """`(line, fields, raw)` of each row. A row that runs on over lines and then has the wrong width, or never ends,
    is read again from its first line alone, since its quote was not meant to open."""
    start, width = 0, 0
    while start < len(lines):
        reader = csv.reader((lines[n] + "\n" for n in range(start, len(lines))), delimiter=delimiter)
        begun = 0
        for row in reader:
            taken = reader.line_num - begun
            place = start + begun
            raw = "\n".join(lines[place : place + taken])
            if taken > 1 and ((width and len(row) != width) or raw.count('"') % 2):
                lone = next(csv.reader([lines[place]], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
                yield place + 1, lone, lines[place]
                start = place + 1
                break
            yield place + 1, row, raw
            width = width or len(row)
            begun = reader.line_num
        else:
            return


def _header(row: list[str]) -> list[str]:
    names: list[str] = []
    for number, field in enumerate(row, 1):
        name = field.strip() or f"column_{number}"
        names.append(name if name not in names else f"{name}_{number}")
    return names
