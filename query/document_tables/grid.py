"""A table in a document's text as a grid: header, row labels, cells with their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise

LEAD_CHARACTERS = 600  # of the text before a table that says what it shows
_LINE = re.compile(r"^[ \t]*\|.*$", re.M)
_RULE = re.compile(r"^[\s|:-]+$")
_NUMBER = re.compile(
    r"^\s*(?P<open>\()?\s*(?P<sign>[-–−])?\s*(?:[$€£¥]|US\$|RMB)?\s*(?P<open2>\()?\s*(?P<sign2>[-–−])?\s*[$€£¥]?\s*"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>%|p|bps|x|million|billion|m|bn)?\s*\)?\s*"
    r"(?:\(\w{1,2}\)|\*+)?\s*$"
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_FISCAL = re.compile(r"\b(?:FY|F|fiscal(?: year)?)\s?'?(\d\d)\b", re.I)
_SCALES = (("billion", r"\bbillions?\b|\bbn\b"), ("million", r"\bmillions?\b|[€$£]\s?m\b|\bm€|\bRMBm|\bmm\b"),
           ("thousand", r"\bthousands?\b|\b000['’]?s?\b|[€$£]\s?k\b"))  # fmt: skip


def figure(text: str) -> Decimal | None:
    """The number that a cell writes, with its sign; None where it writes none."""
    found = _NUMBER.match(text)
    if found is None:
        return None
    try:
        value = Decimal(found["digits"].replace(",", ""))
    except InvalidOperation:
        return None
    negative = found["open"] or found["open2"] or found["sign"] or found["sign2"]
    return -value if negative else value


@dataclass(frozen=True)
class Cell:
    """A cell's text and its place in the document's text."""

    text: str
    start: int
    end: int

    @property
    def number(self) -> Decimal | None:
        """The cell as a number: `(1,212)` is negative, signs of currency and footnotes are left out."""
        return figure(self.text)

    @property
    def percent(self) -> bool:
        """True for a percentage."""
        return "%" in self.text


@dataclass(frozen=True)
class GridRow:
    """A row: its label, the label of the section it stands in, and its cells by column (without the label's)."""

    label: Cell
    section: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Grid:
    """A table: what is said of each column, the rows, and the text before it."""

    columns: tuple[str, ...]
    rows: tuple[GridRow, ...]
    lead: str
    corner: str
    start: int
    end: int

    def years(self, column: int) -> frozenset[int]:
        """The years that a column's header names."""
        header = self.columns[column]
        found = {int(y) for y in _YEAR.findall(header)}
        return frozenset(found or {2000 + int(y) for y in _FISCAL.findall(header)})

    @property
    def scale(self) -> str:
        """`thousand`, `million`, `billion`, or empty: in which unit the table is said to count."""
        for text in (" ".join((self.corner, *self.columns)), self.lead):
            for name, pattern in _SCALES:
                if re.search(pattern, text, re.I):
                    return name
        return ""


def grids(text: str) -> Iterator[Grid]:
    """The tables of a document's text, as its Markdown has them, in order."""
    block: list[tuple[int, list[Cell]]] = []
    end = -1
    for line in _LINE.finditer(text):
        if block and line.start() != end + 1:
            yield from _grid(text, block, end)
            block = []
        if not _RULE.match(line.group()):
            block.append((line.start(), _cells(text, line.start(), line.end())))
        elif not block:
            continue
        end = line.end()
    yield from _grid(text, block, end)


def _cells(text: str, start: int, end: int) -> list[Cell]:
    """The cells between the bars of one line."""
    bars = [start + m.start() for m in re.finditer(r"(?<!\\)\|", text[start:end])]
    if not bars or text[bars[-1] + 1 : end].strip():
        bars.append(end)
    cells = []
    for left, right in pairwise(bars):
        piece = text[left + 1 : right]
        first = left + 1 + len(piece) - len(piece.lstrip())
        cells.append(Cell(piece.strip(), first, first + len(piece.strip())))
    return cells


def _grid(text: str, block: list[tuple[int, list[Cell]]], end: int) -> Iterator[Grid]:
    if len(block) < 2:
        return
    width = max(len(cells) for _, cells in block)
    if width < 2:
        return
    rows = [cells + [Cell("", end, end)] * (width - len(cells)) for _, cells in block]
    head = _header_rows(rows)
    columns = tuple(_column(rows[:head], at) for at in range(1, width))
    corner = " ".join(row[0].text for row in rows[:head])
    held: list[GridRow] = []
    section = ""
    for row in rows[head:]:
        values = tuple(cell if cell.text and not re.fullmatch(r"[-–—*]+", cell.text) else None for cell in row[1:])
        if row[0].text and not any(values):
            section = row[0].text
            continue
        held.append(GridRow(row[0], section, values))
    start = block[0][0]
    if held:
        yield Grid(columns, tuple(held), text[max(0, start - LEAD_CHARACTERS) : start].strip(), corner, start, end)


def _header_rows(rows: list[list[Cell]]) -> int:
    """How many rows stand above the first one with figures of its own."""
    for at, row in enumerate(rows):
        figures = [c for c in row[1:] if c.number is not None and not _YEAR.fullmatch(c.text.strip())]
        if figures and at > 0:
            return at
        if figures and row[0].text:
            return max(1, at)
    return 1


def _column(header: list[list[Cell]], at: int) -> str:
    """What the header says of a column; a cell that is alone in its row stands for all of them, and an empty one
    continues the one before it."""
    said: list[str] = []
    for row in header:
        filled = [c.text for c in row[1:] if c.text]
        if row[at].text:
            said.append(row[at].text)
        elif len(filled) == 1 and (not row[0].text or len(header) > 1):
            said.append(filled[0])
        else:
            before = [c.text for c in row[1:at] if c.text]
            said += before[-1:]
    return " ".join(dict.fromkeys(said))
