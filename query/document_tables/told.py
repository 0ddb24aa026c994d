"""What a table in a document answers, as sentences: figures are quoted from their cells, and what is worked out from
them is shown with its working."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from index.documents import Passage
from query.document_tables.arithmetic import worked_out
from query.document_tables.ask import Found, ask
from query.document_tables.grid import Cell, grids
from query.evidence import Citation, CitationBook, Sentence, Slot
from query.format import write

LOOKED_INTO = 3  # documents whose tables are asked, of those with a table among their passages
MOST_AROUND = 4_000  # characters of the text about the tables


def table_answer(
    question: str, passages: Sequence[Passage], document_text: Callable[[str], str | None], book: CitationBook
) -> tuple[Sentence, ...]:
    """Sentences that answer `question` from the tables in which `passages` stand; none where no table does clearly."""
    tabled = [p for p in passages if "|" in p.text]
    for doc_id in list(dict.fromkeys(p.doc_id for p in tabled))[:LOOKED_INTO]:
        text = document_text(doc_id)
        own = [p for p in passages if p.doc_id == doc_id]
        if not text:
            continue
        tables = [g for g in grids(text) if any(g.start < p.end and p.start < g.end for p in own)]
        found = ask(question, tables, " ".join(p.text for p in own)[:MOST_AROUND]) if tables else None
        if found is not None:
            return _Telling(found, doc_id, own[0].source, text, book).sentences(question)
    return ()


_WORDS = {
    "percent-change": "changed by ", "change": "changed by ", "average": "on average ", "sum": "together ",
    "ratio": "ratio ",
}  # fmt: skip


class _Telling:
    """Writes one finding."""

    def __init__(self, found: Found, doc_id: str, source: str, text: str, book: CitationBook) -> None:
        self._found, self._doc_id, self._source, self._text, self._book = found, doc_id, source, text, book

    def sentences(self, question: str) -> tuple[Sentence, ...]:
        """One sentence: what the figures are of, and the figures."""
        label: list[str | Slot] = []
        for row in self._found.rows:
            label += [" and " if label else "", self._slot(row.label)]
        parts: list[str | Slot] = [*label, ": ", *self._said(), self._scale(), "."]
        return (Sentence(tuple(p for p in parts if p)),)

    def _said(self) -> list[str | Slot]:
        found = self._found
        if found.operation == "look-up":
            return self._listed()
        if found.labels:
            years = [self._year(label) for label in found.labels]
            return _joined(
                [[year, " (", self._slot(cell), ")"] for year, cell in zip(years, self._of(found.labels), strict=True)]
            )
        assert found.value is not None
        working = self._working()
        value = worked_out(working)
        assert value is not None
        named = _WORDS.get(found.operation, "")
        style = "points:2" if found.percent else "number:4" if found.operation == "ratio" else "number"
        operands = tuple(self._cite(cell) for cell in found.cells)
        cited = self._book.cite(
            "aggregate", self._source, doc_id=self._doc_id, column=found.operation, value=value, quote=working
        )
        worked = Slot(write(value, style), value, cited, style, operands)
        shown = _joined([[self._slot(cell)] for cell in found.cells])
        return [named, worked, ", from ", *shown]

    def _listed(self) -> list[str | Slot]:
        return _joined([[self._slot(cell)] for cell in self._found.cells])

    def _of(self, labels: Sequence[str]) -> list[Cell]:
        """The cells of the columns that years name."""
        grid = self._found.grid
        by_year = {
            str(min(grid.years(c))): cell for c, cell in zip(self._found.columns, self._found.cells, strict=True)
        }
        return [by_year[label] for label in labels]

    def _working(self) -> str:
        """The formula with the figures in it."""
        found = self._found
        if found.operation == "count":
            return " + ".join(["1"] * int(found.value or 0)) or "0"
        numbers = {chr(ord("a") + at): _figure(cell.number) for at, cell in enumerate(found.cells)}
        return re.sub(r"\b[a-z]\b", lambda m: numbers[m.group()], found.formula)

    def _year(self, label: str) -> Slot:
        """A year from the header, quoted where it stands there."""
        grid = self._found.grid
        at = self._text.find(label, grid.start, grid.end)
        return self._slot(Cell(label, at, at + len(label)))

    def _slot(self, cell: Cell) -> Slot:
        return Slot(" ".join(cell.text.split()), cell.text, self._cite(cell))

    def _cite(self, cell: Cell) -> Citation:
        quote = self._text[cell.start : cell.end]
        return self._book.cite(
            "passage", self._source, doc_id=self._doc_id, start=cell.start, end=cell.end, quote=quote
        )

    def _scale(self) -> str:
        """In which unit the table counts; not said of percentages, years and counts."""
        found = self._found
        if (
            found.percent
            or found.labels
            or found.operation in ("ratio", "count")
            or any(c.percent for c in found.cells)
        ):
            return ""
        return (
            f" (in {found.grid.scale}s)" if found.grid.scale and all(c.number is not None for c in found.cells) else ""
        )


def _joined(pieces: Sequence[Sequence[str | Slot]]) -> list[str | Slot]:
    parts: list[str | Slot] = []
    for at, piece in enumerate(pieces):
        parts += ["" if not at else " and " if at == len(pieces) - 1 else ", ", *piece]
    return parts


def _figure(number: Decimal | None) -> str:
    assert number is not None
    return f"({number})" if number < 0 else str(number)
