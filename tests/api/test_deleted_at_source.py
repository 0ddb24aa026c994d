"""A record or document that is deleted at its source is gone from every store and memory within a minute of its sync,
while the server that holds them goes on, and other sources take their time."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.settings import load_settings
from api.wiring import open_workspace
from api.workspace import Workspace
from index.scope import Scope
from index.vectors.gateway import Narrow
from tests.governed import build

NAME, KEY = "Zirbelkiefer Bergsport", "ZK-40417"
SEATS, SACKS = f"How many seats does {NAME} have?", "What do the notes say about bivouac sacks?"
WITHIN_S = 60.0


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    home = build(tmp_path / "home")
    with (home / "files" / "crm" / "accounts.csv").open("a") as file:
        file.write(f"{KEY},{NAME},EMEA,SMB,Active,17\n")
    (home / "files" / "notes" / "visit.md").write_text("# A visit\n\nThey wanted bivouac sacks. All is well.\n")
    opened = open_workspace(home, load_settings(home)).inner
    assert isinstance(opened, Workspace)
    opened.ingest([], False, silent)
    yield opened
    opened.close()


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Progress that nobody follows."""


def places(workspace: Workspace, scope: Scope, about: str) -> dict[str, Callable[[], bool]]:
    """Where the customer and the note may still be: true as long as it is."""

    def rows() -> bool:
        assert workspace._store is not None
        return any(KEY in row for row in workspace._store.rows("accounts", ["_key"]))

    def documents() -> bool:
        assert workspace._store is not None
        return any(held.document.doc_id == "notes:visit.md" for held in workspace._store.documents("notes"))

    def vectors() -> bool:
        live, embedder = workspace._live, workspace._embedder
        assert live is not None and live.gateway is not None and embedder is not None
        vector = embedder.embed_query("bivouac sacks")
        hits = live.gateway.search(scope, vector, None, narrow=Narrow(), limit=1000)
        return any(hit.doc_id == "notes:visit.md" for hit in hits)

    def asked(question: str, word: str) -> Callable[[], bool]:
        def found() -> bool:
            answer = workspace.ask(question, scope)
            return word in json.dumps([[c.model_dump(mode="json") for c in answer.citations], answer.answer])

        return found

    def kept(table: str, column: str, one: str) -> Callable[[], bool]:
        def found() -> bool:
            with workspace._engines[0].connect() as connection:
                query = f"SELECT count(*) FROM {table} WHERE {column} = '{one}'"
                return bool(connection.exec_driver_sql(query).scalar())

        return found

    return {
        "rows": rows,
        "documents": documents,
        "vectors": vectors,
        "remembered rows": asked(SEATS, "17"),
        "remembered plans": asked(SACKS, "notes:visit.md"),
        "search": lambda: any(p.doc_id == "notes:visit.md" for p in workspace.search("bivouac sacks", scope, 20)),
        "answers kept": kept("_tower_answers", "id", about),
        "turns": kept("_tower_turns", "answer_id", about),
        "drafts": kept("_tower_drafts", "id", "d-gone"),
    }


def plant(workspace: Workspace, scope: Scope) -> str:
    """An answer and a draft about the customer; the answer's id."""
    about = workspace.ask(SEATS, scope)
    draft = {"id": "d-gone", "kind": "retention", "entity": "account", "key": KEY, "subject": "Hello", "body": "We"}
    workspace._ledger.save_draft(scope, "d-gone", about.id, "account", KEY, json.dumps(draft))
    return about.id


def delete_at_the_source(home: Path) -> None:
    accounts = home / "files" / "crm" / "accounts.csv"
    accounts.write_text("".join(line for line in accounts.open() if not line.startswith(f"{KEY},")))
    (home / "files" / "notes" / "visit.md").unlink()


def test_what_is_deleted_at_its_source_is_gone_everywhere_within_a_minute_of_its_sync(
    workspace: Workspace, record_property: Callable[[str, Any], None]
) -> None:
    scope = workspace.scope_for("root")
    where = places(workspace, scope, plant(workspace, scope))
    assert [name for name, there in where.items() if not there()] == []
    delete_at_the_source(workspace.home)
    workspace.ingest([], False, silent)
    synced = time.monotonic()
    assert [name for name, there in where.items() if there()] == []
    seconds = time.monotonic() - synced
    record_property("seconds", seconds)
    print(f"gone from {', '.join(where)}: looked at within {seconds:.2f} s of the end of the sync")
    assert seconds < WITHIN_S


def test_it_does_not_wait_for_the_sources_behind_it(workspace: Workspace) -> None:
    """A source that is read after it waits here until all is gone, as one that takes hours would."""
    scope = workspace.scope_for("root")
    where = places(workspace, scope, plant(workspace, scope))
    late = workspace.home / "files" / "late"
    shutil.copytree(workspace.home / "files" / "notes", late)
    delete_at_the_source(workspace.home)
    gone, waited = threading.Event(), threading.Event()
    left: list[str] = list(where)

    def hold(what: str, _done: int, _total: int | None) -> None:
        if what.startswith("slow"):
            waited.set()
            assert gone.wait(WITHIN_S), f"still there: {left}"

    assert workspace._sources is not None
    sources = workspace._sources.sources
    sources["slow"] = sources["notes"].model_copy(update={"path": "files/late"})
    thread = threading.Thread(target=workspace.ingest, args=([], False, hold))
    thread.start()
    try:
        assert waited.wait(WITHIN_S), "the last source was never read"
        began = time.monotonic()
        while left and time.monotonic() - began < WITHIN_S:
            left[:] = [name for name in left if where[name]()]
        assert left == []
    finally:
        gone.set()
        thread.join()
