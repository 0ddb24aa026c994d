"""The same few sentences, headings and a table in every format, for tests that go over all of them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from email.message import EmailMessage

Row = Sequence[str]


def markdown(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    rows = [f"| {' | '.join(row)} |" for row in table]
    if rows:
        rows.insert(1, "|" + " --- |" * len(table[0]))
    return "\n\n".join([f"# {title}", *paragraphs, "\n".join(rows)]).encode()


def html(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    body = "".join(f"<p>{escape(p)}</p>" for p in paragraphs)
    rows = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in table)
    return f"<html><meta charset=utf-8><h1>{escape(title)}</h1>{body}<table>{rows}</table></html>".encode()


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    return "\n\n".join([title, *paragraphs, *("\t".join(row) for row in table)]).encode()


def mail(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", title
    message.set_content("\n\n".join(paragraphs))
    message.add_attachment(csv(title, paragraphs, table), maintype="text", subtype="csv", filename="table.csv")
    return bytes(message)


def csv(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    return "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table).encode()


def json_records(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    head, *rows = table or [["a"]]
    return json.dumps([dict(zip(head, row, strict=True)) for row in rows] or [{"title": title}]).encode()


def rtf(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    def coded(text: str) -> str:
        plain = text.replace("\\", "\\\\").replace("{", "\\{").replace("}", "\\}")
        return "".join(c if c.isascii() else f"\\u{ord(c) - (65536 if ord(c) > 32767 else 0)}?" for c in plain)

    return (r"{\rtf1\ansi " + "".join(rf"{coded(p)}\par " for p in [title, *paragraphs]) + "}").encode()


def notebook(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    cells = [{"cell_type": "markdown", "source": markdown(title, paragraphs, table).decode()}]
    return json.dumps({"cells": [*cells, {"cell_type": "code", "source": "print(1)", "outputs": []}]}).encode()


def feed(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    items = "".join(f"<item><title>Entry {n}</title><description>{escape(p)}</description></item>"
                    for n, p in enumerate(paragraphs))  # fmt: skip
    return f"<rss><channel><title>{escape(title)}</title>{items}</channel></rss>".encode()


def docx(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    from docx import Document

    document = Document()
    document.add_heading(title, 1)
    for text in paragraphs:
        document.add_paragraph(text)
    if table:
        held = document.add_table(len(table), len(table[0]))
        for row, texts in zip(held.rows, table, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def pptx(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    def shape(text: str, kind: str = "") -> str:
        held = f'<p:nvPr><p:ph type="{kind}"/></p:nvPr>' if kind else ""
        return f"<p:sp><p:nvSpPr>{held}</p:nvSpPr><p:txBody>{paragraph(text)}</p:txBody></p:sp>"

    def paragraph(text: str) -> str:
        return f"<a:p><a:r><a:t>{escape(text)}</a:t></a:r></a:p>"

    rows = ("".join(f"<a:tc><a:txBody>{paragraph(c)}</a:txBody></a:tc>" for c in row) for row in table)
    cells = "".join(f"<a:tr>{row}</a:tr>" for row in rows)
    slide = (
        '<p:sld xmlns:p="p" xmlns:a="a"><p:cSld><p:spTree>' + shape(title, "title") + "".join(map(shape, paragraphs))
        + f"<p:graphicFrame><a:graphic><a:tbl>{cells}</a:tbl></a:graphic></p:graphicFrame></p:spTree></p:cSld></p:sld>"
    )  # fmt: skip
    return zipped({"[Content_Types].xml": b"<x/>", "ppt/slides/slide1.xml": slide.encode()})


def xlsx(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "Sheet"
    for row in [[title], *([p] for p in paragraphs), [], *table]:
        book.active.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def epub(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    package = (
        f"<package><metadata><title>{escape(title)}</title></metadata>"
        '<manifest><item id="c" href="c.xhtml"/></manifest><spine><itemref idref="c"/></spine></package>'
    )
    container = '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>'
    return zipped(
        {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": container.encode(),
            "b.opf": package.encode(),
            "c.xhtml": html(title, paragraphs, table),
        }
    )


def pdf(title: str, paragraphs: Sequence[str], table: Sequence[Row]) -> bytes:
    from fpdf import FPDF

    def latin(text: str) -> str:
        return text.encode("latin-1", "replace").decode("latin-1")

    page = FPDF()
    page.add_page()
    page.set_font("Helvetica", size=18)
    page.multi_cell(w=0, text=latin(title), new_x="LMARGIN", new_y="NEXT")
    page.set_font("Helvetica", size=11)
    for text in paragraphs:
        page.multi_cell(w=0, text=latin(text), new_x="LMARGIN", new_y="NEXT")
        page.ln(4)
    for row in table:
        for cell in row:
            page.cell(w=45, text=latin(cell[:18]))
        page.ln(6)
    return bytes(page.output())


def zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


WRITERS: dict[str, Callable[[str, Sequence[str], Sequence[Row]], bytes]] = {
    ".csv": csv, ".docx": docx, ".eml": mail, ".epub": epub, ".html": html, ".ipynb": notebook, ".json": json_records,
    ".md": markdown, ".pdf": pdf, ".pptx": pptx, ".rss": feed, ".rtf": rtf, ".txt": plain, ".xlsx": xlsx,
}  # fmt: skip
