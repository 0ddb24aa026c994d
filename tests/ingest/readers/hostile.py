"""Files that nobody wants to read, made on the spot."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def billion_laughs() -> bytes:
    """An XML file of a few hundred bytes whose entities expand to gigabytes."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{levels}]><x>&l9;</x>'.encode()


def zip_of(**members: bytes) -> bytes:
    """A ZIP archive; a double underscore in a name is a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return out.getvalue()


def zip_bomb(megabytes: int = 210) -> bytes:
    """An archive of about a megabyte that unpacks to hundreds of megabytes of text."""
    return zip_of(a__txt=b" " * (megabytes * 1_000_000), b__txt=b"Small.")


def word_bomb() -> bytes:
    """A Word file whose text unpacks to hundreds of megabytes."""
    body = b"<w:p><w:r><w:t>bomb</w:t></w:r></w:p>" * 5_500_000
    xml = f'<w:document xmlns:w="{WORD}"><w:body>'.encode() + body + b"</w:body></w:document>"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("word/document.xml", xml)
    return out.getvalue()


def deep_json(depth: int = 200_000) -> bytes:
    """Lists in lists in lists."""
    return b'{"a": ' + b"[" * depth + b"]" * depth + b"}"


def deep_html(depth: int = 20_000) -> bytes:
    """Elements in elements in elements."""
    return b"<div>" * depth + b"deep" + b"</div>" * depth


def long_pdf(pages: int = 10_000) -> bytes:
    """A PDF file with that many pages, a line on each."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids: list[str] = []
    for number in range(pages):
        stream = f"BT /F1 12 Tf 72 720 Td (This is what page {number + 1} says.) Tj ET".encode()
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Count {pages} /Kids [{' '.join(kids)}] >>".encode()
    out = bytearray(b"%PDF-1.4\n")
    places: list[int] = []
    for number, item in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    return bytes(out)


def sparse(path: Path, size: int = 1 << 30) -> Path:
    """A file that says that it is a gigabyte long, and takes no room."""
    with path.open("wb") as file:
        os.truncate(file.fileno(), size)
    return path


def slow_markdown() -> bytes:
    """Emphasis that opens and never closes, for which a careless pattern looks to the end every time."""
    return b"**a " * 200_000
