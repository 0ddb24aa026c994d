"""`tower forget`: a planted customer is found by no store and no byte afterwards, and no sync brings it back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.access.signin import SignIn
from api.access.tokens import issue
from api.audit import Audited
from api.cli import main
from api.http.app import create_app
from api.settings import SigninSettings, load_settings
from api.wiring import open_workspace
from index.errors import StorageError
from tests.governed import build

NAME, KEY, MAIL = "Zirbelkiefer Bergsport", "ZK-40417", "hanna.obermoser@zirbelkiefer.example"
PERSON = "Hanna Obermoser"
PLANTED = (NAME, KEY, MAIL, PERSON)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a customer of its own in every table, in two documents, and in another customer's cell."""
    home = build(tmp_path_factory.mktemp("planted") / "home")
    crm, notes = home / "files" / "crm", home / "files" / "notes"
    for name, line in (
        ("accounts", f"{KEY},{NAME},EMEA,SMB,Active,17"),
        ("contacts", f"CZ1,{KEY},{PERSON},{MAIL},pin-z"),
        ("orders", f"OZ1,{KEY},P1,2026-02-02,71.5"),
        ("orders", f"OZ2,{KEY},P2,2026-02-03,81.5"),
        ("accounts", f"A9,Dealer for {NAME},EMEA,SMB,Active,3"),
    ):
        with (crm / f"{name}.csv").open("a") as file:
            file.write(line + "\n")
    (notes / "visit.md").write_text(f"# A visit\n\nSaw {NAME} about bivouac sacks. All is well.\n")
    (notes / f"{KEY}.md").write_text("# Another\n\nThey like quilted anoraks.\n")
    assert main(["ingest", "--as", "root", "--home", str(home)]) == 0
    return home


@pytest.fixture
def home(planted: Path, tmp_path: Path) -> Path:
    shutil.copytree(planted, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def workspace(home: Path) -> Iterator[Audited]:
    opened = open_workspace(home, load_settings(home))
    yield opened
    opened.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def run(home: Path, *arguments: str, status: int = 0) -> Any:
        capsys.readouterr()
        assert main([*arguments, "--as", "root", "--json", "--home", str(home)]) == status
        return json.loads(capsys.readouterr().out)

    return run


def files_with(home: Path, *texts: str) -> list[str]:
    """The files of a workspace that hold one of `texts` in their bytes or names, but for those of its sources."""
    ours = [path for path in home.rglob("*") if path.is_file() and home / "files" not in path.parents]
    return [
        path.name for path in ours for text in texts
        if text.encode() in path.read_bytes() or text in path.name
    ]  # fmt: skip


def rows(run: Callable[..., Any], home: Path, sql: str) -> list[list[Any]]:
    found: list[list[Any]] = run(home, "sql", sql)["rows"]
    return found


def test_nothing_of_it_is_left_and_no_sync_brings_it_back(home: Path, run: Callable[..., Any]) -> None:
    asked = run(home, "ask", f"How many seats does {NAME} have?", "--conversation", "c1")
    run(home, "feedback", "give", asked["id"], "--down", "--comment", f"{NAME} has more")
    assert files_with(home, *PLANTED)
    looked = run(home, "forget", "--entity", KEY, "--dry-run")["stores"]
    assert (looked["rows: accounts"], looked["rows: orders"], looked["documents"]) == (1, 2, 2)
    assert rows(run, home, f"SELECT COUNT(*) FROM orders WHERE account_id = '{KEY}'") == [[2]]
    receipt = run(home, "forget", "--entity", KEY, "--yes")
    removed = {store["store"]: store["removed"] for store in receipt["stores"]}
    assert receipt["absent"] and not any(store["left"] for store in receipt["stores"])
    assert removed["rows: contacts"] == 1 and removed["kept answers"] >= 1 and removed["feedback"] == 1
    assert removed["vectors and keywords"] == 2
    assert files_with(home, *PLANTED) == []
    assert "no answer" in run(home, "replay", asked["id"], status=1)["error"]["message"]
    for arguments in (("ingest", "--full"), ("reindex",)):
        run(home, *arguments)
        assert rows(run, home, f"SELECT COUNT(*) FROM accounts WHERE account_id = '{KEY}'") == [[0]]
        assert rows(run, home, "SELECT COUNT(*) FROM orders") == [[24]]
        assert rows(run, home, "SELECT name FROM accounts WHERE account_id = 'A9'")[0][0].startswith("Dealer for █")
        assert not {hit["doc_id"] for hit in run(home, "search", "bivouac anoraks")["hits"]} & {
            "notes:visit.md", f"notes:{KEY}.md",
        }  # fmt: skip
        assert files_with(home, *PLANTED) == []


def test_what_its_sources_say_of_it_later_is_kept_out_too(home: Path, run: Callable[..., Any]) -> None:
    run(home, "forget", "--entity", f"account:{KEY}", "--yes")
    with (home / "files" / "crm" / "orders.csv").open("a") as file:
        file.write(f"OZ3,{KEY},P1,2026-03-02,91.5\nOA9,A1,P1,2026-03-02,92.5\n")
    (home / "files" / "notes" / "later.md").write_text(f"# Later\n\n{NAME} called again.\n")
    (home / "files" / "notes" / "other.md").write_text("# Other\n\nThe Zirbelkiefer is a pine.\n")
    run(home, "ingest")
    assert rows(run, home, "SELECT order_id FROM orders WHERE order_id IN ('OZ3', 'OA9')") == [["OA9"]]
    found = {hit["doc_id"] for hit in run(home, "search", "Zirbelkiefer pine called", "-k", "20")["hits"]}
    assert "notes:other.md" in found and "notes:later.md" not in found
    assert files_with(home, NAME, KEY) == []


def test_undo_lets_it_come_in_again(home: Path, run: Callable[..., Any]) -> None:
    run(home, "forget", "--entity", KEY, "--yes")
    assert run(home, "forget", "--entity", KEY, "--undo") == {"entity": "account", "lifted": True}
    run(home, "ingest", "--full")
    assert rows(run, home, f"SELECT name FROM accounts WHERE account_id = '{KEY}'") == [[NAME]]
    assert {hit["doc_id"] for hit in run(home, "search", "bivouac sacks")["hits"]} >= {"notes:visit.md"}


def test_a_kill_after_the_index_is_made_good_by_the_same_command(
    home: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise StorageError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr("ingest.forget._vectors", dies)
        assert run(home, "forget", "--entity", KEY, "--yes", status=1)["error"]["code"] == "storage_failed"
    assert rows(run, home, f"SELECT COUNT(*) FROM accounts WHERE account_id = '{KEY}'") == [[0]]
    assert files_with(home, KEY)  # the vector index has it still
    assert len(run(home, "status")["forgetting"]) == 1
    receipt = run(home, "forget", "--entity", KEY, "--yes")
    removed = {store["store"]: store["removed"] for store in receipt["stores"]}
    assert receipt["absent"] and removed["rows: orders"] == 2 and files_with(home, *PLANTED) == []
    assert run(home, "status")["forgetting"] == []


def test_an_error_within_the_index_changes_nothing(
    home: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise StorageError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr("index.forgetting.erase.save", dies)
        run(home, "forget", "--entity", KEY, "--yes", status=1)
    assert rows(run, home, f"SELECT COUNT(*) FROM orders WHERE account_id = '{KEY}'") == [[2]]


def test_it_needs_a_right_a_word_and_a_key_that_is_there(home: Path, run: Callable[..., Any]) -> None:
    assert main(["forget", "--entity", KEY, "--yes", "--as", "emma", "--home", str(home)]) == 3
    assert "for good" in run(home, "forget", "--entity", KEY, status=2)["error"]["message"]
    assert "no entity" in run(home, "forget", "--entity", "nobody", "--yes", status=1)["error"]["message"]
    assert rows(run, home, f"SELECT COUNT(*) FROM accounts WHERE account_id = '{KEY}'") == [[1]]


def test_the_audit_log_names_the_receipt_and_not_the_customer(home: Path, run: Callable[..., Any]) -> None:
    receipt = run(home, "forget", "--entity", KEY, "--yes")
    record = run(home, "audit", "tail", "-n", "1")[-1]
    assert (record["api"]["operation"], record["receipt"]) == ("forget", receipt["receipt"])
    (written,) = (home / "receipts").glob("*.json")
    assert json.loads(written.read_text())["absent"] is True and receipt["receipt"] in written.name
    assert KEY not in written.read_text() and NAME not in written.read_text()


def test_the_server_forgets_for_who_may(workspace: Audited, home: Path) -> None:
    client = TestClient(create_app(workspace, sign_in=SignIn(SigninSettings(), home)))
    ask = {"entity": KEY, "mode": "forget"}
    headers = {user: {"Authorization": f"Bearer {issue(home, user, 1)}"} for user in ("emma", "root")}
    assert client.post("/v1/admin/forget", json=ask, headers=headers["emma"]).status_code == 403
    assert client.post("/v1/admin/forget", json={**ask, "mode": "x"}, headers=headers["root"]).status_code == 422
    assert client.post("/v1/admin/forget", json=ask, headers=headers["root"]).json()["absent"] is True
    asked = client.post("/v1/search", json={"query": "bivouac sacks"}, headers=headers["root"]).json()
    assert "notes:visit.md" not in {hit["doc_id"] for hit in asked["hits"]}


def test_what_is_deleted_at_its_source_leaves_answers_and_drafts(home: Path, run: Callable[..., Any]) -> None:
    about = run(home, "ask", f"How many seats does {NAME} have?")
    other = run(home, "ask", "List customers in APAC")
    noted = run(home, "ask", "What do the notes say about bivouac sacks?")
    assert about["citations"] and other["citations"]
    _save_draft(home, "d-gone", KEY)
    _save_draft(home, "d-stays", "A1")
    accounts = home / "files" / "crm" / "accounts.csv"
    accounts.write_text("".join(line for line in accounts.open() if not line.startswith(f"{KEY},")))
    (home / "files" / "notes" / "visit.md").unlink()
    run(home, "ingest")
    assert "no answer" in run(home, "replay", about["id"], status=1)["error"]["message"]
    assert run(home, "replay", other["id"])["answer"]["id"]
    if any(one.get("doc_id") == "notes:visit.md" for one in noted["citations"]):
        assert "no answer" in run(home, "replay", noted["id"], status=1)["error"]["message"]
    assert [draft["id"] for draft in run(home, "drafts", "list")] == ["d-stays"]


def _save_draft(home: Path, draft_id: str, key: str) -> None:
    workspace = open_workspace(home, load_settings(home))
    try:
        draft = {"id": draft_id, "kind": "retention", "entity": "account", "key": key, "subject": "Hello", "body": "We"}
        inner: Any = workspace.inner
        inner._ledger.save_draft(workspace.scope_for("root"), draft_id, "a", "account", key, json.dumps(draft))
    finally:
        workspace.close()
