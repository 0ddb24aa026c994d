"""What lies in OLE files: Outlook messages (.msg) and old Excel workbooks (.xls).

Outlook messages are read here and not by extract-msg, which is under the GPL; MS-OXMSG describes the format.
"""

from __future__ import annotations

import datetime as dt
import io
import struct
from collections.abc import Iterator
from typing import Any

from index.errors import SourceError
from ingest.readers.base import FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.clean import one_line
from ingest.readers.encoding import decode
from ingest.readers.html import html_text, parse_html
from ingest.readers.mail import mail_document, read_attachment
from ingest.readers.rtf import rtf_text
from ingest.readers.rtf_packed import unpack_rtf
from ingest.readers.workbook import add_sheet

_SUBJECT, _BODY, _RTF, _HTML = "0037", "1000", "1009", "1013"
_SENDER, _SENDER_MAIL, _SENDER_SMTP, _TO, _CC, _MESSAGE_ID = "0C1A", "0C1F", "5D01", "0E04", "0E03", "1035"
_NAME, _RECIPIENT_MAIL, _RECIPIENT_SMTP = "3001", "3003", "39FE"
_LONG_NAME, _SHORT_NAME, _DATA = "3707", "3704", "3701"
_SENT, _DELIVERED, _RECIPIENT_KIND = 0x0039, 0x0E06, 0x0C15
_EPOCH = dt.datetime(1601, 1, 1)
_ATTACHMENTS = 50


def ole_kind(file: FileData) -> str:
    """The suffix of the format that an OLE file holds. One that needs a password is a `SourceError`."""
    with _opened(file) as ole:
        names = {entry[0].lower() for entry in ole.listdir()}
    if "encryptedpackage" in names:
        raise SourceError(f"{file.name}: needs a password", hint="save it without one")
    for name, suffix in (
        ("__properties_version1.0", ".msg"), ("workbook", ".xls"), ("book", ".xls"), ("worddocument", ".doc"),
        ("powerpoint document", ".ppt"),
    ):  # fmt: skip
        if name in names:
            return suffix
    return file.suffix


def read_xls(file: FileData) -> ParsedDocument:
    """A workbook of Excel 97-2003 and before; one with a password is a `SourceError`."""
    import xlrd

    try:
        book = xlrd.open_workbook(file_contents=file.data, on_demand=True, logfile=io.StringIO())
    except xlrd.XLRDError as error:
        said = str(error).lower()
        reason = "needs a password" if "encrypt" in said or "password" in said else f"damaged, or no workbook ({error})"
        raise SourceError(f"{file.name}: {reason}", hint="open and save it again") from error
    builder = TextBuilder()
    for name in book.sheet_names():
        sheet = book.sheet_by_name(name)
        add_sheet(builder, name, (_cells(sheet, row, book.datemode) for row in range(sheet.nrows)))
        book.unload_sheet(name)
    author = one_line(book.user_name or "")
    return builder.finish(file.stem, "xls", "", {"author": author} if author else {})


def _cells(sheet: Any, row: int, datemode: int) -> Iterator[Any]:
    import xlrd

    for kind, value in zip(sheet.row_types(row), sheet.row_values(row), strict=True):
        if kind == xlrd.XL_CELL_DATE:
            try:
                yield xlrd.xldate_as_datetime(value, datemode)
            except (ValueError, OverflowError):
                yield value
        elif kind == xlrd.XL_CELL_NUMBER:
            yield int(value) if float(value).is_integer() and abs(value) < 1e15 else value
        elif kind == xlrd.XL_CELL_BOOLEAN:
            yield bool(value)
        else:
            yield "" if kind == xlrd.XL_CELL_ERROR else value


def read_msg(file: FileData) -> ParsedDocument:
    """An Outlook message, as `read_mail` gives one."""
    with _opened(file) as ole:
        root = _Message(ole, "")
        if not ole.exists("__properties_version1.0"):
            raise SourceError(f"{file.name}: is no Outlook message", hint="save it as .msg or .eml again")
        address = root.text(_SENDER_SMTP) or root.text(_SENDER_MAIL)
        headers = {
            "from": _addressed(root.text(_SENDER), address),
            "to": _recipients(ole, root, 1) or root.text(_TO),
            "cc": _recipients(ole, root, 2) or root.text(_CC),
            "message-id": root.text(_MESSAGE_ID),
        }
        date = root.time(_SENT) or root.time(_DELIVERED)
        held = {name: value for name, value in headers.items() if value}
        return mail_document(file, root.text(_SUBJECT), held, date, _body(root, file), _attached(ole))


class _Message:
    """The properties of a message, a recipient or an attachment: `folder` in an OLE file."""

    def __init__(self, ole: Any, folder: str) -> None:
        self._ole = ole
        self._folder = f"{folder}/" if folder else ""
        head = 32 if not folder else 8
        self._fixed = self.raw("__properties_version1.0")[head:]

    def raw(self, name: str) -> bytes:
        path = self._folder + name
        return bytes(self._ole.openstream(path).read()) if self._ole.exists(path) else b""

    def text(self, tag: str) -> str:
        return one_line(self.long_text(tag))

    def long_text(self, tag: str) -> str:
        wide = self.raw(f"__substg1.0_{tag}001F")
        return wide.decode("utf-16-le", "replace") if wide else decode(self.raw(f"__substg1.0_{tag}001E"))

    def binary(self, tag: str) -> bytes:
        return self.raw(f"__substg1.0_{tag}0102")

    def fixed(self, tag: int) -> int | None:
        """A property of at most eight bytes, as a number."""
        for start in range(0, len(self._fixed) - 15, 16):
            kind, _, value = struct.unpack_from("<IIQ", self._fixed, start)
            if kind >> 16 == tag:
                return int(value)
        return None

    def time(self, tag: int) -> str:
        ticks = self.fixed(tag)
        try:
            moment = _EPOCH + dt.timedelta(microseconds=(ticks or 0) // 10)
        except OverflowError:
            return ""
        return moment.isoformat(sep=" ", timespec="minutes") if ticks else ""


def _body(root: _Message, file: FileData) -> str:
    """The text of a message: plain, else HTML, else the packed RTF that Outlook keeps."""
    plain = root.long_text(_BODY)
    if plain.strip():
        return plain
    page = root.binary(_HTML) or root.long_text(_HTML).encode("utf-8")
    if page.strip():
        return parse_html(html_text(page), "").text
    packed = root.binary(_RTF)
    return rtf_text(unpack_rtf(packed), file.name) if packed else ""


def _recipients(ole: Any, root: _Message, kind: int) -> str:
    found: list[str] = []
    for folder in _folders(ole, "__recip_version1.0_"):
        one = _Message(ole, folder)
        if (one.fixed(_RECIPIENT_KIND) or 0) & 0xF == kind:
            found.append(_addressed(one.text(_NAME), one.text(_RECIPIENT_SMTP) or one.text(_RECIPIENT_MAIL)))
    return ", ".join(filter(None, found))


def _addressed(name: str, address: str) -> str:
    """`name <address>`; addresses of Exchange's own kind (`/O=...`) tell nobody anything."""
    if "@" not in address:
        return name
    return f"{name} <{address}>" if name and name.lower() != address.lower() else address


def _attached(ole: Any) -> Iterator[tuple[str, ParsedDocument | str]]:
    for folder in _folders(ole, "__attach_version1.0_")[:_ATTACHMENTS]:
        one = _Message(ole, folder)
        name = one.text(_LONG_NAME) or one.text(_SHORT_NAME) or one.text(_NAME) or "without name"
        data = one.binary(_DATA)
        yield name, read_attachment(name, data) if data else "it is a mail or an object of another program"


def _folders(ole: Any, prefix: str) -> list[str]:
    return sorted({entry[0] for entry in ole.listdir(streams=True, storages=True) if entry[0].startswith(prefix)})


def _opened(file: FileData) -> Any:
    import olefile

    try:
        return olefile.OleFileIO(io.BytesIO(file.data))
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise SourceError(f"{file.name}: damaged ({error})", hint="open and save it again") from error
