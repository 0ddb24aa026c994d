"""Word, PowerPoint and Excel files as documents, read from their XML in reading order.

They are read by the local names of the elements, which the strict and the transitional flavour of the format share,
and without building the object trees of python-docx, which take longer than all the rest of an ingest.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.errors import SourceError
from ingest.readers.base import ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.clean import one_line
from ingest.readers.table_records import read_sheets
from ingest.readers.text import iso_date
from ingest.readers.unpack import check_archive, read_xml

_SKIPPED = frozenset({"del", "moveFrom", "delText", "instrText", "Fallback", "footnoteReference", "txbxContent"})
_ROWS_OF_A_SHEET = 5_000


def read_docx(path: Path) -> ParsedDocument:
    """A Word file: paragraphs, lists, tables as pipe tables, text boxes; headings by their styles."""
    names = check_archive(path)
    main = next((n for n in names if re.fullmatch(r"word/document\d*\.xml", n)), "")
    root = read_xml(path, main) if main else None
    body = next((e for e in root if local(e) == "body"), None) if root is not None else None
    if body is None:
        raise SourceError(f"{path.name}: is not a Word document (or an encrypted one)", hint="save it as .docx again")
    builder = TextBuilder()
    _word_blocks(body, _heading_levels(path), builder)
    return _finish(path, builder, "docx", ())


def read_pptx(path: Path) -> ParsedDocument:
    """A presentation: a page a slide, in the order of the slides, with tables and notes."""
    names = check_archive(path)
    slides = [n for n in names if re.fullmatch(r"ppt/slides/slide\d+\.xml", n)]
    slides.sort(key=lambda n: int(re.sub(r"\D", "", n)))
    if not slides:
        raise SourceError(f"{path.name}: has no slides", hint="save it as .pptx again")
    builder = TextBuilder()
    for number, name in enumerate(_slide_order(path, slides), 1):
        builder.page(number)
        root = read_xml(path, name)
        if root is not None:
            _slide(root, builder)
    return _finish(path, builder, "pptx", ())


def read_workbook(path: Path) -> ParsedDocument:
    """A workbook as text: a section and a pipe table a sheet."""
    builder = TextBuilder()
    warnings: list[str] = []
    for name, rows in read_sheets(path):
        table = [
            ["" if cell is None else str(cell) for cell in row] for number, row in rows if number <= _ROWS_OF_A_SHEET
        ]
        if len(table) == _ROWS_OF_A_SHEET:
            warnings.append(f"only the first {_ROWS_OF_A_SHEET} rows of sheet {name!r} were read")
        if any(any(row) for row in table):
            builder.heading(name, 1)
            builder.table(table)
    return _finish(path, builder, "xlsx", tuple(warnings))


def local(element: Any) -> str:
    """The name of an element without its namespace; empty for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _finish(path: Path, builder: TextBuilder, kind: str, warnings: tuple[str, ...]) -> ParsedDocument:
    properties = {local(e): one_line(e.text or "") for e in _children(read_xml(path, "docProps/core.xml"))}
    title = properties.get("title", "")
    if title.lower() in ("", "untitled", "word document", "powerpoint presentation"):
        title = builder.first_heading if kind != "xlsx" else ""
    date = iso_date(properties.get("modified", "")) or iso_date(properties.get("created", ""))
    meta = {
        name: properties[key] for name, key in (("author", "creator"), ("subject", "subject")) if properties.get(key)
    }
    if builder.full:
        warnings += ("the text was cut at its limit",)
    return ParsedDocument(title or path.stem, builder.text(), tuple(builder.sections), kind, date, meta, warnings)


def _children(element: Any) -> list[Any]:
    return [] if element is None else list(element)


def _heading_levels(path: Path) -> dict[str, int]:
    """Style id to heading level, by the style's name, its outline level, or the style it is based on."""
    levels: dict[str, int] = {}
    based: dict[str, str] = {}
    for style in _children(read_xml(path, "word/styles.xml")):
        if local(style) != "style":
            continue
        key = _attribute(style, "styleId")
        name = next((_attribute(e, "val") for e in style if local(e) == "name"), "").lower()
        found = re.fullmatch(r"(?:heading|überschrift|titre|título|titolo)\s*([1-9])", name)
        outline = next((_attribute(e, "val") for e in style.iter() if local(e) == "outlineLvl"), "")
        if name == "title":
            levels[key] = 1
        elif found:
            levels[key] = int(found.group(1))
        elif outline.isdigit() and int(outline) < 9:
            levels[key] = int(outline) + 1
        based[key] = next((_attribute(e, "val") for e in style if local(e) == "basedOn"), "")
    for key, parent in based.items():
        if key not in levels and parent in levels:
            levels[key] = levels[parent]
    return levels


def _attribute(element: Any, name: str) -> str:
    return next((str(v) for k, v in element.attrib.items() if k.rpartition("}")[2] == name), "")


def _word_blocks(container: Any, levels: dict[str, int], builder: TextBuilder) -> None:
    items: list[str] = []

    def flush() -> None:
        builder.block("\n".join(items))
        items.clear()

    for block in _word_children(container):
        if local(block) == "tbl":
            flush()
            builder.table(_word_table(block))
            continue
        text = "".join(_run_text(block)).strip()
        level, indent = _paragraph_style(block, levels)
        if indent is not None and text:
            items.append("  " * indent + "- " + one_line(text))
            continue
        flush()
        if level and len(text) <= 200:
            builder.heading(text, level)
        else:
            builder.block(text)
        for box in (e for e in block.iter() if local(e) == "txbxContent" and not _in_fallback(e)):
            _word_blocks(box, levels, builder)
    flush()


def _word_children(container: Any) -> Iterator[Any]:
    for element in container:
        name = local(element)
        if name in ("p", "tbl"):
            yield element
        elif name in ("sdt", "sdtContent", "ins", "smartTag", "customXml", "moveTo"):
            yield from _word_children(element)


def _paragraph_style(paragraph: Any, levels: dict[str, int]) -> tuple[int, int | None]:
    """The heading level (0 for none) and the depth in a list (None outside one)."""
    level, indent = 0, None
    for properties in (e for e in paragraph if local(e) == "pPr"):
        for item in properties:
            name, value = local(item), _attribute(item, "val")
            if name == "pStyle":
                level = levels.get(value, 0)
            elif name == "outlineLvl" and value.isdigit() and int(value) < 9:
                level = int(value) + 1
            elif name == "numPr":
                depth = next((_attribute(e, "val") for e in item if local(e) == "ilvl"), "0")
                indent = int(depth) if depth.isdigit() else 0
    return level, (None if level else indent)


def _run_text(element: Any) -> Iterator[str]:
    for child in element:
        name = local(child)
        if name in _SKIPPED:
            continue
        if name == "t":
            yield child.text or ""
        elif name == "tab":
            yield "" if local(element) == "tabs" else "\t"
        elif name in ("br", "cr"):
            yield "\n"
        elif name == "noBreakHyphen":
            yield "-"
        else:
            yield from _run_text(child)


def _in_fallback(element: Any) -> bool:
    return any(local(ancestor) == "Fallback" for ancestor in element.iterancestors())


def _word_table(table: Any) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in (e for e in table.iter() if local(e) == "tr" and _table_of(e) is table):
        cells: list[str] = []
        for cell in (e for e in row.iter() if local(e) == "tc" and _table_of(e) is table):
            parts = [" ".join("".join(_run_text(p)).split()) for p in cell.iter() if local(p) == "p"]
            span = next((_attribute(e, "val") for e in cell.iter() if local(e) == "gridSpan"), "1")
            cells += [" ".join(p for p in parts if p)] + [""] * (min(int(span), 50) - 1 if span.isdigit() else 0)
        rows.append(cells)
    return rows


def _table_of(element: Any) -> Any:
    return next((a for a in element.iterancestors() if local(a) == "tbl"), None)


def _slide_order(path: Path, slides: list[str]) -> list[str]:
    """The slides as the presentation orders them; those it does not name go last."""
    targets = {
        _attribute(e, "Id"): posixpath.normpath(posixpath.join("ppt", _attribute(e, "Target").lstrip("/")))
        for e in _children(read_xml(path, "ppt/_rels/presentation.xml.rels"))
    }
    presentation = read_xml(path, "ppt/presentation.xml")
    ordered: list[str] = []
    for entry in presentation.iter() if presentation is not None else ():
        if local(entry) == "sldId":
            relation = next((str(v) for k, v in entry.attrib.items() if "relationships" in k), "")
            ordered.append(targets.get(relation, "").replace("ppt/ppt/", "ppt/"))
    named = [name for name in ordered if name in slides]
    return named + [name for name in slides if name not in named]


def _slide(root: Any, builder: TextBuilder) -> None:
    for shape in (e for e in root.iter() if local(e) in ("sp", "tbl")):
        if local(shape) == "tbl":
            rows = [
                [_shape_text(c).replace("\n", " ") for c in r if local(c) == "tc"] for r in shape if local(r) == "tr"
            ]
            builder.table(rows)
            continue
        kind = next((_attribute(e, "type") for e in shape.iter() if local(e) == "ph"), "")
        text = _shape_text(shape)
        if kind in ("title", "ctrTitle"):
            builder.heading(text, 1)
        elif kind not in ("sldNum", "dt", "ftr"):
            builder.block(text)


def _shape_text(shape: Any) -> str:
    lines = ["".join(_run_text(p)).strip() for p in shape.iter() if local(p) == "p"]
    return "\n".join(line for line in lines if line)
