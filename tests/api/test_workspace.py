"""An open workspace under several threads, and with parts that fail."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from api.settings import load_settings
from api.wiring import open_workspace
from index.errors import StorageError
from index.scope import Scope
from tests.governed import build


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("workspace") / "home")


def test_upkeep_that_ends_while_somebody_is_let_in_holds_nobody_up(home: Path) -> None:
    """Both sides take two locks: taken in different orders, the server would stand still."""
    service = open_workspace(home, load_settings(home))
    workspace = service.inner
    principals = workspace.principals
    letting_in, forgotten = threading.Event(), threading.Event()
    complete = principals._complete

    def slowly(scope: Scope) -> Scope:
        letting_in.set()
        forgotten.wait(0.3)  # upkeep ends here, between this caller's lock and the catalogue
        return complete(scope)

    principals._complete = slowly
    found: list[Any] = []
    entering = threading.Thread(target=lambda: found.append(service.scope_for("emma")), daemon=True)
    entering.start()
    assert letting_in.wait(10)
    ending = threading.Thread(target=workspace._forget, daemon=True)
    ending.start()
    entering.join(10)
    ending.join(10)
    assert not entering.is_alive() and not ending.is_alive()
    assert found[0].principal.name == "emma"
    service.close()


def test_a_healthy_workspace_says_so_and_a_broken_part_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = open_workspace(home, load_settings(home))
    assert service.health() == {"records": "", "passages": ""}

    def gone() -> int:
        raise StorageError("the vector engine does not answer")

    monkeypatch.setattr(service.inner._live.gateway, "count", gone)
    assert service.health() == {"records": "", "passages": "the vector engine does not answer"}
    service.close()


def test_records_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    home = build(tmp_path / "home")
    service = open_workspace(home, load_settings(home))
    assert service.health()["records"] == ""
    with sqlite3.connect(home / "tower.db") as connection:
        connection.execute('DROP TABLE "accounts"')
    assert service.health()["records"] != ""
    service.close()


def test_an_answer_is_proven_from_the_source_and_not_from_what_was_remembered(tmp_path: Path) -> None:
    home = build(tmp_path / "home")
    service = open_workspace(home, load_settings(home))
    scope = service.scope_for("root")
    answer = service.ask("How many customers do we have?", scope)
    assert answer.route.path == "sql" and not service.check_citations(answer, scope)
    with sqlite3.connect(home / "tower.db") as connection:
        connection.execute("DELETE FROM accounts WHERE rowid = (SELECT MIN(rowid) FROM accounts)")
    assert service.check_citations(answer, scope)
    service.close()
