"""Records from Parquet files and from workbooks."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from index.errors import SourceError
from ingest.readers.base import FileData, Record, read_file
from ingest.readers.unpack import check_archive


def read_parquet(path: Path) -> Iterator[Record]:
    """Records of a Parquet file, row by row from 1; columns of raw bytes are left out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            wanted = [f.name for f in file.schema_arrow if not pa.types.is_binary(f.type)]
            number = 0
            for batch in file.iter_batches(columns=wanted):
                for values in batch.to_pylist():
                    number += 1
                    yield Record(str(number), values)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceError(f"{path.name}: not a readable Parquet file: {_first_line(error)}") from error


def read_xlsx(path: Path, sheet: str = "") -> Iterator[Record]:
    """Records of a workbook: of the sheet of that name, else of the first sheet that has any, and of every later
    sheet with the same header. The first row that is not empty names the columns; the place is `sheet!row`.
    """
    found = False
    header: tuple[str, ...] = ()
    for name, rows in read_sheets(read_file(path)):
        if sheet and name != sheet:
            continue
        found = True
        own: tuple[str, ...] = ()
        for number, row in rows:
            if all(cell is None for cell in row):
                continue
            if not own:
                own = _header(row)
                header = header or own
                if own != header:
                    break
                continue
            values = dict(zip_longest(own, row[: len(own)]))
            yield Record(f"{name}!{number}", values)
    if sheet and not found:
        raise SourceError(f"{path.name}: has no sheet {sheet!r}", hint="`records:` names the sheet")


def read_sheets(file: FileData) -> Iterator[tuple[str, Iterator[tuple[int, tuple[Any, ...]]]]]:
    """Each worksheet with its rows, numbered from 1; formulas give the value that was last computed."""
    from openpyxl import load_workbook

    check_archive(file)
    try:
        book = load_workbook(io.BytesIO(file.data), read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises whatever its XML and zip layers do
        raise SourceError(f"{file.name}: not a readable workbook: {_first_line(error)}") from error
    try:
        for sheet in book.worksheets:
            yield sheet.title, enumerate(sheet.iter_rows(values_only=True), 1)
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        raise SourceError(f"{file.name}: not a readable workbook: {_first_line(error)}") from error
    finally:
        book.close()


def _header(row: tuple[Any, ...]) -> tuple[str, ...]:
    names: list[str] = []
    for number, cell in enumerate(row, 1):
        name = str(cell).strip() if cell is not None else f"column_{number}"
        names.append(name if name not in names else f"{name}_{number}")
    while names and row[len(names) - 1] is None:
        names.pop()
    return tuple(names)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
