"""OData v2 and v4: the contract by scan, cursor and delta link; metadata; parts of entities."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.errors import SourceError
from index.store.store import Store
from ingest.config import load_sources
from ingest.connectors.support.edmx import parse_metadata
from ingest.progress import SyncReport
from ingest.sync.sources import sync
from tests.ingest.company import open_store
from tests.ingest.connectors.contract import ConnectorContract
from tests.ingest.connectors.simulators.odata import ODataService

SAMPLES = Path(__file__).parent / "samples"


def edmx(version: int) -> str:
    return (SAMPLES / f"orders_v{version}.edmx").read_text(encoding="utf-8")


def source(service: ODataService, **more: Any) -> dict[str, Any]:
    return {
        "kind": "odata",
        "url": f"{service.url}/odata",
        "auth": {"type": "basic", "user": service.user, "password": service.password},
        "sets": ["A_Order"],
        "tables": {"orders": {"from": "A_Order"}},
        "timeout": 0.25,
        "first_wait": 0.005,
        "longest_wait": 0.05,
        **more,
    }


class ODataContract(ConnectorContract):
    table = "orders"
    secret = ODataService.password
    version = 2
    more: dict[str, Any] = {}  # noqa: RUF012

    @pytest.fixture
    def system(self) -> Iterator[ODataService]:
        service = ODataService(edmx(self.version))
        with service.running():
            yield service

    def source(self, system: ODataService, home: Path) -> dict[str, Any]:
        return source(system, **self.more)

    def key(self, number: int) -> str:
        return f"O{number:04d}"

    def write(self, system: ODataService, number: int, text: str) -> None:
        system.change("A_Order", self.key(number), Order=self.key(number), name=text)

    def remove(self, system: ODataService, number: int) -> None:
        system.drop("A_Order", self.key(number))


class TestVersion2Whole(ODataContract):
    version = 2


class TestVersion4Whole(ODataContract):
    version = 4


class TestVersion2ByCursor(ODataContract):
    version = 2
    more = {"cursors": {"A_Order": "LastChange"}}  # noqa: RUF012


class TestVersion4ByCursor(ODataContract):
    version = 4
    more = {"cursors": {"A_Order": "LastChange"}}  # noqa: RUF012


class TestVersion2ByDelta(ODataContract):
    version = 2
    more = {"delta": ["A_Order"]}  # noqa: RUF012

    def silenced(self, system: ODataService, home: Path, store: Store) -> SyncReport | None:
        self.sync(system, home, store)
        assert self.held(store) == {}  # each delete was told
        return None


class TestVersion4ByDelta(TestVersion2ByDelta):
    version = 4


@pytest.mark.parametrize("version", [2, 4])
def test_values_come_in_their_types(tmp_path: Path, version: int) -> None:
    service = ODataService(edmx(version))
    store = open_store(tmp_path)
    with service.running():
        service.change("A_Order", "1", Order="1", name="x", NetAmount=12.5, Blocked=False)
        _sync(service, tmp_path, store)
    types = {c.name: c.type for c in store.tables()["orders"].columns}
    assert types == {
        "order": "text", "name": "text", "net_amount": "number", "last_change": "datetime", "blocked": "boolean",
    }  # fmt: skip
    ((amount, blocked, moment),) = store.rows("orders", ["net_amount", "blocked", "last_change"])
    assert (amount, blocked, str(moment)) == (12.5, False, "2026-03-01 08:00:01")


@pytest.mark.parametrize("version", [2, 4])
def test_the_parts_of_entities_become_records_with_their_parents_key(tmp_path: Path, version: int) -> None:
    service = ODataService(edmx(version), parts={"to_Item": ("A_OrderItem", "Order")}, page=3)
    store = open_store(tmp_path)
    more = {"sets": ["A_Order", "A_Order/to_Item"], "tables": {"orders": {"from": "A_Order"}, "items": {"from": "A_Order/to_Item"}}}  # fmt: skip  # noqa: E501
    with service.running():
        for n in range(7):
            service.change("A_Order", str(n), Order=str(n), name=f"n{n}")
            for item in range(n % 3):
                service.change("A_OrderItem", f"{n}-{item}", Order=str(n), Item=str(item), Quantity=item + 1)
        _sync(service, tmp_path, store, **more)
        assert len(list(store.rows("items", ["item"]))) == sum(n % 3 for n in range(7))
        assert next(store.rows("items", ["_key", "a_order_order", "quantity"])) == (
            "1|1|0" if version == 2 else "1|0",
            "1",
            1,
        )
        service.remove("A_OrderItem", "1-0")
        assert _sync(service, tmp_path, store, **more).totals.deleted == 1


def test_a_delta_link_that_expired_reads_all_again_and_finds_what_is_gone(tmp_path: Path) -> None:
    service = ODataService(edmx(4))
    store = open_store(tmp_path)
    with service.running():
        for n in range(25):
            service.change("A_Order", str(n), Order=str(n), name=f"n{n}")
        _sync(service, tmp_path, store, delta=["A_Order"])
        service.drop("A_Order", "3")
        service.delta_from = len(service.log) + 1
        report = _sync(service, tmp_path, store, delta=["A_Order"])
    assert report.totals.deleted == 1 and "expired" in report.warnings[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<a><b></a>", "not well-formed"),
        ("<html/>", "no schema"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "document type"),
        ('<e:Edmx Version="4.0"/>', "not well-formed"),
    ],
)
def test_metadata_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        parse_metadata(text, "it")


def test_a_set_or_part_that_is_not_there_is_named_with_what_is_near(tmp_path: Path) -> None:
    service = ODataService(edmx(4))
    store = open_store(tmp_path)
    with service.running():
        for name, hint in (("A_Ordr", "'A_Order'"), ("A_Order/to_Items", "'to_Item'")):
            more = {"sets": [name], "tables": {"orders": {"from": name}}}
            assert hint in _sync(service, tmp_path, store, ok=False, **more).hint


def _sync(service: ODataService, home: Path, store: Store, ok: bool = True, **more: Any) -> SyncReport:
    (report,) = sync(load_sources({"it": source(service, **more)}, home, {}), store, None)
    assert report.ok is ok, report.message
    return report
