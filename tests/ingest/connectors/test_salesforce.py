"""Salesforce: the contract, both ways to sign in, deletes, limits, locators that expire, bulk."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
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
from tests.ingest.connectors.simulators.salesforce import Salesforce


def source(org: Salesforce, **more: Any) -> dict[str, Any]:
    return {
        "kind": "salesforce",
        "login_url": org.url,
        "client_id": org.client,
        "client_secret": org.secret,
        "objects": ["Account"],
        "tables": {"accounts": {"from": "Account"}},
        "timeout": 0.25,
        "first_wait": 0.005,
        "longest_wait": 0.05,
        "bulk_wait": 0.01,
        **more,
    }


class TestContract(ConnectorContract):
    table = "accounts"
    secret = Salesforce.secret
    more: dict[str, Any] = {}  # noqa: RUF012

    @pytest.fixture
    def system(self) -> Iterator[Salesforce]:
        org = Salesforce()
        with org.running():
            yield org

    def source(self, system: Salesforce, home: Path) -> dict[str, Any]:
        return source(system, **self.more)

    def key(self, number: int) -> str:
        return f"001{number:012d}AAA"

    def write(self, system: Salesforce, number: int, text: str) -> None:
        system.change("Account", self.key(number), Name=text)

    def remove(self, system: Salesforce, number: int) -> None:
        system.tick(70)
        system.remove("Account", self.key(number))

    def silenced(self, system: Salesforce, home: Path, store: Store) -> SyncReport | None:
        """Deletes are told one by one, and happen; asked for all ids, nothing there is refused."""
        system.graves.clear()
        (report,) = sync(self.config(system, home), store, None, reconcile=True)
        return report


TestContract.column = "name"


class TestBulk(TestContract):
    more = {"bulk_above": 5, "bulk_page": 10}  # noqa: RUF012


@pytest.fixture
def org() -> Iterator[Salesforce]:
    made = Salesforce()
    with made.running():
        for n in range(35):
            made.change("Account", f"A{n:03d}", Name=f"n{n}", Amount=n * 1.5, Active=True, CloseDate="2026-01-02")
        yield made


def _sync(org: Salesforce, home: Path, store: Store, ok: bool = True, **more: Any) -> SyncReport:
    options = {k: more.pop(k) for k in ("full", "reconcile") if k in more}
    (report,) = sync(load_sources({"it": source(org, **more)}, home, {}), store, None, **options)
    assert report.ok is ok, report.message
    return report


def test_types_come_from_describe(org: Salesforce, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    _sync(org, tmp_path, store)
    types = {c.name: c.type for c in store.tables()["accounts"].columns}
    assert types == {
        "id": "text", "system_modstamp": "datetime", "name": "text", "amount": "number", "active": "boolean",
        "close_date": "date",
    }  # fmt: skip


@cache
def _keys() -> tuple[str, str]:
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode()
    return private, key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("skew", [0, 24, -24])
def test_a_signed_assertion_signs_in_whatever_our_clock_says(tmp_path: Path, skew: float) -> None:
    org = Salesforce(skew=skew)
    private, org.public_key = _keys()
    with org.running():
        org.change("Account", "A1", Name="x")
        jwt = {"private_key": private, "user": "integration@example.com", "client_secret": ""}
        store = open_store(tmp_path)
        assert _sync(org, tmp_path, store, **jwt).totals.loaded == 1
        wrong = _sync(org, tmp_path, store, ok=False, **{**jwt, "client_id": "other"})
        assert "sign-in was refused" in wrong.message and "PRIVATE" not in wrong.message


def test_a_token_that_expires_in_the_middle_is_renewed(org: Salesforce, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    org.faults = Faults(("expired",), rate=0.4, most=5)
    _sync(org, tmp_path, store)
    assert org.faults.happened and len(list(store.rows("accounts", ["id"]))) == 35


def test_a_locator_that_expired_is_asked_for_anew(org: Salesforce, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    org.forget_locators = True
    _sync(org, tmp_path, store)
    assert not org.forget_locators and len(list(store.rows("accounts", ["id"]))) == 35


def test_a_sync_stops_before_the_days_calls_are_used_up_and_goes_on_later(org: Salesforce, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    org.used, org.limit = 884, 1_000
    stopped = _sync(org, tmp_path, store, ok=False, most_of_limit=0.888)
    assert "API calls of the day are used" in stopped.message
    assert _sync(org, tmp_path, store, most_of_limit=1.0).ok
    assert len(list(store.rows("accounts", ["id"]))) == 35


def test_deletes_are_told_and_those_too_long_ago_are_found(org: Salesforce, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    _sync(org, tmp_path, store)
    org.tick(3_600)
    org.remove("Account", "A003")
    assert _sync(org, tmp_path, store).totals.deleted == 1
    org.tick(86_400 * 30)
    org.remove("Account", "A004")
    org.earliest = org.time
    org.tick(60)
    assert _sync(org, tmp_path, store).totals.deleted == 1  # found by comparing keys


def test_a_bulk_read_that_was_cut_off_goes_on_with_its_job(org: Salesforce, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    bulk = {"bulk_above": 1, "bulk_page": 10}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingest.sync.stream_table.BATCH", 10)
        org.used, org.limit = 100, 1_000
        stopped = _sync(org, tmp_path, store, ok=False, most_of_limit=0.108, **bulk)
    assert "API calls" in stopped.message and 0 < len(list(store.rows("accounts", ["id"]))) < 35
    jobs = len(org.jobs)
    _sync(org, tmp_path, store, **bulk)
    assert len(org.jobs) == jobs and len(list(store.rows("accounts", ["id"]))) == 35


def test_a_field_whose_type_changed_keeps_its_column_until_it_is_accepted(org: Salesforce, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    _sync(org, tmp_path, store)
    org.types["Amount"] = "string"
    org.change("Account", "A001", Amount="much")
    report = _sync(org, tmp_path, store)
    assert any("amount is text at the source now" in warning for warning in report.warnings)
    assert [q.origin for q in store.quarantined("it")] == ["Account#A001"]
    _sync(org, tmp_path, store, full=True)
    assert store.quarantined("it") == []
    assert dict(store.rows("accounts", ["id", "amount"]))["A001"] == "much"
