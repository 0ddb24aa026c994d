"""From runs on a page to lines and tables in reading order.

A page is cut into columns and bands where white space runs through it, then each part into lines. Lines whose runs
stand below each other in columns are a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.readers.pdf_runs import Run, figures

_PARTS = 1_000  # more parts than a page has
_PROSE = 24  # characters that the lines of a column of text have at least, on average; cells have fewer
_LABEL = re.compile(r"(?:[•◦▪‣●○■□–—*·-]|\(?\d{1,3}[.)]|\(?[A-Za-z][.)]|\d{1,2}(?:\.\d{1,2})+\.?)\Z")
_LEADER = re.compile(r"\s*(?:[.…]\s?){4,}\s*")
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


@dataclass(frozen=True)
class Line:
    """Runs side by side. `above` is the white space between it and the line before it in its part of the page, as a
    share of its height; `part` says which part that is."""

    cells: tuple[Run, ...]
    part: int = 0
    above: float = 0.0

    @property
    def text(self) -> str:
        """The words of the line; the dots that lead to a page's number are three."""
        return _LEADER.sub(" ... ", " ".join(cell.text for cell in self.cells))

    @property
    def size(self) -> float:
        """The size of most of its letters."""
        return max(self.cells, key=lambda cell: len(cell.text)).size

    @property
    def bold(self) -> bool:
        """True where all of it is bold."""
        return all(cell.bold for cell in self.cells)

    @property
    def left(self) -> float:
        """Where it begins."""
        return min(cell.left for cell in self.cells)

    @property
    def right(self) -> float:
        """Where it ends."""
        return max(cell.right for cell in self.cells)


@dataclass(frozen=True)
class Grid:
    """A table: rows of cells, as many in each."""

    rows: tuple[tuple[str, ...], ...]


def arrange(runs: Sequence[Run]) -> list[Line | Grid]:
    """The lines and tables of a page as they are read."""
    runs = [run for run in runs if run.height > 0]
    letters = "".join(run.text for run in runs)
    if len(_RTL.findall(letters)) * 2 > len(letters):  # seen in a mirror, what is read from the right is as all else
        runs = [replace(run, left=-run.right, right=-run.left) for run in runs]
    found: list[Line | Grid] = []
    for number, part in enumerate(_parts(runs)):
        found += _tables(_lines(part, number))
    return found


def _parts(runs: Sequence[Run], depth: int = 0) -> Iterator[Sequence[Run]]:
    """The parts of a page in reading order: columns side by side, bands one below the other."""
    if len(runs) > 3 and depth < 12:
        for cut in (_columns(runs), _bands(runs)):
            if cut is not None:
                for piece in cut:
                    yield from _parts(piece, depth + 1)
                return
    if runs:
        yield runs


def _columns(runs: Sequence[Run]) -> list[list[Run]] | None:
    """Two or more columns of running text with white space between them from top to bottom; None where there is no
    such thing: cells of a table are not taken apart."""
    height = sorted(run.height for run in runs)[len(runs) // 2]
    columns = _clusters(runs, 0.8 * height)
    if len(columns) < 2:
        return None
    for column in columns:
        if not _is_prose(column, 3):
            return None
    return columns


def _is_prose(runs: Sequence[Run], least: int) -> bool:
    """True for running text: at least that many lines, and long ones."""
    lines = _group(runs)
    wide = sum(1 + (sign > "\u2e80") for run in runs for sign in run.text) + len(runs) - len(lines)
    return len(lines) >= least and wide >= _PROSE * len(lines)


def _clusters(runs: Sequence[Run], gutter: float) -> list[list[Run]]:
    """Runs in groups with at least `gutter` of white space between them from left to right."""
    groups: list[list[Run]] = []
    edge = 0.0
    for run in sorted(runs, key=lambda run: run.left):
        if groups and run.left - edge < gutter:
            groups[-1].append(run)
            edge = max(edge, run.right)
        else:
            groups.append([run])
            edge = run.right
    return groups


def _bands(runs: Sequence[Run]) -> list[list[Run]] | None:
    """The page cut at the widest white band from left to right that leaves columns on one side; None where cutting
    would not help to find any."""
    ordered = sorted(runs, key=lambda run: -run.top)
    cuts: list[tuple[float, int]] = []
    edge = ordered[0].bottom
    for number, run in enumerate(ordered[1:], 1):
        if edge - run.top > 0.15 * run.height:
            cuts.append((edge - run.top, number))
        edge = min(edge, run.bottom)
    for _, number in sorted(cuts, reverse=True)[:12]:
        upper, lower = ordered[:number], ordered[number:]
        if _columns(upper) is not None or _columns(lower) is not None:
            return [_in_order(upper, runs), _in_order(lower, runs)]
    return None


def _in_order(some: Sequence[Run], runs: Sequence[Run]) -> list[Run]:
    wanted = {id(run) for run in some}
    return [run for run in runs if id(run) in wanted]


def _group(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs that stand on one line together, from the top."""
    lines: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: -(run.top + run.bottom)):
        if lines and _on_line(lines[-1], run):
            lines[-1].append(run)
        else:
            lines.append([run])
    return lines


def _on_line(line: Sequence[Run], run: Run) -> bool:
    tall = max(line, key=lambda held: held.height)
    overlap = min(tall.top, run.top) - max(tall.bottom, run.bottom)
    return overlap >= 0.5 * min(tall.height, run.height)


def _lines(runs: Sequence[Run], part: int) -> list[Line]:
    lines: list[Line] = []
    edge: float | None = None
    for group in _group(runs):
        cells = _merged(sorted(group, key=lambda run: run.left))
        top, height = max(c.top for c in cells), max(c.height for c in cells)
        lines.append(Line(tuple(cells), part, 0.0 if edge is None else (edge - top) / max(height, 1.0)))
        edge = min(c.bottom for c in cells)
    return lines


def _merged(cells: Sequence[Run]) -> list[Run]:
    """Neighbours without a real gap between them as one cell, and a bullet or a number with what it stands before."""
    merged: list[Run] = []
    for cell in cells:
        last = merged[-1] if merged else None
        gap = 0.0 if last is None else max(cell.left - last.right, last.left - cell.right)
        if last is not None and (
            gap < (0.4 if figures(last.text, cell.text) else 0.8) * min(last.height, cell.height)
            or (len(merged) == 1 and _LABEL.match(last.text) and gap < 5 * cell.height)
        ):
            longer = last if len(last.text) >= len(cell.text) else cell
            space = " " if gap > 0.1 * cell.height or not last.text[-1:].isalnum() else ""
            merged[-1] = Run(
                f"{last.text}{space}{cell.text}", min(last.left, cell.left), min(last.bottom, cell.bottom),
                max(last.right, cell.right), max(last.top, cell.top), longer.size, last.bold and cell.bold,
            )  # fmt: skip
        else:
            merged.append(cell)
    return merged


def _tables(lines: Sequence[Line]) -> Iterator[Line | Grid]:
    """The lines, those that make a table as one."""
    start = 0
    while start < len(lines):
        stop = _table_end(lines, start)
        grid = _grid(lines[start:stop]) if stop - start > 1 else None
        if grid is None:
            yield lines[start]
            start += 1
        else:
            yield from grid
            start = stop


def _table_end(lines: Sequence[Line], start: int) -> int:
    """Behind the last of the lines from `start` on that may be rows of one table."""
    if len(lines[start].cells) < 2:
        return start
    stop = last = start + 1
    columns = list(lines[start].cells)
    while stop < len(lines) and lines[stop].above < 2.5:
        line = lines[stop]
        if len(line.cells) > 1:
            if not _fits(line, columns):
                break
            last = stop + 1
            columns += line.cells
        elif stop - last >= 2 or not _belongs(line, columns, lines[stop + 1 :]):
            break
        stop += 1
    if stop > last and (_is_wide(lines[last], columns) or not _below_cell(lines[last], columns)):
        stop = last
    return stop


def _belongs(line: Line, columns: Sequence[Run], rest: Sequence[Line]) -> bool:
    """True where a line of one cell is part of a table: the rest of a cell above it, a row with one cell, or a remark
    between two rows. A heading is none."""
    if line.above > 1.2 or line.size > 1.1 * columns[0].size or (line.bold and not columns[-1].bold):
        return False
    if not _is_wide(line, columns):
        return True
    following = next((other for other in rest[:2] if len(other.cells) > 2), None)
    return following is not None and following.above < 1.2 and _fits(following, columns)


def _is_wide(line: Line, columns: Sequence[Run]) -> bool:
    """True for a line of text that runs over more than one column of a table."""
    cell = line.cells[0]
    groups = _clusters(columns, 0.3 * cell.height)
    hit = [g for g in groups if min(r.left for r in g) < cell.right and max(r.right for r in g) > cell.left]
    return len(hit) > 1 or cell.left < min(r.left for r in columns) - cell.height


def _below_cell(line: Line, columns: Sequence[Run]) -> bool:
    """True where a line alone at the end of a table is the rest of a cell that is not in the first column."""
    return line.cells[0].left > min(r.left for r in columns) + 2 * line.cells[0].height


def _fits(line: Line, columns: Sequence[Run]) -> bool:
    """True where the line's cells leave white space free between columns that were free before."""
    height = line.cells[0].height
    before, after = _clusters(columns, 0.3 * height), _clusters([*columns, *line.cells], 0.3 * height)
    return len(after) >= 2 and len(after) * 2 > len(before)


def _grid(lines: Sequence[Line]) -> list[Line | Grid] | None:
    """The lines as rows over common columns; None where they have none. Columns of running text are no table: their
    lines come column by column."""
    many = max(2, max(len(line.cells) for line in lines) // 2)  # a total over three columns says nothing of them
    cells = [cell for line in lines if len(line.cells) >= many for cell in line.cells]
    if sum(len(line.cells) > 1 for line in lines) < 2:
        return None
    groups = _clusters(cells, 0.3 * min(cell.height for cell in cells))
    if len(groups) < 2:
        return None
    edges = [max(cell.right for cell in group) for group in groups]
    if all(_is_prose(group, 4) for group in groups):
        return [line for number in range(len(groups)) for line in _column(lines, edges, number)]
    rows: list[list[str]] = []
    for line in lines:
        row = [""] * len(groups)
        for cell in line.cells:
            place = _place(cell, edges)
            row[place] = f"{row[place]} {cell.text}".strip()
        if rows and len(line.cells) == 1 and not row[0] and line.above < 0.35:
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], row, strict=True)]  # the rest of a wrapped cell
        else:
            rows.append(row)
    return [Grid(tuple(map(tuple, rows)))]


def _place(cell: Run, edges: Sequence[float]) -> int:
    return next((n for n, edge in enumerate(edges) if cell.left < edge), len(edges) - 1)


def _column(lines: Sequence[Line], edges: Sequence[float], number: int) -> list[Line]:
    cells = [cell for line in lines for cell in line.cells if _place(cell, edges) == number]
    return _lines(cells, lines[0].part + (number + 1) * _PARTS)
