"""Mailboxes: the contract over IMAP and over an mbox file, and what mail does to a parser."""

from __future__ import annotations

import mailbox
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.store.store import Store
from ingest.config import load_sources
from ingest.connectors.mail import message_record
from ingest.sync.sources import sync
from tests.ingest.company import open_store
from tests.ingest.connectors.contract import ConnectorContract
from tests.ingest.connectors.simulators.imap import ImapServer


def message(subject: str, number: int = 0) -> bytes:
    head = f"From: Zoë <zoe@example.org>\r\nTo: us@example.com\r\nSubject: {subject}\r\nMessage-ID: <m{number}@x>\r\n"
    return (head + "Date: Tue, 3 Mar 2026 10:00:00 +0100\r\n\r\nThe boots leak.\r\n").encode()


class TestImap(ConnectorContract):
    table, column, secret = "messages", "subject", ImapServer.password

    @pytest.fixture
    def system(self) -> Iterator[ImapServer]:
        with ImapServer().running() as server:
            yield server

    def source(self, system: ImapServer, home: Path) -> dict[str, Any]:
        return {
            "kind": "mail", "url": f"imap://127.0.0.1:{system.port}", "user": system.user,
            "password": system.password, "tables": {"messages": {}}, "first_wait": 0.01,
        }  # fmt: skip

    def key(self, number: int) -> str:
        return f"INBOX/7/{number + 1}"

    def write(self, system: ImapServer, number: int, text: str) -> None:
        system.messages[number + 1] = message(text, number)

    def remove(self, system: ImapServer, number: int) -> None:
        del system.messages[number + 1]

    def test_new_and_changed_records_come_and_removed_ones_go(
        self, system: ImapServer, tmp_path: Path, store: Store
    ) -> None:
        """A message never changes under its UID; the rest holds."""
        self.fill(system)
        self.sync(system, tmp_path, store)
        self.write(system, 100, "new")
        self.remove(system, 5)
        system.hang_up = 2
        report = self.sync(system, tmp_path, store)
        assert (report.totals.read, report.totals.loaded, report.totals.deleted) == (1, 1, 1)
        system.validity = 8
        assert self.sync(system, tmp_path, store).totals.loaded == self.first
        assert set(self.held(store)) == {
            k.replace("/7/", "/8/") for k in map(self.key, [*range(37), 100]) if k != self.key(5)
        }
        assert not any(c.upper().startswith(("SELECT", "STORE", "UID STORE", "EXPUNGE")) for c in system.commands)


class TestMbox(ConnectorContract):
    table, column = "messages", "subject"

    @pytest.fixture
    def system(self, tmp_path: Path) -> Path:
        return tmp_path / "archive.mbox"

    def source(self, system: Path, home: Path) -> dict[str, Any]:
        return {"kind": "mail", "path": system.name, "tables": {"messages": {}}}

    def key(self, number: int) -> str:
        return f"m{number}@x"

    def write(self, system: Path, number: int, text: str) -> None:
        self.remove(system, number)
        box = mailbox.mbox(system)
        box.add(message(text, number))
        box.close()

    def remove(self, system: Path, number: int) -> None:
        box = mailbox.mbox(system)
        for key, held in box.items():
            if held["Message-ID"] == f"<m{number}@x>":
                box.remove(key)
        box.close()


def test_each_message_is_a_document(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "a.mbox")
    box.add(message("Boots"))
    box.close()
    store = open_store(tmp_path)
    (report,) = sync(load_sources({"post": {"kind": "mail", "path": "a.mbox"}}, tmp_path, {}), store, None)
    assert report.ok, report.message
    (document,) = store.documents("post")
    assert "The boots leak." in document.document.text and document.document.tags == {"post"}


def test_a_wrong_password_is_refused_without_being_shown(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with ImapServer().running() as server:
        mapping = {"kind": "mail", "url": f"imap://127.0.0.1:{server.port}", "user": "x", "password": "wrong-pass"}
        (report,) = sync(load_sources({"post": mapping}, tmp_path, {}), store, None)
    assert not report.ok and "sign-in was refused" in report.message and "wrong-pass" not in str(report)


def test_a_password_does_not_travel_in_the_clear(tmp_path: Path) -> None:
    mapping = {"kind": "mail", "url": "imap://mail.example.com", "user": "x", "password": "y"}
    (report,) = sync(load_sources({"post": mapping}, tmp_path, {}), open_store(tmp_path), None)
    assert "plain connection" in report.message


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\x00\xff\xfe", b"Subject: =?utf-8?b?////?=\n\nx", b"Content-Type: text/plain; charset=nonsense\n\n\xff",
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n--a", b"From: <<<>>>\nTo: @,;:\nDate: never\n\nx",
        b"Content-Type: text/html\n\n<p>Hello <b>there",
    ],
)  # fmt: skip
def test_no_message_breaks_the_reader(raw: bytes) -> None:
    record = message_record(raw, "")
    assert record["id"] and isinstance(record["text"], str)
