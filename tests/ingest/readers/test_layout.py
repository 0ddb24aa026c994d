"""What formats know of layout: columns and tables of PDFs, numbers, notes and equations of Word files, packed RTF."""

from __future__ import annotations

from pathlib import Path

from ingest.readers.base import FileData
from ingest.readers.formats import parse_data
from ingest.readers.rtf_packed import unpack_rtf
from tests.ingest.readers.hostile import WORD
from tests.ingest.readers.samples import zipped

MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"


def pdf(*placed: tuple[float, float, str]) -> str:
    """The text of a PDF page with texts at these places, in millimetres from the left and the top."""
    from fpdf import FPDF

    page = FPDF()
    page.add_page()
    page.set_font("Helvetica", size=10)
    for left, top, text in placed:
        page.text(left, top, text)
    return parse_data(FileData("a.pdf", bytes(page.output()))).text


def test_columns_of_text_are_read_one_after_the_other_whatever_the_order_they_are_drawn_in() -> None:
    left = [(15.0, 30.0 + 5 * n, f"Left line number {n} says something of the") for n in range(8)]
    right = [(110.0, 30.0 + 5 * n, f"right line number {n} says what is else of") for n in range(8)]
    drawn = [text for pair in zip(left, right, strict=True) for text in pair]
    text = " ".join(pdf((15, 15, "A title over both of the columns of this page"), *drawn).split())
    assert text.startswith("A title over both")
    assert text.index("Left line number 7") < text.index("right line number 0")


def test_a_table_without_lines_keeps_its_empty_cells() -> None:
    cells = [("Code", "Place", "Count"), ("SKU-1", "", "450"), ("SKU-2", "B-07", ""), ("SKU-3", "", "780")]
    placed = [(20.0 + 45 * c, 40.0 + 6 * r, text) for r, row in enumerate(cells) for c, text in enumerate(row) if text]
    text = pdf((20, 20, "Words above it, which are no part of it."), *placed)
    assert "| Code | Place | Count |\n| --- | --- | --- |\n| SKU-1 |  | 450 |\n| SKU-2 | B-07 |  |" in text


def test_headers_and_page_numbers_stand_there_once(tmp_path: Path) -> None:
    from fpdf import FPDF

    document = FPDF()
    for number in range(1, 6):
        document.add_page()
        document.set_font("Helvetica", size=10)
        document.text(20, 15, "Contract of Example Corporation")
        document.text(20, 60, f"What page {number} says is that the term {number} ends.")
        document.text(20, 280, f"Page {number} of 5")
    parsed = parse_data(FileData("a.pdf", bytes(document.output())))
    assert parsed.text.count("Contract of Example") == 1 and parsed.text.count("of 5") == 1
    assert all(f"What page {n} says" in parsed.text for n in range(1, 6))
    assert [s.page for s in parsed.sections if s.page] == [1, 2, 3, 4, 5]


def word(body: str, **parts: str) -> str:
    """The text of a Word file with that body."""
    spaces = f'xmlns:w="{WORD}" xmlns:m="{MATH}"'
    files = {"word/document.xml": f"<w:document {spaces}><w:body>{body}</w:body></w:document>".encode()}
    files |= {f"word/{name}.xml": f"<w:{name} {spaces}>{part}</w:{name}>".encode() for name, part in parts.items()}
    return parse_data(FileData("a.docx", zipped(files))).text


def paragraph(text: str, level: int | None = None) -> str:
    number = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="1"/></w:numPr>' if level is not None else ""
    return f"<w:p><w:pPr>{number}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_numbers_of_word_files_are_counted() -> None:
    levels = (
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>'
    )
    numbering = (
        f'<w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    )
    body = paragraph("One", 0) + paragraph("Inner", 1) + paragraph("Other", 1) + paragraph("Two", 0)
    text = word(body, numbering=numbering)
    assert text == "1. One\n  1.a) Inner\n  1.b) Other\n2. Two"


def test_comments_and_notes_stand_below_their_paragraph() -> None:
    marks = '<w:r><w:commentReference w:id="3"/><w:footnoteReference w:id="4"/></w:r>'
    body = f"<w:p><w:r><w:t>First.</w:t></w:r>{marks}</w:p>{paragraph('Second.')}"
    comments = f'<w:comment w:id="3" w:author="Ann">{paragraph("Is it so?")}</w:comment>'
    footnotes = f'<w:footnote w:id="4">{paragraph("See there.")}</w:footnote>'
    text = word(body, comments=comments, footnotes=footnotes)
    assert text == "First.\n\nComment by Ann: Is it so?\n\nFootnote: See there.\n\nSecond."


def test_equations_are_lines_of_text() -> None:
    def run(text: str) -> str:
        return f"<m:r><m:t>{text}</m:t></m:r>"

    root = (
        f"<m:rad><m:deg/><m:e>{run('b')}<m:sSup><m:e>{run('c')}</m:e><m:sup>{run('2')}</m:sup></m:sSup></m:e></m:rad>"
    )
    fraction = f"<m:f><m:num>{run('-b±')}{root}</m:num><m:den>{run('2a')}</m:den></m:f>"
    assert word(f"<w:p><m:oMath>{run('x=')}{fraction}</m:oMath></w:p>") == "x=(-b±√(bc^2))/2a"


def test_packed_rtf_is_unpacked_as_the_specification_says() -> None:
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232 0af32068656c090020627705b06c647d0a800fa0"
    )
    assert unpack_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def test_a_file_is_what_is_in_it_whatever_its_name_says() -> None:
    assert parse_data(FileData("a.doc", rb"{\rtf1\ansi Hello there.\par}")).text == "Hello there."
    assert parse_data(FileData("a.xls", b"<html><body><p>Hello there.</p></body></html>")).text == "Hello there."
