"""Word files: paragraphs, numbered lists, tables, text boxes, notes, comments, equations, in reading order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from index.errors import SourceError
from ingest.readers.base import FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.clean import one_line
from ingest.readers.equations import equation_text
from ingest.readers.numbering import Numbering
from ingest.readers.ooxml import attribute, children, each, finish, local, relations, with_address
from ingest.readers.unpack import check_archive, read_xml

_SKIPPED = frozenset({"del", "moveFrom", "delText", "instrText", "Fallback", "txbxContent", "pPr", "rPr", "sdtPr"})
_HEADINGS = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop|rubrik)\s*([1-9])")
_NOTES = ("footnote", "endnote")


def read_docx(file: FileData) -> ParsedDocument:
    """A Word file; headings by their styles, deleted text left out, comments and notes below their paragraph."""
    names = check_archive(file)
    main = next((n for n in names if re.fullmatch(r"word/document\d*\.xml", n)), "")
    root = read_xml(file, main) if main else None
    body = next((e for e in root if local(e) == "body"), None) if root is not None else None
    if body is None:
        raise SourceError(f"{file.name}: is not a Word document (or an encrypted one)", hint="save it as .docx again")
    builder = TextBuilder()
    reader = _Reader(
        builder,
        heading_levels(read_xml(file, "word/styles.xml")),
        Numbering(read_xml(file, "word/numbering.xml"), read_xml(file, "word/styles.xml")),
        relations(file, main),
        _remarks(file),
    )
    _margins(file, names, "header", builder)
    reader.blocks(body)
    _margins(file, names, "footer", builder)
    return finish(file, builder, "docx")


def heading_levels(styles: Any) -> dict[str, int]:
    """Style id to heading level, by the style's name, its outline level, or the style it is based on."""
    levels: dict[str, int] = {}
    based: dict[str, str] = {}
    for style in children(styles):
        if local(style) != "style":
            continue
        key = attribute(style, "styleId")
        name = next((attribute(e, "val") for e in style if local(e) == "name"), "").lower()
        found = _HEADINGS.fullmatch(name)
        outline = next((attribute(e, "val") for e in style.iter() if local(e) == "outlineLvl"), "")
        if name == "title":
            levels[key] = 1
        elif found:
            levels[key] = int(found.group(1))
        elif outline.isdigit() and int(outline) < 9:
            levels[key] = int(outline) + 1
        based[key] = next((attribute(e, "val") for e in style if local(e) == "basedOn"), "")
    for key, parent in based.items():
        if key not in levels and parent in levels:
            levels[key] = levels[parent]
    return levels


def _remarks(file: FileData) -> dict[tuple[str, str], str]:
    """Comments, footnotes and endnotes by kind and id."""
    found: dict[tuple[str, str], str] = {}
    for kind in ("comment", *_NOTES):
        for item in each(read_xml(file, f"word/{kind}s.xml"), kind):
            if attribute(item, "type") in ("separator", "continuationSeparator", "continuationNotice"):
                continue
            text = " ".join(" ".join("".join(e.text or "" for e in each(p, "t")) for p in each(item, "p")).split())
            who = attribute(item, "author")
            label = kind.capitalize() + (f" by {who}" if who and kind == "comment" else "")
            if text:
                found[kind, attribute(item, "id")] = f"{label}: {text}"
    return found


def _margins(file: FileData, names: list[str], kind: str, builder: TextBuilder) -> None:
    """What the headers or footers say, each text once."""
    said: dict[str, None] = {}
    for name in sorted(n for n in names if re.fullmatch(rf"word/{kind}\d*\.xml", n)):
        for paragraph in each(read_xml(file, name), "p"):
            text = one_line("".join(e.text or "" for e in each(paragraph, "t")))
            if len(text) > 2 and not text.isdigit():
                said.setdefault(text)
    builder.block("\n".join(said))


@dataclass
class _Reader:
    """Goes through the blocks of a document."""

    builder: TextBuilder
    levels: dict[str, int]
    numbering: Numbering
    linked: dict[str, str]
    remarks: dict[tuple[str, str], str]
    _items: list[str] = field(default_factory=list)

    def blocks(self, container: Any) -> None:
        """Every paragraph and table in `container`, text boxes behind the paragraph that they are tied to."""
        for block in _blocks_in(container):
            if local(block) == "tbl":
                self._flush()
                self.builder.table(self._table(block))
                self._tell(block)
            else:
                self._paragraph(block)
        self._flush()

    def _paragraph(self, block: Any) -> None:
        text = "".join(self._text(block)).strip()
        style, outline, number = _style(block)
        level = outline or self.levels.get(style, 0)
        label, depth = self.numbering.label(style, number) if text else ("", None)
        if depth is not None and not level:
            self._items.append("  " * depth + f"{label or '-'} {one_line(text)}")
        elif level and len(text) <= 200:
            self._flush()
            self.builder.heading(f"{label} {text}" if label and label != "-" else text, level)
        else:
            self._flush()
            self.builder.block(text)
        self._tell(block)
        for box in (e for e in each(block, "txbxContent") if not _in_fallback(e)):
            self._flush()
            self.blocks(box)

    def _tell(self, block: Any) -> None:
        """The comments and notes that are tied to a block."""
        for mark in each(block, "commentReference", "footnoteReference", "endnoteReference"):
            told = self.remarks.pop((local(mark).removesuffix("Reference"), attribute(mark, "id")), "")
            if told:
                self._flush()
                self.builder.block(told)

    def _flush(self) -> None:
        self.builder.block("\n".join(self._items))
        self._items.clear()

    def _text(self, element: Any) -> Iterator[str]:
        for child in element:
            name = local(child)
            if name in _SKIPPED:
                continue
            if name == "t":
                yield child.text or ""
            elif name == "tab":
                yield "\t"
            elif name in ("br", "cr"):
                yield "\n"
            elif name == "noBreakHyphen":
                yield "-"
            elif name == "oMath":
                yield equation_text(child)
            elif name == "hyperlink":
                yield with_address("".join(self._text(child)), self.linked.get(attribute(child, "id"), ""))
            elif name == "sdt":
                yield from self._control(child)
            elif name == "docPr" and (told := attribute(child, "descr")):
                yield f" [picture: {one_line(told)[:300]}] "
            else:
                yield from self._text(child)

    def _control(self, element: Any) -> Iterator[str]:
        """A form field: a box that is ticked or not, or the text in it."""
        box = next(each(element, "checkbox"), None)
        if box is None:
            yield from self._text(element)
        else:
            state = next((attribute(e, "val") for e in each(box, "checked")), "1" if len(box) == 0 else "0")
            yield "[x]" if state in ("1", "true", "on") else "[ ]"

    def _table(self, table: Any) -> list[list[str]]:
        rows: list[list[str]] = []
        for row in (e for e in each(table, "tr") if _table_of(e) is table):
            cells: list[str] = []
            for cell in (e for e in each(row, "tc") if _table_of(e) is table):
                parts = [" ".join("".join(self._text(p)).split()) for p in each(cell, "p")]
                span = next((attribute(e, "val") for e in each(cell, "gridSpan")), "1")
                cells += [" ".join(p for p in parts if p)] + [""] * (min(int(span), 50) - 1 if span.isdigit() else 0)
            rows.append(cells)
        return rows


def _blocks_in(container: Any) -> Iterator[Any]:
    for element in container:
        name = local(element)
        if name in ("p", "tbl"):
            yield element
        elif name in ("sdt", "sdtContent", "ins", "smartTag", "customXml", "moveTo"):
            yield from _blocks_in(element)


def _style(paragraph: Any) -> tuple[str, int, tuple[str, int] | None]:
    """Style id, heading level of its own (0 for none), and `(numbering id, level)` of its own or None."""
    style, outline = "", 0
    number: tuple[str, int] | None = None
    for item in (i for properties in paragraph if local(properties) == "pPr" for i in properties):
        name, value = local(item), attribute(item, "val")
        if name == "pStyle":
            style = value
        elif name == "outlineLvl" and value.isdigit() and int(value) < 9:
            outline = int(value) + 1
        elif name == "numPr":
            held = {local(e): attribute(e, "val") for e in item}
            level = held.get("ilvl", "0")
            number = (held.get("numId", ""), int(level) if level.isdigit() else 0)
    return style, outline, number


def _in_fallback(element: Any) -> bool:
    return any(local(ancestor) == "Fallback" for ancestor in element.iterancestors())


def _table_of(element: Any) -> Any:
    return next((a for a in element.iterancestors() if local(a) == "tbl"), None)
