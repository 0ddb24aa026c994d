"""What an approved draft is as a message, and the ways out: off by default, once each, given back where they fail."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from api.drafts.exporting import Outbox, html_text, plain_text
from api.drafts.queue import LedgerQueue
from api.settings import DraftsSettings, SmtpSettings, WebhookSettings
from index.engine import open_engine
from index.errors import DraftBlocked, PolicyError, SourceError, UsageError
from index.ledger import Ledger
from index.scope import Principal, Scope
from index.store.store import Store
from query.answer import DraftView
from query.proof.text_check import Finding
from tests.api.fake import CATALOGUE, draft

ADMIN = Scope.administrator(CATALOGUE, frozenset())
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def letter(tmp_path: Path) -> DraftView:
    picture = tmp_path / "tent.png"
    picture.write_bytes(PNG)
    return draft().model_copy(
        update={
            "to": "Ann Önder <ann@example.com>", "sender": "Ines Haller <ines@ours.example>", "subject": "Grüße",
            "body": "Dear Ann, [1]\n\nYou have **12** seats & <more>. [1][2]\n\n- one [1]\n- two\n\nRegards  \nInes",
            "images": [{"path": str(picture), "title": "Cirrus Tent", "key": "T"}, {"path": "gone.png", "title": "x"}],
            "attachments": [{"doc_id": "library:terms.docx", "title": "Terms"}],
        }
    )  # fmt: skip


class Desk:
    """A queue over a real ledger, with what the lint finds and the settings to choose."""

    def __init__(self, home: Path, settings: DraftsSettings | None = None) -> None:
        engine = open_engine(f"sqlite:///{home / 'tower.db'}")
        Store(engine).create()
        self.ledger = Ledger(engine)
        self.found: list[Finding] = []
        self.queue = LedgerQueue(self.ledger, lambda *_: self.found, lambda: Outbox(settings or DraftsSettings()))
        self.ledger.save_draft(ADMIN, "d1", "a1", "account", "A1", letter(home).model_dump_json())


def test_a_message_has_one_recipient_inline_pictures_and_references(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.queue.approve(ADMIN, "d1")
    done = desk.queue.export(ADMIN, "d1")
    assert (done["status"], done["by"]) == ("exported", "eml")
    message = email.message_from_bytes(base64.b64decode(done["eml"]), policy=email.policy.default)
    assert (message["To"], message["From"], message["Subject"]) == (
        "Ann Önder <ann@example.com>", "Ines Haller <ines@ours.example>", "Grüße",
    )  # fmt: skip
    assert message["Cc"] is None and message["Bcc"] is None and message["Reply-To"] is None
    assert message["X-Tower-Attachment"] == "Terms <library:terms.docx>"
    assert message["Message-ID"].endswith("@ours.example>") and message["Date"]
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert text.splitlines()[:3] == ["Dear Ann,", "", "You have 12 seats & <more>."]
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "12 seats &amp; &lt;more&gt;." in html and "[1]" not in html and "<li>one</li>" in html
    pictures = [part for part in message.walk() if part.get_content_maintype() == "image"]
    assert [p["Content-ID"] for p in pictures] == ["<picture1@tower>"] and "cid:picture1@tower" in html
    assert pictures[0].get_content() == PNG and "http" not in html.replace("<!doctype html>", "")


def test_a_draft_without_a_sender_is_a_message_that_nobody_sent_yet(tmp_path: Path) -> None:
    desk = Desk(tmp_path, DraftsSettings.model_validate({"smtp": {"host": "127.0.0.1", "security": "none"}}))
    body = letter(tmp_path).model_copy(update={"sender": ""}).model_dump_json()
    desk.ledger.save_draft(ADMIN, "d2", "a1", "account", "A1", body)
    desk.queue.approve(ADMIN, "d2")
    with pytest.raises(UsageError, match="has no sender") as refused:
        desk.queue.export(ADMIN, "d2", "smtp")
    assert "owner" in refused.value.hint
    done = desk.queue.export(ADMIN, "d2")
    message = email.message_from_bytes(base64.b64decode(done["eml"]), policy=email.policy.default)
    assert (message["From"], message["X-Unsent"], message["To"]) == (None, "1", "Ann Önder <ann@example.com>")


def test_nothing_is_exported_that_was_not_approved_as_it_stands(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with pytest.raises(DraftBlocked, match="is proposed, not approved"):
        desk.queue.export(ADMIN, "d1")
    desk.queue.approve(ADMIN, "d1")
    assert desk.queue.edit(ADMIN, "d1", subject="Other")["status"] == "edited"
    with pytest.raises(DraftBlocked, match="is edited, not approved"):
        desk.queue.export(ADMIN, "d1")
    desk.queue.approve(ADMIN, "d1")
    held = desk.ledger.draft(ADMIN, "d1")
    changed = json.loads(held.body) | {"to": "Eve <eve@evil.example>"}
    desk.ledger.export_draft(ADMIN, "d1", json.dumps(changed), "approved", was=held.body)  # behind the queue's back
    with pytest.raises(DraftBlocked, match="not what was approved"):
        desk.queue.export(ADMIN, "d1")


def test_the_lint_stands_before_the_approval_and_again_before_the_export(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.found = [Finding("stale", "[1] does not hold any more"), Finding("link", "a link")]
    with pytest.raises(DraftBlocked, match=r"stale: \[1\] does not hold any more \(and 1 more\)") as blocked:
        desk.queue.approve(ADMIN, "d1")
    assert "tower drafts lint d1" in blocked.value.hint
    assert desk.queue.lint(ADMIN, "d1")["findings"][1] == {"code": "link", "message": "a link", "where": ""}
    desk.found = []
    desk.queue.approve(ADMIN, "d1")
    desk.found = [Finding("stale", "[1] does not hold any more")]
    with pytest.raises(DraftBlocked, match="cannot be exported"):
        desk.queue.export(ADMIN, "d1")
    assert desk.queue.get(ADMIN, "d1")["status"] == "approved"


def test_nobody_exports_without_the_action(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.queue.approve(ADMIN, "d1")
    reader = Scope(Principal("admin"), ADMIN.tables, ADMIN.tags, frozenset({"ask", "audit"}))
    for act in (desk.queue.export, desk.queue.approve):
        with pytest.raises(PolicyError):
            act(reader, "d1")


@pytest.mark.parametrize("by", ["smtp", "webhook", "fax"])
def test_sending_is_off_by_default(tmp_path: Path, by: str) -> None:
    desk = Desk(tmp_path)
    desk.queue.approve(ADMIN, "d1")
    with pytest.raises(UsageError, match="is off" if by != "fax" else "no way 'fax'"):
        desk.queue.export(ADMIN, "d1", by)
    assert desk.queue.get(ADMIN, "d1")["status"] == "approved"


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]  # type: ignore[misc]
    finally:
        server.shutdown()
        server.server_close()


class Hook(BaseHTTPRequestHandler):
    got: list[tuple[Any, bytes]]
    status = 204

    def do_POST(self) -> None:
        self.got.append((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


def test_a_webhook_gets_the_signed_message_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWER_WEBHOOK_KEY", "key")
    hook = type("One", (Hook,), {"got": [], "status": 204})
    with serving(HTTPServer(("127.0.0.1", 0), hook)) as port:
        settings = DraftsSettings(webhook=WebhookSettings(url=f"http://127.0.0.1:{port}/in"))
        desk = Desk(tmp_path, settings)
        desk.queue.approve(ADMIN, "d1")
        done = desk.queue.export(ADMIN, "d1", "webhook")
        assert "eml" not in done and done["exports"][0]["by"] == "webhook"
        with pytest.raises(DraftBlocked, match="was sent by webhook"):
            desk.queue.export(ADMIN, "d1", "webhook")
        assert desk.queue.export(ADMIN, "d1", "eml")["eml"]
    [(headers, body)] = hook.got
    assert headers["X-Tower-Signature"] == "sha256=" + hmac.new(b"key", body, hashlib.sha256).hexdigest()
    sent = json.loads(body)
    assert (sent["to"], sent["text"].splitlines()[0]) == ("Ann Önder <ann@example.com>", "Dear Ann,")
    assert b"X-Tower-Draft: d1" in base64.b64decode(sent["eml"])


@pytest.mark.parametrize("status", [500, 302])
def test_a_message_that_was_not_taken_leaves_the_draft_approved(tmp_path: Path, status: int) -> None:
    hook = type("Failing", (Hook,), {"got": [], "status": status})
    with serving(HTTPServer(("127.0.0.1", 0), hook)) as port:
        desk = Desk(tmp_path, DraftsSettings(webhook=WebhookSettings(url=f"http://127.0.0.1:{port}/in")))
        desk.queue.approve(ADMIN, "d1")
        with pytest.raises(SourceError, match="did not take the message"):
            desk.queue.export(ADMIN, "d1", "webhook")
    held = desk.queue.get(ADMIN, "d1")
    assert (held["status"], held.get("exports", [])) == ("approved", [])


class Mail(socketserver.StreamRequestHandler):
    """Enough of SMTP to take one message."""

    got: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        taking = False
        while line := self.rfile.readline():
            word = line.strip().upper()[:4]
            self.got.append(line.decode("latin-1").strip())
            if taking:
                if line == b".\r\n":
                    taking = False
                    self.wfile.write(b"250 taken\r\n")
                continue
            taking = word == b"DATA"
            answer = {b"DATA": b"354 go on", b"QUIT": b"221 bye"}.get(word, b"250 ok")
            self.wfile.write(answer + b"\r\n")
            if word == b"QUIT":
                return


def test_a_mail_server_gets_one_message_for_one_recipient(tmp_path: Path) -> None:
    mail = type("Box", (Mail,), {"got": []})
    with serving(socketserver.TCPServer(("127.0.0.1", 0), mail)) as port:
        settings = DraftsSettings(smtp=SmtpSettings(host="127.0.0.1", port=port, security="none"))
        desk = Desk(tmp_path, settings)
        desk.queue.approve(ADMIN, "d1")
        assert desk.queue.export(ADMIN, "d1", "smtp")["status"] == "exported"
    assert [line.upper() for line in mail.got if line.upper().startswith("RCPT")] == ["RCPT TO:<ANN@EXAMPLE.COM>"]
    assert any(line == "X-Tower-Draft: d1" for line in mail.got)
    assert not any("X-Tower-Attachment" in line for line in mail.got)  # our paths are not the recipient's


def test_a_mail_server_that_is_not_there_leaves_the_draft_approved(tmp_path: Path) -> None:
    desk = Desk(tmp_path, DraftsSettings(smtp=SmtpSettings(host="127.0.0.1", port=9, security="none", timeout=2)))
    desk.queue.approve(ADMIN, "d1")
    with pytest.raises(SourceError, match="did not take the message"):
        desk.queue.export(ADMIN, "d1", "smtp")
    assert desk.queue.get(ADMIN, "d1")["status"] == "approved"


def test_a_draft_without_a_recipient_is_no_message(tmp_path: Path) -> None:
    held = letter(tmp_path).model_dump() | {"to": ""}
    with pytest.raises(UsageError, match="has no recipient"):
        Outbox(DraftsSettings()).message("d1", held)


def test_marks_and_emphasis_are_not_sent() -> None:
    assert plain_text("**A** b. [1][2] C [3]\n\nD  \nE") == "A b. C\n\nD\nE\n"
    assert html_text("A <b>\n\nB", []).count("<p>") == 2
