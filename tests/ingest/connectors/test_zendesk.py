"""Tickets by incremental export: the contract, and that each ticket is a document too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.store.store import Store
from ingest.config import load_sources
from ingest.progress import SyncReport
from ingest.sync.sources import sync
from tests.ingest.company import open_store
from tests.ingest.connectors.contract import ConnectorContract
from tests.ingest.connectors.simulators.base import Faults
from tests.ingest.connectors.simulators.zendesk import Zendesk


def source(desk: Zendesk, **more: Any) -> dict[str, Any]:
    return {
        "kind": "zendesk", "url": desk.url, "email": desk.email, "api_token": desk.secret,
        "tables": {"tickets": {}}, "timeout": 0.25, "first_wait": 0.005, "longest_wait": 0.05, **more,
    }  # fmt: skip


class TestContract(ConnectorContract):
    table, column, secret = "tickets", "subject", Zendesk.secret

    @pytest.fixture
    def system(self) -> Iterator[Zendesk]:
        desk = Zendesk()
        with desk.running():
            yield desk

    def source(self, system: Zendesk, home: Path) -> dict[str, Any]:
        return source(system)

    def write(self, system: Zendesk, number: int, text: str) -> None:
        system.change(number, subject=text, description="It does not work.")

    def remove(self, system: Zendesk, number: int) -> None:
        system.drop(number)

    def silenced(self, system: Zendesk, home: Path, store: Store) -> SyncReport | None:
        self.sync(system, home, store)
        assert self.held(store) == {}  # each delete was told
        return None


def test_tickets_are_documents_and_organizations_come_by_time(tmp_path: Path) -> None:
    desk = Zendesk()
    store = open_store(tmp_path)
    with desk.running():
        for n in range(5):
            desk.change(n, subject=f"Boots {n}", description="The sole came off.")
            desk.put("organizations", str(n), id=n, name=f"o{n}", updated_at=desk.stamp())
        config = load_sources({"desk": source(desk, tables={"tickets": {}, "organizations": {}})}, tmp_path, {})
        assert sync(config, store, None)[0].ok
        assert [d.document.doc_id for d in store.documents("desk")] == [f"desk:{n}" for n in range(5)]
        desk.drop(3)
        assert sync(config, store, None)[0].ok
        assert len(list(store.documents("desk"))) == 4
        assert len(list(store.rows("organizations", ["id"]))) == 5


def test_doubled_and_reordered_deliveries_end_in_the_last_state(tmp_path: Path) -> None:
    desk = Zendesk(page=7)
    store = open_store(tmp_path)
    with desk.running():
        for n in range(30):
            desk.change(n % 11, subject=f"version {n}")
        desk.drop(4)
        desk.faults = Faults(("duplicates", "reordered"), rate=0.8)
        config = load_sources({"desk": source(desk)}, tmp_path, {})
        for _ in range(3):
            assert sync(config, store, None)[0].ok
        expected = {int(k): v["subject"] for k, v in desk.rows["tickets"].items()}
        assert dict(store.rows("tickets", ["id", "subject"])) == expected
