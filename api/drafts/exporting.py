"""Approved drafts as e-mail: the message itself, and the ways out that the settings open. Nothing leaves by itself.

A message has one recipient, no copies, its pictures inline and its attachments as references. It is built from the
draft alone, so that the same draft gives the same text.
"""

from __future__ import annotations

import base64
import email.policy
import hashlib
import hmac
import html
import json
import re
import smtplib
import ssl
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import SourceError, UsageError

if TYPE_CHECKING:
    from api.settings import DraftsSettings

WAYS = ("eml", "smtp", "webhook")
MOST_PICTURE_BYTES = 5_000_000
_MARKS = re.compile(r"\s*\[\d+\](?:\[\d+\])*")
_PICTURES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"RIFF": "webp"}
_POSTED = ("kind", "entity", "key", "to", "sender", "subject", "language")
Send = Callable[[bytes, Mapping[str, Any]], None]


class Outbox:
    """Builds messages, and sends them where the settings say how."""

    def __init__(self, settings: DraftsSettings) -> None:
        self._settings = settings

    def sender(self, by: str) -> Send:
        """What sends a message that way; `UsageError` for an unknown way or one that the settings do not open."""
        if by == "eml":
            return lambda _message, _held: None
        if by == "smtp" and self._settings.smtp.host:
            return self._smtp
        if by == "webhook" and self._settings.webhook.url:
            return self._webhook
        if by in WAYS:
            setting = "drafts.smtp.host" if by == "smtp" else "drafts.webhook.url"
            raise UsageError(f"sending by {by} is off", hint=f"set {setting} in tower.yaml, or export an .eml file")
        raise UsageError(f"no way {by!r} to export a draft", hint="one of " + ", ".join(WAYS))

    def message(self, draft_id: str, held: Mapping[str, Any]) -> bytes:
        """The draft as a message: plain text and HTML, pictures inline. One without a sender is for a mail program,
        which opens it to be sent by whoever opens it. Raises `UsageError` without an addressee."""
        to, sender = parseaddr(str(held.get("to") or "")), parseaddr(str(held.get("sender") or ""))
        if not to[1]:
            raise UsageError(f"the draft {draft_id!r} has no recipient", hint="a product text is copied, not sent")
        message = EmailMessage(policy=email.policy.SMTP)
        message["Subject"] = str(held["subject"])
        if sender[1]:
            message["From"] = str(held["sender"])
        else:
            message["X-Unsent"] = "1"
        message["To"] = str(held["to"])
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = f"<{draft_id}.{content_id(held)}@{sender[1].partition('@')[2] or 'tower.invalid'}>"
        message["Content-Language"] = str(held.get("language") or "en")
        message["X-Tower-Draft"] = draft_id
        for attachment in held.get("attachments") or ():
            message["X-Tower-Attachment"] = f"{attachment['title']} <{attachment['doc_id']}>"
        text = plain_text(str(held["body"]))
        message.set_content(text)
        pictures = list(_pictures(held))
        message.add_alternative(html_text(text, [(cid, title) for cid, title, _, _ in pictures]), subtype="html")
        related = message.get_payload()[-1]  # type: ignore[index]
        for cid, title, kind, content in pictures:
            related.add_related(  # type: ignore[union-attr]
                content, "image", kind, cid=f"<{cid}>", filename=f"{_file_name(title)}.{kind}", disposition="inline"
            )
        return message.as_bytes()

    def _smtp(self, message: bytes, held: Mapping[str, Any]) -> None:
        chosen = self._settings.smtp
        if not held.get("sender"):
            raise UsageError(
                f"the draft {held.get('id', '')!r} has no sender, and a mail server needs one",
                hint="the entity's `owner` in the catalogue gives it (docs/drafts.md); or export an .eml file",
            )
        sender, to = parseaddr(str(held["sender"]))[1], parseaddr(str(held["to"]))[1]
        context = ssl.create_default_context()
        try:
            if chosen.security == "tls":
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    chosen.host, chosen.port, timeout=chosen.timeout, context=context
                )
            else:
                server = smtplib.SMTP(chosen.host, chosen.port, timeout=chosen.timeout)
            with server:
                if chosen.security == "starttls":
                    server.starttls(context=context)
                if chosen.user:
                    server.login(chosen.user, chosen.password())
                server.sendmail(sender, [to], without_references(message))
        except (OSError, smtplib.SMTPException) as error:
            raise SourceError(
                f"the mail server {chosen.host}:{chosen.port} did not take the message: {error}",
                hint="docs/drafts.md describes drafts.smtp; the draft is still approved",
            ) from error

    def _webhook(self, message: bytes, held: Mapping[str, Any]) -> None:
        chosen = self._settings.webhook
        body = json.dumps(
            {
                "draft_id": held.get("id", ""),
                **{
                    name: held.get(name, "")
                    for name in ("kind", "entity", "key", "to", "sender", "subject", "language")
                },
                "text": plain_text(str(held["body"])),
                "attachments": held.get("attachments") or [],
                "eml": base64.b64encode(message).decode("ascii"),
            },
            ensure_ascii=False,
        ).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "Tower"}
        key = chosen.signing_key()
        if key:
            headers["X-Tower-Signature"] = "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        request = urllib.request.Request(chosen.url, data=body, headers=headers, method="POST")
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=chosen.timeout):
                pass
        except OSError as error:
            raise SourceError(
                f"the webhook {chosen.url} did not take the message: {error}",
                hint="docs/drafts.md describes drafts.webhook; the draft is still approved",
            ) from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A webhook that sends us elsewhere has not taken the message."""

    def redirect_request(self, *_: Any) -> None:
        return None


def without_references(message: bytes) -> bytes:
    """The message without the headers that name our documents: they are for our own systems, not for the recipient."""
    head, blank, body = message.partition(b"\r\n\r\n")
    return re.sub(rb"(?m)^X-Tower-Attachment:[^\r]*(?:\r\n[ \t][^\r]*)*\r\n", b"", head + b"\r\n")[:-2] + blank + body


def content_id(held: Mapping[str, Any]) -> str:
    """A short hash of what the message says, for its id."""
    said = json.dumps([held.get(name) for name in ("to", "subject", "body")], ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def plain_text(body: str) -> str:
    """A draft's body as the recipient reads it: without marks and Markdown's emphasis."""
    text = _MARKS.sub("", body).replace("  \n", "\n")
    return re.sub(r"\*\*(.+?)\*\*", r"\1", text).strip() + "\n"


def html_text(text: str, pictures: list[tuple[str, str]]) -> str:
    """The text as HTML with the pictures below it; nothing is loaded from anywhere."""
    blocks = []
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        if all(line.startswith("- ") for line in lines):
            items = "".join(f"<li>{html.escape(line[2:])}</li>" for line in lines)
            blocks.append(f"<ul>{items}</ul>")
        else:
            blocks.append("<p>" + "<br>".join(html.escape(line) for line in lines) + "</p>")
    shown = "".join(
        f'<figure style="margin:0 0 16px"><img src="cid:{cid}" alt="{html.escape(title, quote=True)}" width="320">'
        f"<figcaption>{html.escape(title)}</figcaption></figure>"
        for cid, title in pictures
    )
    if shown and len(blocks) > 1:  # before the signature
        blocks.insert(len(blocks) - 1, shown)
    style = "font-family:Arial,Helvetica,sans-serif;font-size:15px;line-height:1.5;color:#1c2733;max-width:640px"
    return f'<!doctype html><html><body><div style="{style}">{"".join(blocks)}</div></body></html>\n'


def _pictures(held: Mapping[str, Any]) -> Iterator[tuple[str, str, str, bytes]]:
    """Content id, title, kind and content of each picture that can be read; the others are left away."""
    for number, image in enumerate(held.get("images") or (), 1):
        path = Path(str(image.get("path") or ""))
        if not path.is_file() or path.stat().st_size > MOST_PICTURE_BYTES:
            continue
        content = path.read_bytes()
        kind = next((kind for start, kind in _PICTURES.items() if content.startswith(start)), "")
        if kind:
            yield f"picture{number}@tower", str(image.get("title") or f"picture {number}"), kind, content


def _file_name(title: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", title).strip("-").lower()[:40] or "picture"
