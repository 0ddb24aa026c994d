"""Every door of a workspace leaves a record before its result leaves, and the record holds no contents."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.audit import Audited
from api.cli import main
from api.http.app import create_app
from api.service import Opener
from index.audit import LOG, AuditLog
from index.errors import NotFoundError, PolicyError, SqlRejected, StorageError
from index.scope import Scope
from tests.api.fake import CATALOGUE, FakeService

ADMIN = Scope.administrator(CATALOGUE, frozenset({"all"}))


@pytest.fixture
def inner() -> FakeService:
    return FakeService()


@pytest.fixture
def service(inner: FakeService, tmp_path: Path) -> Audited:
    return Audited(inner, AuditLog(tmp_path))


def opener(service: Audited) -> Opener:
    return lambda home, settings, sql_url=None: service


def test_an_answer_is_recorded_by_ids_counts_and_hashes_only(service: Audited, tmp_path: Path) -> None:
    service.ask("Who leaves?", ADMIN)
    service.ask("How many accounts?", ADMIN)
    first, second = service.audit_tail(ADMIN, 5)
    assert (first["class_uid"], first["type_uid"], first["status"]) == (6003, 600302, "success")
    assert (first["actor"]["user"]["name"], first["api"]["operation"]) == ("admin", "ask")
    assert (first["drafts"], first["tables"]) == (["d1"], ["accounts"])
    assert second["counts"] == {"rows": 1, "passages": 0, "citations": 1}
    text = (tmp_path / LOG).read_text(encoding="utf-8")
    assert not any(word in text for word in ("leaves", "Ann & Co", "How many", "ann@example.com", "There are"))


def test_a_refusal_is_recorded_as_one(service: Audited) -> None:
    service.ask("What is love?", ADMIN)
    assert service.audit_tail(ADMIN, 1)[0]["route"] == "refuse"


DOORS: dict[str, Callable[[Audited], Any]] = {
    "explain": lambda s: s.explain("How many accounts?", ADMIN),
    "search": lambda s: s.search("zips", ADMIN, 3),
    "sql": lambda s: s.sql("SELECT name FROM accounts", ADMIN),
    "churn": lambda s: s.churn(ADMIN, "A1"),
    "scores.versions": lambda s: s.models.versions(ADMIN),
    "scores.card": lambda s: s.models.card(ADMIN),
    "scores.train": lambda s: s.models.train(ADMIN, lambda *_: None),
    "drafts.list": lambda s: s.drafts.list(ADMIN),
    "drafts.get": lambda s: s.drafts.get(ADMIN, "d1"),
    "drafts.edit": lambda s: s.drafts.edit(ADMIN, "d1", subject="Secret"),
    "drafts.approve": lambda s: s.drafts.approve(ADMIN, "d1"),
    "drafts.lint": lambda s: s.drafts.lint(ADMIN, "d1"),
    "drafts.reject": lambda s: s.drafts.reject(ADMIN, "d1", "Secret"),
    "ingest": lambda s: s.ingest((), False, lambda *_: None),
    "reindex": lambda s: s.reindex((), False, False, lambda *_: None),
    "roll_back": lambda s: s.roll_back(lambda *_: None),
    "ask": lambda s: s.ask("How many accounts?", ADMIN, on_event=lambda *_: None),
}
ANNOUNCED = (
    "drafts.edit", "drafts.approve", "drafts.reject", "scores.train", "ingest", "reindex", "roll_back", "ask"
)  # fmt: skip


@pytest.mark.parametrize("name", DOORS)
def test_every_door_is_recorded_and_changes_are_announced(name: str, service: Audited, tmp_path: Path) -> None:
    DOORS[name](service)
    records = service.audit_tail(ADMIN, 5)
    assert [record["api"]["operation"] for record in records] == [name] * len(records)
    statuses = [record["status"] for record in records]
    assert statuses == (["started", "success"] if name in ANNOUNCED else ["success"])
    assert len({record["metadata"]["correlation_uid"] for record in records}) == 1
    assert "Secret" not in (tmp_path / LOG).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DOORS)
def test_an_unwritable_log_lets_nothing_out_and_changes_nothing(
    name: str, service: Audited, inner: FakeService, tmp_path: Path
) -> None:
    (tmp_path / "logs").write_text("", encoding="utf-8")
    with pytest.raises(StorageError):
        DOORS[name](service)
    held = inner.drafts.held["d1"]
    assert (held["status"], held["subject"]) == ("proposed", "Your seats")


def test_failures_and_policy_refusals_are_recorded_with_their_code(service: Audited) -> None:
    with pytest.raises(SqlRejected):
        service.sql("DROP TABLE accounts", ADMIN)
    with pytest.raises(NotFoundError):
        service.drafts.get(ADMIN, "nothing")
    with pytest.raises(KeyError):
        service.ask("crash", ADMIN)
    with pytest.raises(PolicyError):
        service.scope_for("mallory")
    with pytest.raises(PolicyError):
        service.audit_tail(Scope.nothing("eve"), 5)
    found = [(r["actor"]["user"]["name"], r["status_code"]) for r in service.audit_tail(ADMIN, 9)]
    assert found == [
        ("admin", "sql_rejected"), ("admin", "not_found"), ("admin", "internal"), ("mallory", "forbidden"),
        ("eve", "forbidden"),
    ]  # fmt: skip
    assert service.audit_tail(ADMIN, 2)[0]["severity_id"] == 3


def test_http_serves_the_log_and_records_carry_the_request_id(service: Audited) -> None:
    client = TestClient(create_app(service))
    for accept in ("application/json", "text/event-stream"):
        headers = {"X-Request-ID": f"id-{accept[:4]}", "Accept": accept}
        client.post("/v1/ask", json={"question": "How many accounts?"}, headers=headers)
    records = client.get("/v1/audit", params={"n": 3}).json()["records"]
    assert [record["metadata"]["correlation_uid"] for record in records] == ["id-appl", "id-text", "id-text"]
    assert client.get("/v1/audit", params={"n": 0}).status_code == 422
    verdict = client.get("/v1/audit/verify").json()
    assert (verdict["intact"], verdict["records"]) == (True, 3)
    assert client.get("/v1/audit/verify", params={"head": verdict["head"]}).json() == verdict
    assert client.get("/v1/audit/verify", params={"head": "x"}).json()["code"] == "bad_input"


def test_http_answers_507_when_the_log_cannot_be_written(service: Audited, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("", encoding="utf-8")
    response = TestClient(create_app(service)).post("/v1/ask", json={"question": "How many accounts?"})
    assert (response.status_code, response.json()["code"]) == (507, "storage_failed")
    assert "3 accounts" not in response.text


def test_the_command_line_verifies_and_names_the_first_broken_record(
    service: Audited, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tower.yaml").write_text("{}\n", encoding="utf-8")
    home = ["--home", str(tmp_path)]
    for _ in range(4):
        service.ask("How many accounts?", ADMIN)
    assert main(["audit", "verify", *home], opener=opener(service)) == 0
    assert "4 records, all intact" in capsys.readouterr().out
    assert main(["audit", "tail", "-n", "2", "--json", *home], opener=opener(service)) == 0
    assert [record["seq"] for record in json.loads(capsys.readouterr().out)] == [3, 4]
    assert main(["audit", "tail", *home], opener=opener(service)) == 0
    assert capsys.readouterr().out.count("admin  ask  success sql accounts") == 4
    assert main(["audit", "tail", "-n", "0", *home], opener=opener(service)) == 2
    capsys.readouterr()

    path = tmp_path / LOG
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[2], lines[3]]))
    assert main(["audit", "verify", *home], opener=opener(service)) == 1
    assert capsys.readouterr().out.startswith("record 2 is broken")
    assert main(["audit", "verify", "--json", *home], opener=opener(service)) == 1
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["intact"], verdict["broken"]) == (False, 2)
