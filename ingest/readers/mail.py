"""E-mails (.eml): the headers that matter, the text (HTML only where there is no plain text), and attachments."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime

from index.errors import SourceError
from ingest.readers.base import FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.clean import one_line
from ingest.readers.encoding import decode
from ingest.readers.html import parse_html

_HEADERS = ("from", "to", "cc", "reply-to", "message-id", "in-reply-to")
_ATTACHMENTS = 50
_QUOTED = re.compile(r"(?:^[ \t]*>.*(?:\n|\Z))+", re.MULTILINE)
_DEPTH = 3  # of mails attached to mails


def read_mail(file: FileData) -> ParsedDocument:
    """An e-mail file. `meta` has `from`, `to`, `cc`, `message-id`, `attachments` and `emails`, every address in lower
    case. Attachments that can be read stand behind the text, each under its name; others are named in a warning."""
    return read_message(BytesParser(policy=policy.default).parsebytes(file.data), file)


def read_message(message: EmailMessage, file: FileData, depth: int = 0) -> ParsedDocument:
    """A parsed mail."""
    headers = {name: value for name in _HEADERS if (value := _header(message, name))}
    subject = _header(message, "subject")
    if not headers and not subject:
        raise SourceError(f"{file.name}: has no mail headers", hint="save it as .eml again")
    text, attached = _parts(message, file, depth)
    return mail_document(file, subject, headers, _date(message), text, attached)


def mail_document(
    file: FileData,
    subject: str,
    headers: Mapping[str, str],
    date: str,
    text: str,
    attached: Iterable[tuple[str, ParsedDocument | str]],
) -> ParsedDocument:
    """A mail as a document, however it was stored. What is attached comes as a document, or as why there is none."""
    shown = [("From", headers.get("from", "")), ("To", headers.get("to", "")), ("Cc", headers.get("cc", ""))]
    shown += [("Date", date), ("Subject", subject)]
    builder = TextBuilder()
    builder.block("\n".join(f"{name}: {value}" for name, value in shown if value))
    builder.block(mark_quotes(text))
    names: list[str] = []
    for name, parsed in attached:
        names.append(name)
        if isinstance(parsed, str):
            builder.warn(f"attachment {name!r} was not read: {parsed}")
        else:
            builder.embed(f"Attachment: {name}", parsed)
            for warning in parsed.warnings:
                builder.warn(f"{name}: {warning}")
    found = getaddresses([headers.get(name, "") for name in ("from", "to", "cc")])
    addresses = dict.fromkeys(address.lower() for _, address in found if "@" in address)
    meta = dict(headers) | {"emails": " ".join(addresses)}
    if names:
        meta["attachments"] = "; ".join(names)[:500]
    return builder.finish(subject or file.stem, "email", date[:10], meta)


def mark_quotes(text: str) -> str:
    """The lines of earlier mails set apart from the new ones by an empty line, their marks kept."""
    return _QUOTED.sub(lambda found: f"\n{found.group().rstrip()}\n\n", text.replace("\r\n", "\n"))


def read_attachment(name: str, data: bytes) -> ParsedDocument | str:
    """What an attachment says, or why it says nothing."""
    from ingest.readers.formats import parse_data

    try:
        return parse_data(FileData(name, data))
    except SourceError as error:
        return error.message.removeprefix(f"{name}: ")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        return f"damaged ({type(error).__name__})"


def _parts(message: EmailMessage, file: FileData, depth: int) -> tuple[str, list[tuple[str, ParsedDocument | str]]]:
    plain: list[str] = []
    rich: list[str] = []
    attached: list[tuple[str, ParsedDocument | str]] = []
    inside: set[int] = set()
    for part in message.walk():
        if id(part) in inside:
            inside |= {id(p) for p in part.iter_parts()} if part.is_multipart() else set()
            continue
        kind = part.get_content_type()
        if kind == "message/rfc822":
            inside |= {id(p) for p in part.get_payload()} if part.is_multipart() else set()
            attached.append(_mail_in(part, file, depth))
        elif part.is_multipart():
            continue
        elif (name := _file_name(part)) or part.get_content_disposition() == "attachment":
            if len(attached) < _ATTACHMENTS:
                title = name or "without name"
                attached.append((title, _content(title, part)))
        elif kind == "text/plain":
            plain.append(_part_text(part))
        elif kind == "text/html":
            rich.append(parse_html(_part_text(part), "").text)
    text = "\n\n".join(p for p in plain if p.strip())
    return text or "\n\n".join(rich), attached


def _mail_in(part: EmailMessage, file: FileData, depth: int) -> tuple[str, ParsedDocument | str]:
    held = part.get_payload()
    inner = held[0] if isinstance(held, list) and held else None
    if not isinstance(inner, EmailMessage) or depth >= _DEPTH:
        return "mail", "a mail in a mail in a mail"
    try:
        parsed = read_message(inner, file, depth + 1)
    except SourceError as error:
        return "mail", error.message
    return f"{parsed.title}.eml", parsed


def _content(name: str, part: EmailMessage) -> ParsedDocument | str:
    payload = part.get_payload(decode=True)
    return read_attachment(name, payload) if isinstance(payload, bytes) and payload else "it is empty"


def _file_name(part: EmailMessage) -> str:
    try:
        return one_line(part.get_filename() or "")
    except (ValueError, IndexError, AttributeError, TypeError):
        return "without name"


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


def _part_text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else str(payload or "").encode("utf-8", "replace")
    try:
        return decode(data, str(part.get_content_charset() or ""))
    except SourceError:  # a charset that no one knows
        return decode(data)
