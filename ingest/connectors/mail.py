"""Mailboxes: an mbox file, a Maildir folder, or IMAP. Each message is a record, and a document.

IMAP is read by UID and never changed (`EXAMINE`, `BODY.PEEK`). A folder whose UIDVALIDITY changed is read anew.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import hashlib
import imaplib
import mailbox
import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import Field as Setting
from pydantic import SecretStr

from index.errors import SourceError
from ingest.connectors.support.contract import (
    Batch,
    BrokenRecord,
    Connector,
    Deletes,
    Field,
    Json,
    Key,
    Options,
    Stream,
)

_MESSAGE = {"id": "id", "title": "subject", "text": ["subject", "text"], "date": "sent_at", "kind": "email"}
_FIELDS = tuple(
    Field(name, "datetime" if name == "sent_at" else "text")
    for name in ("id", "folder", "subject", "sender", "recipients", "sent_at", "message_id", "in_reply_to", "text")
)
_UID = re.compile(rb"\bUID (\d+)")
_RETRIED = (imaplib.IMAP4.abort, OSError, EOFError, ssl.SSLError)
_LONGEST = 200_000  # characters of a message's text that are kept
_PART = 50  # messages asked for at once

T = TypeVar("T")


class MailOptions(Options):
    """`path` to an mbox file or a Maildir folder, or `url` of an IMAP server (`imaps://host`). `size` is the largest
    message that is read, in bytes."""

    path: str = ""
    url: str = ""
    user: str = ""
    password: SecretStr = SecretStr("")
    folders: tuple[str, ...] = ("INBOX",)
    size: int = Setting(default=25_000_000, ge=1)
    attempts: int = Setting(default=4, ge=1)
    timeout: float = Setting(default=60.0, gt=0)
    first_wait: float = Setting(default=0.5, gt=0)


class MailConnector(Connector):
    """Reads one mailbox."""

    Options = MailOptions
    options: MailOptions

    def open(self) -> None:
        """Make ready; nothing is asked yet."""
        if bool(self.options.path) == bool(self.options.url):
            raise SourceError(
                "a mailbox needs a path or a url", hint="path: archive.mbox, or url: imaps://mail.example.com"
            )
        self._imap: imaplib.IMAP4 | None = None

    def test(self) -> str:
        """Open the mailbox and count."""
        if self.options.path:
            return f"{self._path.name}: {len(self._box())} messages"
        count = {folder: len(self._uids(folder)) for folder in self.options.folders}
        return f"{urlsplit(self.options.url).hostname}: " + ", ".join(f"{n} in {f}" for f, n in count.items())

    def describe(self) -> Sequence[Stream]:
        """One stream, the messages."""
        deletes: Deletes = "scan" if self.options.path else "keys"
        return [Stream("messages", ("id",), _FIELDS, "", deletes, documents=_MESSAGE)]

    def read(self, stream: Stream, cursor: Json) -> Iterator[Batch]:
        """Messages since the highest UID of each folder; of a file, all."""
        if self.options.path:
            yield from self._read_box()
            return
        marks: dict[str, Any] = dict(cursor) if isinstance(cursor, dict) else {}
        for folder in self.options.folders:
            validity = self._validity(folder)
            held = marks.get(folder)
            last = int(held[1]) if isinstance(held, list) and held[0] == validity else 0
            uids = [uid for uid in self._uids(folder) if uid > last]
            for start in range(0, len(uids), _PART):
                part = uids[start : start + _PART]
                records, broken = self._fetch(folder, validity, part)
                marks = {**marks, folder: [validity, part[-1]]}
                yield Batch(records, dict(marks), broken=broken, total=len(uids))
            marks = {**marks, folder: [validity, max([last, *uids])]}
        yield Batch((), dict(marks))

    def keys(self, stream: Stream) -> Iterator[Sequence[Key]]:
        """The ids of all messages, without reading them."""
        if self.options.path:
            yield from super().keys(stream)
            return
        for folder in self.options.folders:
            validity = self._validity(folder)
            yield [(_imap_id(folder, validity, uid),) for uid in self._uids(folder)]

    def close(self) -> None:
        """Log out; idempotent."""
        if self._imap is not None:
            with contextlib.suppress(imaplib.IMAP4.error, OSError, EOFError):
                self._imap.logout()
            self._imap = None

    # files

    @property
    def _path(self) -> Path:
        return self.base / Path(self.options.path).expanduser()

    def _box(self) -> mailbox.Mailbox[Any]:
        path = self._path
        if path.is_dir():
            return mailbox.Maildir(path, create=False)
        if not path.is_file():
            raise SourceError(f"no mailbox at {path}", hint="check `path:` in tower.yaml")
        return mailbox.mbox(path, create=False)

    def _read_box(self) -> Iterator[Batch]:
        box = self._box()
        records: list[Mapping[str, Any]] = []
        times: dict[str, int] = {}
        for key in box.keys():  # noqa: SIM118 - iterating a mailbox itself parses every message at once
            raw = box.get_bytes(key)
            record = message_record(raw, "")
            times[record["id"]] = times.get(record["id"], 0) + 1
            if times[record["id"]] > 1:
                record["id"] = f"{record['id']}#{times[record['id']]}"
            records.append(record)
        box.close()
        yield Batch(records, total=len(records))

    # IMAP

    def _ask(self, ask: Callable[[imaplib.IMAP4], tuple[str, Any]]) -> Any:
        """What a command gives, signed in; a connection that broke is opened again."""
        import stamina

        try:
            for attempt in stamina.retry_context(
                on=_RETRIED, attempts=self.options.attempts, timeout=None, wait_initial=self.options.first_wait
            ):
                with attempt:
                    try:
                        kind, found = ask(self._connected())
                    except _RETRIED:
                        self._imap = None
                        raise
                    if kind != "OK":
                        raise SourceError(f"the mailbox refused: {found!r}"[:300], hint="check user, password, folders")
                    return found
        except _RETRIED as error:
            raise SourceError(
                f"{urlsplit(self.options.url).hostname}: {type(error).__name__}: {error}", hint="try again later"
            ) from error
        raise AssertionError("unreachable")

    def _connected(self) -> imaplib.IMAP4:
        if self._imap is None:
            parts = urlsplit(self.options.url)
            host, secure = parts.hostname or "", parts.scheme == "imaps"
            if not secure and host not in ("127.0.0.1", "localhost", "::1"):
                raise SourceError(f"{host}: a password is not sent over a plain connection", hint="use imaps://")
            made = (
                imaplib.IMAP4_SSL(host, parts.port or 993, timeout=self.options.timeout)
                if secure
                else imaplib.IMAP4(host, parts.port or 143, timeout=self.options.timeout)
            )
            user = self.options.user or unquote(parts.username or "")
            try:
                made.login(user, self.options.password.get_secret_value())
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                raise SourceError(f"{host}: sign-in was refused for {user}", hint="check user and password") from error
            self._imap = made
        return self._imap

    def _select(self, imap: imaplib.IMAP4, folder: str) -> None:
        kind, said = imap.select(f'"{folder}"', readonly=True)
        if kind != "OK":
            raise SourceError(f"the mailbox has no folder {folder!r}: {said!r}"[:200], hint="check `folders:`")

    def _validity(self, folder: str) -> str:
        def ask(imap: imaplib.IMAP4) -> tuple[str, Any]:
            self._select(imap, folder)
            _, found = imap.response("UIDVALIDITY")
            return "OK", found

        found = self._ask(ask)
        return found[0].decode() if found and found[0] else "0"

    def _uids(self, folder: str) -> list[int]:
        def ask(imap: imaplib.IMAP4) -> tuple[str, Any]:
            self._select(imap, folder)
            return imap.uid("SEARCH", "ALL")

        found = self._ask(ask)
        return sorted(int(uid) for part in found if part for uid in part.split())

    def _fetch(
        self, folder: str, validity: str, uids: Sequence[int]
    ) -> tuple[list[dict[str, Any]], list[BrokenRecord]]:
        def ask(imap: imaplib.IMAP4) -> tuple[str, Any]:
            self._select(imap, folder)
            return imap.uid("FETCH", ",".join(map(str, uids)), f"(UID BODY.PEEK[]<0.{self.options.size + 1}>)")

        records: list[dict[str, Any]] = []
        broken: list[BrokenRecord] = []
        for item in self._ask(ask):
            if not isinstance(item, tuple) or not (found := _UID.search(item[0])):
                continue
            identity = _imap_id(folder, validity, int(found[1]))
            if len(item[1]) > self.options.size:
                broken.append(BrokenRecord(identity, f"larger than {self.options.size} bytes", ""))
                continue
            records.append({**message_record(item[1], folder), "id": identity})
        return records, broken


def _imap_id(folder: str, validity: str, uid: int) -> str:
    return f"{folder}/{validity}/{uid}"


def message_record(raw: bytes, folder: str) -> dict[str, Any]:
    """A message as a record; its id is its Message-ID, else a hash of its content. Nothing in a message makes it fail:
    what cannot be decoded is left out."""
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    message_id = _header(parsed, "message-id").strip("<> ")
    return {
        "id": message_id or hashlib.sha256(raw).hexdigest()[:24],
        "folder": folder,
        "subject": _header(parsed, "subject"),
        "sender": ", ".join(address for _, address in getaddresses([_header(parsed, "from")])),
        "recipients": ", ".join(a for _, a in getaddresses([_header(parsed, "to"), _header(parsed, "cc")]) if a),
        "sent_at": _sent(_header(parsed, "date")),
        "message_id": message_id,
        "in_reply_to": _header(parsed, "in-reply-to").strip("<> "),
        "text": _text(parsed)[:_LONGEST],
    }


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "") or "").split())
    except (ValueError, LookupError, IndexError, AttributeError, TypeError):  # broken headers break the parser's policy
        return ""


def _sent(date: str) -> str | None:
    try:
        return parsedate_to_datetime(date).isoformat()
    except (ValueError, TypeError, IndexError):
        return None


def _text(message: EmailMessage) -> str:
    from bs4 import BeautifulSoup

    try:
        body = message.get_body(("plain", "html"))
        content = str(body.get_content()) if body is not None else ""
        html = body is not None and body.get_content_subtype() == "html"
    except (ValueError, LookupError, KeyError, AttributeError, TypeError, AssertionError):
        payload = message.get_payload(decode=True)
        content, html = (payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""), False
    return BeautifulSoup(content, "lxml").get_text(" ", strip=True) if html else content.strip()
