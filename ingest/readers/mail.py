"""E-mails (.eml): the headers that matter, and the text; HTML only where there is no plain text."""

from __future__ import annotations

import datetime as dt
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path

from index.errors import SourceError
from ingest.readers.base import ParsedDocument, read_bytes
from ingest.readers.builder import TextBuilder
from ingest.readers.clean import one_line
from ingest.readers.encoding import decode
from ingest.readers.html import parse_html

_HEADERS = ("from", "to", "cc", "reply-to", "message-id", "in-reply-to")


def read_mail(path: Path) -> ParsedDocument:
    """An e-mail file. `meta` has `from`, `to`, `cc`, `message-id` and `emails`, every address in lower case."""
    data = read_bytes(path)
    message = BytesParser(policy=policy.default).parsebytes(data)
    headers = {name: value for name in _HEADERS if (value := _header(message, name))}
    subject, date = _header(message, "subject"), _date(message)
    if not headers and not subject:
        raise SourceError(f"{path.name}: has no mail headers", hint="save it as .eml again")
    body, warnings = _body(message)
    head = [("From", headers.get("from", "")), ("To", headers.get("to", "")), ("Date", date), ("Subject", subject)]
    builder = TextBuilder()
    builder.block("\n".join(f"{name}: {value}" for name, value in head if value))
    builder.block(body)
    found = getaddresses([headers.get(name, "") for name in ("from", "to", "cc")])
    addresses = dict.fromkeys(address.lower() for _, address in found if "@" in address)
    meta = headers | {"emails": " ".join(addresses)}
    return ParsedDocument(subject or path.stem, builder.text(), (), "email", date[:10], meta, tuple(warnings))


def _header(message: EmailMessage, name: str) -> str:
    try:
        return one_line(str(message.get(name) or ""))
    except (ValueError, IndexError, AttributeError, TypeError):  # the standard library trips over some malformed ones
        raw = next((value for key, value in message.raw_items() if key.lower() == name), "")
        return one_line(str(raw))


def _date(message: EmailMessage) -> str:
    try:
        sent = parsedate_to_datetime(_header(message, "date"))
    except (ValueError, TypeError, IndexError):
        return ""
    if sent.tzinfo is not None:
        sent = sent.astimezone(dt.UTC).replace(tzinfo=None)
    return sent.isoformat(sep=" ", timespec="minutes")


def _body(message: EmailMessage) -> tuple[str, list[str]]:
    warnings: list[str] = []
    plain: list[str] = []
    rich: list[str] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        name = part.get_filename()
        if name or part.get_content_disposition() == "attachment":
            warnings.append(f"attachment {one_line(name or 'without name')!r} was not read")
        elif part.get_content_type() == "text/plain":
            plain.append(_part_text(part))
        elif part.get_content_type() == "text/html":
            rich.append(parse_html(_part_text(part), "").text)
    text = "\n\n".join(p for p in plain if p.strip())
    return text or "\n\n".join(rich), warnings


def _part_text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else str(payload or "").encode("utf-8", "replace")
    try:
        return decode(data, str(part.get_content_charset() or ""))
    except SourceError:  # a charset that no one knows
        return decode(data)
