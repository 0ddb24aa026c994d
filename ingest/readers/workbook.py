"""Excel workbooks as documents: a section and a pipe table a sheet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from ingest.readers.base import FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.ooxml import children, each, finish, local, relations
from ingest.readers.table_records import read_sheets
from ingest.readers.unpack import check_archive, read_xml

ROWS = 5_000  # of a sheet
COLUMNS = 200
_GAP = 50  # empty rows in a row after which a sheet has ended: some are "used" down to row 1,048,576


def read_workbook(file: FileData) -> ParsedDocument:
    """A workbook as text. Formulas give the value that was last computed; comments stand below their sheet."""
    names = check_archive(file)
    builder = TextBuilder()
    comments = _comments(file, names)
    for name, rows in read_sheets(file):
        add_sheet(builder, name, (row for _, row in rows))
        for line in comments.get(name, ()):
            builder.block(line)
    return finish(file, builder, "xlsx")


def add_sheet(builder: TextBuilder, name: str, rows: Iterable[Iterable[Any]]) -> None:
    """A sheet as heading and table: blocks of rows with an empty row between them become tables of their own."""
    kept: list[list[str]] = []
    empty = 0
    for number, row in enumerate(rows):
        if number >= ROWS:
            builder.warn(f"only the first {ROWS} rows of sheet {name!r} were read")
            break
        cells = [cell_text(cell) for _, cell in zip(range(COLUMNS), row, strict=False)]
        empty = 0 if any(cells) else empty + 1
        if empty > _GAP:
            break
        kept.append(cells)
    tables = _blocks(kept)
    if tables:
        builder.heading(name, 1)
    for table in tables:
        if len(table) == 1 and sum(map(bool, table[0])) == 1:
            builder.block("".join(table[0]))  # a title above a table is no table
        else:
            builder.table(_without_empty_columns(table))


def cell_text(cell: Any) -> str:
    """What a cell shows, near enough."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return f"{cell:.12g}" if abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(" ", "minutes")
    return str(cell).strip()


def _blocks(rows: list[list[str]]) -> list[list[list[str]]]:
    blocks: list[list[list[str]]] = [[]]
    for row in rows:
        if any(row):
            blocks[-1].append(row)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _without_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    width = max(map(len, rows))
    used = [n for n in range(width) if any(len(row) > n and row[n] for row in rows)]
    return [[row[n] if len(row) > n else "" for n in used] for row in rows]


def _comments(file: FileData, names: list[str]) -> dict[str, list[str]]:
    """The comments on cells, by the sheet's name."""
    if not any("comments" in name for name in names):
        return {}
    book = relations(file, "xl/workbook.xml")
    found: dict[str, list[str]] = {}
    for sheet in each(read_xml(file, "xl/workbook.xml"), "sheet"):
        part = book.get(next((str(v) for k, v in sheet.attrib.items() if "relationships" in k), ""), "")
        for target in relations(file, part).values() if part else ():
            if "comment" in target and "threaded" not in target.lower():
                found.setdefault(sheet.get("name", ""), []).extend(_comment_lines(file, target))
    return found


def _comment_lines(file: FileData, part: str) -> list[str]:
    lines: list[str] = []
    for comment in each(read_xml(file, part), "comment"):
        text = " ".join("".join(e.text or "" for t in children(comment) for e in each(t, "t")).split())
        if text and local(comment) == "comment":
            lines.append(f"Comment on {comment.get('ref', 'a cell')}: {text}")
    return lines
