"""PowerPoint files: a page a slide, with tables, charts, notes and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from index.errors import SourceError
from ingest.readers.base import FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.ooxml import attribute, children, each, finish, local, relations, with_address
from ingest.readers.unpack import check_archive, read_xml

_FURNITURE = ("sldNum", "dt", "ftr", "hdr", "sldImg")  # placeholders that say nothing of the slide
_ROW = 200_000  # EMU, a fifth of an inch: shapes whose tops differ by less stand in one row


def read_pptx(file: FileData) -> ParsedDocument:
    """A presentation in the order of its slides; the shapes of a slide from top to bottom, from left to right."""
    names = check_archive(file)
    slides = [n for n in names if re.fullmatch(r"ppt/slides/slide\d+\.xml", n)]
    slides.sort(key=lambda n: int(re.sub(r"\D", "", n)))
    if not slides:
        raise SourceError(f"{file.name}: has no slides", hint="save it as .pptx again")
    builder = TextBuilder()
    for number, name in enumerate(_order(file, slides), 1):
        builder.page(number)
        root = read_xml(file, name)
        if root is None:
            continue
        linked = relations(file, name)
        for tree in list(each(root, "spTree"))[:1]:
            _shapes(tree, file, linked, builder)
        _notes(file, linked, builder)
    return finish(file, builder, "pptx")


def _order(file: FileData, slides: list[str]) -> list[str]:
    """The slides as the presentation orders them; those it does not name go last."""
    targets = relations(file, "ppt/presentation.xml")
    ordered = [
        targets.get(next((str(v) for k, v in entry.attrib.items() if "relationships" in k), ""), "")
        for entry in each(read_xml(file, "ppt/presentation.xml"), "sldId")
    ]
    named = [name for name in ordered if name in slides]
    return named + [name for name in slides if name not in named]


def _shapes(tree: Any, file: FileData, linked: dict[str, str], builder: TextBuilder) -> None:
    found = sorted(enumerate(_drawn(tree)), key=lambda item: _place(item[1], item[0]))
    for _, shape in found:
        name = local(shape)
        if name == "grpSp":
            _shapes(shape, file, linked, builder)
        elif name == "graphicFrame":
            _frame(shape, file, linked, builder)
        elif name == "pic":
            told = next((attribute(e, "descr") for e in each(shape, "cNvPr")), "")
            builder.block(f"Picture: {told}" if told else "")
        else:
            _text_shape(shape, linked, builder)


def _drawn(tree: Any) -> Iterator[Any]:
    for element in tree:
        name = local(element)
        if name in ("sp", "grpSp", "graphicFrame", "pic", "cxnSp"):
            yield element
        elif name == "AlternateContent":
            yield from (e for choice in list(element)[:1] for e in _drawn(choice))


def _place(shape: Any, number: int) -> tuple[int, int, int, int]:
    """Titles first, then rows from the top, in a row from the left; a shape without a place stays where it is."""
    if _placeholder(shape) in ("title", "ctrTitle"):
        return (0, 0, 0, number)
    offset = next(each(shape, "off"), None)
    if offset is None or (local(shape) == "sp" and _placeholder(shape) is not None):
        return (1, 0, 0, number)
    top, left = (int(v) if v.lstrip("-").isdigit() else 0 for v in (attribute(offset, "y"), attribute(offset, "x")))
    return (2, top // _ROW, left, number)


def _placeholder(shape: Any) -> str | None:
    """The kind of a placeholder; None for other shapes."""
    return next((attribute(e, "type") or "body" for e in each(shape, "ph")), None)


def _text_shape(shape: Any, linked: dict[str, str], builder: TextBuilder) -> None:
    kind = _placeholder(shape)
    text = shape_text(shape, linked)
    if kind in ("title", "ctrTitle"):
        builder.heading(text, 1)
    elif kind not in _FURNITURE:
        builder.block(text)


def shape_text(shape: Any, linked: dict[str, str] | None = None) -> str:
    """The paragraphs of a shape, a line each, indented by their level."""
    lines: list[str] = []
    for paragraph in each(shape, "p"):
        text = "".join(_runs(paragraph, linked or {})).strip()
        level = next((attribute(e, "lvl") for e in paragraph if local(e) == "pPr"), "0")
        if text:
            lines.append("  " * (int(level) if level.isdigit() else 0) + text)
    return "\n".join(lines)


def _runs(paragraph: Any, linked: dict[str, str]) -> Iterator[str]:
    for element in paragraph:
        name = local(element)
        if name in ("r", "fld"):
            text = "".join(e.text or "" for e in each(element, "t"))
            link = next((v for e in each(element, "hlinkClick") for v in (linked.get(attribute(e, "id"), ""),)), "")
            yield with_address(text, link) if link else text
        elif name == "br":
            yield "\n"
        elif name not in ("pPr", "endParaRPr"):
            yield "".join(e.text or "" for e in each(element, "t"))


def _frame(frame: Any, file: FileData, linked: dict[str, str], builder: TextBuilder) -> None:
    for table in each(frame, "tbl"):
        rows = [
            [shape_text(c, linked).replace("\n", " ") for c in row if local(c) == "tc"]
            for row in table
            if local(row) == "tr"
        ]
        builder.table(rows)
    for chart in each(frame, "chart"):
        _chart(read_xml(file, linked.get(attribute(chart, "id"), "")), builder)
    for diagram in each(frame, "relIds"):
        root = read_xml(file, linked.get(attribute(diagram, "dm"), ""))
        texts = ["".join(e.text or "" for e in each(p, "t")).strip() for p in each(root, "p")]
        builder.block("\n".join(text for text in texts if text))


def _chart(root: Any, builder: TextBuilder) -> None:
    """The figures behind a chart as a table: a row a category, a column a series."""
    if root is None:
        return
    title = "".join(e.text or "" for t in list(each(root, "title"))[:1] for e in each(t, "t"))
    columns: list[list[str]] = []
    labels: list[str] = []
    for series in each(root, "ser"):
        name = next((_points(e) for e in children(series) if local(e) == "tx"), [""])
        cats = next((_points(e) for e in children(series) if local(e) in ("cat", "xVal")), [])
        values = next((_points(e) for e in children(series) if local(e) in ("val", "yVal")), [])
        labels = labels or cats
        columns.append([" ".join(name), *values])
    height = max([len(labels), *(len(c) - 1 for c in columns)], default=0)
    builder.block(f"Chart: {title}" if title else "Chart")
    head = ["", *(c[0] for c in columns)]
    body = [
        [labels[n] if n < len(labels) else "", *(c[n + 1] if n + 1 < len(c) else "" for c in columns)]
        for n in range(height)
    ]
    builder.table([head, *body])


def _points(element: Any) -> list[str]:
    return [(e.text or "").strip() for e in each(element, "v")]


def _notes(file: FileData, linked: dict[str, str], builder: TextBuilder) -> None:
    for target in linked.values():
        if "/notesSlides/" in f"/{target}":
            for shape in each(read_xml(file, target), "sp"):
                if _placeholder(shape) == "body" and (text := shape_text(shape)):
                    builder.block(f"Notes: {text}")
        elif "/comments/" in f"/{target}":
            for comment in each(read_xml(file, target), "cm"):
                text = " ".join(e.text or "" for e in each(comment, "text", "t")).strip()
                builder.block(f"Comment: {text}" if text else "")
